"""Causes of hallucinated words: Figure 8, by counterfactuals instead of visual inspection."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from lrp_jax.captions import scenes
from lrp_jax.captions.experiments import causes_page
from lrp_jax.captions.experiments.bars import NAMES
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.drawn_away import picture, scene_of
from lrp_jax.captions.experiments.estimates import columns_of, mean_of
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.experiments.gold_effect import object_effects, word_effects
from lrp_jax.captions.experiments.hallucination import statistics_of
from lrp_jax.captions.experiments.modality_share import planted
from lrp_jax.captions.scenes.backdrops import BACKDROPS

OBJECT, BACKGROUND, WORD, NOTHING = "an object", "the background", "a word before", "nothing alone"
CAUSES = (OBJECT, BACKGROUND, WORD, NOTHING)
MEANING: Mapping[str, str] = {
    OBJECT: "visually confused: the word rests on an object that is something else",
    BACKGROUND: "visual context: the word rests on what is around",
    WORD: "language-driven: the word rests on a word before it",
    NOTHING: "no single change halves the word's probability",
}

LEAST = float(np.log(2))
"""The decrease of log p from which a change counts as a cause: half of the probability."""

MEASURED = ("quantile-5%", "mean", "share_image")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Causes(Experiment):
    """The cause of each mention: the single change that decreases its teacher-forced log p most.

    The candidates are each object of the scene (removed), the background (replaced, mean over several), and each
    preceding word (replaced by another word of its class, mean over several).

    Attributes:
      replacements: number of replacements of the background, and of each preceding word, chosen by the seed.
      method: the method whose maps are compared between causes.
      examples: number of false mentions of each cause on the page.
    """

    name = "causes"
    shows = "what hallucinated words rest on, and whether their maps show it (Figure 8; drawn scenes only)"

    replacements: int = 3
    method: str = "lrp"
    examples: int = 4

    def rows(self, case: Case) -> list[Row]:
        """One row per mention; none for images that were not drawn.

        `cause`: one of `CAUSES`; `of`: the object, the word or the background; `effect_object`, `effect_background`,
        `effect_word`: the largest decrease of log p by a change of each kind, None if there is nothing to change.
        `planted`: see `modality_share.planted`. `quantile-5%`, `mean`: of E of the method's map; `share_image`: the
        summed relevance of the image as a signed share of |image| + |words before|.
        """
        scene = scene_of(case)
        if scene is None or case.pixels is None or not case.mentions:
            return []
        rng = self.rng(case)
        objects = object_effects(case, scene)
        background = background_effects(case, scene, self.replacements, rng)
        words = word_effects(case, self.replacements, rng)
        relevance = case.speaker.explain_words(case.features, case.caption, self.method)
        maps = case.heat_maps(self.method)
        rows = []
        for number, mention in enumerate(case.mentions):
            at = mention.position + len(mention.words) - 1
            before = np.flatnonzero(~np.isnan(words[at, :at]))
            candidates = {BACKGROUND: (background[at], scene.background)}
            if objects.shape[1]:
                most = int(objects[at].argmax())
                candidates[OBJECT] = (objects[at, most], scene.objects[most].kind)
            if len(before):
                most = int(before[words[at, before].argmax()])
                candidates[WORD] = (words[at, most], case.words[most])
            cause = max(candidates, key=lambda name: candidates[name][0])
            effect, of = candidates[cause]
            image, spoken = float(maps[number].sum()), np.abs(relevance[at]).sum()
            statistics = statistics_of(maps[number])
            rows.append(
                {
                    "word": " ".join(mention.words),
                    "place": at + 1,
                    "true": mention.category in case.present,
                    "cause": cause if effect >= LEAST else NOTHING,
                    "of": of if effect >= LEAST else "",
                    "planted": planted(case, mention),
                    "caption": " ".join(case.words),
                    "map": causes_page.pack_signed(maps[number].mean(axis=-1)),
                    "quantile-5%": statistics["quantile-5%"],
                    "mean": statistics["mean"],
                    "share_image": image / (abs(image) + spoken) if abs(image) + spoken else 0.0,
                }
                | {f"effect_{kind}": _effect(candidates, name) for kind, name in _KINDS.items()}
            )
        return rows

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """`causes`: the share of each cause among true and false mentions, with 95 % intervals; for false mentions also
        by the planted bias that predicts them. `causes_maps`: for the false mentions of each cause, the mean of the 5 %
        quantile and of the mean of E, and of the share of the image. `causes_examples`: the false mentions on the page.
        """
        del context
        if rows.empty:
            return {"causes": pd.DataFrame([{"note": "no caption of a drawn scene names an object"}])}
        true = rows["true"].astype(bool)
        groups = {"true": rows[true], "false": rows[~true]}
        groups |= {
            f"false, called for by {what}": rows[~true & (rows["planted"] == bias)]
            for bias, what in (("V", "the background"), ("L", "the phrase before"), ("", "neither"))
        }
        shares, maps = [], []
        for name, chosen in groups.items():
            for cause in CAUSES if len(chosen) else ():
                found = mean_of(chosen["cause"] == cause, chosen, self.seed)
                row = {"mentions": name, "rests on": cause, "count": int((chosen["cause"] == cause).sum())}
                shares.append(row | {"of": len(chosen), "share": found.value} | columns_of(found))
        for cause in CAUSES:
            chosen = groups["false"][groups["false"]["cause"] == cause]
            if len(chosen):
                row = {"rests on": cause, "count": len(chosen)}
                for name in MEASURED:
                    found = mean_of(chosen[name], chosen, self.seed)
                    row |= {name: found.value} | columns_of(found, f"{name}_")
                maps.append(row)
        false = groups["false"]
        examples = [false[false["cause"] == cause].head(self.examples) for cause in CAUSES]
        return {
            "causes": pd.DataFrame(shares),
            "causes_maps": pd.DataFrame(maps),
            "causes_examples": pd.concat(examples).reset_index(drop=True),
        }

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """Bars of the causes, and the mean map statistic of false mentions with each of them."""
        table = tables["causes"]
        if "share" not in table:
            return None
        figure = Figure(figsize=(9, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        groups = list(dict.fromkeys(table["mentions"]))
        start = np.zeros(len(groups))
        for cause, colour in zip(CAUSES, ("#D55E00", "#E69F00", "#0072B2", "#BBBBBB"), strict=True):
            chosen = table[table["rests on"] == cause].set_index("mentions").reindex(groups)["share"].to_numpy()
            left.barh(range(len(groups)), chosen, left=start, color=colour, label=cause)
            start += chosen
        counts = table.groupby("mentions")["of"].first()
        left.set_yticks(range(len(groups)), [f"{name} ({counts[name]})" for name in groups])
        left.set_ylim(len(groups) - 0.5, -0.5)
        left.set_xlim(0, 1)
        left.set_xlabel("share of mentions that rest on")
        left.legend(frameon=False, fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.25))
        maps = tables["causes_maps"].to_dict("records")
        for place, row in enumerate(maps):
            ends = np.maximum([[row["mean"] - row["mean_low"]], [row["mean_high"] - row["mean"]]], 0)
            right.errorbar(row["mean"], place, xerr=ends, fmt="o", capsize=3, color="black")
        right.set_yticks(range(len(maps)), [row["rests on"] for row in maps])
        right.set_ylim(len(maps) - 0.5, -0.5)
        right.axvline(0, color="black", linewidth=0.8)
        right.set_xlabel(f"mean of E by {NAMES.get(self.method, self.method)}, false mentions")
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        return figure

    def pages(self, tables: Mapping[str, pd.DataFrame], context: Context) -> dict[str, str]:
        """Examples: the image, the caption with the hallucinated word marked, its map, and its cause."""
        examples = tables.get("causes_examples", pd.DataFrame())
        if examples.empty:
            return {}
        pictures = {image: context.dataset[image].image for image in examples["image"].unique()}
        return {"causes": causes_page.page(examples, pictures, MEANING)}


_KINDS = {"object": OBJECT, "background": BACKGROUND, "word": WORD}


def _effect(candidates: Mapping[str, tuple[float, str]], name: str) -> float | None:
    return float(candidates[name][0]) if name in candidates else None


def background_effects(
    case: Case, scene: scenes.Scene, replacements: int, rng: np.random.Generator
) -> Float[np.ndarray, " T"]:
    """The decrease of log p of each word of the caption with another background, mean over several backgrounds.

    Args:
      case: of a captioner with an encoder.
      scene: the graph of its image.
      replacements: the number of other backgrounds.
      rng: chooses them.
    """
    others = sorted(set(BACKDROPS) - {scene.background})
    chosen = rng.choice(others, min(replacements, len(others)), replace=False)
    changed = [picture(case, scenes.counterfactual(scene, background=str(name))) for name in chosen]
    # The original image is encoded again in the same batch, so that both are computed in the same way.
    features = case.speaker.encode(np.stack([case.pixels, *changed]), batch_size=replacements + 1)
    places = np.arange(len(case.caption))
    log_p = np.stack(
        [
            case.speaker.log_probabilities(seen, [case.caption], batch_size=1)[0][places, case.caption]
            for seen in features
        ]
    ).astype(float)
    return log_p[0] - log_p[1:].mean(axis=0)
