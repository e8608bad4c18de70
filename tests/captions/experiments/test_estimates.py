"""Means with intervals, beside the bootstrap that draws one start after the other."""

import numpy as np
import pandas as pd
import pytest

from lrp_jax.captions.experiments.estimates import LEAST_STARTS, log_mean, mean_of, paired
from lrp_jax.captions.metrics import nested_bootstrap, weighted_mean


@pytest.mark.parametrize("starts", [1, LEAST_STARTS + 1])
def test_the_interval_is_that_of_the_nested_bootstrap(starts):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"start": rng.integers(starts, size=90), "image": rng.integers(12, size=90)})
    values = rows["start"] + 0.3 * rows["image"] + rng.normal(size=90)
    slow = nested_bootstrap(weighted_mean(values), rows["image"], rows["start"], resamples=1000)
    fast = mean_of(values, rows)
    assert fast.value == pytest.approx(values.mean())
    assert fast.error == pytest.approx(slow.error, rel=0.1)
    np.testing.assert_allclose([fast.low, fast.high], [slow.low, slow.high], atol=0.3 * slow.error)


def test_two_starts_are_too_few_to_be_drawn():
    rows = pd.DataFrame({"start": [0, 0, 1, 1], "image": [0, 1, 0, 1]})
    # Whole images, with what both starts gave for them.
    found = mean_of([1, 2, 3, 6], rows)
    assert (found.value, found.low, found.high) == (3, 2, 4)


def test_pairs_are_of_one_image_and_start():
    rows = pd.DataFrame(
        [
            {"start": start, "image": 5, "place": 2, "method": method, "p": p}
            for start, method, p in ((0, "a", 0.9), (0, "b", 0.4), (1, "a", 0.3), (1, "b", 0.7), (2, "a", 0.1))
        ]
    )
    found = paired(rows, "p", "a", "b", ["place"])
    np.testing.assert_allclose(found["difference"], [0.5, -0.4])
    assert found["start"].tolist() == [0, 1]


def test_log_mean():
    assert np.exp(log_mean(np.log([0.1, 0.5]))) == pytest.approx(0.3)


def test_no_rows():
    with pytest.raises(ValueError, match="no rows"):
        mean_of([], pd.DataFrame({"image": []}))
