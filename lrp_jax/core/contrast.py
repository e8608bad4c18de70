"""Contrastive seeds: why this class, and not another."""

import jax
import jax.numpy as jnp
import numpy as np
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
      target: the class to explain, for each element of the batch; -1 is the last.
      against: "rest" for all other classes, or the other class.

    Returns:
      A seed for `relevance`, `relevance_at` or `audit`.

    Raises:
      ValueError: a class that does not exist, or another string. Inside `jit` the classes are not known, and one that
        does not exist makes the seed NaN.

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
    chosen = _one_hot("target", target, logits)
    if isinstance(against, str):
        if against != "rest":
            raise ValueError(f"got against={against!r}; wanted 'rest' or the index of a class")
        # A softmax over the others, which stays exact where p_t is nearly 1.
        others = jax.nn.softmax(jnp.where(chosen > 0, -jnp.inf, logits), axis=-1)
    else:
        others = _one_hot("against", against, logits)
    return chosen - others


def _one_hot(
    name: str, classes: int | Int[Array, "*batch"], logits: Float[Array, "*batch n"]
) -> Float[Array, "*batch n"]:
    count = logits.shape[-1]
    if not isinstance(classes, jax.core.Tracer):
        given = np.asarray(classes)
        if not np.issubdtype(given.dtype, np.integer):
            raise ValueError(f"got {name}={classes!r}; wanted the index of a class, an integer")
        outside = given[(given < -count) | (given >= count)]
        if outside.size:
            raise ValueError(
                f"got {name}={outside.flat[0]}; wanted a class from 0 to {count - 1}, or from -1 to {-count}"
            )
    classes = jnp.asarray(classes)
    chosen = jax.nn.one_hot(jnp.where(classes < 0, classes + count, classes), count, dtype=logits.dtype)
    there = (classes >= -count) & (classes < count)
    return jnp.where(there[..., None], chosen, jnp.nan)
