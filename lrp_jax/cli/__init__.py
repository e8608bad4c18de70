"""The command `lrp-jax`: a module for each of its verbs."""
