"""The numbers that a page carries as JSON."""

import json
import re

import numpy as np

from lrp_jax.captions import render
from lrp_jax.captions.render.heatmaps import LEVELS, resize

HOSTILE = '</script><script>alert("x")</script><!--'


def embedded(document):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', document, re.DOTALL)[1])


def test_a_page_carries_its_arrays(make_case):
    rng = np.random.default_rng(0)
    case = make_case(case={"rows": [1, 4]}, regions=rng.normal(size=(6, 9)).astype(np.float32) * 1e-5)
    found = embedded(render.page(case))
    (lrp,) = found["methods"]
    explanation = case.explanation
    assert found["inputs"] == list(case.words) and found["positions"] == [2, 5] and lrp["grid"] == [3, 3]
    for name in ("logits", "betas", "regions"):
        np.testing.assert_allclose(lrp[name], getattr(explanation, name)[[1, 4]], rtol=1e-6, err_msg=name)
    for values, row in zip(lrp["words"], (1, 4), strict=True):
        np.testing.assert_allclose(values, explanation.words[row, : row + 1], rtol=1e-6)
    np.testing.assert_allclose(lrp["unit"] * LEVELS, render.common_scale(render.maps(case)))
    assert found["colours"] == [list(render.RED_BLUE.support), list(render.RED_BLUE.oppose)]


def test_what_a_method_does_not_have_is_null(make_case):
    (found,) = embedded(render.page(make_case(method="attention")))["methods"]
    assert found["words"] is None and found["boxes"] is None and found["has_map"] is True
    boxes = np.sort(np.random.default_rng(0).uniform(0, 1, (9, 2, 2)), axis=1).reshape(9, 4)
    (found,) = embedded(render.page(make_case(pixels=None, grid=None, case={"boxes": boxes})))["methods"]
    np.testing.assert_allclose(found["boxes"], boxes, rtol=1e-6)
    assert found["grid"] is None and found["has_map"] is False


def test_no_text_ends_the_element_that_holds_it(make_case):
    document = render.page(make_case(name=HOSTILE, caption=("<start>", "a", HOSTILE, "on", "a", "b", "c")))
    found = embedded(document)
    assert found["name"] == HOSTILE and found["inputs"][2] == HOSTILE
    assert document.count("<script") == 2


def test_twenty_words_by_five_methods_stay_under_six_megabytes(make_case):
    """Maps as they are: speckled where pixels have values of their own, smooth where regions are enlarged."""
    rng, count = np.random.default_rng(0), 20
    rows, columns = np.mgrid[:224, :224] / 224
    caption = ("<start>", *(f"word{i}" for i in range(count)))
    cases = []
    for number, method in enumerate(("lrp", "gradient_x_input", "guided_grad_cam", "grad_cam", "attention")):
        if method in ("grad_cam", "attention"):
            regions = rng.dirichlet(np.full(196, 0.3), count)
            smooth = resize(regions.reshape(count, 14, 14), (224, 224))
            pixels, enlarged = np.repeat(smooth[..., None], 3, -1), True
        else:
            places = rng.uniform(0.2, 0.8, (2, count, 2, 1, 1))
            for_it, against = (np.exp(-20 * ((rows - p[:, 0]) ** 2 + (columns - p[:, 1]) ** 2)) for p in places)
            speckle = rng.laplace(size=(count, 224, 224, 3))
            pixels = (for_it - 0.5 * against)[..., None] * (0.6 + 0.7 * speckle) + 0.05 * speckle
            regions, enlarged = rng.normal(size=(count, 196)), False
        cases.append(
            make_case(
                caption=caption, method=method, seed=number, regions=regions, grid=(14, 14), enlarged=enlarged,
                pixels=pixels.astype(np.float32), **({"words": None} if method == "attention" else {}),
            )
        )  # fmt: skip
    size = len(render.page(render.Comparison(cases)).encode())
    assert 1e6 < size < 6e6
