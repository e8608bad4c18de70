"""The input of all drawing: one image, its caption, and an explanation of each word."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, UInt8


class Explanation(Protocol):
    """The arrays to draw, one row per word of a caption of T words; anything that NumPy can convert.

    tokens [T+1] (the start token first), logits [T], and, if the method has them, features [T, n_v, d],
    regions [T, n_v], words [T, T] (relevance of input token i for word t), betas [T], pixels [T, H, W, 3];
    enlarged: whether the pixels are only the upsampled values of the regions; grid: the (h, w) layout of the n_v
    regions; head: the single attention head that was explained; against: None, "rest", or the ids [T] of the words
    that each word was explained against.
    """

    method: str
    tokens: Any
    logits: Any
    features: Any
    regions: Any
    words: Any
    betas: Any
    pixels: Any
    enlarged: bool
    grid: tuple[int, int] | None
    head: int | None
    against: Any


@dataclasses.dataclass(frozen=True)
class ObjectWord:
    """An object that a caption names.

    Attributes:
        word: the name; several words are separated by single spaces.
        category: the category that it names.
        position: of its last word in the caption, 1 for the first word after the start token.
    """

    word: str
    category: str
    position: int


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """One image with the explained words of its caption.

    Attributes:
        name: a name for the image; displayed, never used as a path.
        image: the displayed image, uint8 [H, W, 3]. It may be larger than the input of the model and have another
            aspect ratio: maps are stretched over it, as the image was resized for the model.
        words: the caption as strings, the start token first: row t of the explanation explains `words[t + 1]`, given
            `words[: t + 1]`.
        explanation: the arrays, see `Explanation`.
        rows: the words to show, as rows of the explanation; None shows all.
        boxes: (x0, y0, x1, y1) of each region in [0, 1], [n_v, 4], if regions are boxes and not a grid.
        notes: remarks to display, one sentence each.
        objects: the objects that the caption names, if they are known.

    Raises:
        ValueError: the shapes are inconsistent, a row or the position of an object does not exist, there is nothing to
            draw over the image, or a value is not finite.
    """

    name: str
    image: UInt8[np.ndarray, "H W 3"]
    words: Sequence[str]
    explanation: Explanation
    rows: Sequence[int] | None = None
    boxes: Float[np.ndarray, "n 4"] | None = None
    notes: Sequence[str] = ()
    objects: Sequence[ObjectWord] = ()

    def __post_init__(self):
        image = np.asarray(self.image)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"got an image {image.dtype}{list(image.shape)}, wanted uint8 [height, width, 3]")
        arrays = {
            name: np.asarray(value)
            for name in ("logits", "regions", "words", "betas", "pixels")
            if (value := getattr(self.explanation, name)) is not None
        }
        count = len(self.words) - 1
        wanted = {"logits": (count,), "words": (count, count), "betas": (count,)}
        for name, array in arrays.items():
            if array.shape[:1] != (count,) or array.shape != wanted.get(name, array.shape):
                shape = ", ".join(map(str, wanted[name])) if name in wanted else f"{count}, ..."
                raise ValueError(
                    f"explanation.{name} has shape {list(array.shape)}, wanted [{shape}] for a caption of "
                    f"{count} words; pass the words that were explained, the start token first"
                )
            computed = array[list(self.shown)] if name == "pixels" and self._rows_exist(count) else array
            if not np.isfinite(computed).all():
                bad = int((~np.isfinite(computed)).sum())
                raise ValueError(
                    f"explanation.{name} has {bad} values that are not finite and cannot be drawn; "
                    "check the model for overflow and the rules for an epsilon of 0"
                )
        if "pixels" not in arrays and "regions" not in arrays:
            raise ValueError(f"method {self.explanation.method!r} has neither pixels nor regions: nothing to draw")
        if not self._rows_exist(count):
            raise ValueError(f"got rows {list(self.shown)}, wanted at least one, each from 0 to {count - 1}")
        for found in self.objects:
            if not 1 <= found.position <= count:
                raise ValueError(f"got an object at position {found.position}, wanted 1 to {count}")

    def _rows_exist(self, count: int) -> bool:
        return bool(self.shown) and all(0 <= row < count for row in self.shown)

    @functools.cached_property
    def channel_means(self) -> Float[np.ndarray, "rows H W"] | None:
        """E of Eq. 23 for the shown words, in float32; None if pixels have no relevance."""
        if self.explanation.pixels is None:
            return None
        return np.asarray(self.explanation.pixels)[list(self.shown)].mean(-1).astype(np.float32)

    @property
    def shown(self) -> tuple[int, ...]:
        """The rows to show, in the order of the caption."""
        rows = range(len(self.words) - 1) if self.rows is None else self.rows
        return tuple(sorted(set(map(int, rows))))


@dataclasses.dataclass(frozen=True)
class Sums:
    """The decomposition of one word's logit.

    Attributes:
        logit: the logit of the word, or the logit difference if it is explained against other words.
        picture: summed relevance of the image: of its pixels, or of its regions (see `is_by_pixel`).
        support, oppose: the positive and the negative part of `picture`.
        words: sum over the preceding tokens, start token included; None if the method has no relevance of words.
        rest: logit - picture - words, the part of biases, epsilon and the initial state; None for methods that
            do not decompose the logit.
    """

    logit: float
    picture: float
    support: float
    oppose: float
    words: float | None
    rest: float | None


def regions_are_boxes(case: Case) -> bool:
    """Whether the regions are drawn as boxes, not as pixels or a grid."""
    return case.explanation.pixels is None and case.explanation.grid is None


def is_by_pixel(explanation: Explanation) -> bool:
    """Whether pixels have values of their own; those of Grad-CAM and attention are upsampled from the regions."""
    return explanation.pixels is not None and not explanation.enlarged


def sums(case: Case, row: int) -> Sums:
    """The sums of one word's relevance.

    Args:
        case: an explained caption.
        row: of the word, 0 for the first word after the start token.
    """
    explanation = case.explanation
    on_image = explanation.pixels if is_by_pixel(explanation) else explanation.regions
    image = np.asarray(on_image)[row].astype(np.float64)
    logit = float(np.asarray(explanation.logits)[row])
    words = None
    if explanation.words is not None:
        words = float(np.asarray(explanation.words)[row].astype(np.float64).sum())
    shares_out = explanation.method.startswith("lrp") and words is not None
    return Sums(
        logit=logit,
        picture=float(image.sum()),
        support=float(image[image > 0].sum()),
        oppose=float(image[image < 0].sum()),
        words=words,
        rest=logit - float(image.sum()) - words if shares_out else None,
    )
