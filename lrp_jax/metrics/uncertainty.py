"""How sure a mean is."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def bootstrap_interval(
    values: Float[np.ndarray, " n"],
    groups: Sequence | np.ndarray | None = None,
    *,
    seed: int = 0,
    level: float = 0.95,
    resamples: int = 2000,
) -> tuple[float, float]:
    """The percentile bootstrap interval of a mean.

    Args:
      values: the measurements.
      groups: the unit that each measurement belongs to, such as its image. Whole groups are drawn again,
        because measurements of the same group do not inform independently. None: each is its own.
      seed: of the draws.
      level: how often the interval should hold the true mean.
      resamples: the number of draws.

    Returns:
      The lower and the upper end.

    Raises:
      ValueError: there are no values, or not one group per value.

    Reference:
      Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"wanted a row of at least one value, got shape {values.shape}")
    if groups is None:
        groups = np.arange(len(values))
    if len(groups) != len(values):
        raise ValueError(f"wanted one group per value, got {len(groups)} for {len(values)} values")
    _, members = np.unique(np.asarray(groups), return_inverse=True)
    sums, sizes = np.bincount(members, values), np.bincount(members)
    rng = np.random.default_rng(seed)
    even = np.full(len(sums), 1 / len(sums))
    means = np.empty(resamples)
    for draw in range(resamples):
        times = rng.multinomial(len(sums), even)  # how often each group was drawn
        means[draw] = (times @ sums) / (times @ sizes)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
