"""Sanity checks: conservation of relevance, and its dependence on the learned parameters."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrp_jax.captions.experiments.bars import NAMES, colour_of
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.conservation import balance
from lrp_jax.captions.experiments.estimates import columns_of, mean_of
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.experiments.heat_maps import heat_maps
from lrp_jax.captions.metrics.ranks import spearman
from lrp_jax.captions.runs.speaker import Speaker

STAGES = ("last layer", "decoder", "embeddings", "encoder")
"""The stages of cascading randomisation, from the last layer; each includes all before it."""

_EMBEDDINGS = ("word_embedding", "image_projection")
_PARTS = ("image", "words", "biases", "epsilon")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sanity(Experiment):
    """Conservation of LRP's relevance, and the randomisation of parameters.

    A map that does not change when the parameters are randomised does not show what the model has learned. From the
    last layer on, the entries of every parameter array are shuffled, which keeps their distribution; the caption is
    that of the trained model.

    Attributes:
      methods: the methods whose maps are compared.
      shuffles: number of randomised models; their seeds are `seed`, `seed` + 1, ...

    Reference:
      Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018: cascading randomisation, rank correlation of maps
      with and without their sign.
    """

    name = "sanity"
    shows = "whether relevance sums to the logit, and whether maps change with the parameters"

    methods: tuple[str, ...] = (
        "lrp", "guided_grad_cam", "guided_backprop", "grad_cam", "attention", "gradient", "gradient_x_input",
    )  # fmt: skip
    shuffles: int = 1

    def rows(self, case: Case) -> list[Row]:
        """Rows of two kinds.

        "conservation", one per word: `score` is its logit under LRP, and `in_image`, `in_words`, `in_biases` and
        `in_epsilon` are its parts; `in_pixels` is the part of `in_image` that reaches the pixels, for mentions of
        objects. "randomisation", one per mention, method, stage and shuffle: Spearman's correlation over pixels of E
        with that of the trained model, `signed` and of `absolute` values; missing if a map is constant.
        """
        return self._conservation(case) + self._randomisation(case)

    def _conservation(self, case: Case) -> list[Row]:
        if not len(case.caption):
            return []
        speaker = case.speaker
        found = balance(
            speaker.captioner, speaker.params, case.features, speaker.padded(case.caption, speaker.max_length)
        )
        pixels = {}
        if case.pixels is not None:
            sums = case.heat_maps("lrp").sum(axis=(1, 2, 3), dtype=np.float64)
            ends = [mention.position + len(mention.words) - 1 for mention in case.mentions]
            pixels = dict(zip(ends, sums.tolist(), strict=True))
        parts = {f"in_{name}": getattr(found, name).astype(float).tolist() for name in _PARTS}
        return [
            {"kind": "conservation", "place": at + 1, "score": float(found.score[at]), "in_pixels": pixels.get(at)}
            | {name: values[at] for name, values in parts.items()}
            for at in range(len(case.caption))
        ]

    def _randomisation(self, case: Case) -> list[Row]:
        if not case.mentions:
            return []
        places = [mention.position + len(mention.words) - 1 for mention in case.mentions]
        stages = STAGES if case.speaker.encoder is not None else STAGES[:-1]
        rows = []
        for shuffle in range(self.shuffles):
            for stage in stages:
                speaker = randomised(case.speaker, stage, self.seed + shuffle)
                for method in self.methods:
                    trained = case.heat_maps(method).mean(axis=-1)
                    maps = heat_maps(speaker, case.example, case.pixels, case.caption, places, method).mean(axis=-1)
                    for mention, one, other in zip(case.mentions, trained, maps, strict=True):
                        correlations = spearman(one, other), spearman(np.abs(one), np.abs(other))
                        signed, absolute = (None if np.isnan(rho) else rho for rho in correlations)
                        what = {"kind": "randomisation", "place": mention.position + 1, "method": method}
                        rows.append(what | {"stage": stage, "shuffle": shuffle, "signed": signed, "absolute": absolute})
        return rows

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """`sanity_conservation`: the mean of each part, and of its absolute value, with 95 % intervals.
        `sanity_randomisation`: the mean correlations of each method after each stage."""
        del context
        if rows.empty:
            return {"sanity_conservation": pd.DataFrame([{"note": "there are no captions"}])}
        tables = {"sanity_conservation": self._parts(rows[rows["kind"] == "conservation"])}
        shuffled = rows[rows["kind"] == "randomisation"]
        return tables | ({} if shuffled.empty else {"sanity_randomisation": self._correlations(shuffled)})

    def _parts(self, rows: pd.DataFrame) -> pd.DataFrame:
        columns = {"score": rows["score"]} | {name: rows[f"in_{name}"] for name in (*_PARTS, "pixels")}
        columns["pixels - image"] = columns["pixels"].astype(float) - columns["image"]
        table = []
        for part, values in columns.items():
            known = values.notna()
            values = values[known].astype(float)
            if values.empty:
                continue
            row = {"part": part, "words": len(values)}
            for column, sizes in (("mean", values), ("mean_size", values.abs())):
                found = mean_of(sizes, rows[known], self.seed)
                row |= {column: found.value} | columns_of(found, f"{column}_")
            table.append(row | {"largest_size": float(values.abs().max())})
        return pd.DataFrame(table)

    def _correlations(self, rows: pd.DataFrame) -> pd.DataFrame:
        table = []
        for method in self.methods:
            for stage in STAGES:
                found = rows[(rows["method"] == method) & (rows["stage"] == stage)]
                row = {"method": method, "randomised down to": stage}
                for column in ("signed", "absolute"):
                    known = found[found[column].notna()]
                    if known.empty:
                        continue
                    mean = mean_of(known[column].astype(float), known, self.seed)
                    row |= {column: mean.value} | columns_of(mean, f"{column}_") | {f"{column}_maps": len(known)}
                if len(row) > 2:
                    table.append(row)
        return pd.DataFrame(table)

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """The correlations of each method as more stages of the model are randomised."""
        table = tables.get("sanity_randomisation")
        if table is None or table.empty:
            return None
        figure = Figure(figsize=(10, 3.4), layout="constrained")
        stages = [stage for stage in STAGES if (table["randomised down to"] == stage).any()]
        for axes, column in zip(figure.subplots(1, 2, sharey=True), ("signed", "absolute"), strict=True):
            if column not in table:
                continue
            for number, method in enumerate(self.methods):
                line = table[table["method"] == method].set_index("randomised down to").reindex(stages)
                axes.plot(
                    range(len(stages) + 1),
                    [1, *line[column]],
                    marker="osD^vPX"[number % 7],
                    markersize=5,
                    linestyle={"attention": "--", "gradient_x_input": ":"}.get(method, "-"),
                    color=colour_of(method),
                    label=NAMES.get(method, method),
                )
            axes.axhline(0, color="black", linewidth=0.8)
            axes.set_xticks(range(len(stages) + 1), ["nothing", *stages])
            axes.set_xlabel("randomised from the top down to")
            axes.set_title(f"{column} values", loc="left", fontsize="medium")
            axes.spines[["top", "right"]].set_visible(False)
        figure.axes[0].set_ylabel("rank correlation with the trained map")
        figure.axes[1].legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
        return figure


@functools.lru_cache(maxsize=2 * len(STAGES))
def randomised(speaker: Speaker, stage: str, seed: int = 0) -> Speaker:
    """The speaker with shuffled parameters, from the last layer to a stage.

    Args:
      speaker: the trained speaker.
      stage: one of `STAGES`.
      seed: of the permutations; that of an array does not depend on the stage.
    """
    down_to = STAGES.index(stage)
    layers = {
        name: shuffled(layer, seed) if _stage_of(name) <= down_to else layer
        for name, layer in speaker.params["params"].items()
    }
    changed = {"params": {**speaker.params, "params": layers}}
    if stage == "encoder" and speaker.encoder is not None:
        encoder = speaker.encoder.params
        changed["encoder"] = speaker.encoder._replace(params={**encoder, "params": shuffled(encoder["params"], seed)})
    return dataclasses.replace(speaker, **changed)


def shuffled(params: Any, seed: int) -> Any:
    """The parameters with the entries of every array shuffled."""

    def one(path, leaf):
        rng = np.random.default_rng((seed, *jax.tree_util.keystr(path).encode()))
        values = np.asarray(leaf)
        return rng.permutation(values.ravel()).reshape(values.shape)

    return jax.tree_util.tree_map_with_path(one, params)


def _stage_of(layer: str) -> int:
    return 0 if layer == "fc" else 2 if layer in _EMBEDDINGS else 1
