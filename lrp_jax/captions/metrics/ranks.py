"""AUC (how well a score separates two groups) and Spearman's rho (agreement of two orders)."""

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float


class AUC(NamedTuple):
    """Areas under the ROC curves of several scores of the same items.

    value: [k], the area of each score.
    covariance: [k, k], of the estimated areas, by DeLong; nan where a group has fewer than two items.
    """

    value: Float[np.ndarray, " k"]
    covariance: Float[np.ndarray, "k k"]

    def interval(self, level: float = 0.95) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        """The lower and upper ends of the normal interval of each area, clipped to [0, 1]."""
        half = _half(np.diag(self.covariance), level)
        return np.clip(self.value - half, 0, 1), np.clip(self.value + half, 0, 1)

    def difference(self, first: int, second: int, level: float = 0.95) -> tuple[float, float, float]:
        """value[first] - value[second] and the ends of its normal interval, for scores of the same items."""
        c = self.covariance
        d = float(self.value[first] - self.value[second])
        half = float(_half(np.array(c[first, first] + c[second, second] - 2 * c[first, second]), level))
        return d, d - half, d + half


def delong(scores: Float[np.ndarray, "k n"], labels: Bool[np.ndarray, " n"]) -> AUC:
    """The AUC of several scores of the same items, with the covariance of the estimates.

    With X the scores of the m positive and Y those of the n negative items,

        AUC = mean over pairs of psi(X_i, Y_j)     psi = 1 if X > Y, 1/2 if X = Y, 0 if X < Y
        V_i = mean over j of psi(X_i, Y_j)         W_j = mean over i of psi(X_i, Y_j)
        covariance = cov(V) / m + cov(W) / n

    computed from midranks in O(n log n). Items are assumed to be independent.

    Args:
      scores: one row for each score; higher means positive.
      labels: whether an item is positive.

    Returns:
      The areas, nan where there are no positive or no negative items.

    Raises:
      ValueError: a score is nan, or there is not one label per item.

    Reference:
      DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
      characteristic curves, Biometrics 1988; the algorithm is that of Sun and Xu, Fast implementation of DeLong's
      algorithm, IEEE Signal Processing Letters 2014.
    """
    scores, labels = _checked(np.atleast_2d(np.asarray(scores, np.float64)), labels)
    positive, negative = scores[:, labels], scores[:, ~labels]
    k, m, n = len(scores), positive.shape[1], negative.shape[1]
    if not m or not n:
        return AUC(np.full(k, np.nan), np.full((k, k), np.nan))
    among_all = _ranks(np.concatenate([positive, negative], axis=1))
    # The midrank among all minus the midrank in its own group is the number of items of the other group below it,
    # with ties counted half.
    of_positive = (among_all[:, :m] - _ranks(positive)) / n
    of_negative = 1 - (among_all[:, m:] - _ranks(negative)) / m
    if min(m, n) < 2:
        return AUC(of_positive.mean(axis=1), np.full((k, k), np.nan))
    covariance = np.cov(of_positive).reshape(k, k) / m + np.cov(of_negative).reshape(k, k) / n
    return AUC(of_positive.mean(axis=1), covariance)


def weighted_areas(
    scores: Float[np.ndarray, "k n"], labels: Bool[np.ndarray, " n"], groups: Sequence | np.ndarray | None = None
) -> Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " k"]]:
    """The AUC of several scores as a function of how often each item counts, for the bootstrap.

    Args:
      scores, labels: as for `delong`.
      groups: the group of each item, such as the trained model; positive items are compared only with negative items
        of the same group, whose scores are on the same scale. The areas of the groups are averaged, weighted by
        their numbers of items. None: all items are one group.

    Returns:
      A function of weights [n] that returns the AUC of each score; nan where no group has both kinds of items.
    """
    scores, labels = _checked(np.atleast_2d(np.asarray(scores, np.float64)), labels)
    k, n = scores.shape
    groups = np.zeros(n, int) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    parts = []
    for group in range(groups.max() + 1 if n else 0):
        items = np.flatnonzero(groups == group)
        # The distinct values of each score in ascending order, concatenated over all scores.
        levels = [np.unique(score[items], return_inverse=True)[1] for score in scores]
        counts = np.array([level.max() + 1 for level in levels])
        starts = np.cumsum(counts) - counts
        places = np.concatenate([level + start for level, start in zip(levels, starts, strict=True)])
        parts.append((items, labels[items], places, starts, np.repeat(np.arange(k), counts)))

    def areas(weights):
        total, size = np.zeros(k), 0.0
        for items, positive, places, starts, score in parts:
            weight = weights[items]
            up, down = (np.bincount(places, np.tile(weight * chosen, k)) for chosen in (positive, ~positive))
            all_up, all_down = weight[positive].sum(), weight[~positive].sum()
            if all_up and all_down:
                below = np.cumsum(down) - down / 2 - score * all_down
                total += weight.sum() * np.add.reduceat(up * below, starts) / (all_up * all_down)
                size += weight.sum()
        return total / size if size else np.full(k, np.nan)

    return areas


def weighted_auc(
    scores: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"], groups: Sequence | np.ndarray | None = None
) -> Callable[[Float[np.ndarray, " n"]], float]:
    """`weighted_areas` of one score, as a statistic of `nested_bootstrap`."""
    areas = weighted_areas(scores, labels, groups)
    return lambda weights: float(areas(weights)[0])


def spearman(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> float:
    """Spearman's rank correlation; ties share their mean rank; nan where either input is constant.

    Args:
      first, second: values of the same items, of the same length.
    """
    first, second = (_ranks(np.ravel(x)) for x in (first, second))
    if len(first) != len(second):
        raise ValueError(f"wanted two rows of the same length, got {len(first)} and {len(second)}")
    if len(first) < 2:
        return float("nan")
    first, second = first - first.mean(), second - second.mean()
    size = np.sqrt((first @ first) * (second @ second))
    return float(np.clip(first @ second / size, -1, 1)) if size > 0 else float("nan")


def _checked(scores: np.ndarray, labels) -> tuple[np.ndarray, np.ndarray]:
    labels = np.asarray(labels, bool)
    if labels.shape != scores.shape[-1:]:
        raise ValueError(f"wanted one label per item, got {labels.shape} for {scores.shape[-1]} items")
    if np.isnan(scores).any():
        raise ValueError("wanted scores that are numbers, got nan; leave out the items without a score")
    return scores, labels


def _ranks(values: Float[np.ndarray, "*k n"]) -> Float[np.ndarray, "*k n"]:
    """Ranks along the last axis, from 1; ties share their mean rank."""
    from scipy import stats  # imported here because it takes a second, which explain.py would wait for

    return stats.rankdata(values, axis=-1)


def _half(variance: np.ndarray, level: float) -> np.ndarray:
    """Half the width of a normal interval; rounding may make a variance of 0 slightly negative."""
    return NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(np.maximum(variance, 0))
