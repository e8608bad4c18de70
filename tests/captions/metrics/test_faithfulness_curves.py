"""Deletion, insertion and localisation, against cases worked out by hand."""

import numpy as np
import pytest

from lrp_jax.captions.metrics.faithfulness import (
    area_under,
    perturbation_curves,
    points_inside,
    ranks_of,
    scores_of,
    share_inside,
    sums_inside,
)


def total(x):
    """Two classes: the sum of an input, and minus it."""
    sums = x.reshape(len(x), -1).sum(axis=1)
    return np.stack([sums, -sums], axis=1)


ONE = np.array([[[4.0], [3.0]], [[2.0], [1.0]]])[None]  # one image of 2 x 2 pixels and one channel


def test_ranks_by_hand():
    map_ = np.array([[[0.1, 5.0], [-2.0, 0.3]]])
    np.testing.assert_array_equal(ranks_of(map_), [[[2, 0], [3, 1]]])
    wide = np.array([[[1.0, 1.0, 9.0], [1.0, 1.0, -2.0], [0.0, 3.0, 3.5]]])
    # Squares of two: sums 4, 7 (cut off), 3 (cut off), 3.5 (one pixel).
    np.testing.assert_array_equal(ranks_of(wide, patch=2), [[[1, 1, 0], [1, 1, 0], [3, 3, 2]]])
    np.testing.assert_array_equal(ranks_of(np.array([[1.0, 1.5, 3.0]]), patch=2), [[1, 1, 0]])


def test_equal_values_come_in_a_random_order_that_the_seed_fixes():
    flat = np.zeros((2, 8, 8))
    ranks = ranks_of(flat, seed=1)
    assert sorted(ranks[0].ravel()) == list(range(64)) and (ranks[0].ravel() != np.arange(64)).sum() > 50
    np.testing.assert_array_equal(ranks, ranks_of(flat, seed=1))
    assert (ranks != ranks_of(flat, seed=2)).any()
    with pytest.raises(ValueError, match="got maps of shape"):
        ranks_of(np.zeros(3))


def test_curves_by_hand():
    ranks = ranks_of(ONE[..., 0])  # the largest pixel first
    curve = {"steps": 4, "batch_size": 3}
    np.testing.assert_array_equal(perturbation_curves(total, ONE, [0], ranks, fill=0.0, **curve), [[10, 6, 3, 1, 0]])
    inserted = perturbation_curves(total, ONE, [0], ranks, fill=0.0, insert=True, **curve)
    np.testing.assert_array_equal(inserted, [[0, 4, 7, 9, 10]])
    assert area_under(inserted)[0] == (0 + 2 * (4 + 7 + 9) + 10) / 8
    np.testing.assert_array_equal(
        perturbation_curves(total, ONE, [1], ranks, fill=0.0, **curve), [[-10, -6, -3, -1, 0]]
    )
    mean = perturbation_curves(total, ONE, [0], ranks, steps=2)  # fill 2.5
    np.testing.assert_array_equal(mean, [[10, 2.5 + 2.5 + 3, 10]])
    blurred = perturbation_curves(total, ONE, [0], ranks, steps=1, fill=np.full((2, 2, 1), 1.0))
    np.testing.assert_array_equal(blurred, [[10, 4]])


def test_the_mean_is_that_of_each_channel_of_each_image():
    x = np.stack([np.stack([np.full((2, 2), 1.0), np.full((2, 2), 5.0)], -1), np.zeros((2, 2, 2))])
    x[0, 0, 0, 0] = 3.0  # mean 1.5 of the first channel
    last = perturbation_curves(lambda x: x[:, 1, 1], x, [0, 0], ranks_of(x[..., 0]), steps=1, batch_size=2)
    np.testing.assert_array_equal(last, [[1, 1.5], [0, 0]])


def test_inputs_need_not_be_images():
    x = np.array([[1.0, 2.0, 4.0], [8.0, 0.0, 0.0]])
    curves = perturbation_curves(total, x, [0, 0], ranks_of(x), steps=3, fill=0.0, batch_size=2)
    np.testing.assert_array_equal(curves, [[7, 3, 1, 0], [8, 0, 0, 0]])
    with pytest.raises(ValueError, match="wanted ranks of the shape of the inputs"):
        perturbation_curves(total, x, [0, 0], ranks_of(x[:, :2]))
    with pytest.raises(ValueError, match="got fill='blur'"):
        perturbation_curves(total, x, [0, 0], ranks_of(x), fill="blur")


def test_the_model_sees_batches_of_one_shape():
    seen = []

    def f(x):
        seen.append(x.shape)
        return total(x)

    x = np.arange(10.0).reshape(5, 2)
    np.testing.assert_array_equal(scores_of(f, x, np.array([0, 1, 0, 1, 0]), 2), [1, -5, 9, -13, 17])
    assert seen == [(2, 2)] * 3
    with pytest.raises(ValueError, match=r"got scores of shape \(2, 2, 1\)"):
        scores_of(lambda x: total(x)[..., None], x, np.zeros(5, int), 2)


def test_localisation_by_hand():
    maps = np.array([[[3.0, 1.0], [-4.0, 0.0]], [[-1.0, -2.0], [0.0, -1.0]]])
    masks = np.array([[[True, False], [True, False]], [[False, False], [True, True]]])
    np.testing.assert_array_equal(share_inside(maps, masks), [0.75, 0])
    np.testing.assert_array_equal(points_inside(maps, masks), [1, 1])
    np.testing.assert_array_equal(points_inside(np.ones((1, 2, 2)), masks[:1]), [0.5])
    parts = np.stack([masks, ~masks], axis=1)
    np.testing.assert_array_equal(sums_inside(maps, parts), [[-1, 1], [-1, -3]])
    for function, wrong in ((share_inside, masks[:, :1]), (points_inside, masks[:, :1]), (sums_inside, masks)):
        with pytest.raises(ValueError, match="got maps"):
            function(maps, wrong)
