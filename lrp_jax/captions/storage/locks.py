"""A lock on a folder, so that only one process at a time writes to it."""

import contextlib
import errno
import logging
import os
import pathlib
from collections.abc import Iterator

import filelock

NAME = ".lock"
"""The file that is locked. It is never removed: a process that removed it could remove the lock of another one."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextlib.contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Runs the block in one thread of one process at a time, among all that have access to the folder.

    The operating system releases the lock when a process ends, even if it is killed. While another process holds the
    lock, a warning is logged. On a file system without locks a warning is logged and the block runs without a lock.

    Raises:
      OSError: the folder does not exist, or is not writable.
    """
    lock = filelock.FileLock(pathlib.Path(folder) / NAME)
    try:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            logging.warning("%s is being written by another process; waiting for it", folder)
            lock.acquire()
    except (NotImplementedError, OSError) as error:  # filelock raises the first where flock says ENOSYS
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        logging.warning("%s: this file system has no locks (%s); run only one process that writes there", folder, error)
    try:
        yield
    finally:
        lock.release()
