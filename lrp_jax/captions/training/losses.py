"""The cross-entropy loss."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lrp_jax.captions.words import PAD


def cross_entropy(
    logits: Float[Array, "*batch T V"], targets: Int[Array, "*batch T"], pad: int = PAD
) -> Float[Array, ""]:
    """The mean of -log p(target) over all targets that are not padding, Eq. 17.

    Every word of the batch has the same weight, so a long caption has more weight than a short one.

    Args:
      logits: scores over the vocabulary.
      targets: the words to predict.
      pad: the target that is ignored.

    Returns:
      A scalar; 0 if all targets are padding.
    """
    log_p = jax.nn.log_softmax(logits)
    chosen = jnp.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
    counts = (targets != pad).astype(log_p.dtype)
    return -(chosen * counts).sum() / jnp.maximum(counts.sum(), 1)
