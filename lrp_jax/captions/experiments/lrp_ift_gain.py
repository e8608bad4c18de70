"""The effect of LRP-inference fine-tuning: against the matched baseline, and by image (Table 5, Figure 9)."""

import collections
import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from lrp_jax.captions.experiments import side_by_side
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.chair import chair_of
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.experiments.frequent_words import MEANS, TRUTHS, FrequentWords, frequent_words
from lrp_jax.captions.experiments.resampled import estimates
from lrp_jax.captions.experiments.saying import (
    cider_of,
    false_mentions,
    has_references,
    mentions_of,
    precision_of,
    references,
    saying,
    training_captions,
)
from lrp_jax.captions.metrics.rarest_words import over_references, permutation_test
from lrp_jax.captions.words import words_of
from lrp_jax.captions.words.stop_words import STOP_WORDS

_TIE = 1e-9  # tolerance for equal CIDEr scores; equal captions have exactly equal scores


@dataclasses.dataclass(frozen=True, kw_only=True)
class LrpIftGain(Experiment):
    """Compares a fine-tuned captioner with its matched baseline, image by image.

    The baseline is measured first, by the same experiment; without a baseline there are no tables.

    Attributes:
      count, words: the frequent object words, as for `FrequentWords`.
      permutations: number of permutations of the permutation test.
      examples: number of images in the figure.
    """

    name = "lrp_ift_gain"
    shows = "what fine-tuning changed against the matched baseline, and for which images (Table 5, Figure 9)"

    count: int = 20
    words: tuple[str, ...] = ()
    permutations: int = 10_000
    examples: int = 12

    def rows(self, case: Case) -> list[Row]:
        """One row: the caption, and which of its words are true."""
        return [saying(case)]

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """Four tables; without a baseline one table with a note.

        `against_baseline`: CIDEr, CHAIR and the precision of frequent words of both, and their paired difference,
        fine-tuned minus baseline, with its 95 % interval and standard error. CIDEr is over the images with references.
        `lrp_ift_gain`: the mean c(S) of the images whose CIDEr rose and of those whose CIDEr fell; the difference is
        fell minus rose. `changed_mentions`: the number of mentions with each mark; `examples`: the first images in
        whose captions a false mention was added or removed.
        """
        if context.rows_of is None:
            wanted = "the results of the matched baseline, measured by the same experiment, as --against"
            return {"missing": pd.DataFrame([{"table": self.name, "wanted": wanted}])}
        if rows.empty:
            return {}
        both = _beside(rows, context.rows_of(self.name))
        told = has_references(both["fine_tuned"], context)
        both = {which: rows.assign(cider=np.nan) for which, rows in both.items()}
        for rows in both.values() if told.any() else ():
            rows.loc[told, "cider"] = cider_of(rows[told], context)
        tables = {"against_baseline": self._against_baseline(both, context)}
        if told.any():
            tables["lrp_ift_gain"] = self._gains({which: rows[told] for which, rows in both.items()}, context)
        return tables | self._changes(both, context)

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """Fig. 9: captions side by side."""
        if "examples" not in tables or tables["examples"].empty:
            return None
        return side_by_side.figure(tables["examples"], _marked(tables))

    def pages(self, tables: Mapping[str, pd.DataFrame], context: Context) -> dict[str, str]:
        """Fig. 9 as an HTML page with the images: name -> HTML."""
        if "examples" not in tables or tables["examples"].empty:
            return {}
        examples = tables["examples"]
        images = {}
        for index in examples["image"]:
            try:
                images[index] = context.dataset[index].image
            except (OSError, ValueError, KeyError):
                continue  # the page omits images that cannot be read
        return {"examples": side_by_side.page(examples, images)}

    def _against_baseline(self, both: Mapping[str, pd.DataFrame], context: Context) -> pd.DataFrame:
        words = frequent_words(FrequentWords(count=self.count, words=self.words), context)
        named = [word for word in words if context.domain.words.get(word)]
        rows = both["fine_tuned"]
        told = rows["cider"].notna().to_numpy()
        measures = ["CIDEr"] if told.any() else []
        measures += ["CHAIRi", "CHAIRs"]
        looked_at = {"references": words, "objects": named}
        truths = [truth for truth in TRUTHS if looked_at[truth]]
        measures += [f"frequent words by {truth}: {mean}" for truth in truths for mean in MEANS]

        def statistic(rows: pd.DataFrame):
            scores = rows["cider"].fillna(0).to_numpy()
            counts = false_mentions(rows, context)
            found = [precision_of(rows, looked_at[truth], context, TRUTHS[truth]) for truth in truths]

            def of(weights: Float[np.ndarray, " rows"]) -> np.ndarray:
                count = weights @ told
                score = [float(weights @ scores / count) if count else float("nan")] if told.any() else []
                return np.array(
                    [*score, *chair_of(counts, weights), *(mean for each in found for mean in each.means(weights))]
                )

            return of

        before, after = statistic(both["baseline"]), statistic(rows)
        results = estimates(lambda weights: after(weights) - before(weights), rows, self.seed)
        once = np.ones(len(rows))
        return pd.DataFrame(
            [
                {"measure": measure, "baseline": old, "fine_tuned": new, "difference": result.value}
                | {"low": result.low, "high": result.high, "error": result.error, "captions": len(rows)}
                for measure, old, new, result in zip(measures, before(once), after(once), results, strict=True)
            ]
        )

    def _gains(self, both: Mapping[str, pd.DataFrame], context: Context) -> pd.DataFrame:
        """Table 5."""
        before, after = both["baseline"], both["fine_tuned"]
        gain = after["cider"].to_numpy() - before["cider"].to_numpy()
        counts = collections.Counter(word for text in training_captions(context) for word in words_of(text))
        of_image = {
            image: over_references(references(context)[image], counts, STOP_WORDS) for image in after["image"].unique()
        }
        table = []
        for place, over in enumerate(("rarest", "mean")):
            c = np.array([of_image[image][place] for image in after["image"]])
            improved, degraded = ((sign * gain > _TIE) & ~np.isnan(c) for sign in (1, -1))
            row = {"references": over, "improved": _mean(c, improved), "degraded": _mean(c, degraded)}
            row |= {"difference": row["degraded"] - row["improved"]}
            if improved.any() and degraded.any():
                (result,) = estimates(
                    lambda weights, c=c, up=improved, down=degraded: [_mean(c, down, weights) - _mean(c, up, weights)],
                    after,
                    self.seed,
                )
                share = degraded / degraded.sum() - improved / improved.sum()
                images = pd.DataFrame({"image": after["image"], "c": c, "share": share})[improved | degraded]
                images = images.groupby("image").agg({"c": "first", "share": "sum"})
                p = permutation_test(
                    images["c"].to_numpy(), images["share"].to_numpy(), draws=self.permutations, seed=self.seed
                )
                row |= {"low": result.low, "high": result.high, "error": result.error, "p": p}
            ties = int((np.abs(gain) <= _TIE).sum())
            table.append(
                row | {"captions_improved": improved.sum(), "captions_degraded": degraded.sum(), "captions_equal": ties}
            )
        return pd.DataFrame(table)

    def _changes(self, both: Mapping[str, pd.DataFrame], context: Context) -> dict[str, pd.DataFrame]:
        """The examples of Figure 9, and the counts of all marks."""
        counted: collections.Counter[str] = collections.Counter()
        examples = []
        for old, new in zip(both["baseline"].to_dict("records"), both["fine_tuned"].to_dict("records"), strict=True):
            named = [mentions_of(row, context) for row in (old, new)]
            found = side_by_side.marks(*named, (len(old["caption"].split()), len(new["caption"].split())))
            # A mention of several words counts once; one that is in both captions counts in the second.
            counted.update(found[0][m.position] for m, _ in named[0] if found[0][m.position] == side_by_side.GONE)
            counted.update(found[1][m.position] for m, _ in named[1])
            changed = {side_by_side.GONE, side_by_side.NEW} & {*found[0], *found[1]}
            if changed and len(examples) < self.examples:
                examples.append(
                    ({"start": new["start"]} if "start" in new else {})
                    | {"image": new["image"], "id": new["id"]}
                    | {"baseline": old["caption"], "baseline_marks": " ".join(found[0])}
                    | {"fine_tuned": new["caption"], "fine_tuned_marks": " ".join(found[1])}
                )
        marks = [
            {"mark": name, "meaning": mark.meaning, "mentions": counted[name]}
            for name, mark in side_by_side.MARKS.items()
        ]
        return {"changed_mentions": pd.DataFrame(marks), "examples": pd.DataFrame(examples)}


