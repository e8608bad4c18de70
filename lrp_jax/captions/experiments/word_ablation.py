"""Ablation of the most relevant preceding words: section 5.2.1, Fig. 5."""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from jaxtyping import Int
from matplotlib.figure import Figure

from lrp_jax.captions.experiments.bars import bars
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.estimates import columns_of, log_mean, mean_of, paired
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.words import UNK
from lrp_jax.captions.words.stop_words import STOP_WORDS

RANDOM, RANDOM_PUBLISHED, LAST = "random", "random_published", "last"
BASELINES = (RANDOM, RANDOM_PUBLISHED, LAST)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordAblation(Experiment):
    """The teacher-forced probability of a word before and after the most relevant preceding words are removed.

    Attributes:
      methods: the methods that choose the words, by the largest signed relevance; the start token is never removed.
        Grad-CAM has no relevance of its own for words (the published code uses the gradient's), attention has none.
      first_place: the first word position that is explained, counted from 1.
      taken: number of preceding words that are removed.
      draws: number of draws of random words. The published random choice never removes the last word.
      listed: a list of object words that are reported separately, besides those of the domain, such as
        `lrp_jax.captions.words.objects.FREQUENT_COCO2017`.
    """

    name = "word_ablation"
    shows = "how much less probable a word is without the preceding words that a method finds most relevant (Fig. 5)"

    methods: tuple[str, ...] = ("lrp", "gradient_x_input", "gradient")
    first_place: int = 7
    taken: int = 3
    draws: int = 10
    listed: tuple[str, ...] = ()

    def __post_init__(self):
        # The published random choice needs this many words besides the last.
        if self.taken < 1 or self.first_place < self.taken + 2:
            raise ValueError(
                f"got taken={self.taken} and first_place={self.first_place}; wanted at least 1, and first_place at "
                "least two more than taken"
            )

    def rows(self, case: Case) -> list[Row]:
        """One row per word from `first_place` on, method or baseline, and way of removal ("deleted", "unk").

        `kind` is "object", "stop" or "other"; a name of several words counts at its last word. `before` and
        `after` are log p of the word, `after` is the log of the mean p over the draws, and `fell` the share of the
        draws in which the word became less probable. `taken` has the positions of the removed words, from 1.
        """
        explained = range(self.first_place - 1, len(case.caption))
        if not explained:
            return []
        relevance = {method: case.speaker.explain_words(case.features, case.caption, method) for method in self.methods}
        for method, found in relevance.items():
            if found is None:
                raise ValueError(f"got method {method!r}, which has no relevance of words; wanted one that has")
        rng = self.rng(case)
        choices = {at: dict(self._choices(at, relevance, rng)) for at in explained}
        # One batch for the whole image, without duplicates: several choices often leave the same words.
        beginnings: dict[tuple[tuple[int, ...], int], int] = {}
        asked = []
        for at, by_method in choices.items():
            for method, draws in by_method.items():
                for how in ("deleted", "unk"):
                    keys = [(_without(case.caption[:at], taken, how), int(case.caption[at])) for taken in draws]
                    asked.append((at, method, how, [beginnings.setdefault(key, len(beginnings)) for key in keys]))
        log_p = case.speaker.log_p_next(
            case.features, [np.array(words, int) for words, _ in beginnings], [word for _, word in beginnings]
        ).astype(float)
        objects = {mention.position + len(mention.words) - 1: mention for mention in case.mentions}
        rows = []
        for at, method, how, places in asked:
            word, mention, before, after = case.words[at], objects.get(at), float(case.log_p[at]), log_p[places]
            draws = choices[at][method]
            rows.append(
                {
                    "place": at + 1,
                    "word": word,
                    "kind": "object" if mention else "stop" if word in STOP_WORDS else "other",
                    "listed": word in self.listed,
                    "true": mention.category in case.present if mention else None,
                    "method": method,
                    "how": how,
                    "before": before,
                    "after": log_mean(after),
                    "fell": float((after < before).mean()),
                    "taken": " ".join(str(place + 1) for place in draws[0]) if len(draws) == 1 else "",
                }
            )
        return rows

    def _choices(
        self, at: int, relevance: Mapping[str, np.ndarray], rng: np.random.Generator
    ) -> Iterator[tuple[str, list[list[int]]]]:
        """Method -> the words before word `at` that are removed, one choice or several draws."""
        for method, found in relevance.items():
            before = found[at, 1 : at + 1]  # column 0 is that of the start token
            yield method, [sorted(np.argsort(-before, kind="stable")[: self.taken].tolist())]
        for method, count in ((RANDOM, at), (RANDOM_PUBLISHED, at - 1)):
            yield method, [sorted(rng.choice(count, self.taken, replace=False).tolist()) for _ in range(self.draws)]
        yield LAST, [list(range(at - self.taken, at))]

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """Means over words with 95 % intervals.

        `word_ablation`: by kind of word, way of removal and method: the mean decrease of p, and the share of words
        whose p decreased. `word_ablation_differences`: the first method minus each other, paired by word.
        """
        del context
        if rows.empty:
            note = pd.DataFrame([{"note": f"no caption has a word at place {self.first_place} or later"}])
            return {"word_ablation": note, "word_ablation_differences": note}
        rows = rows.assign(drop=np.exp(rows["before"].astype(float)) - np.exp(rows["after"].astype(float)))
        table, differences = [], []
        first, *others = [method for method in (*self.methods, *BASELINES) if (rows["method"] == method).any()]
        for kind, of_kind in _by_kind(rows):
            for how in ("deleted", "unk"):
                chosen = of_kind[of_kind["how"] == how]
                about = {"kind": kind, "how": how}
                for method in (first, *others):
                    found = chosen[chosen["method"] == method]
                    drop, fell = (mean_of(found[column], found, self.seed) for column in ("drop", "fell"))
                    table.append(
                        about
                        | {"method": method, "words": len(found), "drop": drop.value}
                        | columns_of(drop, "drop_")
                        | {"fell": fell.value}
                        | columns_of(fell, "fell_")
                    )
                for other in others:
                    row = about | {"method": first, "minus": other}
                    for column in ("drop", "fell"):
                        pairs = paired(chosen, column, first, other, ["place"])
                        found = mean_of(pairs["difference"], pairs, self.seed)
                        row |= {"words": len(pairs), column: found.value} | columns_of(found, f"{column}_")
                    differences.append(row)
        return {"word_ablation": pd.DataFrame(table), "word_ablation_differences": pd.DataFrame(differences)}

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """Fig. 5: how often and by how much the probability decreases, for object words and for stop words."""
        table = tables["word_ablation"]
        if "how" not in table:
            return None
        table = table[table["how"] == "deleted"]
        kinds = [kind for kind in ("object", "stop") if (table["kind"] == kind).any()]
        if not kinds:
            return None
        figure = Figure(figsize=(8, 0.6 + 2.6 * len(kinds)), layout="constrained")
        grid = figure.subplots(len(kinds), 2, squeeze=False, sharey=True, sharex="col")
        measures = (("fell", "share of words that become less probable"), ("drop", "mean drop of the probability"))
        for line, kind in zip(grid, kinds, strict=True):
            of_kind = table[table["kind"] == kind]
            for axes, (column, label) in zip(line, measures, strict=True):
                methods = (*self.methods, *BASELINES)
                bars(axes, of_kind, column, (f"{column}_low", f"{column}_high"), methods, label)
            line[0].set_title(f"{kind} words ({of_kind['words'].iloc[0]})", loc="left")
        return figure


def _without(words: Int[np.ndarray, " T"], taken: list[int], how: str) -> tuple[int, ...]:
    """The words with some of them deleted or replaced by `<unk>`."""
    if how == "deleted":
        return tuple(np.delete(words, taken).tolist())
    words = np.array(words)
    words[taken] = UNK
    return tuple(words.tolist())


def _by_kind(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "all", rows
    for kind in ("object", "stop", "other"):
        if (found := rows["kind"] == kind).any():
            yield kind, rows[found]
    if (found := rows["listed"].astype(bool)).any():
        yield "listed", rows[found]
