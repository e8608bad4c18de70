import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from lrp_jax.captions.experiments.resampled import estimates
from lrp_jax.captions.metrics import nested_bootstrap, weighted_mean


@pytest.mark.parametrize("starts", [1, 2, 4])
def test_each_number_is_that_of_its_own_bootstrap(starts):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"image": np.tile(np.arange(20), starts), "start": np.repeat(np.arange(starts), 20)})
    values = rng.normal(size=(len(rows), 2)) + rows["start"].to_numpy()[:, None]
    statistics = [weighted_mean(column) for column in values.T]
    found = estimates(lambda weights: [f(weights) for f in statistics], rows, seed=5)
    nested = rows["start"] if starts >= 3 else None
    for estimate, statistic in zip(found, statistics, strict=True):
        expected = nested_bootstrap(statistic, rows["image"], nested, seed=5)
        assert dataclasses.astuple(estimate) == pytest.approx(dataclasses.astuple(expected))


def test_a_number_that_no_draw_defines():
    first, second = estimates(lambda weights: [weights.sum(), float("nan")], pd.DataFrame({"image": [0, 1]}))
    assert (first.value, first.low, first.high, first.error) == (2, 2, 2, 0)
    assert math.isnan(second.value) and math.isnan(second.low) and math.isnan(second.error)
