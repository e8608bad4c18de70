"""A dataset's images as pixels: all of them in order, or some by their numbers when they are needed."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from lrp_jax.captions.images import Dataset, Example, load_image


class UnreadableImageError(OSError):
    """An image that was wanted is no whole image; the message names it."""


class Loaded(NamedTuple):
    """An example and the pixels of its image, or what kept them from being read.

    Attributes:
      index: where it stands in the dataset.
      example: what the dataset has there.
      pixels: uint8 [H, W, 3], None if the image cannot be read.
      error: then what `load_image` raised.
    """

    index: int
    example: Example
    pixels: UInt8[np.ndarray, "H W 3"] | None
    error: Exception | None


def load_all(
    dataset: Dataset, size: tuple[int, int] | None = None, *, first: int = 0, threads: int = 0
) -> Iterator[Loaded]:
    """All images of a dataset in its order, read ahead in threads. One that cannot be read costs no other.

    Args:
      dataset: the images.
      size: (H, W) that they are resized to; None: each has its own.
      first: the one to begin with.
      threads: how many; 0: as many as there are cores.

    Example:
      >>> for index, example, pixels, error in load_all(dataset, (224, 224)):
      ...     if error is None: ...
    """

    def load(index: int) -> Loaded:
        example = dataset[index]
        try:
            return Loaded(index, example, load_image(example.image, size), None)
        except (OSError, ValueError) as error:
            return Loaded(index, example, None, error)

    import grain  # here: explaining a picture needs no input pipeline, and grain takes a second

    threads = threads or cores()
    # Threads, not processes: Pillow decodes and resizes without the interpreter's lock.
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=16 * threads)
    return iter(grain.MapDataset.range(min(first, len(dataset)), len(dataset)).map(load).to_iter_dataset(options))


def cores() -> int:
    """The processor cores that this process may use, as a number of threads: at most 16, as each holds a batch."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, 16)


class LazyImages:
    """The pixels of a dataset's images by their numbers, read when they are needed.

    Args:
      dataset: the images.
      size: (H, W) that they are resized to; None where they all have one size already.

    Raises, when images are read:
      UnreadableImageError: one of them cannot be.
    """

    def __init__(self, dataset: Dataset, size: tuple[int, int] | None):
        self._dataset, self._size = dataset, size

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, images: Int[np.ndarray, " B"]) -> UInt8[np.ndarray, "B H W 3"]:
        return np.stack([self._load(self._dataset[int(index)]) for index in images])

    def _load(self, example: Example) -> UInt8[np.ndarray, "H W 3"]:
        try:
            return load_image(example.image, self._size)
        except (OSError, ValueError) as error:
            raise UnreadableImageError(f"image {example.id}: {error}") from error


class Subset:
    """Some examples of a dataset, in the order of their numbers given."""

    def __init__(self, dataset: Dataset, indices: Sequence[int]):
        self._dataset, self._indices = dataset, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Example:
        return self._dataset[self._indices[index]]
