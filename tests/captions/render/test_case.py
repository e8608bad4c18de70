import numpy as np
import pytest

from lrp_jax.captions.render import sums


def test_the_logit_is_shared_out_between_picture_words_and_rest(make_case):
    case = make_case()
    for row in case.shown:
        total, explanation = sums(case, row), case.explanation
        assert total.logit == explanation.logits[row]
        np.testing.assert_allclose(total.picture, explanation.pixels[row].astype(float).sum(), rtol=1e-12)
        np.testing.assert_allclose(total.words, explanation.words[row].sum(), rtol=1e-12)
        np.testing.assert_allclose(total.picture + total.words + total.rest, total.logit, rtol=1e-12)
        np.testing.assert_allclose(total.support + total.oppose, total.picture, rtol=1e-9)
        assert total.support > 0 > total.oppose


def test_attention_is_summed_by_region_and_not_by_enlarged_pixel(make_case):
    case = make_case(method="attention")
    total = sums(case, 2)
    np.testing.assert_allclose(total.picture, 1)
    assert total.words is None and total.rest is None


def test_occlusion_has_pixels_of_its_own_without_features(make_case):
    case = make_case(method="occlusion", features=None)
    np.testing.assert_allclose(sums(case, 2).picture, case.explanation.pixels[2].astype(float).sum(), rtol=1e-12)


def test_a_gradient_is_not_shared_out(make_case):
    assert sums(make_case(method="gradient"), 0).rest is None


def test_rows_are_ordered_and_unique(make_case):
    assert make_case(case={"rows": [3, 1, 3]}).shown == (1, 3)
    assert make_case().shown == (0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": np.zeros((6, 5))}, r"words has shape \[6, 5\], wanted \[6, 6\]"),
        ({"pixels": np.zeros((5, 8, 8, 3))}, r"pixels has shape \[5, 8, 8, 3\], wanted \[6, \.\.\.\]"),
        ({"logits": np.array([1, 2, np.nan, 4, np.inf, 6])}, "logits has 2 values that are not finite"),
        ({"pixels": None, "regions": None}, "neither pixels nor regions"),
        ({"case": {"rows": [6]}}, r"got rows \[6\], wanted at least one, each from 0 to 5"),
        ({"case": {"rows": []}}, "wanted at least one"),
    ],
)
def test_what_does_not_fit_is_refused(make_case, changes, message):
    with pytest.raises(ValueError, match=message):
        make_case(**changes)
