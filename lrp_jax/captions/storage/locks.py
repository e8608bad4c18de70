"""A folder that one process at a time writes."""

import contextlib
import errno
import logging
import os
import pathlib
from collections.abc import Iterator

import filelock

NAME = ".lock"
"""The file that is locked. It stays in the folder: whoever removed it could remove the one that another has locked."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextlib.contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Lets one after the other into the block, of all processes and threads that see the folder.

    The system releases the lock of a process that ends, however it ends. A warning says that another process is waited
    for. Where the file system has no locks, a warning says so and the block is entered.

    Raises:
      OSError: the folder is not there, or nothing can be written in it.
    """
    lock = filelock.FileLock(pathlib.Path(folder) / NAME)
    try:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            logging.warning("%s is being written by another process, which is waited for", folder)
            lock.acquire()
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        logging.warning("%s: this file system has no locks (%s); let no two processes write there", folder, error)
    try:
        yield
    finally:
        lock.release()
