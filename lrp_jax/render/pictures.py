"""The pictures of a batch, found on disk."""

import functools
import os
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from lrp_jax.render.batch import Picture

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def pictures_at(
    path: str | os.PathLike,
    read: Callable[[pathlib.Path], np.ndarray],
    skip: str | os.PathLike | None = None,
    show: Callable[[pathlib.Path], np.ndarray] | None = None,
) -> list[Picture]:
    """The image of a file, or all images of a folder and below it, by name.

    Args:
        path: a file of any name, or a folder, of which files with an ending in SUFFIXES are taken.
        read: a file to the pixels that are explained, uint8 [H, W, 3].
        skip: a folder that is not looked into, such as that of the results of an earlier run.
        show: a file to the picture that people look at; None: the one that is explained.

    Returns:
        The pictures, named by their path below the folder; an empty list for a folder without images.

    Raises:
        FileNotFoundError: there is no such file or folder.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        files, root = sorted(_image_files(path, None if skip is None else pathlib.Path(skip).resolve())), path
    elif path.exists():
        files, root = [path], path.parent
    else:
        raise FileNotFoundError(f"{path}: no such file or folder")
    return [
        Picture(
            _printable(file.relative_to(root)),
            functools.partial(read, file),
            None if show is None else functools.partial(show, file),
        )
        for file in files
    ]


def _image_files(folder: pathlib.Path, skip: pathlib.Path | None) -> Iterator[pathlib.Path]:
    for place, below, files in os.walk(folder):
        here = pathlib.Path(place)
        below[:] = [name for name in below if not name.startswith(".") and (here / name).resolve() != skip]
        yield from (here / name for name in files if pathlib.Path(name).suffix.lower() in SUFFIXES)


def _printable(path: pathlib.Path) -> str:
    """A file's name as text: bytes that are no UTF-8 and control characters become escapes."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
