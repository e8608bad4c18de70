"""The pixels of a dataset's images: all of them in order, or some by index, read on access."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from lrp_jax.captions.images import Dataset, Example, load_image


class UnreadableImageError(OSError):
    """An image is missing or damaged; the message names it."""


class Loaded(NamedTuple):
    """An example and the pixels of its image, or the error of reading them.

    Attributes:
      index: its index in the dataset.
      example: the example at this index.
      pixels: uint8 [H, W, 3]; None if the image cannot be read.
      error: the exception of `load_image`; None if the image was read.
    """

    index: int
    example: Example
    pixels: UInt8[np.ndarray, "H W 3"] | None
    error: Exception | None


def load_all(
    dataset: Dataset, size: tuple[int, int] | None = None, *, first: int = 0, threads: int = 0
) -> Iterator[Loaded]:
    """All images of a dataset in its order, prefetched in threads. An unreadable image does not affect the others.

    Args:
      dataset: the images.
      size: (H, W) that they are resized to; None: each keeps its own.
      first: the index of the first one.
      threads: the number of threads; 0: the number of cores.

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
    # Threads, not processes: Pillow releases the interpreter lock while it decodes and resizes.
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=16 * threads)
    return iter(grain.MapDataset.range(min(first, len(dataset)), len(dataset)).map(load).to_iter_dataset(options))


def cores() -> int:
    """The number of threads to use: that of the cores of this process, at most 16, because each holds a batch."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, 16)


class LazyImages:
    """The pixels of a dataset's images by index, read on access.

    Args:
      dataset: the images.
      size: (H, W) that they are resized to; None if all have the same size.

    Raises, when images are read:
      UnreadableImageError: one of them cannot be read.
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
    """Some examples of a dataset, in the order of the given indices."""

    def __init__(self, dataset: Dataset, indices: Sequence[int]):
        self._dataset, self._indices = dataset, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Example:
        return self._dataset[self._indices[index]]
