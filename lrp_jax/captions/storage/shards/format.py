"""array_record, the file format of shards, imported when a shard is read or written.

It has no wheels for Windows; all but cached features works without it.
"""

import os
from typing import Any


def record_writer(path: str | os.PathLike, options: str) -> Any:
    """An open `ArrayRecordWriter`.

    Raises:
      OSError: array_record is not installed.
    """
    return _module(path).ArrayRecordWriter(os.fspath(path), options)


def record_reader(path: str | os.PathLike, options: str) -> Any:
    """An open `ArrayRecordReader`, from which several threads may read.

    Raises:
      OSError: array_record is not installed.
    """
    return _module(path).ArrayRecordReader(os.fspath(path), options)


def _module(path: str | os.PathLike) -> Any:
    try:
        from array_record.python import array_record_module
    except ModuleNotFoundError as error:
        raise OSError(
            f"{os.fspath(path)}: needs array_record, which is not installed and has no wheels for Windows; "
            "keep features in memory (features_folder empty), or use Linux or macOS"
        ) from error
    return array_record_module
