"""A folder that one process at a time writes."""

import contextlib
import errno
import fcntl
import logging
import os
import pathlib
from collections.abc import Iterator

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextlib.contextmanager
def locked(folder: pathlib.Path) -> Iterator[None]:
    """Lets one process after the other into the block, of all that see the folder.

    The system releases the lock of a process that ends, however it ends. Where the file system has no locks, a
    warning says so and the block is entered.
    """
    path = folder / ".lock"
    while True:
        with open(path, "a") as file:
            _lock(file.fileno(), folder)
            # Who had the lock before has removed the file: the lock that counts is that of the file with this name.
            if not _is(file.fileno(), path):
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _lock(file: int, folder: pathlib.Path) -> None:
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logging.warning("%s is being written by another process, which is waited for", folder)
            fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        logging.warning("%s: this file system has no locks (%s); let no two processes write there", folder, error)


def _is(file: int, path: pathlib.Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False
