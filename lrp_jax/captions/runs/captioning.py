"""Captions for a set of images."""

import jax
import numpy as np
from jaxtyping import Float, Int

from lrp_jax.captions.models import Captioner
from lrp_jax.captions.models.decoding import Decoder, decode
from lrp_jax.captions.words import Vocabulary


def caption_features(
    captioner: Captioner,
    params,
    features: Float[np.ndarray, "n n_v C"],
    vocabulary: Vocabulary,
    *,
    decoder: Decoder,
    batch_size: int = 128,
) -> list[str]:
    """The first caption that a decoder finds for each encoded image, words joined by spaces.

    Args:
      captioner, params: the model.
      features: of n images, in memory or mapped from a file.
      vocabulary: turns ids into words.
      decoder: `Greedy(...)`, `Beam(...)` or the like; not one that draws.
      batch_size: images that are captioned at once.
    """
    tokens = caption_tokens(captioner, params, features, decoder=decoder, batch_size=batch_size)
    return [" ".join(vocabulary.decode(row)) for row in tokens]


def caption_tokens(
    captioner: Captioner,
    params,
    features: Float[np.ndarray, "n n_v C"],
    *,
    decoder: Decoder,
    images: Int[np.ndarray, " m"] | None = None,
    batch_size: int = 128,
    sharding: jax.sharding.Sharding | None = None,
) -> Int[np.ndarray, "m L"]:
    """The tokens of the first caption that a decoder finds for each encoded image.

    Args:
      captioner, params, features, decoder: as for `caption_features`.
      images: which of the images, None for all.
      batch_size: images that are captioned at once.
      sharding: how a batch of features is laid over devices; None: where jax puts it.
    """
    images = np.arange(len(features)) if images is None else images
    found = []
    for first in range(0, len(images), batch_size):
        batch = np.asarray(features[images[first : first + batch_size]])
        count = len(batch)
        if count < batch_size:  # one shape, one compilation
            batch = np.pad(batch, ((0, batch_size - count), (0, 0), (0, 0)))
        tokens = decode(decoder, captioner, params, jax.device_put(batch, sharding)).tokens
        found.append(np.asarray(tokens)[:count, 0])
    return np.concatenate(found)
