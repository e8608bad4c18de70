import numpy as np
import pytest

from lrp_jax.captions.metrics import bootstrap_interval, nested_bootstrap, weighted_mean


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


def test_nested_bootstrap_of_one_start_is_the_bootstrap_over_images():
    rng = np.random.default_rng(3)
    values, images = rng.normal(size=60), np.repeat(np.arange(20), 3)
    found = nested_bootstrap(weighted_mean(values), images, seed=4)
    low, high = bootstrap_interval(values, images, seed=4)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high))


def test_nested_bootstrap_knows_that_starts_differ():
    # Ten starts whose means differ by 1: 1000 images each do not make their mean any surer.
    rng = np.random.default_rng(5)
    means = rng.normal(size=10)
    starts = np.repeat(np.arange(10), 1000)
    values = means[starts] + 0.01 * rng.normal(size=10_000)
    found = nested_bootstrap(weighted_mean(values), np.tile(np.arange(1000), 10), starts, resamples=400)
    expected = means.std() / np.sqrt(10)  # of the bootstrap distribution of a mean of ten
    assert found.error == pytest.approx(expected, rel=0.15)
    over_images = nested_bootstrap(weighted_mean(values), np.arange(10_000), resamples=200)
    assert over_images.error < 0.1 * found.error


def test_the_same_image_under_two_starts_is_drawn_for_each():
    # Two starts with one image each: a draw is (a, a), (a, b), (b, a) or (b, b).
    found = nested_bootstrap(weighted_mean([0.0, 1.0]), [7, 7], [0, 1], resamples=4000)
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)
    assert found.error == pytest.approx(np.sqrt(0.125), rel=0.05)


def test_draws_without_a_value_are_left_out():
    found = nested_bootstrap(lambda weights: float("nan") if weights[0] == 0 else 1.0, [0, 1])
    assert (found.value, found.low, found.high, found.error) == (1.0, 1.0, 1.0, 0.0)
    nothing = nested_bootstrap(lambda weights: float("nan"), [0, 1], resamples=5)
    assert np.isnan(nothing.low) and np.isnan(nothing.error)
    with pytest.raises(ValueError, match="got 0 and 0"):
        nested_bootstrap(weighted_mean([]), [])
