"""The relevance of each cell of a grid over an image, and the image with some cells painted over (section 5.2.1)."""

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

GRID = (28, 28)
"""The grid of the paper, 8 x 8 patches of 224 x 224 pixels, for images of any size."""


def cell_sums(relevance: Float[np.ndarray, "H W"], grid: tuple[int, int] = GRID) -> Float[np.ndarray, "h w"]:
    """The relevance of each cell: the sum over its pixels.

    All cells have the same size, H / h x W / w pixels. Where that is not a whole number, a pixel on the border of two
    cells counts in each by the fraction of its area. Cells of whole pixels would differ in size, and the larger ones
    would be ranked higher for that alone.

    Args:
      relevance: a map, one value per pixel.
      grid: (h, w), the number of cells.
    """
    rows, columns = (_parts(size, count) for size, count in zip(np.shape(relevance), grid, strict=True))
    return rows @ np.asarray(relevance, np.float64) @ columns.T


def top_cells(sums: Float[np.ndarray, "h w"], rng: np.random.Generator) -> Int[np.ndarray, " cells"]:
    """The cells in the order of their relevance, highest first, as indices of the flat grid.

    Ties are broken at random: Grad-CAM and attention can be zero over much of an image, and the first cells in
    reading order would be its upper edge.
    """
    sums = np.ravel(sums)
    shuffled = rng.permutation(sums.size)
    return shuffled[np.argsort(-sums[shuffled], kind="stable")]


def painted_over(
    pixels: UInt8[np.ndarray, "H W 3"],
    cells: Int[np.ndarray, " n"],
    colour: tuple[float, float, float],
    grid: tuple[int, int] = GRID,
) -> UInt8[np.ndarray, "H W 3"]:
    """The image with some of its cells painted over in one colour.

    A pixel that lies only partly in such a cell is mixed, so that n cells always cover n / (h w) of the image.

    Args:
      pixels: the image.
      cells: indices of the flat grid.
      colour: red, green, blue as fractions of 255.
      grid: (h, w), the number of cells.
    """
    chosen: Bool[np.ndarray, "h w"] = np.zeros(grid, bool)
    chosen.flat[np.asarray(cells, int)] = True
    rows, columns = (_parts(size, count) for size, count in zip(pixels.shape[:2], grid, strict=True))
    covered = (rows.T @ chosen @ columns)[..., None]
    return np.rint(pixels * (1 - covered) + 255 * np.asarray(colour) * covered).astype(np.uint8)


def _parts(size: int, count: int) -> Float[np.ndarray, "count size"]:
    """The fraction of each pixel along one side that lies in each cell."""
    edges, pixels = np.arange(count + 1) * size / count, np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.maximum(overlap, 0)
