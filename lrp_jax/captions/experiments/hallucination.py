"""Detection of hallucinated objects from heat maps: section 5.3.1, Table 2."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from lrp_jax.captions.experiments.bars import NAMES, colour_of
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.experiments.resampled import estimates
from lrp_jax.captions.metrics.ranks import delong, weighted_areas
from lrp_jax.captions.words import words_of

STATISTICS = ("quantile-5%", "quantile-50%", "max", "mean")
"""Statistics of E, signed and not normalised, in the order of Table 2."""

BASELINES = ("1 - beta", "log p", "- entropy", "margin")
"""Scores of the model itself; higher if it is more confident, or attends more to the image."""

TRUTHS = {"in_references": "a reference says the word", "present": "the object is there"}
"""Columns of the rows that say whether a mention is true: by references, as in the paper, and by boxes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hallucination(Experiment):
    """The AUC of statistics of heat maps for true against false mentions of objects.

    Attributes:
      methods: the methods whose maps are used.
      frequent: number of the most frequent object words of the training captions in the paper's selection; all object
        words are measured as well.
      statistic: of LRP's map, with which the others are compared.
    """

    name = "hallucination"
    shows = "how well a word's heat map tells whether the object is there (Table 2)"

    methods: tuple[str, ...] = (
        "lrp", "guided_grad_cam", "grad_cam", "attention", "guided_backprop", "lrp_running_sum",
    )  # fmt: skip
    frequent: int = 20
    statistic: str = "lrp quantile-5%"

    def __post_init__(self):
        if self.statistic not in self._scores:
            raise ValueError(f"got statistic={self.statistic!r}; wanted one of {', '.join(self._scores)}")

    @property
    def _scores(self) -> list[str]:
        return [f"{method} {name}" for method in self.methods for name in STATISTICS] + list(BASELINES)

    def rows(self, case: Case) -> list[Row]:
        """One row per mention: whether a reference has the word, whether the object is in the image, and all scores.

        A name of several words is evaluated at its last word.
        """
        references = [words_of(caption) for caption in case.example.captions]
        rows = []
        for number, mention in enumerate(case.mentions):
            row = {
                "word": " ".join(mention.words),
                "category": mention.category,
                "place": mention.position + 1,
                "in_references": any(_says(tokens, mention.words) for tokens in references) if references else None,
                "present": mention.category in case.present,
            }
            for method in self.methods:
                statistics = statistics_of(case.heat_maps(method)[number])
                row |= {f"{method} {name}": value for name, value in statistics.items()}
            rows.append(row | _baselines(case, mention.position + len(mention.words) - 1))
        return rows

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """AUC of true against false mentions.

        `hallucination`: of each statistic and method, and of the baselines, for the frequent and for all object words,
        for both criteria of a true mention. The interval is DeLong's; for rows of several trained models, mentions are
        compared within a model, the areas are averaged, and starts and images are resampled.
        `hallucination_differences`: between LRP's 5 % quantile and each other score, on the same mentions.
        `hallucination_published`: one value per image and word, the maximum over the mentions of a true word and the
        minimum over those of a false one, which by itself can raise an AUC. `hallucination_table_2`: in the layout of
        the paper.
        """
        if rows.empty:
            return {"hallucination": pd.DataFrame([{"note": "no caption names an object"}])}
        captions = (caption for captions in context.training_captions() for caption in captions)
        frequent = context.domain.frequent_words(captions, self.frequent)
        all_areas, differences, published = [], [], []
        for words, chosen in ((f"{self.frequent} frequent", rows[rows["word"].isin(frequent)]), ("all", rows)):
            for truth, meaning in TRUTHS.items():
                known = chosen[chosen[truth].notna()]
                if known.empty:
                    continue
                what = {"words": words, "true": meaning}
                areas, compared = self._areas(known, truth)
                all_areas += [what | row for row in areas]
                differences += [what | row for row in compared]
                published += [what | row for row in self._areas(best_and_worst(known, truth, self._scores), truth)[0]]
        if not all_areas:
            return {"hallucination": pd.DataFrame([{"note": "nobody knows which mentions are true"}])}
        tables = {
            "hallucination": pd.DataFrame(all_areas),
            "hallucination_differences": pd.DataFrame(differences),
            "hallucination_published": pd.DataFrame(published),
        }
        first = tables["hallucination"]
        first = first[(first["words"] == first["words"].iloc[0]) & (first["true"] == first["true"].iloc[0])]
        return tables | {"hallucination_table_2": _as_printed(first)}

    def _areas(self, rows: pd.DataFrame, truth: str) -> tuple[list[Row], list[Row]]:
        """The rows of the first two tables; each score on the mentions that have it."""
        labels = rows[truth].astype(bool).to_numpy()
        names = [name for name in self._scores if name in rows and rows[name].notna().any()]
        scores = rows[names].to_numpy(float).T
        whole = ~np.isnan(scores).any(axis=0)  # maps with values that are not finite have no statistics
        scores, labels, rows = scores[:, whole], labels[whole], rows[whole]
        areas, against = compare_areas(scores, labels, rows, names.index(self.statistic), self.seed)
        counts = {"true_mentions": int(labels.sum()), "false_mentions": int((~labels).sum())}
        table, differences = [], []
        for name, area, difference in zip(names, areas, against, strict=True):
            method, _, statistic = name.partition(" ")
            method, statistic = (method, statistic) if method in self.methods else (name, "")
            ends = dict(zip(("AUC", "low", "high"), area, strict=True))
            table.append({"method": method, "statistic": statistic} | ends | counts)
            if name != self.statistic:
                ends = dict(zip(("difference", "low", "high"), difference, strict=True))
                differences.append({"AUC of": self.statistic, "minus": name} | ends | counts)
        return table, differences

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """The AUC of each statistic, one panel each, with the baselines in the last panel."""
        table = tables["hallucination"]
        if "AUC" not in table:
            return None
        table = table[(table["words"] == table["words"].iloc[0]) & (table["true"] == table["true"].iloc[0])]
        figure = Figure(figsize=(12, 2.8), layout="constrained")
        panels = [(name, table[table["statistic"] == name]) for name in (*STATISTICS, "")]
        for axes, (name, rows) in zip(figure.subplots(1, len(panels), sharex=True), panels, strict=True):
            for place, row in enumerate(rows.to_dict("records")):
                ends = np.nan_to_num([[row["AUC"] - row["low"]], [row["high"] - row["AUC"]]])
                style = {"fmt": "o", "capsize": 3, "color": colour_of(row["method"])}
                axes.errorbar(row["AUC"], place, xerr=np.maximum(ends, 0), **style)
            names = [NAMES.get(method, method) for method in rows["method"]]
            shown = names if name in (STATISTICS[0], "") else []  # all panels of statistics have the same methods
            axes.set_yticks(range(len(shown)), shown, fontsize=8)
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.axvline(0.5, color="black", linewidth=0.8)
            axes.set_title(f"{name} of E" if name else "the model itself", loc="left", fontsize="medium")
            axes.set_xlabel("AUC")
            axes.spines[["top", "right"]].set_visible(False)
        return figure


