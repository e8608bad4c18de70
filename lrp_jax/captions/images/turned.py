"""Images that lie on their side in the file: what `load_image` does to the pixels is done to boxes.

A camera writes the pixels as its sensor reads them, and the EXIF orientation says how they are to be turned. Whoever
drew boxes on the image has seen it as it lies in the file or upright; the size that was written down tells which.
"""

import functools
import io
import os
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import ExifTags, Image

from lrp_jax.captions.images.example import Example
from lrp_jax.captions.images.reading import known_formats

# Orientation -> whether x is mirrored, whether y is, and whether they are exchanged afterwards.
_TURNS = {
    1: (False, False, False),
    2: (True, False, False),
    3: (True, True, False),
    4: (False, True, False),
    5: (False, False, True),
    6: (False, True, True),
    7: (True, True, True),
    8: (True, False, True),
}


class Lying(NamedTuple):
    """How an image lies in its file.

    orientation: EXIF's, 1 to 8; 1 is upright.
    size: (height, width) of the pixels in the file, not turned.
    """

    orientation: int
    size: tuple[int, int]


def lying(image: bytes | str | os.PathLike | np.ndarray) -> Lying | None:
    """How an image lies, by the header of its file; None for an array and for what cannot be read."""
    if isinstance(image, np.ndarray):
        return None
    source = io.BytesIO(image) if isinstance(image, bytes | bytearray | memoryview) else image
    try:
        with Image.open(source, formats=known_formats()) as opened:
            found = opened.getexif().get(ExifTags.Base.Orientation, 1)
            orientation = found if found in _TURNS else 1
            width, height = opened.size
            if opened.format == "TIFF" and _TURNS[orientation][2]:  # whose size Pillow gives upright
                width, height = height, width
            return Lying(orientation, (height, width))
    except Exception:  # a damaged header can make a decoder stumble over anything; load_image says so
        return None


def upright_boxes(boxes: Float[np.ndarray, "n 4"], orientation: int) -> Float[np.ndarray, "n 4"]:
    """Turns boxes of the pixels as they lie in a file with the pixels.

    Args:
      boxes: (x0, y0, x1, y1) as shares of the width and the height.
      orientation: of EXIF, 1 to 8.

    Returns:
      The boxes of the image upright, [n, 4].
    """
    mirror_x, mirror_y, exchange = _TURNS[orientation]
    x0, y0, x1, y1 = np.moveaxis(np.asarray(boxes), -1, 0)
    if mirror_x:
        x0, x1 = 1 - x1, 1 - x0
    if mirror_y:
        y0, y1 = 1 - y1, 1 - y0
    return np.stack([y0, x0, y1, x1] if exchange else [x0, y0, x1, y1], axis=-1)


def boxes_as_seen(
    boxes: Float[np.ndarray, "n 4"],
    image: bytes | str | os.PathLike | np.ndarray,
    size: tuple[int, int] | None,
    *,
    unsure: bool,
) -> Float[np.ndarray, "n 4"]:
    """Turns boxes that are of the pixels as they lie in the file, and leaves those of the image upright.

    Args:
      boxes: (x0, y0, x1, y1) as shares of the width and the height, of the image as somebody has seen it.
      image: its file or bytes.
      size: (height, width) that was written down with the boxes; None if nothing was.
      unsure: whether the boxes are of the pixels as they lie in the file where the size does not tell: there is none,
        it is a square, or the image is mirrored or upside down.

    Returns:
      The boxes of the image as `load_image` gives it, [n, 4].
    """
    found = lying(image) if len(boxes) else None
    if found is None or found.orientation == 1:
        return boxes
    if _TURNS[found.orientation][2] and size is not None and size[0] != size[1] and found.size[0] != found.size[1]:
        # By the longer side and not by the numbers: files are often smaller than the image that was annotated.
        unsure = (size[0] > size[1]) == (found.size[0] > found.size[1])
    return upright_boxes(boxes, found.orientation) if unsure else boxes


class FiledExample(Example):
    """An example whose boxes are of the pixels as they lie in the file, until they are asked for.

    To turn them one must read the header of the file, which takes too long for all images of a source.
    """

    @functools.cached_property
    def boxes(self) -> Float[np.ndarray, "n 4"]:
        """As of any example: of the image upright."""
        boxes, size = self.__dict__["_filed"]
        return boxes_as_seen(boxes, self.image, size, unsure=True)


def filed_example(
    id: str,
    image: bytes | os.PathLike,
    captions: tuple[str, ...],
    boxes: Float[np.ndarray, "n 4"],
    names: tuple[str, ...],
    split: str,
    size: tuple[int, int] | None = None,
) -> Example:
    """An example with boxes that somebody drew on the pixels as they lie in the file.

    Args:
      id, image, captions, names, split: as of `Example`.
      boxes: (x0, y0, x1, y1) as shares, not turned.
      size: (height, width) of the image as the boxes have it, if it is known; boxes of an image that was upright when
        they were drawn stay.
    """
    if not len(boxes):
        return Example(id, image, captions, boxes, names, split)
    example = FiledExample(id, image, captions, boxes, names, split)
    example.__dict__["_filed"] = example.__dict__.pop("boxes"), size
    return example
