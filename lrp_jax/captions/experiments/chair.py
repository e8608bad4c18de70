"""Object hallucination: CHAIR."""

import collections
import dataclasses

import numpy as np
import pandas as pd

from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.experiments.resampled import estimates
from lrp_jax.captions.words import words_of
from lrp_jax.captions.words.objects import mentions

TRUTHS = ("objects", "references")
"""The ground truth: the objects that the domain knows, or those that the reference captions name."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chair(Experiment):
    """CHAIRi, the share of mentions that are false, and CHAIRs, the share of captions with a false mention.

    The objects in an image are given by the domain (`Domain.present`): on drawn scenes all objects, on photographs
    those with boxes or named by the references, as in the CHAIR paper. The scores by references alone are listed too.

    Reference:
      Rohrbach et al., Object Hallucination in Image Captioning, EMNLP 2018.
    """

    name = "chair"
    shows = "how many objects are named that are not there (CHAIRi, CHAIRs)"

    def rows(self, case: Case) -> list[Row]:
        """One row: how many objects the caption names, how many of them are not in the image, and their categories."""
        named = [mention.category for mention in case.mentions]
        texts = case.example.captions
        told = {found.category for text in texts for found in mentions(words_of(text), case.domain.words)}
        false = [category for category in named if category not in case.present]
        return [
            {
                "caption": " ".join(case.words),
                "named": len(named),
                "false": len(false),
                "not_told": sum(category not in told for category in named) if texts else None,
                "categories": "|".join(named),
                "false_categories": "|".join(false),
            }
        ]

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """`chair`: both scores with their 95 % intervals; `chair_by_category`: the false mentions of each category."""
        del context
        if rows.empty:
            return {}
        table = []
        for truth, column in zip(TRUTHS, ("false", "not_told"), strict=True):
            chosen = rows[rows[column].notna()]
            if chosen.empty:
                continue
            counts = chosen[["named", column]].to_numpy(float)
            results = estimates(lambda weights, counts=counts: chair_of(counts, weights), chosen, self.seed)
            for measure, result, n in zip(
                ("CHAIRi", "CHAIRs"), results, (int(counts[:, 0].sum()), len(chosen)), strict=True
            ):
                table.append({"measure": measure, "truth": truth, "value": result.value, "low": result.low})
                table[-1] |= {"high": result.high, "n": n}
        named, false = (_counted(rows[column]) for column in ("categories", "false_categories"))
        by_category = pd.DataFrame(
            [
                {"category": name, "named": count, "false": false[name], "share": false[name] / count}
                for name, count in sorted(named.items(), key=lambda item: (-false[item[0]], -item[1], item[0]))
            ],
            columns=["category", "named", "false", "share"],
        )
        return {"chair": pd.DataFrame(table), "chair_by_category": by_category}


def chair_of(counts: np.ndarray, weights: np.ndarray | None = None) -> list[float]:
    """CHAIRi and CHAIRs.

    Args:
      counts: for each caption, the number of named objects and of those not in the image, [captions, 2].
      weights: how often each caption counts; None: once.

    Returns:
      Two shares; CHAIRi is nan if nothing is named.
    """
    weights = np.ones(len(counts)) if weights is None else weights
    named, false = weights @ counts
    return [float(false / named) if named else float("nan"), float(weights @ (counts[:, 1] > 0) / weights.sum())]


def _counted(column: pd.Series) -> collections.Counter[str]:
    return collections.Counter(category for text in column for category in text.split("|") if category)
