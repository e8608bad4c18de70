"""Maps as short strings, small enough for every row, accurate enough to evaluate in the boxes of other images."""

import base64

import numpy as np
from jaxtyping import Float

from lrp_jax.captions.metrics.cells import cell_sums

GRID = (16, 16)
"""Cells of a stored map. For 1472 pairs of drawn scenes and five methods, the share of a map in the boxes of another
image came out 0.001 too low in the mean (of 0.10 to 0.15), with errors of 0.002 to 0.007 for single pairs."""


def pack(part: Float[np.ndarray, "H W"]) -> str:
    """A non-negative map as a string: the square roots of its cells, quantised in 255 steps; the scale is dropped."""
    sums = cell_sums(part, GRID)
    largest = sums.max()
    steps = np.rint(255 * np.sqrt(sums / largest)) if largest > 0 else np.zeros(GRID)
    return base64.b64encode(steps.astype(np.uint8).tobytes()).decode("ascii")


def unpack(text: str) -> Float[np.ndarray, " cells"]:
    """The cells of a packed map, divided by their sum; zeros for a map of zeros."""
    cells = (np.frombuffer(base64.b64decode(text), np.uint8) / 255.0) ** 2
    return cells / cells.sum() if cells.any() else cells
