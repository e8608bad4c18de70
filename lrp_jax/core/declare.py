"""Two identities by which a model says what the analyses cannot find."""

import jax
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array

GATE = "lrp_jax.gate"
NEURON = "lrp_jax.neuron"


def gate(x: Array) -> Array:
    """Declares `x` to be a gate: a product with it passes all relevance to the other factor.

    Needed only where the gate does not come from a sigmoid or a softmax, which `lrp` finds by itself. Outside `lrp`
    it is the identity and costs nothing.

    Args:
      x: an array of any shape, or a tree of such.

    Returns:
      `x`.

    Example:
      >>> import jax.numpy as jnp, lrp_jax
      >>> switch = lrp_jax.gate(jnp.tanh(2.0))  # not a sigmoid, but meant as a gate
    """
    return jax.tree.map(lambda leaf: checkpoint_name(leaf, GATE), x)


def neuron(x: Array) -> Array:
    """Declares `x` to be a neuron: the rule for sums is applied to it even if it goes on into a further sum.

    Two layers without anything between them, `V(Wx + b) + c`, are two neurons anyway; this is for a sum that is
    meant to be two, as in `neuron(Wx) + Uh`. Outside `lrp` it is the identity and costs nothing.

    Args:
      x: an array of any shape, or a tree of such.

    Returns:
      `x`.

    Example:
      >>> import jax.numpy as jnp, lrp_jax
      >>> two_sums = lrp_jax.neuron(jnp.ones(2) @ jnp.ones(2)) + 1.0  # epsilon counts twice
    """
    return jax.tree.map(lambda leaf: checkpoint_name(leaf, NEURON), x)
