"""Suspicion: a score of how likely an object word is hallucinated, from its heat map.

Sun et al. (section 5.3.1, Table 2) found that the 5 % quantile of E, the signed channel mean of a word's LRP relevance
over the image, is usually lower for objects that are not in the image: AUC 0.60 for true against false mentions, where
0.5 is chance. This is weak evidence: it shows where to look first, not what is wrong.
"""

import dataclasses

import numpy as np

from lrp_jax.captions.render.case import Case
from lrp_jax.captions.render.comparison import Comparison
from lrp_jax.captions.render.heatmaps import maps

QUANTILE = 0.05
# Height and width of maps that are made from regions: those of the paper's images.
SIZE = (224, 224)


def suspicion(shown: Case | Comparison, position: int) -> float | None:
    """The negative 5 % quantile of E (higher is more suspicious), in the unit of the logit (per pixel).

    It can be compared only between words of the same captioner. If regions have relevance instead of pixels, E is a map
    of 224 x 224 pixels.

    Args:
        shown: one method, or several.
        position: of the word, 1 for the first word after the start token.

    Returns:
        None without an LRP explanation of the word by itself (another method, a single head, or against other words).
    """
    cases = shown.cases if isinstance(shown, Comparison) else [shown]
    for case in cases:
        explanation = case.explanation
        if explanation.method == "lrp" and explanation.head is None and explanation.against is None:
            size = SIZE if explanation.pixels is None else None
            (E,) = maps(dataclasses.replace(case, rows=[position - 1]), size)
            return -float(np.quantile(E.astype(np.float64), QUANTILE)) + 0.0  # avoids -0
    return None
