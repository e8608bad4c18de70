"""The command `lrp-jax`: one module for each verb."""
