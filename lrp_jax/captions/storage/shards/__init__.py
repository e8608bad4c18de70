"""Many records on disk: finished files of array_record, and an index of them.

A folder of shards is written once and read at random. A shard takes its name when it is whole, and the index names it
after that: what was killed goes on behind the last finished shard. Lengths and checksums of the shards are in the
index, and each record has its own.
"""

from lrp_jax.captions.storage.locks import locked
from lrp_jax.captions.storage.shards.array import LazyArray
from lrp_jax.captions.storage.shards.disk import disk_for
from lrp_jax.captions.storage.shards.index import NAME, Kind, Shard, check_files, is_whole, read_index, write_index
from lrp_jax.captions.storage.shards.numbers import to_float32
from lrp_jax.captions.storage.shards.reader import DamagedError, Reader
from lrp_jax.captions.storage.shards.writing import write_shard

__all__ = [
    "NAME",
    "DamagedError",
    "Kind",
    "LazyArray",
    "Reader",
    "Shard",
    "check_files",
    "disk_for",
    "is_whole",
    "locked",
    "read_index",
    "to_float32",
    "write_index",
    "write_shard",
]
