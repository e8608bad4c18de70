"""Writes shards."""

import contextlib
import pathlib
import zlib
from collections.abc import Iterable, Iterator

from lrp_jax.captions.storage.files import atomic_path
from lrp_jax.captions.storage.shards.format import record_writer
from lrp_jax.captions.storage.shards.index import Shard

_ENDING = ".array_record"


def write_shard(
    folder: pathlib.Path, name: str, number: int, records: Iterable[tuple[str, bytes]], options: str
) -> Shard:
    """Writes records as one file, atomically; only one process at a time may write, see `locked`.

    Args:
        folder: where the file is written.
        name: the prefix of the file names in the folder.
        number: of the file.
        records: (id, content) of each. If they raise, nothing is written.
        options: of array_record.

    Raises:
        OSError: the file cannot be written, for example because the disk is full.
    """
    path = folder / f"{name}-{number:05d}{_ENDING}"
    for unfinished in folder.glob(f".{path.name}.*.tmp"):  # left by a process that was killed
        unfinished.unlink(missing_ok=True)
    ids = []
    with atomic_path(path) as temporary:
        with _failing_as_files_do(path):
            writer = record_writer(temporary, options)
        try:
            for id, content in records:
                with _failing_as_files_do(path):
                    writer.write(checksum(id, content) + content)
                ids.append(id)
        finally:
            with _failing_as_files_do(path):
                writer.close()
    return Shard(path.name, path.stat().st_size, file_crc32(path), tuple(ids))


@contextlib.contextmanager
def _failing_as_files_do(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # array_record raises it for every failure, also for a full disk
        raise OSError(f"{path}: cannot be written ({error})") from error


def checksum(id: str, content: bytes | memoryview) -> bytes:
    """The four bytes before a record: a CRC-32 of its id (UTF-8) and its content, little-endian.

    The id is included so that an intact record of another id is detected like a damaged one.
    """
    return zlib.crc32(content, zlib.crc32(id.encode())).to_bytes(4, "little")


def file_crc32(path: pathlib.Path) -> int:
    """The CRC-32 of the content of a file."""
    check = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 22):
            check = zlib.crc32(block, check)
    return check
