"""The image files of a source."""

import errno
import os
import pathlib
from collections.abc import Mapping, Sequence

from lrp_jax.captions.data.sources.reading import path_of

NO_IMAGES = "none"
"""The value of the option `images` for sources used without their images."""

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


class ImageFolder:
    """Images below a folder, by their paths relative to it.

    The existing files are read once from the listing of a folder: checking each of 120,000 files takes minutes on a
    network disk.

    Attributes:
      root: the folder.
      flat: the images are in the folder itself; folders in their names are ignored.
      check: whether to check that files exist; if not, all are assumed to exist.
    """

    def __init__(self, root: pathlib.Path, *, flat: bool = False, check: bool = True):
        self.root, self.flat, self.check = root, flat, check
        self._folders: dict[str, tuple[pathlib.Path, frozenset[str]]] = {}

    def path(self, file: str) -> pathlib.Path:
        """The path of a file, whether or not it exists.

        Raises:
          ValueError: it is outside the folder.
        """
        return self.root.joinpath(*self._place(file))

    def find(self, file: str) -> pathlib.Path | None:
        """The path of a file, or None if it does not exist.

        Raises:
          ValueError: it is outside the folder.
        """
        below, name = self._place(file)
        if below not in self._folders:
            folder = self.root / below
            self._folders[below] = folder, _listing(folder) if self.check else frozenset()
        folder, names = self._folders[below]
        return folder / name if name in names or not self.check else None

    def _place(self, file: str) -> tuple[str, str]:
        folder, _, name = file.replace("\\", "/").rpartition("/")
        if file.startswith(("/", "\\")) or ".." in (name, *folder.split("/")) or folder[1:2] == ":":
            raise ValueError(f"image file {file!r}: wanted a path inside the folder of the images")
        return ("" if self.flat else folder), name


def find_images(places: Sequence[ImageFolder], files: Sequence[str], *, option: str, download: str) -> ImageFolder:
    """The folder, out of several, that has the images.

    Args:
      places: the possible folders, the most usual one first.
      files: the images.
      option: the value of the option `images`: "" for the usual folders, "none" if no images are needed, or a folder.
      download: where images can be downloaded, for the error message.

    Raises:
      FileNotFoundError: none of the folders has any of the images; the message says where they were looked for.
      ValueError: there are no files, or one is outside the folder.
    """
    if not files:
        raise ValueError("no images are listed")
    if option == NO_IMAGES:
        return ImageFolder(places[0].root, flat=places[0].flat, check=False)
    if option:
        folder = path_of(option)
        places = [ImageFolder(folder), ImageFolder(folder, flat=True)]
    # An evenly spaced sample of the files is enough, even if only a hundredth of them exists.
    sample = files[:: max(1, len(files) // 1000)]
    hits = [sum(place.find(file) is not None for file in sample) for place in places]
    if max(hits) > 0:
        return places[hits.index(max(hits))]
    looked = dict.fromkeys(os.fspath(place.path(files[0])) for place in places)
    raise FileNotFoundError(
        f"no images: looked for {' and '.join(looked)}; set their folder with images=FOLDER, or download them from "
        f"{download}; with features that were computed elsewhere, images=none needs no images"
    )


def check_missing(
    lacking: Mapping[str, Sequence[str]], listed: Mapping[str, int], images: ImageFolder, download: str
) -> None:
    """Raises if so many files are missing that a whole folder or archive must be missing.

    Args:
      lacking: split -> the files that were not found.
      listed: split -> number of images in the list.
      images: their folder.
      download: where they can be downloaded, for the error message.

    Raises:
      FileNotFoundError: more than half of the images of a split are missing.
    """
    for split, files in lacking.items():
        if 2 * len(files) > listed[split]:
            raise FileNotFoundError(
                f"{len(files)} of the {listed[split]} {split} images are missing, the first is "
                f"{images.path(files[0])}; download them from {download}, or use the existing ones with missing=skip"
            )


def _listing(folder: pathlib.Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except ValueError:  # a name that is invalid for files
        return frozenset()
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        return frozenset()
