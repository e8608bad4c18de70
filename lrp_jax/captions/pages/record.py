"""The JSON record of one explained image: what was said, why, by which model and under which rules."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from lrp_jax.captions.render import Case, Comparison, common_scale, maps, sums, suspicion
from lrp_jax.captions.render.comparison import leading
from lrp_jax.captions.render.heatmaps import QUANTILE
from lrp_jax.captions.render.words import words_scale


def record(shown: Case | Comparison, provenance: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything about an explained image that fits into JSON; the arrays themselves go to the npz files.

    Args:
        shown: what was explained.
        provenance: what made it (versions, checkpoint, config, rules, ...); its keys stand beside ours.

    Returns:
        A dictionary of plain Python values. `words` has one entry per shown word; its `preceding` lists the
        input tokens before it, start token first. Sums are null where the method does not have them. Of a
        comparison, `methods` has what differs (method, head, against, words and scale) by the method's name. `objects`
        has the objects that the caption names, each with its `suspicion`.
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
    """What one method says."""
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
