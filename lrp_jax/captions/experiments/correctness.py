"""Correctness: the share of relevance on the named object. Section 5.2.2, Eqs. 23 to 25, Fig. 6 (right)."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lrp_jax.captions import scenes
from lrp_jax.captions.data.domain import Domain
from lrp_jax.captions.experiments.bars import NAMES, colour_of
from lrp_jax.captions.experiments.case import Case, cases
from lrp_jax.captions.experiments.coarse import GRID, pack, unpack
from lrp_jax.captions.experiments.estimates import columns_of, mean_of
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.images import Dataset
from lrp_jax.captions.metrics import Estimate, box_mask
from lrp_jax.captions.metrics.cells import cell_sums
from lrp_jax.captions.metrics.localisation import positive_and_negative, share_inside
from lrp_jax.captions.runs.speaker import Speaker

ALL = -1
"""The value of `head` for an explanation through all heads, or of a model without heads."""

THROUGH = ("all heads", "best head", "validated head")

# Columns of the rows that are shares of a map.
_SHARES = (
    "positive", "negative", "elsewhere", "best_box", "best_box_negative", "published", "published_negative", "in_mask",
    "in_mask_negative",
)  # fmt: skip
_CHANCES = ("chance", "best_box_chance", "mask_chance")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Correctness(Experiment):
    """The share of a word's relevance that lies on the object it names, for words whose category has boxes.

    Attributes:
      methods: the methods to measure.
      head_methods: those of them that are also measured through each single head of MH-FC, which multiplies the time
        by the number of heads.
      reference: the method that the others are compared with.
    """

    name = "correctness"
    shows = "how much of a word's relevance lies on what it names (Fig. 6 right)"

    methods: tuple[str, ...] = (
        "lrp", "guided_grad_cam", "guided_backprop", "grad_cam", "attention", "gradient", "gradient_x_input",
        "lrp_running_sum",
    )  # fmt: skip
    head_methods: tuple[str, ...] = ("lrp", "guided_grad_cam", "guided_backprop", "grad_cam", "attention")
    reference: str = "attention"

    def rows(self, case: Case) -> list[Row]:
        """One row per true mention, method and head (-1: all heads).

        `positive`, `negative`: the shares of max(E, 0) and max(-E, 0) inside the union of the boxes; `best_box`: inside
        the best single box; `published`: likewise, rectified before the channel mean; `in_mask`: inside the visible
        pixels of a drawn scene. Each has a second column with the value of a uniform map. If a part is zero everywhere,
        the share of the positive part is 0 and that of the negative part is missing. `literal`: the word is the name of
        the category. `map` and `boxes` are used by `tables` to evaluate the map of one image in the boxes of another.
        """
        # Without a box the place of an object is unknown.
        there = [n for n, mention in enumerate(case.mentions) if mention.category in case.example.names]
        if not there:
            return []
        heads = range(getattr(case.speaker.captioner, "heads", 0))
        maps = {(method, ALL): case.heat_maps(method)[there] for method in self.methods}
        through_heads = [method for method in self.methods if method in self.head_methods]
        maps |= {(method, head): case.heat_maps(method, head, there) for method in through_heads for head in heads}
        rows = []
        for at, mention in enumerate(case.mentions[number] for number in there):
            boxes = case.example.boxes[np.array([name == mention.category for name in case.example.names])]
            word = " ".join(mention.words)
            what = {
                "word": word,
                "category": mention.category,
                "place": mention.position + 1,
                "literal": word == mention.category,
                "boxes": json.dumps(np.round(boxes.astype(float), 4).tolist()),
            }
            visible = _visible(case, mention.category, maps[self.methods[0], ALL].shape[1:3])
            for (method, head), of_mentions in maps.items():
                rows.append(what | {"method": method, "head": head} | shares(of_mentions[at], boxes, visible))
        return rows

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """Means over words (several mentions of a category in a caption count once) with 95 % intervals.

        `correctness`: by method, through all heads, through the best head (Eq. 25) and through the head that is best on
        the other half of the images; with the values of a uniform map and of maps of the same category from other
        images (also through their best head). `correctness_differences`: methods against the reference, and negative
        against positive parts. `correctness_published`: the best box and mention of words that are the category's
        name. `correctness_masks`: inside the visible pixels.
        """
        del context
        if rows.empty:
            return {"correctness": pd.DataFrame([{"note": "no caption names an object that has a box"}])}
        words = self.words(rows)
        chosen = [
            (method, through, found)
            for through in THROUGH
            for method in self.methods
            if not (found := words[(words["method"] == method) & (words["through"] == through)]).empty
        ]
        tables = {
            "correctness": self._means(chosen),
            "correctness_differences": self._differences(chosen),
            "correctness_published": self._published(rows),
        }
        if words["in_mask"].notna().any():
            tables["correctness_masks"] = self._masks(chosen)
        return tables

    def words(self, rows: pd.DataFrame) -> pd.DataFrame:
        """One row per image (and start), category, method and choice of head, with the columns of `rows`.

        `elsewhere` is the mean correctness, on this image's boxes, of the maps of the same category from other images.
        """
        return self._through(_with_elsewhere(rows)).groupby(
            [*_item(rows), "category", "method", "through"], as_index=False
        )[[*_SHARES, *_CHANCES]].mean()  # fmt: skip

    def _through(self, rows: pd.DataFrame) -> pd.DataFrame:
        """One row per mention, method and choice of head."""
        whole, single = rows[rows["head"] == ALL], rows[rows["head"] != ALL]
        parts = [whole.assign(through="all heads")]
        if not single.empty:
            mention = [*_item(rows), "category", "place", "method"]
            best = single.groupby(mention, as_index=False)[[*_SHARES, *_CHANCES]].max()
            elsewhere = single.groupby(mention)["best_elsewhere"].first()
            best["elsewhere"] = elsewhere.loc[pd.MultiIndex.from_frame(best[mention])].to_numpy()
            literal = single.groupby(mention)["literal"].first()
            best["literal"] = literal.loc[pd.MultiIndex.from_frame(best[mention])].to_numpy()
            parts += [best.assign(through="best head"), _validated(single).assign(through="validated head")]
        return pd.concat(parts, ignore_index=True)

    def _means(self, chosen: Sequence[tuple[str, str, pd.DataFrame]]) -> pd.DataFrame:
        table = []
        for method, through, words in chosen:
            images = len(words[_item(words)].drop_duplicates())
            row = {"method": method, "through": through, "words": len(words), "images": images}
            row |= _mean("correctness", words["positive"], words, self.seed)
            row |= {"chance": words["chance"].mean(), "elsewhere": words["elsewhere"].mean()}
            row["elsewhere_words"] = int(words["elsewhere"].notna().sum())
            row |= _mean("over_elsewhere", words["positive"] - words["elsewhere"], words, self.seed)
            row |= _mean("negative", words["negative"], words, self.seed)
            table.append(row | {"negative_words": int(words["negative"].notna().sum())})
        return pd.DataFrame(table)

    def _differences(self, chosen: Sequence[tuple[str, str, pd.DataFrame]]) -> pd.DataFrame:
        table = []

        def add(method, other, through, difference, words):
            what = {"of": method, "minus": other, "through": through, "words": len(words)}
            table.append(what | _mean("difference", difference, words, self.seed))

        for method, through, words in chosen:
            reference = next((w for m, t, w in chosen if (m, t) == (self.reference, through)), None)
            if reference is not None and method != self.reference:
                keys = [*_item(words), "category"]
                pairs = words.merge(reference, on=keys, suffixes=("", "_reference"), validate="one_to_one")
                add(method, self.reference, through, pairs["positive"] - pairs["positive_reference"], pairs)
            both = words.dropna(subset=["negative"])
            if not both.empty:
                positive, negative = both["positive"], both["negative"]
                add(method, "its negative part", through, positive - negative, both)
                add(f"half of {method}", "its negative part", through, positive / 2 - negative, both)
        return pd.DataFrame(table)

    def _published(self, rows: pd.DataFrame) -> pd.DataFrame:
        """For the words that are their category's name, the best over boxes, mentions and heads."""
        rows = rows[rows["literal"].astype(bool)]
        keys, table = [*_item(rows), "category"], []
        for through, heads in (("all heads", rows["head"] == ALL), ("best head", rows["head"] != ALL)):
            for method in self.methods:
                found = rows[heads & (rows["method"] == method)]
                if found.empty:
                    continue
                best = found.groupby(keys, as_index=False)[[*_CHANCES, "published", "published_negative"]].max()
                row = {"method": method, "through": through, "words": len(best)}
                row |= _mean("correctness", best["published"], best, self.seed)
                row |= {"chance": best["best_box_chance"].mean()}
                table.append(row | _mean("negative", best["published_negative"], best, self.seed))
        return pd.DataFrame(table)

    def _masks(self, chosen: Sequence[tuple[str, str, pd.DataFrame]]) -> pd.DataFrame:
        table = []
        for method, through, words in chosen:
            row = {"method": method, "through": through, "words": int(words["in_mask"].notna().sum())}
            row |= _mean("in_mask", words["in_mask"], words, self.seed) | {"chance": words["mask_chance"].mean()}
            table.append(row | _mean("negative", words["in_mask_negative"], words, self.seed))
        return pd.DataFrame(table)

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """Fig. 6 (right): bars of both parts for each method, with the levels of a uniform map and of other images."""
        table = tables["correctness"]
        if "method" not in table:
            return None
        ways = [through for through in THROUGH if (table["through"] == through).any()]
        figure = Figure(figsize=(1 + 4.2 * len(ways), 3.8), layout="constrained")
        for axes, through in zip(figure.subplots(1, len(ways), squeeze=False, sharex=True)[0], ways, strict=True):
            _bars(axes, table[table["through"] == through])
            axes.set_title(through if len(ways) > 1 else "", loc="left", fontsize="medium")
        figure.legend(
            handles=_legend(), frameon=False, fontsize="small", loc="outside lower center", ncols=2 * len(ways)
        )
        return figure


