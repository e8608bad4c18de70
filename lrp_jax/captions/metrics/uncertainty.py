"""Bootstrap intervals."""

import dataclasses
from collections.abc import Callable, Sequence

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
      groups: the unit that each measurement belongs to, such as its image. Whole groups are resampled, because
        measurements of one group are not independent. None: each measurement is its own group.
      seed: of the resampling.
      level: the nominal coverage of the interval.
      resamples: the number of bootstrap samples.

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


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number with its uncertainty.

    Attributes:
      value: computed from all measurements.
      low, high: the ends of its percentile interval.
      error: the standard deviation over the bootstrap samples.
    """

    value: float
    low: float
    high: float
    error: float


def nested_bootstrap(
    statistic: Callable[[Float[np.ndarray, " n"]], float],
    images: Sequence | np.ndarray,
    starts: Sequence | np.ndarray | None = None,
    *,
    seed: int = 0,
    level: float = 0.95,
    resamples: int = 2000,
) -> Estimate:
    """The percentile bootstrap of any statistic of measurements on images by several trained models.

    Models are resampled first, and then the images of each drawn model, because models that were trained from different
    random starts vary as images do. All measurements of an image by a model stay together.

    Args:
      statistic: a function of the weights of the n measurements (how often each counts); with ones, the statistic
        itself.
      images: the image of each measurement.
      starts: the trained model (its random start) of each measurement; None: all are of one model, and only images
        are resampled.
      seed, level, resamples: as for `bootstrap_interval`. Samples in which the statistic is not defined (nan) are left
        out.

    Returns:
      The estimate; its interval is nan where no sample has a value.

    Raises:
      ValueError: there are no measurements, or not one image and start for each.

    Reference:
      Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8.
    """
    images = np.asarray(images)
    starts = np.zeros(len(images), int) if starts is None else np.asarray(starts)
    if not len(images) or len(images) != len(starts):
        raise ValueError(f"wanted one image and one start per measurement, got {len(images)} and {len(starts)}")
    _, start = np.unique(starts, return_inverse=True)
    # The images of each start, renumbered within it.
    units = []
    for number in range(start.max() + 1):
        rows = np.flatnonzero(start == number)
        _, image = np.unique(images[rows], return_inverse=True)
        units.append((rows, image, image.max() + 1))
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(resamples):
        weights = np.zeros(len(images))
        for number in rng.integers(len(units), size=len(units)) if len(units) > 1 else (0,):
            rows, image, count = units[number]
            weights[rows] += rng.multinomial(count, np.full(count, 1 / count))[image]
        draws.append(statistic(weights))
    draws = np.array([draw for draw in draws if not np.isnan(draw)])
    value = float(statistic(np.ones(len(images))))
    if not len(draws):
        return Estimate(value, float("nan"), float("nan"), float("nan"))
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Estimate(value, float(low), float(high), float(draws.std(ddof=1)))


def weighted_mean(values: Float[np.ndarray, " n"]) -> Callable[[Float[np.ndarray, " n"]], float]:
    """The mean of `values` as a statistic of `nested_bootstrap`: weights [n] -> a number, nan if all weights are 0."""
    values = np.asarray(values, np.float64)

    def mean(weights):
        total = weights.sum()
        return float(weights @ values / total) if total else float("nan")

    return mean
