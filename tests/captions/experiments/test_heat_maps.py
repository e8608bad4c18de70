"""Heat maps of some words are those of the whole explanation."""

import dataclasses

import numpy as np
import pytest
from small_speaker import small_scenes, small_speaker

from lrp_jax.captions.data.bottom_up import Regions
from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import cases
from lrp_jax.captions.experiments.heat_maps import heat_maps, spread
from lrp_jax.captions.images import Example


@pytest.mark.parametrize(
    ("kind", "method", "head"),
    [
        ("ada", "lrp", None),
        pytest.param("ada", "guided_grad_cam", None, marks=pytest.mark.slow),
        ("mhfc", "attention", 1),
    ],
)
def test_same_as_the_explanation(kind, method, head):
    ((_, case),) = cases(small_speaker(kind), small_scenes(1), SCENES, [0])
    ends = [mention.position + len(mention.words) - 1 for mention in case.mentions]
    assert len(ends) > 2  # more than go through the encoder at once
    whole = np.asarray(case.explanation(method, head).pixels)
    np.testing.assert_allclose(case.heat_maps(method, head), whole[ends], rtol=1e-4, atol=1e-6 * np.abs(whole).max())
    again = heat_maps(case.speaker, case.example, case.pixels, case.caption, [3, 0], method, head)
    np.testing.assert_allclose(again, whole[[3, 0]], rtol=1e-4, atol=1e-6 * np.abs(whole).max())
    assert heat_maps(case.speaker, case.example, case.pixels, case.caption, [], method, head).shape == (0, 24, 24, 3)


def test_regions_are_spread_over_their_boxes():
    boxes = np.array([[0, 0, 0.5, 1], [0.25, 0.5, 1, 1], [0.2, 0.2, 0.2, 0.2]])
    found = spread(np.array([[8.0, 6.0, 5.0]]), boxes, side=4)
    # 8 pixels of 1; 3 x 2 pixels of 1 in the lower right; a box without area has nowhere to put anything.
    wanted = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 2, 1, 1], [1, 2, 1, 1]])
    np.testing.assert_allclose(found, np.repeat(wanted[None, :, :, None], 3, axis=-1))


def test_features_from_elsewhere():
    speaker = small_speaker()
    boxes = np.array([[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]])
    features = np.abs(np.random.default_rng(0).normal(size=(4, 96)))
    elsewhere = dataclasses.replace(speaker, encoder=None, regions={"a": Regions("a", features, boxes)})
    caption = np.array([4, 5, 6])
    found = heat_maps(elsewhere, Example("a", b""), None, caption, [2, 1], "attention")
    assert found.shape == (2, 224, 224, 3)
    weights = found.mean(axis=-1).reshape(2, 2, 112, 2, 112).sum((2, 4)).reshape(2, 4)
    np.testing.assert_allclose(
        weights, elsewhere.explain(elsewhere.regions["a"], [1, *caption], "attention").regions[[2, 1]], rtol=1e-6
    )
