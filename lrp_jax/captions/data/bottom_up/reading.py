"""Reads bottom-up features in the usual formats, image by image."""

import json
import logging
import os
import pathlib
import zlib
from collections.abc import Iterator

from lrp_jax.captions.data.bottom_up.entry import Entry
from lrp_jax.captions.data.bottom_up.npz import Sizes, npz_entries, npz_files
from lrp_jax.captions.data.bottom_up.regions import Regions
from lrp_jax.captions.data.bottom_up.tsv import Columns, columns, rows_estimate, tsv_entries


class BottomUp:
    """Iterates over the `Regions` of a source, with only one image in memory.

    A damaged line or file is skipped with a warning that names it and the error.

    Attributes:
        path: the source.
        format: a description of its format.
        damaged: number of images that the latest iteration skipped.
    """

    def __init__(self, path: pathlib.Path, format: str, files: list[pathlib.Path], sizes: Sizes):
        self.path, self.format, self.damaged = path, format, 0
        self._files, self._sizes = files, sizes

    def __iter__(self) -> Iterator[Regions]:
        self.damaged = 0
        for entry in self.entries():
            regions = load(entry)
            if regions is None:
                self.damaged += 1
            else:
                yield regions

    def entries(self) -> Iterator[Entry]:
        """The images, not read yet, in a fixed order."""
        if self._files[0].suffix == ".npz":
            yield from npz_entries(self._files, self._sizes)
        else:
            for file in self._files:
                yield from tsv_entries(file)

    def estimate(self) -> int:
        """An estimate of the number of images; exact for a folder of npz files."""
        return len(self._files) if self._files[0].suffix == ".npz" else rows_estimate(self._files)

    def identity(self) -> dict[str, str | int]:
        """A fingerprint of the source, computed without reading all of it."""
        mark = zlib.crc32(repr(sorted(self._sizes.items())).encode())
        for file in self._files:
            mark = zlib.crc32(file.name.encode(), mark)
        if self._files[0].suffix == ".npz":
            return {"name": self.path.name, "files": len(self._files), "mark": mark}
        for file in self._files:
            with open(file, "rb") as opened:
                mark = zlib.crc32(opened.read(1 << 20), mark)
        return {"name": self.path.name, "bytes": sum(file.stat().st_size for file in self._files), "mark": mark}


def read_bottom_up(path: str | os.PathLike, *, sizes: Sizes | None = None) -> BottomUp:
    """The regions of a source in any known format; the format is detected.

    The formats: a tsv of the bottom-up-attention project or of the Detectron2 extractor of LXMERT, distinguished
    by their number of fields or a header line; a folder of such files (the published features are split into
    several); a folder with one npz per image, of the Detectron2 extractor of MILVLAB, UNITER or
    self-critical.pytorch (PREFIX_att beside PREFIX_box, or the folder of both). Nothing is unpickled.

    Args:
        path: the file or the folder.
        sizes: (height, width) in pixels by image, for files with boxes in pixels but without the size of the image;
            see `read_sizes`.

    Returns:
        An iterable of `Regions` that counts the damaged ones.

    Raises:
        FileNotFoundError: the path does not exist.
        ValueError: it has none of the formats.

    Example:
        >>> for regions in read_bottom_up("train2014_obj36.tsv"):  # doctest: +SKIP
        ...     print(regions.id, regions.features.shape)
    """
    path, sizes = pathlib.Path(path), sizes or {}
    if path.is_dir():
        if files := npz_files(path):
            return BottomUp(path, "a folder of npz files", files, sizes)
        tables = [file for file in sorted(path.iterdir()) if ".tsv" in file.suffixes and file.is_file()]
        if tables:
            for file in tables:
                _columns(file)
            return BottomUp(path, f"{len(tables)} tsv files", tables, sizes)
        inner = [folder for folder in sorted(path.glob("*_att")) if folder.is_dir()]
        if len(inner) == 1 and (files := npz_files(inner[0])):
            return BottomUp(inner[0], "a folder of npz files", files, sizes)
        raise ValueError(f"{path}: got a folder without npz or tsv files, wanted one with them or with PREFIX_att")
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}; wanted a tsv file, or a folder of npz files")
    return BottomUp(path, f"a tsv of {len(_columns(path).names)} columns", [path], sizes)


def load(entry: Entry) -> Regions | None:
    """The regions of an entry; None, with a warning, if they are damaged."""
    try:
        return entry.load()
    except (OSError, ValueError) as error:
        logging.warning("%s is skipped: %s", entry.where, error)
        return None


def read_sizes(path: str | os.PathLike) -> dict[str, tuple[int, int]]:
    """(height, width) by image from a JSON file.

    Args:
        path: COCO's annotations or a file derived from them (a list "images" whose items have height, width and an id
            or file_name), or a plain object {id: [height, width]}.

    Raises:
        ValueError: the file has neither form.
    """
    try:
        content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        if isinstance(content.get("images"), list):
            return {
                str(image["id"] if "id" in image else image["file_name"]): (int(image["height"]), int(image["width"]))
                for image in content["images"]
            }
        return {id: (int(height), int(width)) for id, (height, width) in content.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: got no sizes ({error!r}), wanted a list 'images' with id, height and width, or {{id: [h, w]}}"
        ) from error


def _columns(path: pathlib.Path) -> Columns:
    names = columns(path)
    if names is None:
        raise ValueError(f"{path}: got no known table, wanted a tsv of 6 or 10 fields, or with a header line")
    return names
