import math

import pytest

from study.verdicts import Finding, of_independent, together


def finding(low, high, **bounds):
    return Finding(
        about="a - b", captioner="any", difference=(low + high) / 2, low=low, high=high, count=9, **bounds
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "bounds", "verdict"),
    [
        ((0.01, 0.03), {}, "holds"),
        ((-0.01, 0.03), {}, "undecided"),
        ((-0.03, -0.01), {}, "fails"),
        ((-0.01, 0.03), {"bound": -0.02}, "holds"),  # "at least": a margin below 0
        ((-0.03, 0.03), {"bound": -0.02}, "undecided"),
        ((-0.05, -0.03), {"bound": -0.02}, "fails"),
        ((-0.04, 0.04), {"within": 0.05}, "holds"),  # "about equal": both ends count
        ((-0.04, 0.06), {"within": 0.05}, "undecided"),
        ((0.06, 0.08), {"within": 0.05}, "fails"),
        ((-0.08, -0.06), {"within": 0.05}, "fails"),
        ((0.0, 0.03), {}, "undecided"),  # an interval that touches the bound does not lie above it
        ((math.nan, math.nan), {}, "undecided"),
        ((0.3, 0.3), {}, "undecided"),  # of one word: nothing to resample
    ],
)
def test_an_interval_decides(ends, bounds, verdict):
    assert finding(*ends, **bounds).verdict == verdict


def test_a_claim_about_several_comparisons():
    holds, undecided, fails = finding(1, 2), finding(-1, 2), finding(-2, -1)
    assert together([holds, holds]) == "holds"
    assert together([holds, undecided]) == "undecided"
    assert together([holds, undecided, fails]) == "fails"
    assert together([]) == "not measured"


def test_the_smallest_effect_that_could_be_seen():
    # An interval of 1.96 standard errors to either side, and 2.8 of them for a power of 0.8.
    assert finding(0.5 - 1.96 * 0.1, 0.5 + 1.96 * 0.1).smallest == pytest.approx(0.28)


def test_variances_of_independent_means_add_up():
    found = of_independent("a - b", "both", (0.7, 0.4, 1.0, 50), (0.2, -0.2, 0.6, 30))
    assert found.difference == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.0, 1.0))  # 3, 4 and 5 tenths
    assert found.count == 30