def statistics_of(relevance: Float[np.ndarray, "H W C"]) -> dict[str, float]:
    """The 5 % and the 50 % quantile, the maximum and the mean of E, the channel mean of a word's relevance."""
    E = np.asarray(relevance, np.float64).mean(axis=-1)
    low, median = np.quantile(E, [0.05, 0.5])
    return dict(zip(STATISTICS, map(float, (low, median, E.max(), E.mean())), strict=True))


def best_and_worst(rows: pd.DataFrame, truth: str, scores: Sequence[str]) -> pd.DataFrame:
    """One row per image and word: the maximum of each score over the mentions of a true word, the minimum of a false.

    This is what the published code does. It separates the two groups if a word occurs twice.
    """
    keys = [column for column in ("start", "image", "word") if column in rows]
    scores = [name for name in scores if name in rows]
    label = rows[truth].astype(bool)
    parts = [rows[label].groupby(keys, as_index=False)[scores].max().assign(**{truth: True})]
    parts.append(rows[~label].groupby(keys, as_index=False)[scores].min().assign(**{truth: False}))
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def compare_areas(
    scores: Float[np.ndarray, "k n"], labels: Bool[np.ndarray, " n"], rows: pd.DataFrame, reference: int, seed: int = 0
) -> tuple[list[tuple[float, float, float]], list[tuple[float, float, float]]]:
    """The AUC of each score, and the AUC of the reference minus it, both with the ends of 95 % intervals.

    Args:
      scores, labels: of mentions.
      rows: the rows of these mentions, with `image` and, for several trained models, `start`.
      reference: the index of the score that the others are compared with.
      seed: of the bootstrap over starts and images, if there are several starts; otherwise the intervals are DeLong's.
    """
    if "start" not in rows or rows["start"].nunique() == 1:
        found = delong(scores, labels)
        areas = list(zip(found.value.tolist(), *(end.tolist() for end in found.interval()), strict=True))
        return areas, [found.difference(reference, other) for other in range(len(scores))]
    areas_of = weighted_areas(scores, labels, rows["start"].to_numpy())

    def statistic(weights):
        areas = areas_of(weights)
        return np.concatenate([areas, areas[reference] - areas])

    found = [(one.value, one.low, one.high) for one in estimates(statistic, rows, seed)]
    return found[: len(scores)], found[len(scores) :]


def _baselines(case: Case, place: int) -> dict[str, float | None]:
    log_p = case.distributions[place].astype(np.float64)
    second, first = np.partition(log_p, -2)[-2:]
    return {
        "1 - beta": None if case.betas is None else float(1 - case.betas[place]),
        "log p": float(log_p[case.caption[place]]),
        "- entropy": float((np.exp(log_p) * log_p).sum()),
        "margin": float(first - second),
    }


def _says(tokens: Sequence[str], name: Sequence[str]) -> bool:
    return any(tuple(tokens[i : i + len(name)]) == tuple(name) for i in range(len(tokens)))


def _as_printed(table: pd.DataFrame) -> pd.DataFrame:
    """Statistics as rows and methods as columns; 1 - beta in a row of its own."""
    maps = table[table["statistic"] != ""]
    printed = maps.pivot(index="statistic", columns="method", values="AUC")
    printed = printed.loc[list(STATISTICS), list(dict.fromkeys(maps["method"]))].rename(columns=NAMES)
    printed = printed.rename_axis(index="AUC", columns=None).reset_index()
    own = table[table["method"] == "1 - beta"]
    if len(own):
        printed["1 - beta"] = [own["AUC"].iloc[0], *[float("nan")] * (len(STATISTICS) - 1)]
    return printed
