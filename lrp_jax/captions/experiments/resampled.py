"""Several statistics and their intervals from the same bootstrap samples of images."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from lrp_jax.captions.experiments.estimates import LEAST_STARTS
from lrp_jax.captions.metrics import Estimate, nested_bootstrap


def estimates(
    statistic: Callable[[Float[np.ndarray, " rows"]], Sequence[float]], rows: pd.DataFrame, seed: int = 0
) -> list[Estimate]:
    """Statistics with their 95 % intervals, by the nested bootstrap over starts and images.

    Args:
      statistic: weights of the rows -> the statistics; nan if a sample does not define one.
      rows: at least one, with columns `image` and, for several trained models, `start`. With fewer than three starts
        only images are resampled, each with the rows of all starts.
      seed: of the bootstrap.

    Returns:
      One estimate per statistic; its interval is nan if no sample has a value.
    """
    seen = []

    def keep(weights):
        seen.append(np.asarray(statistic(weights), np.float64))
        return 0.0

    nested = "start" in rows and rows["start"].nunique() >= LEAST_STARTS
    nested_bootstrap(keep, rows["image"].to_numpy(), rows["start"].to_numpy() if nested else None, seed=seed)
    *draws, values = seen  # the last call has all weights 1
    return [
        _estimate(float(value), column[~np.isnan(column)])
        for value, column in zip(values, np.array(draws).T, strict=True)
    ]


def _estimate(value: float, draws: Float[np.ndarray, " draws"]) -> Estimate:
    if not len(draws):
        return Estimate(value, float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(value, float(low), float(high), float(draws.std(ddof=1)))
