"""Checks the free disk space before files are written."""

import pathlib
import shutil


def disk_for(folder: pathlib.Path, wanted: int, remedy: str) -> str:
    """A sentence about the free space of a file system and the space that is needed.

    Args:
        folder: where the files will be; need not exist.
        wanted: the number of bytes to write.
        remedy: what to do if they do not fit, for the error message.

    Raises:
        OSError: the free space is too small.
    """
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    wanted = round(1.02 * wanted)  # blocks and the index take about 2 % more
    if wanted > free:
        raise OSError(f"{folder}: got {free / 1e9:.3g} GB free, wanted about {wanted / 1e9:.3g} GB; {remedy}")
    return f"writing at most {wanted / 1e9:.3g} GB, {free / 1e9:.3g} GB are free"
