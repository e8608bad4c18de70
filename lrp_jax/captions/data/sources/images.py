"""The image files of a source."""

import errno
import os
import pathlib
from collections.abc import Mapping, Sequence

from lrp_jax.captions.data.sources.reading import path_of

NO_IMAGES = "none"
"""The value of the option `images` that says not to look for images."""

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


class ImageFolder:
    """Images below a folder, by their paths relative to it.

    Which files are there is read from the listing of a folder, once: to ask for each of 120,000 takes minutes on a
    network's disk.

    Attributes:
      root: the folder.
      flat: the images lie in the folder itself, whatever folders their names have.
      check: whether it is looked for the files; if not, every image is taken to be there.
    """

    def __init__(self, root: pathlib.Path, *, flat: bool = False, check: bool = True):
        self.root, self.flat, self.check = root, flat, check
        self._folders: dict[str, tuple[pathlib.Path, frozenset[str]]] = {}

    def path(self, file: str) -> pathlib.Path:
        """Where a file would be.

        Raises:
          ValueError: outside the folder.
        """
        return self.root.joinpath(*self._place(file))

    def find(self, file: str) -> pathlib.Path | None:
        """The path of a file, or None where there is none.

        Raises:
          ValueError: its name leads out of the folder.
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
            raise ValueError(f"image file {file!r}: wanted a path that stays in the folder of the images")
        return ("" if self.flat else folder), name


def find_images(places: Sequence[ImageFolder], files: Sequence[str], *, option: str, download: str) -> ImageFolder:
    """The place out of several where the images are.

    Args:
      places: where they may be, the most usual one first.
      files: the images.
      option: the value of the option `images`: "" for the usual places, "none" if no images are needed, or a folder.
      download: where images can be had, for the error.

    Raises:
      FileNotFoundError: none of them is in any of the places; the message says where was looked.
      ValueError: there are no files, or one is outside the folder.
    """
    if not files:
        raise ValueError("no images are listed")
    if option == NO_IMAGES:
        return ImageFolder(places[0].root, flat=places[0].flat, check=False)
    if option:
        folder = path_of(option)
        places = [ImageFolder(folder), ImageFolder(folder, flat=True)]
    # A sample, spread over the files, tells; that of a set of which hardly a hundredth is there still does.
    sample = files[:: max(1, len(files) // 1000)]
    hits = [sum(place.find(file) is not None for file in sample) for place in places]
    if max(hits) > 0:
        return places[hits.index(max(hits))]
    looked = dict.fromkeys(os.fspath(place.path(files[0])) for place in places)
    raise FileNotFoundError(
        f"no images: looked for {' and '.join(looked)}; name their folder with images=FOLDER, or download them from "
        f"{download}; images=none does without, where features were computed elsewhere"
    )


def check_missing(
    lacking: Mapping[str, Sequence[str]], listed: Mapping[str, int], images: ImageFolder, download: str
) -> None:
    """Tells a missing folder or archive from single missing files.

    Args:
      lacking: split -> the files that were not found.
      listed: split -> how many images should be there.
      images: where they should be.
      download: where they can be had, for the error.

    Raises:
      FileNotFoundError: more than half of the images of a split are missing.
    """
    for split, files in lacking.items():
        if 2 * len(files) > listed[split]:
            raise FileNotFoundError(
                f"{len(files)} of the {listed[split]} {split} images are missing, the first is "
                f"{images.path(files[0])}; download them from {download}, or take those that are there: missing=skip"
            )


def _listing(folder: pathlib.Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except ValueError:  # a name that no file can have
        return frozenset()
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        return frozenset()
