"""The features of a dataset's images, in memory or on disk."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from lrp_jax.captions.storage.shards import LazyArray


class FeatureError(ValueError):
    """Features cannot be computed or used; the message says why, and what to do."""


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """The features of a dataset's images, and their captions.

    Attributes:
      array: float32 [n, n_v, C], the h x w positions of an image row by row, or its regions; in memory, or read
        from files when rows are indexed: `array[rows]` is an array in memory in both cases.
      grid: (h, w) with n_v = h w; None if the features are of regions that form no grid.
      indices: the indices of the n images in the dataset; unreadable images are missing.
      captions: the reference captions of each of the n images.
      boxes: (x0, y0, x1, y1) of each region as shares of the image's width and height, float32 [n, n_v, 4], in memory
        or in files like `array`; None if the regions are the positions of a grid, or defined by the encoder.
    """

    array: Float[np.ndarray, "n n_v C"] | LazyArray
    grid: tuple[int, int] | None
    indices: Int[np.ndarray, " n"]
    captions: tuple[tuple[str, ...], ...]
    boxes: Float[np.ndarray, "n n_v 4"] | LazyArray | None = None

    def __len__(self) -> int:
        return len(self.indices)
