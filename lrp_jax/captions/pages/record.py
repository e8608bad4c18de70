"""The JSON record of one explained image: the caption, the relevance, the model and the rules."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from lrp_jax.captions.render import Case, Comparison, common_scale, maps, sums, suspicion
from lrp_jax.captions.render.comparison import leading
from lrp_jax.captions.render.heatmaps import QUANTILE
from lrp_jax.captions.render.words import words_scale


def record(shown: Case | Comparison, provenance: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything about an explained image that fits into JSON; the arrays are in the npz files.

    Args:
        shown: the explained image, by one method or several.
        provenance: further entries (versions, checkpoint, config, rules, ...), at the top level of the record.

    Returns:
        A dictionary of plain Python values. `words` has one entry per shown word; its `preceding` lists the
        input tokens before it, start token first. Sums are null if the method does not have them. For a comparison,
        `methods` holds the entries that differ (method, head, against, words and scale) by method name. `objects`
        lists the objects that the caption names, each with its `suspicion`.
    """
    first = leading(shown)
    common = {"name": first.name, "caption": " ".join(first.words[1:])}
    if isinstance(shown, Comparison):
        explained = {"methods": {case.explanation.method: _explained(case) for case in shown.cases}}
    else:
        explained = _explained(shown)
    tokens = np.asarray(first.explanation.tokens).astype(int).tolist()
    objects = [dataclasses.asdict(found) | {"suspicion": suspicion(shown, found.position)} for found in first.objects]
    common |= {"tokens": tokens, "notes": list(first.notes), "objects": objects}
    return {**common, **explained, **(provenance or {})}


def _explained(case: Case) -> dict[str, Any]:
    """The entries of one method."""
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
    against = explanation.against
    return {
        "method": explanation.method,
        "head": explanation.head,
        "against": against if against is None or isinstance(against, str) else np.asarray(against).astype(int).tolist(),
        "words": words,
        "scale": {"picture": common_scale(maps(case)), "quantile": QUANTILE, "words": words_scale(case)},
    }
