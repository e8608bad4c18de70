"""How suspicious an object word is: Table 2's statistic, in one form for all captioners."""

import dataclasses
import json

import numpy as np
import pytest

from lrp_jax.captions import render
from lrp_jax.captions.experiments.hallucination import statistics_of
from lrp_jax.captions.pages.writers import write

BALL = render.ObjectWord("red ball", "sports ball", 3)


def test_it_is_the_statistic_of_the_paper_turned_round(make_case):
    case = make_case()
    for position in range(1, 7):
        wanted = statistics_of(case.explanation.pixels[position - 1])["quantile-5%"]
        np.testing.assert_allclose(render.suspicion(case, position), -wanted, rtol=1e-5)


def test_a_picture_that_speaks_against_the_word_is_more_suspicious(make_case):
    pixels = np.full((6, 10, 10, 3), 1e-3)
    pixels[2, :2] = -5e-3  # a fifth of it
    case = make_case(pixels=pixels)
    assert render.suspicion(case, 3) == pytest.approx(5e-3)
    assert render.suspicion(case, 2) == pytest.approx(-1e-3)


def test_words_that_are_not_shown_have_it_too(make_case):
    case = make_case()
    few = dataclasses.replace(case, rows=[0])
    assert render.suspicion(few, 5) == render.suspicion(case, 5)


def test_regions_are_laid_out_over_the_picture(make_case):
    """The same relevance as a grid and as the boxes of that grid, whose every pixel has a part of it."""
    regions = np.zeros((6, 4))
    regions[:, 0] = -4.0  # a quarter of the picture
    corners = [(x / 2, y / 2, (x + 1) / 2, (y + 1) / 2) for y in range(2) for x in range(2)]
    boxes = make_case(pixels=None, grid=None, regions=regions, case={"boxes": np.array(corners)})
    assert render.suspicion(boxes, 1) == pytest.approx(4 / 112**2)
    assert render.suspicion(make_case(pixels=None, grid=(2, 2), regions=regions), 1) == pytest.approx(4.0)


@pytest.mark.parametrize("changes", [{"method": "grad_cam"}, {"head": 2}, {"against": "rest"}, {"method": "attention"}])
def test_other_maps_have_none(make_case, changes):
    assert render.suspicion(make_case(**changes), 3) is None


def test_of_several_methods_it_is_that_of_lrp(make_case):
    lrp, cam = make_case(), make_case(method="grad_cam", seed=1)
    assert render.suspicion(render.Comparison([cam, lrp]), 3) == render.suspicion(lrp, 3) is not None
    assert render.suspicion(render.Comparison([cam]), 3) is None


def test_the_record_says_it_of_every_object(make_case, tmp_path):
    case = make_case(case={"objects": [BALL]})
    write(tmp_path, case, ["json"])
    found = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))["objects"]
    assert found == [
        {"word": "red ball", "category": "sports ball", "position": 3, "suspicion": render.suspicion(case, 3)}
    ]


@pytest.mark.parametrize("position", [0, 7])
def test_an_object_stands_in_the_caption(make_case, position):
    with pytest.raises(ValueError, match=f"got an object at position {position}, wanted 1 to 6"):
        make_case(case={"objects": [render.ObjectWord("ball", "ball", position)]})
