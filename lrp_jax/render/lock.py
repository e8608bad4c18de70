"""One process after the other, of those that write into one folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator


@contextlib.contextmanager
def alone_in(folder: str | os.PathLike) -> Iterator[None]:
    """Lets one after the other into the block, of all processes and threads that see the folder.

    What is locked is the folder itself, so that no file stays behind; the system releases the lock of a process that
    ends, however it ends. Where the file system has no locks the block is entered all the same.
    """
    file = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
