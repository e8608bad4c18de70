"""The regions of one image: detected features and boxes."""

import dataclasses
import os

import numpy as np
from jaxtyping import Float

from lrp_jax.captions.images import boxes_as_seen


@dataclasses.dataclass(frozen=True, eq=False)
class Regions:
    """The features and boxes of an image's regions.

    Attributes:
        id: name of the image.
        features: one vector per region, float32 [n_v, d].
        boxes: (x0, y0, x1, y1) of each region as shares of the image's width and height, float32 [n_v, 4]
            in [0, 1].
        size: (height, width) of the image in pixels; None if unknown.
        names: the detected class of each region, as names or as class numbers; None if unknown.
        scores: the detector's confidence in each region, float32 [n_v] or None.

    Raises:
        ValueError: the shapes are inconsistent, a number is not finite, or a box is not within the image; the message
            names the image.
    """

    id: str
    features: Float[np.ndarray, "n_v d"]
    boxes: Float[np.ndarray, "n_v 4"]
    size: tuple[int, int] | None = None
    names: tuple[str, ...] | tuple[int, ...] | None = None
    scores: Float[np.ndarray, " n_v"] | None = None

    def __post_init__(self):
        shape = np.shape(self.features)
        if len(shape) != 2 or 0 in shape:
            self._refuse(f"got features of shape {shape}, wanted [regions, channels]")
        if np.shape(self.boxes) != (shape[0], 4):
            self._refuse(f"got boxes of shape {np.shape(self.boxes)}, wanted {(shape[0], 4)} for its features")
        for field in ("names", "scores"):
            values = getattr(self, field)
            if values is not None and np.shape(values) != (shape[0],):
                self._refuse(f"got {field} of shape {np.shape(values)}, wanted one for each of its {shape[0]} regions")
        for field in ("features", "boxes", "scores"):
            values = getattr(self, field)
            if values is None:
                continue
            values = np.asarray(values, np.float32)
            if not np.isfinite(values).all():
                self._refuse(f"got {field} with {np.count_nonzero(~np.isfinite(values))} numbers that are not finite")
            object.__setattr__(self, field, values)
        if self.boxes.min() < 0 or self.boxes.max() > 1:
            self._refuse(f"got boxes from {self.boxes.min():g} to {self.boxes.max():g}, wanted shares in [0, 1]")
        backwards = np.flatnonzero((self.boxes[:, :2] > self.boxes[:, 2:]).any(1))
        if len(backwards):
            self._refuse(f"got box {backwards[0]} = {self.boxes[backwards[0]].tolist()}, wanted x0 <= x1 and y0 <= y1")

    def __len__(self) -> int:
        return len(self.features)

    def of(self, image: bytes | str | os.PathLike | np.ndarray) -> "Regions":
        """The same regions, with boxes of the image as `load_image` gives it.

        Detectors mostly turn an image as its EXIF orientation says, and some do not: then the size that they wrote down
        is that of the pixels as they lie in the file.

        Args:
            image: its file, its bytes or its pixels.
        """
        return dataclasses.replace(self, boxes=boxes_as_seen(self.boxes, image, self.size, unsure=False))

    def _refuse(self, what: str):
        raise ValueError(f"image {self.id!r}: {what}")


def shares(boxes: Float[np.ndarray, "n 4"], size: tuple[int, int], id: str = "") -> Float[np.ndarray, "n 4"]:
    """Converts boxes in pixels to shares of the image, clipped to the image.

    Args:
        boxes: (x0, y0, x1, y1) in pixels, [n, 4].
        size: (height, width) of the image in pixels.
        id: name of the image, for the error.

    Returns:
        (x0, y0, x1, y1) in [0, 1], float32 [n, 4].

    Raises:
        ValueError: the boxes are not [n, 4], or lie so far outside that the size must be wrong.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"image {id!r}: got a size of {height} x {width}, wanted height and width in pixels")
    boxes = np.asarray(boxes, np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"image {id!r}: got boxes of shape {boxes.shape}, wanted [regions, 4]")
    scaled = boxes / np.array([width, height, width, height], np.float32)
    # Detectors clip their boxes, up to rounding. More than 5 % outside means that height and width are swapped, or that
    # the boxes belong to a resized image.
    if len(boxes) and (scaled.min() < -0.05 or scaled.max() > 1.05):
        worst = boxes[np.abs(scaled - 0.5).max(1).argmax()]
        raise ValueError(f"image {id!r}: got box {worst.tolist()}, wanted boxes inside its {width} x {height} pixels")
    return scaled.clip(0, 1)
