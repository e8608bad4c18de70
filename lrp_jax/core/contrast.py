"""Contrastive seeds: why this class, and not another."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def contrastive_seed(
    logits: Float[Array, "*batch n"],
    target: int | Int[Array, "*batch"],
    against: str | int | Int[Array, "*batch"] = "rest",
) -> Float[Array, "*batch n"]:
    """The relevance to give to logits z so that the explanation says why the target and not another class.

    Against a class k: R_t = z_t and R_k = -z_k, which explains z_t - z_k. Against the rest: R_t = z_t and
    R_k = -z_k p_k / (1 - p_t), which shares one among the other classes as the softmax does: the densities are the
    derivative of the log odds log(p_t / (1 - p_t)).

    Args:
      logits: the output of the function that is explained, softmax not applied.
      target: the class to explain, for each element of the batch.
      against: "rest", or the other class.

    Returns:
      A seed for `relevance`, `relevance_at` or `audit`.

    Raises:
      ValueError: for another string.

    Example:
      >>> import jax.numpy as jnp, lrp_jax
      >>> lrp_jax.contrastive_seed(jnp.array([3.0, 1.0, 2.0]), 0, against=2)
      Array([ 3.,  0., -2.], dtype=float32)

    Reference:
      Gu et al., Understanding Individual Decisions of CNNs via Contrastive Backpropagation, 2018; Iwana et al.,
      Explaining Convolutional Neural Networks using Softmax Gradient Layer-wise Relevance Propagation, 2019.
    """
    logits = jnp.asarray(logits)
    return logits * contrast(logits, target, against)


def contrast(
    logits: Float[Array, "*batch n"],
    target: int | Int[Array, "*batch"],
    against: str | int | Int[Array, "*batch"] = "rest",
) -> Float[Array, "*batch n"]:
    """The densities behind `contrastive_seed`: 1 for the target, and weights that sum to -1 for the others.

    A density explains a logit that is exactly 0 too, which a seed cannot.
    """
    chosen = jax.nn.one_hot(target, logits.shape[-1], dtype=logits.dtype)
    if isinstance(against, str):
        if against != "rest":
            raise ValueError(f"got against={against!r}; wanted 'rest' or the index of a class")
        # A softmax over the others, which stays exact where p_t is nearly 1.
        others = jax.nn.softmax(jnp.where(chosen > 0, -jnp.inf, logits), axis=-1)
    else:
        others = jax.nn.one_hot(against, logits.shape[-1], dtype=logits.dtype)
    return chosen - others
