"""Small files in the formats of published datasets, with real photographs, or at least real JPEGs."""

import io
import json
import pathlib

import numpy as np
from PIL import Image

ODD = "A\tman \r on a\u2028horse\x0b ."
"""A caption as it stands in some files, which are to give "A man on a horse ."."""


def jpeg(number: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """A JPEG of (width, height), another for each number."""
    pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(out, "JPEG")
    return out.getvalue()


def coloured(number: int) -> bytes:
    """A JPEG whose colour is its number, see `number_of`; numbers below 64."""
    out = io.BytesIO()
    Image.new("RGB", (32, 24), (4 * number, 255 - 4 * number, 128)).save(out, "JPEG", quality=95)
    return out.getvalue()


def number_of(colour) -> int:
    """The number of an image by its mean colour."""
    number = round(float(colour[0]) / 4)
    assert abs(float(colour[0]) - 4 * number) < 2 and abs(float(colour[1]) + 4 * number - 255) < 2
    return number


def photographs(folder: pathlib.Path, *names: str) -> None:
    """Writes a JPEG of 64 x 48 for each name."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(number))


def write_json(path: pathlib.Path, content) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def sizes(splits) -> dict[str, int]:
    return {split: len(dataset) for split, dataset in splits.items()}


def ids(splits) -> dict[str, list[str]]:
    return {split: [example.id for example in dataset] for split, dataset in splits.items()}
