"""Captions for a set of images."""

import functools

import jax
import numpy as np
from jaxtyping import Float

from lrp_jax import models
from lrp_jax.data.vocabulary import Vocabulary
from lrp_jax.models import Captioner


@functools.partial(jax.jit, static_argnames=("captioner", "max_length"))
def _greedy(captioner: Captioner, params, features, max_length: int):
    return models.greedy(captioner, params, features, max_length=max_length)


def caption_features(
    captioner: Captioner,
    params,
    features: Float[np.ndarray, "n n_v C"],
    vocabulary: Vocabulary,
    *,
    max_length: int,
    batch_size: int = 128,
    sharding: jax.sharding.Sharding | None = None,
) -> list[str]:
    """Greedy captions of encoded images, words joined by spaces.

    Args:
      captioner, params: the model.
      features: of n images, in memory or mapped from a file.
      vocabulary: turns ids into words.
      max_length: the most words, the end token included.
      batch_size: images that are captioned at once.
      sharding: how a batch of features is laid over devices; None: where jax puts it.
    """
    captions = []
    for first in range(0, len(features), batch_size):
        batch = np.asarray(features[first : first + batch_size])
        count = len(batch)
        if count < batch_size:  # one shape, one compilation
            batch = np.pad(batch, ((0, batch_size - count), (0, 0), (0, 0)))
        tokens = _greedy(captioner, params, jax.device_put(batch, sharding), max_length)
        captions.extend(" ".join(vocabulary.decode(row)) for row in np.asarray(tokens)[:count])
    return captions