def correctness_of(
    speaker: Speaker, dataset: Dataset, domain: Domain, images: int | None = None, method: str = "lrp"
) -> dict[str, Any] | None:
    """The row of the table `correctness` for one method, without files.

    Args:
      speaker, dataset, domain: the model, the images and the meaning of their words.
      images: number of images, from the first on; None for all.
      method: its name.

    Returns:
      Column -> value, see `Correctness.tables`; None if no object with a box was named.
    """
    experiment = Correctness(methods=(method,), head_methods=())
    indices = range(len(dataset) if images is None else min(images, len(dataset)))
    rows = [
        {"image": index, **row}
        for index, case in cases(speaker, dataset, domain, indices)
        if not isinstance(case, Exception)
        for row in experiment.rows(case)
    ]
    if not rows:
        return None
    table = experiment.tables(pd.DataFrame(rows), Context(dataset, domain, training_captions=list))["correctness"]
    return table.to_dict("records")[0]


def shares(relevance: Float[np.ndarray, "H W C"], boxes: Float[np.ndarray, "n 4"], visible: np.ndarray | None) -> Row:
    """All shares of one map, and those of a uniform map; see `Correctness.rows`.

    Args:
      relevance: of the pixels.
      boxes: at least one.
      visible: [H, W], the pixels of the objects, if they are known.
    """
    parts = dict(zip(("", "_negative"), positive_and_negative(relevance), strict=True))
    published = dict(zip(("", "_negative"), positive_and_negative(relevance, rectify_first=True), strict=True))
    union = box_mask(boxes, relevance.shape[:2])
    single = [box_mask(box[None], relevance.shape[:2]) for box in boxes]

    def best(part):
        return max(share_inside(part, mask) for mask in single)

    row = {"chance": union.mean(), "best_box_chance": max(mask.mean() for mask in single)}
    row["mask_chance"] = None if visible is None else visible.mean()
    for sign, part in parts.items():
        there = part.any() or not sign
        row["negative" if sign else "positive"] = share_inside(part, union) if there else None
        row[f"best_box{sign}"] = best(part) if there else None
        row[f"published{sign}"] = best(published[sign]) if published[sign].any() or not sign else None
        row[f"in_mask{sign}"] = share_inside(part, visible) if there and visible is not None else None
    return {name: None if value is None else round(float(value), 6) for name, value in row.items()} | {
        "map": pack(parts[""])
    }


