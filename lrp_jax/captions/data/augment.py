"""Horizontal flips of images, with their boxes and captions."""

from collections.abc import Collection

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

SIDES = ("left", "right")
"""The words that become wrong when an image is flipped."""


def flip(
    image: UInt8[np.ndarray, "*batch H W 3"], boxes: Float[np.ndarray, "n 4"] | None = None
) -> tuple[UInt8[np.ndarray, "*batch H W 3"], Float[np.ndarray, "n 4"] | None]:
    """An image, or a batch of them, with left and right exchanged, and the boxes of the flipped image.

    Args:
      image: pixels.
      boxes: (x0, y0, x1, y1) as shares of width and height; None if there are none.
    """
    if boxes is not None:
        x0, y0, x1, y1 = np.moveaxis(boxes, -1, 0)
        boxes = np.stack([1 - x1, y0, 1 - x0, y1], axis=-1)
    return image[..., ::-1, :], boxes


def flips(rate: float, count: int, *, seed: int, step: int) -> Bool[np.ndarray, " count"]:
    """Which images of the batch of a step are flipped; depends only on the seed and the step.

    A process that reads a share of the batch uses the same share of these.
    """
    # The third number separates this stream from that of the order of an epoch, which has two.
    return np.random.default_rng((seed, step, 1)).random(count) < rate


def speaks_of(words: Collection[int], tokens: Int[np.ndarray, "B *captions T"]) -> Bool[np.ndarray, " B"]:
    """Whether any of the words is in the caption (or in one of the captions) of each image."""
    return np.isin(tokens, list(words)).any(axis=tuple(range(1, tokens.ndim)))
