"""Maps as short strings: small enough for every row, good enough to be looked up in another image's boxes."""

import base64

import numpy as np
from jaxtyping import Float

from lrp_jax.captions.metrics.cells import cell_sums

GRID = (16, 16)
"""Cells of a kept map. For 1472 pairs of drawn scenes and five methods, what a map has in another image's boxes came
out 0.001 too low in the mean (of 0.10 to 0.15), and off by 0.002 to 0.007 for a single pair."""


def pack(part: Float[np.ndarray, "H W"]) -> str:
    """How a map without negative values lies, but for its scale: the square roots of its cells in 255 steps."""
    sums = cell_sums(part, GRID)
    largest = sums.max()
    steps = np.rint(255 * np.sqrt(sums / largest)) if largest > 0 else np.zeros(GRID)
    return base64.b64encode(steps.astype(np.uint8).tobytes()).decode("ascii")


def unpack(text: str) -> Float[np.ndarray, " cells"]:
    """The cells of a packed map, divided by their sum; zeros of a map of zeros."""
    cells = (np.frombuffer(base64.b64decode(text), np.uint8) / 255.0) ** 2
    return cells / cells.sum() if cells.any() else cells
