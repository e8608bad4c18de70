"""Finds the pictures of a batch on disk."""

import functools
import os
import pathlib
import stat
from collections.abc import Callable, Iterator

import numpy as np

from lrp_jax.captions.images.kinds import head_of, other_kind, read_kind, why_not_read
from lrp_jax.captions.pages.batch import Picture
from lrp_jax.captions.pages.naming import printable

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""How the names of files end that are taken for images in a folder without a look into them, in lower case."""

_OF_SYSTEMS = ("desktop.ini", "thumbs.db", "ehthumbs.db")  # what Windows keeps in a folder, in lower case

Read = Callable[[pathlib.Path], np.ndarray]


def pictures_at(
    path: str | os.PathLike,
    read: Read,
    skip: str | os.PathLike | None = None,
    show: Read | None = None,
    others: list[str] | None = None,
) -> list[Picture]:
    """The image in a file, or all images in a folder and its subfolders, sorted by path.

    In a folder a file is an image by its first bytes, whatever it is called, or by an ending in SUFFIXES. One of a
    format that is not read here (HEIC, camera raw, SVG) is a picture that cannot be read, so that it is told.

    In a folder a file is an image by its first bytes, whatever it is called, or by an ending in SUFFIXES. One of a
    format that is not read here (HEIC, camera raw, SVG) is a picture that cannot be read, so that it is told.

    Args:
        path: a file of any name, or a folder; folders below it whose names begin with a full stop are not looked into.
        read: a file to the pixels that are explained, uint8 [H, W, 3].
        skip: a folder that is not looked into, such as that of the results of an earlier run.
        show: a file to the picture that people look at; None: the one that is explained.
        others: takes the names of the files that are no images, but for those that systems keep for themselves.

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
    files = sorted(_files(path, None if skip is None else pathlib.Path(skip).resolve(), closed))
    for error in closed:
        if error.filename == str(path):
            raise error
    found = []
    for file in files:
        name = printable(file.relative_to(path))
        head = b"" if file.suffix.lower() in SUFFIXES else head_of(file)
        if file.suffix.lower() in SUFFIXES or read_kind(head, file.name):
            found.append(_picture(file, path, read, show))
        elif kind := other_kind(head, file.name):
            found.append(unreadable(name, ValueError(why_not_read(kind)), file))
        elif others is not None and file.name[0] != "." and file.name.lower() not in _OF_SYSTEMS:
            others.append(name)
    return found + [unreadable(printable(pathlib.Path(e.filename).relative_to(path)), e) for e in closed]


def unreadable(name: str, error: Exception, file: pathlib.Path | None = None) -> Picture:
    """A picture of which there is nothing but what went wrong."""

    def read():
        raise error

    return Picture(name, read, file=file)


def _picture(file: pathlib.Path, root: pathlib.Path, read: Read, show: Read | None) -> Picture:
    name = printable(file.relative_to(root))
    return Picture(
        name, functools.partial(_regular, read, file), None if show is None else functools.partial(show, file), file
    )


def _files(folder: pathlib.Path, skip: pathlib.Path | None, closed: list[OSError]) -> Iterator[pathlib.Path]:
    for place, below, files in os.walk(folder, onerror=closed.append):
        here = pathlib.Path(place)
        below[:] = [name for name in below if not name.startswith(".") and (here / name).resolve() != skip]
        yield from (here / name for name in files)


def _regular(read: Read, file: pathlib.Path) -> np.ndarray:
    """Reads a regular file; refuses a pipe or a device, which could block the batch for ever."""
    if not stat.S_ISREG(os.stat(file).st_mode):
        raise ValueError(f"{file}: got a pipe or a device, wanted a file")
    return read(file)
