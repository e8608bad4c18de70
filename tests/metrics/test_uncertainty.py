import numpy as np
import pytest

from lrp_jax.metrics import bootstrap_interval


def test_interval_of_a_constant_is_a_point():
    np.testing.assert_allclose(bootstrap_interval(np.full(10, 0.3)), [0.3, 0.3])


def test_interval_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).normal(2.0, 1.0, size=400)
    low, high = bootstrap_interval(values)
    error = values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_values_of_a_group_are_drawn_together():
    rng = np.random.default_rng(2)
    means = rng.normal(size=40)
    values, groups = np.repeat(means, 25), np.repeat([f"image {i}" for i in range(40)], 25)
    low, high = bootstrap_interval(values, groups)
    alone = bootstrap_interval(means)  # 25 copies of a measurement tell no more than one
    np.testing.assert_allclose([low, high], alone, atol=0.03)
    naive = bootstrap_interval(values)
    assert high - low > 4 * (naive[1] - naive[0])


def test_groups_of_unequal_size_weigh_by_their_size():
    # Two groups of 9 and 1 values: the mean is 0, 0.1 or 1 in a quarter, a half and a quarter of the draws.
    values, groups = np.array([0.0] * 9 + [1.0]), np.array([0] * 9 + [1])
    assert bootstrap_interval(values, groups, level=0.4) == pytest.approx((0.1, 0.1))
    assert bootstrap_interval(values, groups, level=0.6) == pytest.approx((0.0, 1.0))


def test_seed_decides():
    values = np.arange(30.0)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap_interval(np.zeros(0))
    with pytest.raises(ValueError, match="2 for 3 values"):
        bootstrap_interval(np.zeros(3), [0, 1])
