"""Visual features of a frozen encoder, computed once.

An encoder that is not trained gives the same features in every epoch. They are computed in one pass over the
images and kept in memory, or in a folder from where they are mapped into memory when a run starts.
"""

import dataclasses
import hashlib
import json
import logging
import math
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import grain
import jax
import numpy as np
from jaxtyping import Array, Float, Int, UInt8
from tqdm import tqdm

from lrp_jax.data.files import atomic, atomic_path
from lrp_jax.data.records import Example, load_image

Encode = Callable[[UInt8[np.ndarray, "B H W 3"]], Float[Array, "B h w C"] | Float[Array, "B n_v C"]]


class Dataset(Protocol):
    """Anything with a length that gives examples by their index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Example: ...


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """The features of a dataset's images, and their captions.

    Attributes:
      array: float32 [n, n_v, C], the h x w positions of an image row by row, or its regions; perhaps mapped
        from a file.
      grid: (h, w) with n_v = h w; None where the features are of regions that form no grid.
      indices: where the n images stand in the dataset: all of it, but for images that could not be read.
      captions: the reference captions of each of the n images.
      boxes: (x0, y0, x1, y1) of each region as shares of the image's width and height, float32 [n, n_v, 4];
        None where the regions are the positions of a grid, or the encoder's own.
    """

    array: Float[np.ndarray, "n n_v C"]
    grid: tuple[int, int] | None
    indices: Int[np.ndarray, " n"]
    captions: tuple[tuple[str, ...], ...]
    boxes: Float[np.ndarray, "n n_v 4"] | None = None

    def __len__(self) -> int:
        return len(self.indices)


class LazyImages:
    """The pixels of a dataset's images by their numbers, read when they are needed.

    Args:
      dataset: the images.
      size: (H, W) that they are resized to.
    """

    def __init__(self, dataset: Dataset, size: tuple[int, int]):
        self._dataset, self._size = dataset, size

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, images: Int[np.ndarray, " B"]) -> UInt8[np.ndarray, "B H W 3"]:
        return np.stack([load_image(self._dataset[int(index)].image, self._size) for index in images])


def compute_features(
    dataset: Dataset,
    encode: Encode,
    *,
    size: tuple[int, int] | None = None,
    batch_size: int = 32,
    name: str = "features",
    out: str | os.PathLike | None = None,
) -> Features:
    """Encodes all images of a dataset.

    An image that cannot be read is left out with a warning that names it.

    Args:
      dataset: the images.
      encode: uint8 images [B, H, W, 3] -> [B, h, w, C] of a grid, or [B, n_v, C] of regions; always called with
        B = `batch_size`, so that a jitted function is compiled once.
      size: (H, W) that the images are resized to; None where they all have one size already.
      batch_size: images per call.
      name: what the progress bar says.
      out: a `.npy` file to write the array to instead of memory.

    Raises:
      ValueError: no image could be read, or `encode` gives neither of the two.
    """

    def load(index: int) -> tuple[int, np.ndarray | None, tuple[str, ...]]:
        example = dataset[index]
        try:
            return index, load_image(example.image, size), example.captions
        except (OSError, ValueError) as error:
            logging.warning("image %s is left out: %s", example.id, error)
            return index, None, example.captions

    # Threads, not processes: Pillow and XLA release the interpreter's lock.
    loaded = iter(
        grain.MapDataset.range(len(dataset))
        .map(load)
        .to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=2 * batch_size))
    )
    array, grid, indices, captions = None, None, [], []
    with tqdm(total=len(dataset), desc=name, unit="image", leave=False, disable=None) as progress:
        for count in _chunks(len(dataset), batch_size):
            chunk = [next(loaded) for _ in range(count)]
            good = [item for item in chunk if item[1] is not None]
            if good:
                images = np.stack([image for _, image, _ in good])
                missing = batch_size - len(images)
                features = np.asarray(encode(np.pad(images, ((0, missing), (0, 0), (0, 0), (0, 0)))))[: len(good)]
                if features.ndim not in (3, 4):
                    raise ValueError(f"encode gave shape {features.shape}, wanted [B, h, w, C] or [B, regions, C]")
                if array is None:
                    *positions, channels = features.shape[1:]
                    grid = tuple(positions) if len(positions) == 2 else None
                    array = _empty(out, (len(dataset), math.prod(positions), channels))
                array[len(indices) : len(indices) + len(good)] = features.reshape(len(good), *array.shape[1:])
                indices.extend(index for index, _, _ in good)
                captions.extend(texts for _, _, texts in good)
            progress.update(count)
    if isinstance(array, np.memmap):
        array.flush()
    if array is None:
        raise ValueError(f"none of the {len(dataset)} images could be read, see the warnings above")
    return Features(array[: len(indices)], grid, np.array(indices), tuple(captions))


def cached_features(
    folder: str | os.PathLike,
    dataset: Dataset,
    encode: Encode,
    *,
    key: str,
    name: str = "features",
    **options: Any,
) -> Features:
    """The features of a dataset from a folder, computed and written there if they are not in it.

    Args:
      folder: where the files are; made if missing.
      dataset, encode, **options: see `compute_features`.
      key: identifies what `encode` computes: the `digest` of the encoder, its weights and its
        preprocessing. With the dataset's own digest it is part of the file's name and in its header, so
        that features of other weights, another preprocessing or other images are never taken for these.
      name: the beginning of the file's name.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    key = digest(key, dataset_digest(dataset), options.get("size"))
    stem = folder / f"{name}-{key[:16]}"
    array_file, header_file = stem.with_suffix(".npy"), stem.with_suffix(".json")
    features = _read(array_file, header_file, key)
    if features is None:
        with atomic_path(array_file) as temporary:
            computed = compute_features(dataset, encode, name=name, out=temporary, **options)
        header = {
            "key": key,
            "grid": computed.grid,
            "indices": computed.indices.tolist(),
            "captions": computed.captions,
        }
        with atomic(header_file) as file:
            json.dump(header, file)
        features = _read(array_file, header_file, key)
    return features