def _visible(case: Case, category: str, shape: tuple[int, int]) -> np.ndarray | None:
    """The visible pixels of all objects of a category; None for a photograph, or if they are hidden."""
    if case.scene is None or shape[0] != shape[1]:
        return None
    masks = scenes.masks(case.scene, shape[0])
    chosen = [m for thing, m in zip(case.scene.objects, masks, strict=True) if thing.kind == category]
    return np.any(chosen, axis=0) if chosen and np.any(chosen) else None


def _item(rows: pd.DataFrame) -> list[str]:
    """The columns that identify an image."""
    return [column for column in ("start", "image") if column in rows]


def _with_elsewhere(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with `elsewhere`, and for single heads `best_elsewhere`: the mean over the other images of the share of
    their map, through its best head, in these boxes; nan if no other image has the category."""
    rows = rows.reset_index(drop=True).assign(elsewhere=np.nan, best_elsewhere=np.nan)
    covers = {text: _cover(text) for text in rows["boxes"].unique()}
    groups = [*_item(rows)[:-1], "category", "method"]
    for _, group in rows.groupby(groups, sort=False):
        # All methods and heads have the same mentions, in the same order.
        found, first = {}, None
        for head, one in group.groupby("head"):
            maps = np.stack([unpack(text) for text in one["map"]])
            cover = np.stack([covers[text] for text in one["boxes"]], axis=1)
            image = one["image"].to_numpy()
            other = image[:, None] != image[None, :]
            inside = maps @ cover  # [map, boxes]
            found[head], first = (one.index, inside), other
        for index, inside in found.values():
            rows.loc[index, "elsewhere"] = _mean_of_others(inside, first)
        single = [inside for head, (_, inside) in found.items() if head != ALL]
        if single:
            best = _mean_of_others(np.max(single, axis=0), first)
            for head, (index, _) in found.items():
                if head != ALL:
                    rows.loc[index, "best_elsewhere"] = best
    return rows


def _mean_of_others(inside: Float[np.ndarray, "maps boxes"], other: np.ndarray) -> Float[np.ndarray, " boxes"]:
    count = other.sum(axis=0)
    total = np.where(other, inside, 0).sum(axis=0)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _cover(boxes: str) -> Float[np.ndarray, " cells"]:
    """The share of each cell that the boxes cover."""
    side = 8
    shape = GRID[0] * side, GRID[1] * side
    return cell_sums(box_mask(np.array(json.loads(boxes)), shape).astype(float), GRID).ravel() / side**2


def _validated(single: pd.DataFrame) -> pd.DataFrame:
    """For each mention, the row of the head with the largest mean on the other half of the images.

    Images with even index are measured through the head that is best on odd ones, and vice versa.
    """
    groups = [*_item(single)[:-1], "method"]
    parts = []
    for _, group in single.groupby(groups, sort=False):
        odd = group["image"] % 2
        for half in (0, 1):
            fitted, measured = group[odd != half], group[odd == half]
            if not fitted.empty and not measured.empty:
                head = fitted.groupby("head")["positive"].mean().idxmax()
                parts.append(measured[measured["head"] == head])
    return pd.concat(parts, ignore_index=True) if parts else single.iloc[:0]


def _mean(name: str, values: pd.Series, rows: pd.DataFrame, seed: int) -> Row:
    values = values.astype(float)
    known = values.notna().to_numpy()
    nothing = Estimate(*[float("nan")] * 4)
    found = mean_of(values[known], rows[known], seed) if known.any() else nothing
    return {name: found.value} | columns_of(found, f"{name}_")


def _bars(axes: Axes, table: pd.DataFrame) -> None:
    """Bars of both parts of each method, with lines for the levels of maps that do not depend on the image."""
    for place, row in enumerate(table.to_dict("records")):
        for part, offset in (("correctness", -0.2), ("negative", 0.2)):
            if np.isnan(row[part]):
                continue
            colour = colour_of(row["method"])
            ends = [[row[part] - row[f"{part}_low"]], [row[f"{part}_high"] - row[part]]]
            axes.barh(
                place + offset,
                row[part],
                0.38,
                color=colour if part == "correctness" else "white",
                edgecolor=colour,
                hatch=None if part == "correctness" else "///",
                xerr=np.maximum(np.nan_to_num(ends), 0),
                error_kw={"elinewidth": 1, "capsize": 2},
            )
        for level, style in (("chance", "-"), ("elsewhere", ":")):
            axes.plot([row[level]] * 2, [place - 0.42, place + 0.42], style, color="black", linewidth=1.4)
    axes.set_yticks(range(len(table)), [NAMES.get(method, method) for method in table["method"]])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlabel("correctness")
    axes.spines[["top", "right"]].set_visible(False)


def _legend() -> list[Artist]:
    return [
        Patch(facecolor="0.5", edgecolor="0.5", label="positive part"),
        Patch(facecolor="white", edgecolor="0.5", hatch="///", label="negative part"),
        Line2D([], [], color="black", linewidth=1.4, label="an even map"),
        Line2D([], [], color="black", linewidth=1.4, linestyle=":", label="maps of other images"),
    ]
