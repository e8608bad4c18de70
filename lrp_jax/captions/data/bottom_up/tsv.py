"""Regions from tab-separated files of the bottom-up-attention project and of the Detectron2 extractor.

One line is one image. Arrays are base64 of little-endian numbers: boxes float32 [n_v, 4] in pixels, features
float32 [n_v, d], objects_id int64 [n_v], objects_conf float32 [n_v].
"""

import base64
import binascii
import functools
import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

import numpy as np

from lrp_jax.captions.data.bottom_up.entry import Entry
from lrp_jax.captions.data.bottom_up.regions import Regions, shares

# https://github.com/peteanderson80/bottom-up-attention, tools/generate_tsv.py
CAFFE = ("image_id", "image_w", "image_h", "num_boxes", "boxes", "features")
# https://github.com/airsplay/py-bottom-up-attention, and the files of LXMERT
DETECTRON2 = (
    *("img_id", "img_h", "img_w", "objects_id", "objects_conf", "attrs_id", "attrs_conf"),
    *("num_boxes", "boxes", "features"),
)
_COMMON = {"img_id": "image_id", "img_h": "image_h", "img_w": "image_w"}
# 100 regions of 2048 channels take 1.1 MB. A longer line means that line ends are missing; it is skipped in pieces.
LONGEST_LINE = 1 << 26


class Columns(NamedTuple):
    """The names of a file's columns, and whether its first line is a header."""

    names: tuple[str, ...]
    header: bool


def columns(path: pathlib.Path) -> Columns | None:
    """The columns of a file, by its header line or the number of its fields; None for any other file."""
    with open(path, "rb") as file:
        # Several lines, because the first one may be damaged.
        lines = [line.split(b"\t") for line in (_line(file) for _ in range(8)) if line]
    for number, fields in enumerate(lines):
        if number == 0 and b"features" in fields:
            names = tuple(field.decode("utf-8", "replace").strip() for field in fields)
            return Columns(names, True) if {_COMMON.get(name, name) for name in names} >= set(CAFFE) else None
        for names in (CAFFE, DETECTRON2):
            if len(fields) == len(names):
                return Columns(names, False)
    return None


def tsv_entries(path: pathlib.Path) -> Iterator[Entry]:
    """The lines of a file one by one; a line is decoded by `Entry.load`.

    Python's csv module is not used: these files have no quoting, and its field size limit is global to the process.
    """
    names, header = columns(path)
    with open(path, "rb") as file:
        for number in itertools.count(1):
            line = _line(file)
            if line is None:
                return
            if line and not (header and number == 1):
                yield Entry(f"{path.name}, line {number}", functools.partial(_regions, line, names))


def rows_estimate(paths: Sequence[pathlib.Path]) -> int:
    """An estimate of the number of images in some files, from the length of their first lines."""
    total = 0
    for path in paths:
        with open(path, "rb") as file:
            lengths = [len(line) for line in (_line(file) for _ in range(32)) if line is not None]
        mean = (sum(lengths) + len(lengths)) / max(len(lengths), 1)
        total += round(path.stat().st_size / mean) if lengths else 0
    return total


def _line(file: IO[bytes]) -> bytes | None:
    """The next line without its line end; None at the end of the file; a line that is too long is truncated."""
    line = file.readline(LONGEST_LINE)
    if not line:
        return None
    rest = line
    while not rest.endswith(b"\n") and len(rest) == LONGEST_LINE:
        rest = file.readline(LONGEST_LINE)
    return line.rstrip(b"\r\n")


def _regions(line: bytes, names: tuple[str, ...]) -> Regions:
    fields = line.split(b"\t")
    if len(fields) != len(names):
        raise ValueError(f"got {len(fields)} fields, wanted {len(names)}: {', '.join(names)}")
    row = {_COMMON.get(name, name): field.strip() for name, field in zip(names, fields, strict=True)}
    id = row["image_id"].decode("utf-8")
    size = (_integer(id, row, "image_h"), _integer(id, row, "image_w"))
    count = _integer(id, row, "num_boxes")
    boxes = _array(id, row, "boxes", "<f4").reshape(-1, 4)
    features = _array(id, row, "features", "<f4")
    if count < 1 or len(boxes) != count or features.size % count:
        raise ValueError(
            f"image {id!r}: got {boxes.size} numbers of boxes and {features.size} of features, "
            f"wanted both to be of {count} regions"
        )
    classes = _array(id, row, "objects_id", "<i8") if "objects_id" in row else None
    return Regions(
        id=id,
        features=features.reshape(count, -1),
        boxes=shares(boxes, size, id),
        size=size,
        names=None if classes is None else tuple(classes.tolist()),
        scores=_array(id, row, "objects_conf", "<f4") if "objects_conf" in row else None,
    )


def _integer(id: str, row: dict[str, bytes], field: str) -> int:
    try:
        return int(float(row[field]))
    except (ValueError, OverflowError):
        raise ValueError(f"image {id!r}: got {field} = {row[field][:20]!r}, wanted an integer") from None


def _array(id: str, row: dict[str, bytes], field: str, dtype: str) -> np.ndarray:
    text = row[field]
    # Scripts ported from Python 2 wrote str(bytes).
    if text[:2] in (b"b'", b'b"'):
        text = text[2:-1]
    wide = np.dtype(dtype).itemsize * (4 if field == "boxes" else 1)
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"image {id!r}: got {field} that are not base64 ({error})") from None
    if not content or len(content) % wide:
        raise ValueError(f"image {id!r}: got {len(content)} bytes of {field}, wanted a multiple of {wide}")
    return np.frombuffer(content, dtype)
