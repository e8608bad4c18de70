"""Cells of a picture, against sums over blocks and cases by hand."""

import numpy as np
import pytest

from lrp_jax.captions.metrics.cells import GRID, cell_sums, painted_over, top_cells


def test_a_cell_is_the_sum_over_its_block():
    relevance = np.random.default_rng(0).normal(size=(56, 84))
    blocks = [[relevance[2 * i : 2 * i + 2, 3 * j : 3 * j + 3].sum() for j in range(28)] for i in range(28)]
    np.testing.assert_allclose(cell_sums(relevance), blocks, atol=1e-12)


def test_a_pixel_between_two_cells_counts_in_both_by_its_parts():
    np.testing.assert_allclose(cell_sums(np.array([[3.0, 4.0, 5.0]]), (1, 2)), [[3 + 2, 2 + 5]])
    np.testing.assert_allclose(cell_sums(np.array([[6.0], [2.0]]), (4, 1)), [[3], [3], [1], [1]])


@pytest.mark.parametrize("size", [24, 96, 100, 224])
def test_all_cells_are_of_one_size_and_nothing_is_lost(size):
    np.testing.assert_allclose(cell_sums(np.ones((size, size))), (size / 28) ** 2)
    relevance = np.random.default_rng(size).normal(size=(size, size))
    np.testing.assert_allclose(cell_sums(relevance).sum(), relevance.sum(), atol=1e-9)


def test_painting_whole_pixels():
    pixels = np.random.default_rng(1).integers(0, 256, (56, 56, 3)).astype(np.uint8)
    painted = painted_over(pixels, np.array([0, 28 * 3 + 5]), (0.2, 0.4, 1.0))
    expected = pixels.copy()
    expected[0:2, 0:2] = expected[6:8, 10:12] = (51, 102, 255)
    np.testing.assert_array_equal(painted, expected)


def test_painting_parts_of_pixels_covers_as_much():
    black = np.zeros((96, 96, 3), np.uint8)
    for cells in (5, 20, 80):
        chosen = np.random.default_rng(cells).permutation(GRID[0] * GRID[1])[:cells]
        share = painted_over(black, chosen, (1, 1, 1)).mean() / 255
        assert share == pytest.approx(cells / 784, rel=0.01)  # 8 bits round
    half = painted_over(np.full((1, 3, 3), 100, np.uint8), np.array([0]), (0, 0, 200 / 255), (1, 2))
    np.testing.assert_array_equal(half[0], [[0, 0, 200], [50, 50, 150], [100, 100, 100]])


def test_the_order_of_cells():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(top_cells(np.array([[1.0, -5.0], [9.0, 0.0]]), rng), [2, 0, 3, 1])
    sums = np.zeros(GRID)
    sums[27, 27] = 1
    order = top_cells(sums, rng)
    assert order[0] == 783
    assert sorted(order) == list(range(784))
    # Where nothing is relevant any cell may come next, and not the upper edge of the picture.
    assert order[1:21].max() > 280
