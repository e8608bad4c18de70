"""Random access to the records of a folder of shards."""

import bisect
import itertools
import pathlib
import threading
from collections.abc import Sequence
from typing import Any

from lrp_jax.captions.storage.shards.format import record_reader
from lrp_jax.captions.storage.shards.index import Kind, Shard
from lrp_jax.captions.storage.shards.writing import checksum, file_crc32

# Read-ahead would fetch records that random access does not need.
OPTIONS = "readahead_buffer_size:0,max_parallelism:0"


class DamagedError(OSError, ValueError):
    """The content of a file has changed since it was written; the message names the file."""


class Reader:
    """Records by their position. Files are opened on first use; several threads may read.

    Args:
        folder: the folder of shards.
        kind: its content type.
        shards: the files, from the index.
        size: bytes in each record.
    """

    def __init__(self, folder: pathlib.Path, kind: Kind, shards: Sequence[Shard], size: int):
        self._folder, self._kind, self._shards, self._size = folder, kind, tuple(shards), size
        self._begins = [0, *itertools.accumulate(len(shard.ids) for shard in shards)]
        self._readers: dict[int, Any] = {}
        self._lock = threading.Lock()

    def __reduce__(self):
        return Reader, (self._folder, self._kind, self._shards, self._size)

    def __len__(self) -> int:
        return self._begins[-1]

    def __getitem__(self, position: int) -> memoryview:
        """The content of a record; its length, checksum and id are verified.

        Raises:
            IndexError: there is no such record.
            DamagedError: the record is damaged, or belongs to another id.
        """
        if not 0 <= position < len(self):
            raise IndexError(f"got record {position}, wanted 0 to {len(self) - 1} of {self._folder}")
        number = bisect.bisect_right(self._begins, position) - 1
        shard, position = self._shards[number], position - self._begins[number]
        try:
            record = memoryview(self._reader(number).read([position])[0])
        except (IndexError, RuntimeError, ValueError) as error:
            raise self._damaged(shard, f"a damaged record ({error})") from error
        id = shard.ids[position]
        if len(record) != 4 + self._size:
            raise self._damaged(shard, f"a damaged record (image {id!r}: {len(record)} bytes, not {4 + self._size})")
        if record[:4] != checksum(id, record[4:]):
            raise self._damaged(shard, f"a damaged record (image {id!r}: wrong checksum)")
        return record[4:]

    def verify(self) -> None:
        """Reads every file and compares its checksum.

        Raises:
            DamagedError: the content of a file has changed.
        """
        for shard in self._shards:
            found = file_crc32(self._folder / shard.file)
            if found != shard.crc32:
                raise self._damaged(shard, f"CRC-32 {found:08x}, wanted {shard.crc32:08x}")

    def _reader(self, number: int) -> Any:
        """The open file; several threads may read from one `ArrayRecordReader`."""
        if number not in self._readers:
            with self._lock:
                if number not in self._readers:
                    path = self._folder / self._shards[number].file
                    self._readers[number] = record_reader(path, OPTIONS)
        return self._readers[number]

    def _damaged(self, shard: Shard, what: str) -> DamagedError:
        return DamagedError(f"{self._folder / shard.file}: got {what}; copy the file again, or {self._kind.again}")
