"""The index of a folder of features."""

import dataclasses
import itertools
import pathlib
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np

from lrp_jax.captions.storage import shards
from lrp_jax.captions.storage.shards import Kind, Shard

KIND = Kind(
    "lrp_jax encoded images",
    version=1,
    made="features written by a run with this features_folder",
    again="delete the folder to compute it again",
)
DTYPES = {"float16": "<f2", "float32": "<f4"}


@dataclasses.dataclass
class Index:
    """The index of a folder of features.

    Attributes:
      key: what the features were computed from: encoder, weights, preprocessing, decoding, ids of the images.
      samples: (index, digest of id and pixels) of some of the dataset's images.
      dtype: of the stored features.
      images: number of images of the dataset.
      shard_images: images per file: file i has the readable images from index i * shard_images on.
      shape: (n_v, C); None before the first image.
      grid: (h, w) or None, as in `Features`.
      left_out: the indices of unreadable images, in order.
      shards: the finished files.
    """

    key: dict[str, str]
    samples: tuple[tuple[int, str], ...]
    dtype: str
    images: int
    shard_images: int
    shape: tuple[int, int] | None = None
    grid: tuple[int, int] | None = None
    left_out: tuple[int, ...] = ()
    shards: tuple[Shard, ...] = ()

    def __len__(self) -> int:
        """The number of stored images."""
        return sum(len(shard.ids) for shard in self.shards)

    @property
    def files(self) -> int:
        """The number of files of a complete folder."""
        return -(-self.images // self.shard_images)

    @property
    def complete(self) -> bool:
        return len(self.shards) == self.files

    @property
    def bytes(self) -> int:
        """The bytes of one record."""
        return int(np.prod(self.shape)) * np.dtype(DTYPES[self.dtype]).itemsize

    def places(self, number: int) -> range:
        """The indices of the images of a file."""
        return range(number * self.shard_images, min((number + 1) * self.shard_images, self.images))

    def put(self, number: int, shard: Shard, left_out: list[int]) -> None:
        """Adds or replaces a file that was written."""
        self.shards = (*self.shards[:number], shard, *self.shards[number + 1 :])
        others = (place for place in self.left_out if place not in self.places(number))
        self.left_out = tuple(sorted(itertools.chain(others, left_out)))

    def differences(self, wanted: "Index") -> Iterator[str]:
        """Descriptions of the differences between these features and the wanted ones."""
        for part in [*wanted.key, *(self.key.keys() - wanted.key.keys())]:
            got, want = self.key.get(part), wanted.key.get(part)
            if got != want:
                yield f"{part} {_short(got)}, wanted {_short(want)}"
        if self.images != wanted.images:
            yield f"{self.images} images, wanted {wanted.images}"
        else:
            # Unreadable images may have been repaired since.
            changed = sorted(dict(set(wanted.samples) - set(self.samples)).keys() - set(self.left_out))
            if changed:
                yield f"other pixels or another id of image {changed[0]}"
        if self.dtype != wanted.dtype:
            yield f"features_dtype {self.dtype}, wanted {wanted.dtype}"


def read_index(folder: pathlib.Path) -> Index:
    """Reads the index of a folder, without its files.

    Raises:
      FileNotFoundError: there is no index.
      ValueError: the index is of another type or version, or damaged.
    """
    return shards.read_index(folder, KIND, _build)


def _build(content: dict[str, Any]) -> Index:
    for name in ("shape", "grid"):
        content[name] = content[name] and tuple(content[name])
    content["left_out"] = tuple(content["left_out"])
    content["samples"] = tuple((place, digest) for place, digest in content["samples"])
    index = Index(**content)
    done = min(len(index.shards) * index.shard_images, index.images)
    if index.dtype not in DTYPES or (index.shape is None and len(index)):
        raise ValueError(f"{len(index)} images of shape {index.shape} in {index.dtype}")
    if len(index) + len(index.left_out) != done:
        raise ValueError(f"{len(index)} images and {len(index.left_out)} left out of {done}")
    return index


def _short(part: str | None) -> str:
    if part is None:
        return "unknown"
    return part[:12] if len(part) == 64 and part.isalnum() else textwrap.shorten(part, 100, placeholder=" ...")
