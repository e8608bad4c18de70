"""Localisation of relevance maps: the correctness of section 5.2.2, and its chance level."""

import numpy as np
from jaxtyping import Bool, Float


def box_mask(boxes: Float[np.ndarray, "n 4"], shape: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
    """The pixels that lie in at least one of the boxes.

    Args:
      boxes: (x0, y0, x1, y1) as shares of the width and the height, in [0, 1].
      shape: (H, W).

    Returns:
      True where the centre of a pixel is inside a box. A box that is too small to hold a centre covers the
      pixel in which its own centre lies, so that no box is empty.

    Raises:
      ValueError: the boxes are not [n, 4].
    """
    boxes = np.asarray(boxes, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"wanted boxes of shape [n, 4] as (x0, y0, x1, y1) in [0, 1], got {boxes.shape}")
    height, width = shape
    rows, columns = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    inside = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in boxes:
        box = np.outer((y0 <= rows) & (rows < y1), (x0 <= columns) & (columns < x1))
        if not box.any():
            row = min(int((y0 + y1) / 2 * height), height - 1)
            column = min(int((x0 + x1) / 2 * width), width - 1)
            box[row, column] = True
        inside |= box
    return inside


def correctness(relevance: Float[np.ndarray, "H W *C"], boxes: Float[np.ndarray, "n 4"]) -> float:
    r"""The share of the positive relevance that lies inside the boxes.

    E is the mean of the relevance over the channels, and

        E_p = norm(max(E, 0))                                      (Eq. 23)
        correctness = sum_{ij in boxes} E_p / sum_{ij} E_p         (Eq. 24)

    The channels are averaged *before* negative values are cut. `norm` divides by the largest absolute value
    and cancels.

    Args:
      relevance: signed relevance of the pixels, [H, W, C] or, averaged already, [H, W].
      boxes: (x0, y0, x1, y1) as shares of the width and the height; several boxes count as their union.

    Returns:
      A number in [0, 1]; 0 where no relevance is positive.

    Raises:
      ValueError: the map is neither [H, W] nor [H, W, C], or holds values that are not finite.
    """
    positive, _ = positive_and_negative(relevance)
    return share_inside(positive, box_mask(boxes, positive.shape))


def positive_and_negative(
    relevance: Float[np.ndarray, "H W *C"], *, rectify_first: bool = False
) -> tuple[Float[np.ndarray, "H W"], Float[np.ndarray, "H W"]]:
    """The positive and the negative relevance of a word: max(E, 0) of Eq. 23, and max(-E, 0), as new arrays.

    Args:
      relevance: as for `correctness`.
      rectify_first: split the signs in each channel and then average the channels, as the published code does;
        a pixel whose channels disagree then has both a positive and a negative part.
    """
    relevance = np.asarray(relevance, np.float64)
    if relevance.ndim not in (2, 3):
        raise ValueError(f"wanted a map of one word, [H, W] or [H, W, channels], got shape {relevance.shape}")
    if not np.isfinite(relevance).all():
        raise ValueError("wanted a map of finite numbers, got nan or infinity")
    if relevance.ndim == 2:
        relevance = relevance[..., None]
    if rectify_first:
        return np.maximum(relevance, 0).mean(axis=-1), np.maximum(-relevance, 0).mean(axis=-1)
    mean = relevance.mean(axis=-1)
    return np.maximum(mean, 0), np.maximum(-mean, 0)


def share_inside(part: Float[np.ndarray, "H W"], mask: Bool[np.ndarray, "H W"]) -> float:
    """The share of a non-negative map that lies where `mask` is True; 0 if the map is 0 everywhere."""
    total = part.sum()
    return float(part[mask].sum() / total) if total > 0 else 0.0


def covered_share(boxes: Float[np.ndarray, "n 4"], shape: tuple[int, int]) -> float:
    """The share of the image that the union of the boxes covers: the correctness of a uniform map.

    Args:
      boxes: (x0, y0, x1, y1) as shares of the width and the height.
      shape: (H, W) of the map that it is compared with.
    """
    return float(box_mask(boxes, shape).mean())
