import numpy as np
import pytest

from lrp_jax.captions.metrics import box_mask, correctness, covered_share

LEFT = np.array([[0, 0, 0.5, 1]])


def test_box_mask_holds_the_pixels_whose_centres_are_inside():
    # A 2 x 4 map; x from 0.3 to 0.8 holds the centres 0.375 and 0.625, y from 0 to 0.5 the first row.
    np.testing.assert_array_equal(box_mask(np.array([[0.3, 0.0, 0.8, 0.5]]), (2, 4)), [[0, 1, 1, 0], [0, 0, 0, 0]])
    two = np.array([[0, 0, 0.25, 0.5], [0, 0, 0.25, 1]])  # overlapping boxes count once
    np.testing.assert_array_equal(box_mask(two, (2, 4)), [[1, 0, 0, 0], [1, 0, 0, 0]])
    assert not box_mask(np.zeros((0, 4)), (2, 4)).any()


def test_a_box_smaller_than_a_pixel_covers_that_pixel():
    np.testing.assert_array_equal(box_mask(np.array([[0.9, 0.9, 0.95, 0.95]]), (2, 2)), [[0, 0], [0, 1]])
    np.testing.assert_array_equal(box_mask(np.array([[1.0, 1.0, 1.0, 1.0]]), (2, 2)), [[0, 0], [0, 1]])


def test_correctness_by_hand():
    # Left half: 3 and -1, right half: 1 and 2; of the positive 6, 3 lie left.
    assert correctness(np.array([[3.0, 1.0], [-1.0, 2.0]]), LEFT) == pytest.approx(3 / 6)
    assert correctness(np.array([[3.0, 1.0], [-1.0, 2.0]]), np.array([[0, 0, 1, 1]])) == 1
    assert correctness(np.array([[3.0, 1.0], [-1.0, 2.0]]), np.zeros((0, 4))) == 0


def test_channels_are_averaged_before_they_are_rectified():
    relevance = np.zeros((1, 2, 3))
    relevance[0, 0] = [3, -6, 0]  # the mean is -1: no support, whatever the first channel says
    relevance[0, 1] = [1, 1, 1]
    assert correctness(relevance, LEFT) == 0
    relevance[0, 0] = [9, -3, 0]  # the mean is 2, against 1 on the right
    assert correctness(relevance, LEFT) == pytest.approx(2 / 3)


def test_correctness_does_not_depend_on_the_scale_and_leaves_the_map_alone():
    relevance = np.random.default_rng(0).normal(size=(6, 8, 3))
    before = relevance.copy()
    assert correctness(1e-30 * relevance, LEFT) == pytest.approx(correctness(relevance, LEFT))
    np.testing.assert_array_equal(relevance, before)


def test_an_even_map_is_as_correct_as_its_boxes_are_large():
    boxes = np.array([[0.1, 0.2, 0.6, 0.7], [0.5, 0.5, 1, 1]])
    assert correctness(np.ones((20, 20)), boxes) == pytest.approx(covered_share(boxes, (20, 20)))
    assert covered_share(LEFT, (4, 4)) == 0.5


def test_no_positive_relevance_points_nowhere():
    assert correctness(-np.ones((2, 2)), LEFT) == 0


@pytest.mark.parametrize(
    ("relevance", "boxes", "message"),
    [
        (np.ones(3), LEFT, "shape"),
        (np.full((2, 2), np.nan), LEFT, "finite"),
        (np.ones((2, 2)), np.ones(4), "boxes"),
    ],
)
def test_wrong_input_is_refused(relevance, boxes, message):
    with pytest.raises(ValueError, match=message):
        correctness(relevance, boxes)
