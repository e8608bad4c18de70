import dataclasses
import io

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.render import RED_BLUE, common_scale, heatmaps, maps, overlay


def test_maps_average_the_channels_of_the_shown_words(make_case):
    case = make_case(case={"rows": [4, 1]})
    np.testing.assert_allclose(maps(case), case.explanation.pixels[[1, 4]].sum(-1) / 3, rtol=1e-6)


def test_regions_of_a_grid_are_interpolated_bilinearly_between_their_centres():
    values = heatmaps.resize(np.array([[0.0, 1.0]]), (1, 4))
    np.testing.assert_allclose(values, [[0, 0.25, 0.75, 1]])
    values = heatmaps.resize(np.array([[[0.0, 4.0], [8.0, 12.0]]]), (4, 4))
    by_hand = np.add.outer([0, 2, 6, 8], [0, 1, 3, 4])
    np.testing.assert_allclose(values, by_hand[None])


@hypothesis.given(hnp.arrays(np.float32, (3, 4), elements=st.floats(-10, 10, width=32)))
def test_interpolation_treats_both_signs_alike_and_stays_in_range(values):
    large = heatmaps.resize(values, (12, 10))
    np.testing.assert_array_equal(heatmaps.resize(-values, (12, 10)), -large)
    assert large.max() <= values.max() + 1e-5 and large.min() >= values.min() - 1e-5


def test_grid_maps_cover_the_image(make_case):
    case = make_case(pixels=None)
    result = maps(case)
    assert result.shape == (6, 90, 120)
    corner = case.explanation.regions[0].reshape(3, 3)[0, 0]
    np.testing.assert_allclose(result[0, 0, 0], corner, rtol=1e-6)


def test_boxes_spread_their_relevance_evenly():
    boxes = np.array([[0, 0, 0.5, 0.5], [0.25, 0.25, 1, 0.75]])
    painted = heatmaps.spread(np.array([4.0, -12.0]), boxes, (4, 4))
    by_hand = [[1, 1, 0, 0], [1, -1, -2, -2], [0, -2, -2, -2], [0, 0, 0, 0]]
    np.testing.assert_allclose(painted, by_hand)


@hypothesis.given(
    hnp.arrays(np.float64, (5,), elements=st.floats(-3, 3)),
    hnp.arrays(np.float64, (5, 4), elements=st.floats(-0.2, 1.2)),
)
def test_boxes_keep_the_sum_wherever_they_lie(regions, boxes):
    corners = np.sort(boxes.reshape(5, 2, 2), axis=1).reshape(5, 4)
    np.testing.assert_allclose(heatmaps.spread(regions, corners, (9, 7)).sum(), regions.sum(), atol=1e-4)


def test_regions_without_a_place_are_refused(make_case):
    with pytest.raises(ValueError, match="neither a grid nor boxes"):
        maps(make_case(pixels=None, grid=None))


def test_one_scale_serves_all_words():
    values = np.zeros((2, 10, 10))
    values[0, 0, :4], values[1, 5, 5] = -3, 7
    assert common_scale(values, quantile=1) == 7
    assert common_scale(values, quantile=0.98) == 3
    assert common_scale(values) == pytest.approx(np.quantile(np.abs(values), 0.995))


def test_the_scale_of_a_nearly_empty_map_is_its_maximum_and_of_an_empty_one_0():
    values = np.zeros((1, 100, 100))
    assert common_scale(values) == 0
    assert not heatmaps.strength(values, 0).any()
    values[0, 3, 3] = -0.5
    assert common_scale(values) == 0.5


def test_zero_is_grey_red_supports_blue_opposes():
    image = np.random.default_rng(0).integers(0, 256, (2, 4, 3), dtype=np.uint8)
    relevance = np.array([[0, 0, 2.0, -2.0], [9.0, -9.0, 0.1, -0.1]])
    drawn = overlay(image, relevance, scale=2)
    np.testing.assert_array_equal(drawn[0, :2], heatmaps.ground(image)[0, :2])
    assert (np.ptp(heatmaps.ground(image), axis=-1) == 0).all()
    for place, colour in (((0, 2), "support"), ((0, 3), "oppose"), ((1, 0), "support"), ((1, 1), "oppose")):
        grey, share = heatmaps.ground(image)[place].astype(float), RED_BLUE.opacity
        wanted = grey * (1 - share) + share * np.array(getattr(RED_BLUE, colour))
        np.testing.assert_allclose(drawn[place], wanted, atol=1)
    assert drawn[1, 2, 0] > drawn[1, 2, 2] and drawn[1, 3, 2] > drawn[1, 3, 0]


def test_a_map_is_stretched_to_its_picture():
    image = np.full((6, 9, 3), 128, np.uint8)
    drawn = overlay(image, np.array([[1.0, 1.0], [1.0, 1.0]]), scale=1)
    assert (drawn == drawn[0, 0]).all() and drawn[0, 0, 0] > 2 * drawn[0, 0, 1]


@hypothesis.given(st.floats(0, 1), st.floats(0, 1))
def test_opacity_grows_with_relevance_and_is_symmetric(a, b):
    weak, strong = sorted((a, b))
    table = heatmaps.colours(np.array([weak, strong, -weak, -strong])).astype(int)
    assert table[0, 3] <= table[1, 3]
    assert (table[:2, 3] == table[2:, 3]).all()


def test_another_palette_is_a_value():
    green = dataclasses.replace(RED_BLUE, support=(0, 128, 0), opacity=1.0)
    drawn = overlay(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1)), 1, green)
    assert tuple(drawn[0, 0]) == (0, 128, 0)


def test_the_transparent_map_shows_the_same_colours_to_a_step():
    relevance = np.random.default_rng(1).normal(size=(20, 30))
    relevance[3] = 0
    buffer = io.BytesIO()
    heatmaps.transparent(relevance, 2.0).save(buffer, "PNG", optimize=True)
    decoded = np.asarray(Image.open(buffer).convert("RGBA")).astype(int)
    opaque = dataclasses.replace(RED_BLUE, opacity=1.0)
    wanted = heatmaps.colours(heatmaps.strength(relevance, 2.0), opaque).astype(int)
    assert (decoded[3, :, 3] == 0).all()
    visible = decoded[..., 3] > 0
    np.testing.assert_array_equal(decoded[visible][:, :3], wanted[visible][:, :3])
    assert abs(decoded[..., 3] - wanted[..., 3]).max() <= 1 + 255 / (2 * heatmaps.LEVELS)


def test_the_strongest_boxes_are_outlined_in_the_colour_of_their_sign():
    boxes = np.array([[0, 0, 0.4, 0.4], [0.5, 0.5, 1, 1], [0.6, 0, 1, 0.4]])
    blank = Image.new("RGB", (20, 20), (255, 255, 255))
    drawn = np.asarray(heatmaps.outlines(blank, np.array([1.0, -3.0, 0.0]), boxes, count=3))
    assert tuple(drawn[0, 0]) == RED_BLUE.support
    assert tuple(drawn[10, 10]) == RED_BLUE.oppose and tuple(drawn[19, 19]) == RED_BLUE.oppose
    assert tuple(drawn[0, 19]) == (255, 255, 255) == tuple(drawn[14, 14])
    assert np.asarray(blank).min() == 255
