"""Means over rows of experiments with intervals, and paired differences between methods."""

import functools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from lrp_jax.captions.metrics import Estimate

LEAST_STARTS = 3
"""With fewer starts, intervals are over images only: two models say little about the variation between models."""


def mean_of(values: Sequence | np.ndarray, rows: pd.DataFrame, seed: int = 0) -> Estimate:
    """The mean with its 95 % interval, by the bootstrap over starts and, within them, images.

    Args:
      values: one for each row.
      rows: with columns `image` and, where rows of several trained models are together, `start`.
      seed: of the draws.

    Raises:
      ValueError: there are no rows.
    """
    if not len(rows):
        raise ValueError("got no rows; wanted at least one for a mean")
    starts = rows["start"] if "start" in rows else pd.Series(0, rows.index)
    table = pd.DataFrame({"start": starts, "image": rows["image"], "value": np.asarray(values, float)})
    if table["start"].nunique() < LEAST_STARTS:
        table["start"] = 0
    # Whole images are resampled, so only the sum and the count of each are needed.
    units = table.groupby(["start", "image"], sort=True)["value"].agg(["sum", "size"])
    sums, counts = units["sum"].to_numpy(float), units["size"].to_numpy(float)
    times = _draws(tuple(units.groupby(level="start").size()), seed)
    draws = (times @ sums) / (times @ counts)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(float(sums.sum() / counts.sum()), float(low), float(high), float(draws.std(ddof=1)))


@functools.lru_cache(maxsize=4)
def _draws(images: tuple[int, ...], seed: int, resamples: int = 2000) -> Float[np.ndarray, "resamples units"]:
    """How often each image of each start is drawn in each resample; the same for all means of a table.

    The distribution is that of `metrics.nested_bootstrap`. For a start that is drawn k times its n images are drawn k n
    times in total, so one multinomial draw replaces k of them.
    """
    rng = np.random.default_rng(seed)
    starts = rng.multinomial(len(images), np.full(len(images), 1 / len(images)), size=resamples)
    drawn = [
        rng.multinomial(times * count, np.full(count, 1 / count)) for times, count in zip(starts.T, images, strict=True)
    ]
    return np.concatenate(drawn, axis=1).astype(np.float64)


def paired(rows: pd.DataFrame, column: str, first: str, second: str, item: Sequence[str]) -> pd.DataFrame:
    """Paired differences of two methods on the same items.

    Args:
      rows: with a column `method`.
      column: the column to compare.
      first, second: names of methods.
      item: the columns that identify an item, besides `image` and `start`.

    Returns:
      One row per item that both have, with its `image`, its `start` if there is that column, and the `difference`
      first - second.
    """
    keys = [key for key in ("start", "image", *item) if key in rows]
    one, other = (rows[rows["method"] == method].set_index(keys)[column] for method in (first, second))
    both = one.to_frame("first").join(other.to_frame("second"), how="inner", validate="one_to_one").dropna()
    return (both["first"] - both["second"]).rename("difference").reset_index()


def columns_of(estimate: Estimate, prefix: str = "") -> dict[str, float]:
    """The ends of an interval, as columns of a table."""
    return {f"{prefix}low": estimate.low, f"{prefix}high": estimate.high}


def log_mean(log_p: Sequence[float] | np.ndarray) -> float:
    """The logarithm of the mean of probabilities, from their logarithms."""
    return float(np.logaddexp.reduce(log_p) - np.log(len(log_p)))
