"""Bar charts of methods, as in the paper's Figs. 5 and 6."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

NAMES: Mapping[str, str] = {
    "lrp": "LRP",
    "lrp_running_sum": "LRP, summed over words",
    "gradient": "gradient",
    "gradient_x_input": "gradient × input",
    "guided_backprop": "guided backpropagation",
    "grad_cam": "Grad-CAM",
    "guided_grad_cam": "Guided Grad-CAM",
    "attention": "attention",
    "visual_attention": "attention × (1 − β)",
    "random": "random",
    "random_published": "random, published",
    "last": "last words",
    "without": "object drawn away",
}
"""The names of methods and baselines in figures."""

# Okabe and Ito's colours, which colour-blind people can distinguish; baselines are grey.
_COLOURS = {
    "lrp": "#D55E00",
    "gradient": "#56B4E9",
    "gradient_x_input": "#0072B2",
    "guided_backprop": "#009E73",
    "grad_cam": "#CC79A7",
    "guided_grad_cam": "#E69F00",
    "attention": "#0072B2",
    "visual_attention": "#56B4E9",
    "without": "#F0E442",
    "lrp_running_sum": "#F0E442",
}


def colour_of(method: str) -> str:
    """The colour of a method in all figures; grey for baselines."""
    return _COLOURS.get(method, "#999999")


def bars(
    axes: Axes, table: pd.DataFrame, value: str, ends: tuple[str, str], methods: Sequence[str], label: str
) -> None:
    """One horizontal bar for each method, with its interval.

    Args:
      axes: where to draw.
      table: one row per method, by its column `method`.
      value, ends: the columns of the bar and of its interval.
      methods: in order, from the top; those that are not in the table are omitted.
      label: of the axis.
    """
    rows = table.set_index("method")
    shown = [method for method in methods if method in rows.index]
    values = rows.loc[shown, value].to_numpy(float)
    low, high = (rows.loc[shown, end].to_numpy(float) for end in ends)
    # Because of rounding a percentile interval may not contain the mean.
    errors = np.nan_to_num(np.maximum([values - low, high - values], 0))
    axes.barh(
        range(len(shown)),
        values,
        xerr=errors,
        color=[colour_of(method) for method in shown],
        error_kw={"elinewidth": 1, "capsize": 2},
    )
    axes.set_yticks(range(len(shown)), [NAMES.get(method, method) for method in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)  # set again for axes that share it
    axes.set_xlabel(label)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
