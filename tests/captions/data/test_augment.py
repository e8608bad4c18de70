"""A mirror: pixels, boxes and words."""

import numpy as np

from lrp_jax.captions.data.augment import flip, flips, speaks_of


def test_boxes_stay_on_what_they_are_around():
    image = np.zeros((8, 16, 3), np.uint8)
    image[2:4, 1:5], image[5:8, 12:16] = 100, 200
    boxes = np.array([[1 / 16, 2 / 8, 5 / 16, 4 / 8], [12 / 16, 5 / 8, 1, 1]], np.float32)
    flipped, moved = flip(image, boxes)
    np.testing.assert_array_equal(moved, [[11 / 16, 2 / 8, 15 / 16, 4 / 8], [0, 5 / 8, 4 / 16, 1]])
    assert moved.dtype == np.float32
    for (x0, y0, x1, y1), value in zip(moved, (100, 200), strict=True):
        inside = flipped[int(8 * y0) : int(8 * y1), int(16 * x0) : int(16 * x1)]
        assert (inside == value).all() and (flipped == value).sum() == inside.size
    again, back = flip(flipped, moved)
    np.testing.assert_array_equal(again, image)
    np.testing.assert_array_equal(back, boxes)


def test_a_batch_and_no_boxes():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), np.uint8)
    flipped, boxes = flip(images)
    np.testing.assert_array_equal(flipped, np.stack([image[:, ::-1] for image in images]))
    assert boxes is None and flip(images[0], np.zeros((0, 4)))[1].shape == (0, 4)


def test_flips_follow_from_seed_and_step():
    drawn = np.stack([flips(0.3, 50, seed=7, step=step) for step in range(200)])
    assert abs(drawn.mean() - 0.3) < 0.02 and len(np.unique(drawn, axis=0)) == 200
    np.testing.assert_array_equal(drawn[11], flips(0.3, 50, seed=7, step=11))
    assert (drawn[11] != flips(0.3, 50, seed=8, step=11)).any()
    assert flips(1.0, 9, seed=0, step=0).all() and not flips(0.0, 9, seed=0, step=0).any()


def test_captions_that_speak_of_a_side():
    of_one = np.array([[5, 6, 2, 0], [7, 8, 2, 0]])
    np.testing.assert_array_equal(speaks_of({8, 9}, of_one), [False, True])
    of_several = np.array([[[5, 2, 0], [9, 2, 0]], [[6, 7, 2], [0, 0, 0]]])
    np.testing.assert_array_equal(speaks_of({8, 9}, of_several), [True, False])
    assert not speaks_of(frozenset(), of_one).any()
