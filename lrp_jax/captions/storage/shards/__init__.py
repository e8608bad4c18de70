"""Many records on disk: array_record files (shards) and an index of them.

A folder of shards is written once and read at random. A shard is renamed to its final name when it is complete, and is
then added to the index: a run that was killed continues after the last finished shard. The index has the length and
checksum of each shard, and each record has a checksum too.
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
