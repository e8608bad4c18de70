"""The JSON record of one explained image: what was said, why, by which model and under which rules."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lrp_jax.render.case import Case, sums
from lrp_jax.render.heatmaps import QUANTILE, common_scale, maps
from lrp_jax.render.words import words_scale


def record(case: Case, provenance: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything about a case that fits into JSON; the arrays themselves go to the npz file.

    Args:
        case: what was explained.
        provenance: what made it (versions, checkpoint, config, rules, ...); its keys stand beside ours.

    Returns:
        A dictionary of plain Python values. `words` has one entry per shown word; its `preceding` lists the
        input tokens before it, start token first. Sums are null where the method does not have them.
    """
    explanation = case.explanation
    tokens = np.asarray(explanation.tokens).astype(int).tolist()
    words = []
    for row in case.shown:
        total = sums(case, row)
        preceding = None
        if explanation.words is not None:
            values = np.asarray(explanation.words)[row, : row + 1].astype(float).tolist()
            preceding = [{"word": w, "relevance": v} for w, v in zip(case.words, values, strict=False)]
        words.append(
            {
                "position": row + 1,
                "word": case.words[row + 1],
                "token": tokens[row + 1],
                "logit": total.logit,
                "beta": None if explanation.betas is None else float(np.asarray(explanation.betas)[row]),
                "relevance": {
                    "picture": total.picture,
                    "picture_support": total.support,
                    "picture_oppose": total.oppose,
                    "words": total.words,
                    "rest": total.rest,
                },
                "preceding": preceding,
            }
        )
    return {
        "name": case.name,
        "caption": " ".join(case.words[1:]),
        "method": explanation.method,
        "head": explanation.head,
        "tokens": tokens,
        "words": words,
        "scale": {"picture": common_scale(maps(case)), "quantile": QUANTILE, "words": words_scale(case)},
        "notes": list(case.notes),
        **(provenance or {}),
    }
