"""The index of a store of regions."""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from lrp_jax.captions.data.bottom_up.record import DTYPES, layout
from lrp_jax.captions.storage import shards
from lrp_jax.captions.storage.shards import Kind, Shard

KIND = Kind(
    "lrp_jax bottom-up regions",
    version=1,
    made="a store made by python -m lrp_jax.captions.data.bottom_up",
    again="delete the folder and convert again",
)


@dataclasses.dataclass
class Index:
    """The index of a store.

    Attributes:
        source: what identifies the converted source.
        n_v, d, dtype: regions per image, channels, and the dtype of the stored features.
        names: the names of the detector's classes, by class number, or None.
        shards: the finished files.
        entries: number of images of the source that have been processed, damaged ones included.
        damaged, repeated: number of images that were skipped because they were damaged, or repeated.
        cut, padded: number of images that had more, or fewer, than n_v regions.
        complete: whether the source was read to its end.
    """

    source: dict[str, str | int]
    n_v: int
    d: int
    dtype: str
    names: tuple[str, ...] | None = None
    shards: tuple[Shard, ...] = ()
    entries: int = 0
    damaged: int = 0
    repeated: int = 0
    cut: int = 0
    padded: int = 0
    complete: bool = False

    @property
    def record(self) -> np.dtype:
        """The layout of the records."""
        return layout(self.n_v, self.d, self.dtype)

    def __len__(self) -> int:
        return sum(len(shard.ids) for shard in self.shards)


def read_index(folder: pathlib.Path) -> Index:
    """Reads the index of a store and checks that its files exist with their full length.

    Raises:
        FileNotFoundError: there is no index in the folder.
        ValueError: the index is of another type or version, or damaged, or a file is missing or truncated.
    """
    index = shards.read_index(folder, KIND, _build)
    shards.check_files(folder, KIND, index.shards)
    return index


def _build(content: dict[str, Any]) -> Index:
    names = content.pop("names")
    index = Index(**content, names=None if names is None else tuple(names))
    if index.dtype not in DTYPES or not (index.n_v > 0 and index.d > 0):
        raise ValueError(f"{index.n_v} regions of {index.d} channels in {index.dtype}")
    return index
