"""One captioned image, from any source."""

import copy
import dataclasses
import pathlib
from typing import Protocol

import numpy as np
from jaxtyping import Float


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """An image with its reference captions and, where known, the boxes of its objects.

    Attributes:
        id: name of the image, unique within its dataset.
        image: pixels as uint8 [H, W, 3], an encoded file as bytes, or the path of one; `load_image` reads
            all three, so that a dataset of photographs can be listed without decoding.
        captions: reference captions as plain strings.
        boxes: (x0, y0, x1, y1) of each annotated object as shares of the image's width and height,
            float32 [n, 4] in [0, 1]; [0, 4] where nothing is annotated. Of the image upright, as `load_image` gives it.
        names: category of each box.
        split: the split that the image belongs to.

    Raises:
        ValueError: `boxes` is not [n, 4] with one name per box.
    """

    id: str
    image: bytes | pathlib.Path | np.ndarray
    captions: tuple[str, ...] = ()
    boxes: Float[np.ndarray, "n 4"] = dataclasses.field(default_factory=lambda: np.zeros((0, 4), np.float32))
    names: tuple[str, ...] = ()
    split: str = ""

    def __post_init__(self):
        if np.shape(self.boxes) != (len(self.names), 4):
            raise ValueError(
                f"example {self.id!r}: got boxes of shape {np.shape(self.boxes)}, wanted "
                f"({len(self.names)}, 4) for its {len(self.names)} names; give every box one name"
            )

    def in_split(self, split: str) -> "Example":
        """The same example in another split; what it has yet to read stays unread."""
        moved = copy.copy(self)
        object.__setattr__(moved, "split", split)
        return moved


class Dataset(Protocol):
    """Anything with a length that returns examples by index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Example: ...