def _marked(tables: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    return dict(zip(tables["changed_mentions"]["mark"], tables["changed_mentions"]["mentions"], strict=True))


def _mean(values: np.ndarray, chosen: np.ndarray, weights: np.ndarray | None = None) -> float:
    weights = chosen.astype(float) if weights is None else weights * chosen
    # Values that are not chosen may be nan, and 0 * nan is nan.
    return float(weights @ np.where(chosen, values, 0) / weights.sum()) if weights.sum() else float("nan")


def _beside(tuned: pd.DataFrame, baseline: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of both models for the same images, in the same order.

    Raises:
      ValueError: only one of the two has rows of several starts, or the images differ.
    """
    if ("start" in tuned) != ("start" in baseline):
        raise ValueError("the fine-tuned rows or those of the baseline have a column start, the others have not")
    keys = ["start", "image"] if "start" in tuned else ["image"]
    pairs = tuned.merge(baseline, on=keys, how="inner", suffixes=("", "_before"), validate="one_to_one")
    if pairs.empty or (pairs["id"] != pairs["id_before"]).any():
        raise ValueError("the baseline was measured on other images; measure it on the same dataset and split")
    columns = [*keys, "id", "caption", "confirmed", "there"]
    before = pairs[[*keys, *(f"{name}_before" for name in columns[len(keys) :])]].set_axis(columns, axis=1)
    return {"baseline": before, "fine_tuned": pairs[columns]}
