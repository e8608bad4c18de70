"""The precision of captions on the most frequent object words: Table 3 and Figure 7."""

import collections
import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.experiments.resampled import estimates
from lrp_jax.captions.experiments.saying import precision_of, saying, training_captions
from lrp_jax.captions.metrics.frequent_words import names_said
from lrp_jax.captions.words import words_of

TRUTHS: Mapping[str, str] = {"references": "confirmed", "objects": "there"}
"""Criterion for a true word -> column of the rows: a reference has exactly this word, or its object is in the image."""

MEANS = ("mean, 0 where never said", "mean of words said", "pooled")
"""The means of `WordPrecision.means`; the paper calls the first one mAP."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrequentWords(Experiment):
    """TP / (TP + FP) of the object words that are most frequent in the training captions.

    A caption that has a word (once or several times) is a TP if a reference of its image has exactly that word: "dogs"
    is not a TP if the references have "dog".

    Attributes:
      count: number of words; the paper has 20 for Flickr30k and 25 for MSCOCO 2017.
      words: a list of words to use instead, such as `lrp_jax.captions.words.objects.FREQUENT_FLICKR30K`.
    """

    name = "frequent_words"
    shows = "the precision of the most frequent object words (Table 3, Figure 7)"

    count: int = 20
    words: tuple[str, ...] = ()

    def rows(self, case: Case) -> list[Row]:
        """One row: the caption, and which of its words are true."""
        return [saying(case)]

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """`frequent_words`: the three means with their 95 % intervals; `words_of_captions`: each word separately.

        Both for each criterion of a true word: a reference has it, or its object is in the image. The latter omits
        words that name no category of objects.
        """
        if rows.empty:
            return {}
        words = frequent_words(self, context)
        training = collections.Counter(
            name for text in training_captions(context) for name in names_said(words_of(text), context.domain.words)
        )
        each = pd.DataFrame({"word": words, "training_captions": [training[word] for word in words]})
        table = []
        for truth, column in TRUTHS.items():
            looked_at = [word for word in words if truth == "references" or context.domain.words.get(word)]
            if not looked_at:
                continue
            found = precision_of(rows, looked_at, context, column)
            results = estimates(found.means, rows, self.seed)
            for mean, result in zip(MEANS, results, strict=True):
                table.append({"truth": truth, "precision": mean, "value": result.value, "low": result.low})
                table[-1] |= {"high": result.high, "captions": len(rows), "words": len(looked_at)}
            if truth == "references":
                each["captions"] = found.said.sum(axis=0)
            of_word = dict(zip(looked_at, zip(found.right.sum(axis=0), found.of_words(), strict=True), strict=True))
            nothing = (float("nan"), float("nan"))
            each[f"true_by_{truth}"] = [of_word.get(word, nothing)[0] for word in words]
            each[f"precision_by_{truth}"] = [of_word.get(word, nothing)[1] for word in words]
        return {"frequent_words": pd.DataFrame(table), "words_of_captions": each}

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """Fig. 7: how often words occur in the training captions, and in the captions of the model."""
        if "words_of_captions" not in tables:
            return None
        table = tables["words_of_captions"]
        places = np.arange(len(table))
        figure = Figure(figsize=(max(6.0, 0.42 * len(table)), 3.4), layout="constrained")
        said, training = figure.subplots(), None
        training = said.twinx()
        bars = said.bar(places, table["captions"], color="#56B4E9", label="captions said (left)")
        true = said.bar(
            places, table["true_by_references"], color="#0072B2", label="of them with the word in a reference (left)"
        )
        (line,) = training.plot(
            places, table["training_captions"], color="#D55E00", marker="o", markersize=4, label="in training (right)"
        )
        said.set_ylabel("captions said")
        training.set_ylabel("captions in training")
        training.set_ylim(bottom=0)
        said.set_xticks(places, table["word"], rotation=60, ha="right", rotation_mode="anchor")
        said.set_xlim(-0.7, len(table) - 0.3)
        for axes in (said, training):
            axes.spines["top"].set_visible(False)
        said.legend(handles=[bars, true, line], frameon=False)
        return figure


def frequent_words(chosen: FrequentWords, context: Context) -> list[str]:
    """The words of an experiment: its list, or else the most frequent ones in training, most frequent first."""
    return list(chosen.words) or context.domain.frequent_words(training_captions(context), chosen.count)
