"""Validation of boxes from files."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lrp_jax.captions.data.sources.reading import is_text
from lrp_jax.captions.data.sources.splits import Skips

Box = tuple[str, Sequence[float]]
"""Category, and the corners (x0, y0, x1, y1) as shares of the image's width and height."""


class Annotated(NamedTuple):
    """The boxes of an image whose size was written down with them.

    boxes: of the image as its annotators have seen it, which may be as it lies in the file.
    size: (height, width) of that image in pixels; None if it is not known.
    """

    boxes: Sequence[Box] = ()
    size: tuple[float, float] | None = None


# A side shorter than this, about a thousandth of a pixel, is degenerate; in float32 it could have length 0.
_LEAST = 1e-6


def usable_boxes(boxes: Iterable[Box], of: str, skips: Skips) -> tuple[Float[np.ndarray, "n 4"], tuple[str, ...]]:
    """The boxes of an image, clipped to it, and their categories, in their order.

    Args:
      boxes: as read from the file.
      of: name of the image.
      skips: counts the boxes without a name, without area, outside the image or with an invalid number.
    """
    corners, names = [], []
    for name, box in boxes:
        if not is_text(name):
            skips.add("box whose category has no name", f"{name!r:.40} of image {of}")
            continue
        if len(box) != 4 or not all(map(_is_finite, box)):
            skips.add("box without four finite numbers", f"{name} {box!s:.80} of image {of}")
            continue
        x0, y0, x1, y1 = box
        if x1 - x0 < _LEAST or y1 - y0 < _LEAST:
            skips.add("box without area", f"{name} of image {of}")
            continue
        clipped = max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)
        if clipped[2] - clipped[0] < _LEAST or clipped[3] - clipped[1] < _LEAST:
            skips.add("box outside the image", f"{name} of image {of}")
            continue
        corners.append(clipped)
        names.append(name)
    return np.array(corners, np.float32).reshape(-1, 4), tuple(names)


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:  # JSON integers can have any length
        return False
