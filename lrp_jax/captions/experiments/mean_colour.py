"""The colour that stands for nothing: the mean of the images that a captioner was trained on."""

import functools

import numpy as np

from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import load_image
from lrp_jax.captions.runs.speaker import Speaker

MOST = 500
"""Images that are read at most."""


@functools.cache  # reading the images takes seconds
def mean_colour(speaker: Speaker) -> tuple[float, float, float]:
    """Red, green and blue, as fractions of 255: the mean of at most 500 of the training images, spread over them.

    Where they are not known it is what the encoder's preprocessing takes for the mean, which of an encoder of our own
    may be a mere grey.

    Raises:
      ValueError: none of the training images can be read.
    """
    if not speaker.config.get("source"):
        return speaker.preprocessing.mean
    images = source(speaker.config.source)["train"]
    means = []
    for index in np.unique(np.linspace(0, len(images) - 1, min(len(images), MOST)).astype(int)):
        try:
            means.append(load_image(images[int(index)].image).mean(axis=(0, 1)) / 255)
        except (OSError, ValueError):
            continue  # as in training, where a bad image is left out
    if not means:
        raise ValueError(f"got no readable image among {len(images)} training images; wanted one for their mean colour")
    return tuple(np.mean(means, axis=0).tolist())
