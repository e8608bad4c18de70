"""Room for files before they are written."""

import pathlib
import shutil


def disk_for(folder: pathlib.Path, wanted: int, remedy: str) -> str:
    """Says in words what a file system has for a number of bytes.

    Args:
        folder: where they are to be; need not be there.
        wanted: how many bytes.
        remedy: what to do where they do not fit.

    Raises:
        OSError: they do not fit.
    """
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    wanted = round(1.02 * wanted)  # blocks and the index take about 2 % more
    if wanted > free:
        raise OSError(f"{folder}: got {free / 1e9:.3g} GB free, wanted about {wanted / 1e9:.3g} GB; {remedy}")
    return f"at most {wanted / 1e9:.3g} GB are to be written, {free / 1e9:.3g} GB are free"
