"""Finds the pictures of a batch on disk."""

import functools
import os
import pathlib
import stat
from collections.abc import Callable, Iterator

import numpy as np

from lrp_jax.captions.pages.batch import Picture
from lrp_jax.captions.pages.naming import printable

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes of the files in a folder that count as images, in lower case."""

Read = Callable[[pathlib.Path], np.ndarray]


def pictures_at(
    path: str | os.PathLike,
    read: Read,
    skip: str | os.PathLike | None = None,
    show: Read | None = None,
) -> list[Picture]:
    """The image in a file, or all images in a folder and its subfolders, sorted by path.

    Args:
        path: a file with any name, or a folder, whose files with a suffix in SUFFIXES are taken.
        read: from a file to the pixels that are explained, uint8 [H, W, 3].
        skip: a folder that is not searched, such as that of the results of an earlier run.
        show: from a file to the picture to display; None for the one that is explained.

    Returns:
        The pictures, named by their path relative to the folder; an empty list for a folder without images. A subfolder
        that cannot be listed becomes a picture that cannot be read, so that it is reported.

    Raises:
        FileNotFoundError: there is no such file or folder.
        OSError: the folder cannot be listed.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder")
        return [_picture(path, path.parent, read, show)]
    closed: list[OSError] = []
    files = sorted(_image_files(path, None if skip is None else pathlib.Path(skip).resolve(), closed))
    for error in closed:
        if error.filename == str(path):
            raise error
    found = [_picture(file, path, read, show) for file in files]
    return found + [unreadable(printable(pathlib.Path(e.filename).relative_to(path)), e) for e in closed]


def unreadable(name: str, error: Exception) -> Picture:
    """A picture whose `read` raises `error`."""

    def read():
        raise error

    return Picture(name, read)


def _picture(file: pathlib.Path, root: pathlib.Path, read: Read, show: Read | None) -> Picture:
    name = printable(file.relative_to(root))
    return Picture(
        name, functools.partial(_regular, read, file), None if show is None else functools.partial(show, file), file
    )


def _image_files(folder: pathlib.Path, skip: pathlib.Path | None, closed: list[OSError]) -> Iterator[pathlib.Path]:
    for place, below, files in os.walk(folder, onerror=closed.append):
        here = pathlib.Path(place)
        below[:] = [name for name in below if not name.startswith(".") and (here / name).resolve() != skip]
        yield from (here / name for name in files if pathlib.Path(name).suffix.lower() in SUFFIXES)


def _regular(read: Read, file: pathlib.Path) -> np.ndarray:
    """Reads a regular file; refuses a pipe or a device, which could block the batch for ever."""
    if not stat.S_ISREG(os.stat(file).st_mode):
        raise ValueError(f"{file}: got a pipe or a device, wanted a file")
    return read(file)