def digest(*things: Any) -> str:
    """A hexadecimal SHA-256 of strings, numbers, None, arrays, and lists, tuples and dicts of them.

    Raises:
      TypeError: something is of another type.
    """
    sha = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(things, is_leaf=lambda leaf: leaf is None):
        if not (leaf is None or isinstance(leaf, (str, bytes, bool, int, float, np.generic, np.ndarray, jax.Array))):
            raise TypeError(f"cannot digest a {type(leaf).__name__}: wanted strings, numbers, arrays, containers")
        if isinstance(leaf, (np.ndarray, jax.Array)):
            array = np.ascontiguousarray(leaf)
            leaf, content = f"{array.dtype}{array.shape}", array.tobytes()
        else:
            content = leaf if isinstance(leaf, bytes) else b""
        sha.update(f"{jax.tree_util.keystr(path)} {type(leaf).__name__} {leaf!r}\n".encode())
        sha.update(content)
    return sha.hexdigest()


def dataset_digest(dataset: Dataset, samples: int = 256) -> str:
    """A digest of a dataset: of its length and of at most `samples` examples, spread over it, with pixels."""
    count = len(dataset)
    chosen = np.unique(np.linspace(0, count - 1, min(samples, count)).round().astype(int)) if count else []
    sampled = []
    for index in map(int, chosen):
        example = dataset[index]
        image = example.image
        if isinstance(image, pathlib.Path):
            image = image.read_bytes() if image.is_file() else str(image)
        sampled.append((example.id, image, list(example.captions)))
    return digest(count, sampled)


def _read(array_file: pathlib.Path, header_file: pathlib.Path, key: str) -> Features | None:
    """The features in the two files, or None unless both are whole and belong to the key."""
    try:
        header: Mapping = json.loads(header_file.read_text(encoding="utf-8"))
        array = np.load(array_file, mmap_mode="r", allow_pickle=False)
        if header["key"] != key:
            return None
        indices, grid = np.array(header["indices"], int), header["grid"] and tuple(header["grid"])
        captions = tuple(tuple(texts) for texts in header["captions"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logging.warning("%s is damaged and computed anew: %s", array_file, error)
        return None
    if array.ndim != 3 or len(array) < len(indices) or (grid and array.shape[1] != math.prod(grid)):
        logging.warning("%s does not fit its header and is computed anew", array_file)
        return None
    return Features(array[: len(indices)], grid, indices, captions)


def _empty(out: str | os.PathLike | None, shape: tuple[int, ...]) -> np.ndarray:
    if out is None:
        return np.empty(shape, np.float32)
    return np.lib.format.open_memmap(out, mode="w+", dtype=np.float32, shape=shape)


def _chunks(total: int, size: int) -> list[int]:
    return [min(size, total - first) for first in range(0, total, size)]
