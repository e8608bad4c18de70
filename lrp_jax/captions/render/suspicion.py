"""How much the map of an object word looks like those of words that are not true.

Sun et al. (section 5.3.1, Table 2) found that the 5 % quantile of E, the signed channel mean of a word's LRP relevance
over the picture, is usually lower for objects that are not in it: AUC 0.60 for true against false mentions, where 0.5
is guessing. That is weak evidence; it says where to look first, and not what is wrong.
"""

import dataclasses

import numpy as np

from lrp_jax.captions.render.case import Case
from lrp_jax.captions.render.comparison import Comparison
from lrp_jax.captions.render.heatmaps import maps

QUANTILE = 0.05
# Height and width of a map that is laid out from regions: those of the paper's images.
SIZE = (224, 224)


def suspicion(shown: Case | Comparison, position: int) -> float | None:
    """Minus the 5 % quantile of E, so that more is more suspicious, in the unit of the logit (per pixel).

    The same statistic for every captioner, comparable between words of one captioner only. Where the relevance is of
    regions and not of pixels, E is laid out on 224 x 224 pixels.

    Args:
        shown: one method, or several.
        position: of the word, 1 for the first after the start token.

    Returns:
        None if there is no LRP of the word alone: another method, one head, a word against others.
    """
    cases = shown.cases if isinstance(shown, Comparison) else [shown]
    for case in cases:
        explanation = case.explanation
        if explanation.method == "lrp" and explanation.head is None and explanation.against is None:
            size = SIZE if explanation.pixels is None else None
            (E,) = maps(dataclasses.replace(case, rows=[position - 1]), size)
            return -float(np.quantile(E.astype(np.float64), QUANTILE)) + 0.0  # never -0
    return None
