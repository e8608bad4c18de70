"""What a store of regions holds: its index.json."""

import dataclasses
import json
import pathlib

import numpy as np

from lrp_jax.data.bottom_up.record import DTYPES, layout
from lrp_jax.data.files import atomic

NAME = "index.json"
KIND = "lrp_jax bottom-up regions"
VERSION = 1


@dataclasses.dataclass(frozen=True)
class Shard:
    """One finished array_record file.

    Attributes:
        file: its name in the folder.
        bytes: its length.
        crc32: of its content.
        ids: its images in the order of the records.
    """

    file: str
    bytes: int
    crc32: int
    ids: tuple[str, ...]


@dataclasses.dataclass
class Index:
    """The index of a store.

    Attributes:
        source: what identifies the converted source.
        n_v, d, dtype: regions per image, channels, and how the features are stored.
        names: the detector's classes by their numbers, or None.
        shards: the finished files.
        entries: how many images of the source, damaged ones included, have been dealt with.
        damaged, repeated: images that were left out because they were damaged, or came a second time.
        cut, padded: images that had more, or fewer, than n_v regions.
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


def write_index(folder: pathlib.Path, index: Index) -> None:
    """Writes an index, whole or not at all."""
    with atomic(folder / NAME) as file:
        json.dump({"kind": KIND, "version": VERSION, **dataclasses.asdict(index)}, file, ensure_ascii=False)


def read_index(folder: pathlib.Path) -> Index:
    """Reads the index of a store and looks whether its files are there in their full length.

    Raises:
        FileNotFoundError: there is no index in the folder.
        ValueError: it is of another kind or version, or damaged, or a file is missing or cut off.
    """
    path = folder / NAME
    if not path.is_file():
        raise FileNotFoundError(f"{folder}: got no {NAME}, wanted a store made by python -m lrp_jax.data.bottom_up")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind, version = content.pop("kind"), content.pop("version")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: got no index of regions ({error!r}), wanted one; convert again") from None
    if (kind, version) != (KIND, VERSION):
        raise ValueError(f"{path}: got {kind!r} of version {version}, wanted {KIND!r} of version {VERSION}")
    try:
        shards = tuple(Shard(**{**shard, "ids": tuple(shard["ids"])}) for shard in content.pop("shards"))
        names = content.pop("names")
        index = Index(**content, shards=shards, names=None if names is None else tuple(names))
        if index.dtype not in DTYPES or not (index.n_v > 0 and index.d > 0):
            raise ValueError(f"{index.n_v} regions of {index.d} channels in {index.dtype}")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: got a damaged index ({error!r}); convert again") from None
    for shard in shards:
        file = folder / shard.file
        found = file.stat().st_size if file.is_file() and file.parent == folder else 0
        if found != shard.bytes:
            raise ValueError(
                f"{file}: got {found} bytes, wanted {shard.bytes}; copy the file again, or delete {folder} and convert"
            )
    return index
