"""The index of a folder of shards, index.json."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from lrp_jax.captions.storage.files import atomic

NAME = "index.json"


class Kind(NamedTuple):
    """The content type of a folder of shards.

    Attributes:
        name: the type, as written in the index.
        version: of the format of index and records.
        made: the command that creates such a folder, for the error message if there is none.
        again: what to do with a damaged folder, for error messages.
    """

    name: str
    version: int
    made: str
    again: str


@dataclasses.dataclass(frozen=True)
class Shard:
    """One finished array_record file.

    Attributes:
        file: its name in the folder.
        bytes: its length.
        crc32: of its content.
        ids: the ids of its records (of images, for example), in their order.
    """

    file: str
    bytes: int
    crc32: int
    ids: tuple[str, ...]


class Index(Protocol):
    """A dataclass that describes the records; its `shards` are the finished files."""

    shards: tuple[Shard, ...]


AnyIndex = TypeVar("AnyIndex", bound=Index)


def write_index(folder: pathlib.Path, kind: Kind, index: Index) -> None:
    """Writes an index, atomically."""
    with atomic(folder / NAME) as file:
        content = {"kind": kind.name, "version": kind.version, **dataclasses.asdict(index)}
        json.dump(content, file, ensure_ascii=False)


def read_index(folder: pathlib.Path, kind: Kind, build: Callable[[dict[str, Any]], AnyIndex]) -> AnyIndex:
    """Reads the index of a folder, without reading the shards.

    Args:
        folder: the folder of shards.
        kind: the expected content type.
        build: makes the index from its fields, in which `shards` are `Shard` objects and the rest is plain JSON;
            raises KeyError, TypeError or ValueError for invalid fields.

    Raises:
        FileNotFoundError: there is no index in the folder.
        ValueError: the index is of another type or version, or damaged.
    """
    path = folder / NAME
    if not path.is_file():
        raise FileNotFoundError(f"{folder}: got no {NAME}, wanted {kind.made}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        name, version = content.pop("kind"), content.pop("version")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: got no index ({error!r}), wanted one of {kind.name}; {kind.again}") from None
    if (name, version) != (kind.name, kind.version):
        raise ValueError(
            f"{path}: got {name!r} of version {version}, wanted {kind.name!r} of version {kind.version}; {kind.again}"
        )
    try:
        shards = tuple(Shard(**{**shard, "ids": tuple(shard["ids"])}) for shard in content["shards"])
        return build({**content, "shards": shards})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: got a damaged index ({error!r}); {kind.again}") from None


def is_whole(folder: pathlib.Path, shard: Shard) -> bool:
    """Whether a shard exists with its full length."""
    return _length(folder, shard) == shard.bytes


def check_files(folder: pathlib.Path, kind: Kind, shards: Sequence[Shard]) -> None:
    """Checks that all shards exist with their full length.

    Raises:
        ValueError: a shard is missing or truncated.
    """
    for shard in shards:
        if not is_whole(folder, shard):
            raise ValueError(
                f"{folder / shard.file}: got {_length(folder, shard)} bytes, wanted {shard.bytes}; "
                f"copy the file again, or {kind.again}"
            )


def _length(folder: pathlib.Path, shard: Shard) -> int:
    file = folder / shard.file
    # A file name that points outside the folder was not written by us.
    return file.stat().st_size if file.parent == folder and file.is_file() else 0
