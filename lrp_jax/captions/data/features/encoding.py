"""Runs an encoder over a dataset's images."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, UInt8
from tqdm import tqdm

from lrp_jax.captions.data.features.features import FeatureError, Features
from lrp_jax.captions.data.images import Subset, load_all
from lrp_jax.captions.images import Dataset, Example

Encode = Callable[[UInt8[np.ndarray, "B H W 3"]], Float[Array, "B h w C"] | Float[Array, "B n_v C"]]


class Encoded(NamedTuple):
    """An image and its features.

    Attributes:
      index: its index in the dataset.
      example: the image.
      features: float32 [h, w, C] or [n_v, C]; None if the image could not be read.
    """

    index: int
    example: Example
    features: Float[np.ndarray, "*positions C"] | None


def encoded(
    dataset: Dataset,
    encode: Encode,
    places: Sequence[int],
    *,
    size: tuple[int, int] | None = None,
    batch_size: int = 32,
    name: str = "features",
) -> Iterator[Encoded]:
    """The features of a dataset's images, one image after the other; unreadable images give a warning.

    Args:
      dataset, encode, size, batch_size, name: see `compute_features`.
      places: the indices of the images in the dataset.

    Raises:
      ValueError: `encode` returns neither a grid nor regions.
    """

    loaded = load_all(Subset(dataset, places), size)
    with tqdm(total=len(places), desc=name, unit="image", leave=False, disable=None) as progress:
        for begin in range(0, len(places), batch_size):
            chunk = [next(loaded) for _ in places[begin : begin + batch_size]]
            for _, example, _, error in chunk:
                if error is not None:
                    logging.warning("image %s is skipped: %s", example.id, error)
            images = [image.pixels for image in chunk if image.error is None]
            if images:
                missing = batch_size - len(images)
                padded = np.pad(np.stack(images), ((0, missing), (0, 0), (0, 0), (0, 0)))
                features = np.asarray(encode(padded), np.float32)
                if features.ndim not in (3, 4):
                    raise ValueError(f"encode returned shape {features.shape}, wanted [B, h, w, C] or [B, regions, C]")
                rows = iter(features)
            for image in chunk:
                yield Encoded(places[image.index], image.example, next(rows) if image.error is None else None)
            progress.update(len(chunk))


def compute_features(
    dataset: Dataset,
    encode: Encode,
    *,
    size: tuple[int, int] | None = None,
    batch_size: int = 32,
    name: str = "features",
) -> Features:
    """Encodes all images of a dataset into memory.

    An image that cannot be read is skipped with a warning that names it.

    Args:
      dataset: the images.
      encode: uint8 images [B, H, W, 3] -> [B, h, w, C] of a grid, or [B, n_v, C] of regions; always called with
        B = `batch_size`, so that a jitted function is compiled once.
      size: (H, W) that the images are resized to; None if all have the same size.
      batch_size: images per call.
      name: label of the progress bar.

    Returns:
      The features of the images that could be read, in the order of the dataset, with their indices.

    Raises:
      FeatureError: no image could be read.
      ValueError: `encode` returns neither a grid nor regions.
    """
    array, grid, indices, captions = None, None, [], []
    places = range(len(dataset))
    for index, example, features in encoded(dataset, encode, places, size=size, batch_size=batch_size, name=name):
        if features is None:
            continue
        if array is None:
            grid, shape = layout(features)
            array = np.empty((len(dataset), *shape), np.float32)
        array[len(indices)] = features.reshape(array.shape[1:])
        indices.append(index)
        captions.append(tuple(example.captions))
    if array is None:
        raise FeatureError(none_read(len(dataset)))
    return Features(array[: len(indices)], grid, np.array(indices), tuple(captions))


def layout(features: Float[np.ndarray, "*positions C"]) -> tuple[tuple[int, int] | None, tuple[int, int]]:
    """The grid (h, w) of an image's features, None for regions, and their shape (n_v, C)."""
    *positions, channels = features.shape
    return tuple(positions) if len(positions) == 2 else None, (math.prod(positions), channels)


def none_read(count: int) -> str:
    """The error message for a dataset without readable images."""
    if not count:
        return "got a dataset without images, wanted at least one"
    return f"none of the {count} images could be read, see the warnings above"
