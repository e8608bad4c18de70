"""AUC, DeLong's covariance and Spearman's rho: by hand, and against their definitions written out."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from lrp_jax.captions.metrics import nested_bootstrap
from lrp_jax.captions.metrics.ranks import delong, spearman, weighted_areas, weighted_auc


def psi(x, y):
    return 1.0 if x > y else 0.5 if x == y else 0.0


def slow_delong(scores, labels):
    """The definition: all pairs, and the structural components of both groups."""
    v, w = [], []
    for row in scores:
        positive = [s for s, label in zip(row, labels, strict=True) if label]
        negative = [s for s, label in zip(row, labels, strict=True) if not label]
        v.append([np.mean([psi(x, y) for y in negative]) for x in positive])
        w.append([np.mean([psi(x, y) for x in positive]) for y in negative])
    v, w = np.array(v), np.array(w)
    covariance = np.zeros((len(scores), len(scores)))
    for r in range(len(scores)):
        for s in range(len(scores)):
            for part in (v, w):
                a, b = part[r] - part[r].mean(), part[s] - part[s].mean()
                covariance[r, s] += (a * b).sum() / (len(a) - 1) / len(a)
    return v.mean(axis=1), covariance


def test_auc_by_hand():
    # Pairs (true, false): 3 > 1, 3 > 2, 2 > 1, 2 = 2 -> 3.5 of 4.
    found = delong([[3.0, 2.0, 1.0, 2.0]], [True, True, False, False])
    np.testing.assert_allclose(found.value, [3.5 / 4])
    # V = (1, 3/4), W = (1, 3/4): each has variance 1/32, divided by 2, added.
    np.testing.assert_allclose(found.covariance, [[1 / 32]])
    low, high = found.interval()
    np.testing.assert_allclose(low, 0.875 - 1.959964 * np.sqrt(1 / 32), rtol=1e-6)
    assert high == 1  # cut there
    np.testing.assert_array_equal(delong([[1.0, 1.0, 1.0]], [True, False, True]).value, [0.5])
    assert np.isnan(delong([[1.0, 2.0]], [True, True]).value).all()
    one_against_two = delong([[1.0, 0.0, 2.0]], [True, False, False])
    assert one_against_two.value == [0.5]
    assert np.isnan(one_against_two.covariance).all()


@hypothesis.given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 1000))
def test_delong_is_its_definition(m, n, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, (3, m + n)).astype(float)  # many ties
    labels = rng.permutation(np.arange(m + n) < m)
    value, covariance = slow_delong(scores, labels)
    found = delong(scores, labels)
    np.testing.assert_allclose(found.value, value, atol=1e-12)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-12)
    d, low, high = found.difference(0, 2)
    np.testing.assert_allclose(d, value[0] - value[2], atol=1e-12)
    half = 1.959963985 * np.sqrt(max(covariance[0, 0] + covariance[2, 2] - 2 * covariance[0, 2], 0))
    # atol: the square root of rounding, where a variance is 0
    np.testing.assert_allclose([d - low, high - d], [half, half], rtol=1e-6, atol=1e-7)


def test_delong_holds_as_often_as_it_says():
    rng = np.random.default_rng(0)
    labels, truth, held = np.arange(120) < 70, 0.7602499, 0  # of normals one deviation apart
    for _ in range(400):
        low, high = delong(rng.normal(size=120) + labels, labels).interval()
        held += low[0] <= truth <= high[0]
    assert 0.92 <= held / 400 <= 0.98


def test_a_score_less_itself_is_nothing():
    scores = np.random.default_rng(0).normal(size=20)
    found = delong([scores, 2 * scores + 1], np.arange(20) < 8)
    np.testing.assert_allclose(found.difference(0, 1), [0, 0, 0], atol=1e-7)


@hypothesis.given(st.integers(0, 1000))
def test_weights_are_repetitions(seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.integers(0, 6, 30).astype(float), rng.random(30) < 0.5
    labels[:2] = True, False
    times = rng.integers(1, 4, 30)
    again = np.repeat(np.arange(30), times)
    statistic = weighted_auc(scores, labels)
    np.testing.assert_allclose(statistic(times.astype(float)), delong(scores[again], labels[again]).value[0])
    np.testing.assert_allclose(statistic(np.ones(30)), delong(scores, labels).value[0])


def test_several_scores_at_once():
    rng = np.random.default_rng(0)
    scores, labels, groups = rng.integers(0, 4, (3, 40)), rng.random(40) < 0.4, rng.integers(0, 3, 40)
    weights = rng.integers(0, 3, 40).astype(float)
    one_by_one = [weighted_auc(score, labels, groups)(weights) for score in scores]
    np.testing.assert_allclose(weighted_areas(scores, labels, groups)(weights), one_by_one)
    again = np.repeat(np.arange(40), weights.astype(int))
    of_groups = [again[groups[again] == group] for group in range(3)]
    areas = np.array([delong(scores[:, items], labels[items]).value for items in of_groups])
    np.testing.assert_allclose(one_by_one, np.average(areas, axis=0, weights=[len(items) for items in of_groups]))


def test_groups_are_not_compared_with_each_other():
    # Within each group the AUC is 1 and 1/2; across them the scores have other scales.
    scores, labels = np.array([2.0, 1.0, 200.0, 200.0, 300.0, 100.0]), np.array([1, 0, 1, 0, 1, 1], bool)
    statistic = weighted_auc(scores, labels, ["a", "a", "b", "b", "c", "c"])
    assert statistic(np.ones(6)) == 0.75  # "c" has no negative item
    assert statistic(np.array([1.0, 1, 3, 3, 0, 0])) == (2 * 1 + 6 * 0.5) / 8
    assert np.isnan(statistic(np.array([1.0, 0, 0, 1, 1, 1])))
    estimate = nested_bootstrap(statistic, np.arange(6), resamples=50)
    assert estimate.value == 0.75


def test_spearman_by_hand():
    assert spearman([1, 2, 3], [10, 20, 1000]) == 1
    assert spearman([1, 2, 3], [3, 2, 1]) == -1
    # Ranks (1, 2.5, 2.5, 4) and (1, 2, 3, 4): 4.5 / sqrt(4.5 * 5).
    np.testing.assert_allclose(spearman([0, 5, 5, 9], [1, 2, 3, 4]), 4.5 / np.sqrt(4.5 * 5))
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))
    assert np.isnan(spearman([1], [2]))
    with pytest.raises(ValueError, match="two rows of the same length"):
        spearman([1, 2], [1, 2, 3])


def test_what_cannot_be_ranked_is_an_error():
    with pytest.raises(ValueError, match="got nan"):
        delong([[1.0, np.nan]], [True, False])
    with pytest.raises(ValueError, match="one label per item"):
        delong([[1.0, 2.0]], [True])
