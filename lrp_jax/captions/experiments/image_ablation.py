"""Ablation of the most relevant image patches: section 5.2.1, Fig. 6 (left)."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int, UInt8
from matplotlib.figure import Figure

from lrp_jax.captions.experiments.bars import NAMES, bars, colour_of
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.drawn_away import DrawnAway
from lrp_jax.captions.experiments.estimates import columns_of, log_mean, mean_of, paired
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.experiments.mean_colour import mean_colour
from lrp_jax.captions.metrics.cells import GRID, cell_sums, painted_over, top_cells
from lrp_jax.captions.words.objects import Mention, mentions

RANDOM, WITHOUT = "random", "without"
ITEM = ("place",)  # the column that identifies an object word of a caption


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageAblation(Experiment):
    """Object words before and after the most relevant cells of the image are painted over.

    The image is divided into 28 x 28 cells of equal size (see `captions.metrics.cells`). The relevance of a cell is the
    sum over its pixels. The most relevant cells are painted over in one colour, and the image is captioned again.

    Attributes:
      methods: the methods that choose the cells.
      cells: number of cells that are painted over before the image is captioned: 20 are 2.55 % of it.
      curve: numbers of cells for which the teacher-forced probability of the word is recorded too.
      first_place: the first word position that is evaluated, counted from 1.
      draws: number of draws of random cells, the same for all words of an image.
      fill: the colour, red, green and blue as fractions of 255; None for the mean colour of the training images, see
        `mean_colour`.
      without: (case, category) -> the image without the objects of this category, an ideal ablation, at the size of
        `case.pixels`; None if there is no such image. Its repr is recorded with the settings, so it has to be the same
        in all processes, like that of a dataclass.
    """

    name = "image_ablation"
    shows = "how often object words vanish with the parts of the image that a method finds most relevant (Fig. 6 left)"

    methods: tuple[str, ...] = ("lrp", "guided_grad_cam", "guided_backprop", "grad_cam", "attention")
    cells: int = 20
    curve: tuple[int, ...] = (5, 10, 20, 40, 80)
    first_place: int = 2
    draws: int = 5
    fill: tuple[float, float, float] | None = None
    without: Callable[[Case, str], UInt8[np.ndarray, "H W 3"] | None] | None = DrawnAway()  # noqa: RUF009 - it is frozen

    def __post_init__(self):
        if not all(1 <= count <= GRID[0] * GRID[1] for count in self._counts):
            raise ValueError(f"got cells={self.cells} and curve={self.curve}; wanted 1 to {GRID[0] * GRID[1]} cells")

    @property
    def _counts(self) -> list[int]:
        return sorted({self.cells, *self.curve})

    def rows(self, case: Case) -> list[Row]:
        """One row per mention of an object from `first_place` on and method; none if the subject has no encoder,
        because then there are no pixels to paint over.

        A name of several words counts at its last word. `vanished`: the word, or the sequence of words of the name, is
        not in the new caption; `unnamed`: nor is any other word for the category. For random cells both are
        shares of the draws. `before` and `after` are log p of the word with the whole image and with `cells` cells
        painted over, `after_5` and so on with other numbers; for random cells the log of the mean p over the draws.
        """
        ends = {number: mention.position + len(mention.words) - 1 for number, mention in enumerate(case.mentions)}
        ends = {number: at for number, at in ends.items() if at + 1 >= self.first_place}
        if case.pixels is None or not ends:
            return []
        pictures = dict(self._pictures(case, list(ends)))
        changes, features = list(pictures), case.speaker.encode(np.stack(list(pictures.values())), 16)
        # Batched over all changes of the image: first the captions, then the words.
        captioned = [i for i, change in enumerate(changes) if change.cells in (self.cells, None)]
        captions = case.speaker.caption(features[captioned], batch_size=32)
        said = {changes[i]: list(c.words) for i, c in zip(captioned, captions, strict=True)}
        asked = [(number, i) for number in ends for i, change in enumerate(changes) if change.mention in (number, None)]
        log_p = case.speaker.log_p_next(
            features[[i for _, i in asked]],
            [case.caption[: ends[number]] for number, _ in asked],
            [case.caption[ends[number]] for number, _ in asked],
        )
        after = {(number, changes[i]): float(value) for (number, i), value in zip(asked, log_p, strict=True)}
        rows = []
        for number, at in ends.items():
            mention = case.mentions[number]
            for method in (*self.methods, RANDOM, WITHOUT):
                chosen = [c for c in changes if c.method == method and c.mention in (number, None)]
                if not chosen:
                    continue
                by_cells = {
                    cells: log_mean([after[number, change] for change in chosen if change.cells == cells])
                    for cells in {change.cells for change in chosen}
                }
                new = [said[change] for change in chosen if change in said]
                rows.append(
                    {
                        "place": at + 1,
                        "word": " ".join(mention.words),
                        "category": mention.category,
                        "true": mention.category in case.present,
                        "method": method,
                        "vanished": float(np.mean([not _says(caption, mention.words) for caption in new])),
                        "unnamed": float(np.mean([not _names(caption, mention, case) for caption in new])),
                        "before": float(case.log_p[at]),
                        "after": by_cells[None if method == WITHOUT else self.cells],
                    }
                    | {f"after_{cells}": by_cells.get(cells) for cells in self._counts if cells != self.cells}
                )
        return rows

    def _pictures(self, case: Case, numbers: Sequence[int]) -> Iterator[tuple["_Change", UInt8[np.ndarray, "H W 3"]]]:
        """The changed images of a case, for some of its mentions."""
        for method, number, draw, order in self._orders(case, numbers):
            for cells in self._counts:
                yield _Change(method, number, draw, cells), self._painted(case, order[:cells])
        for number in numbers if self.without is not None else ():
            picture = self.without(case, case.mentions[number].category)
            if picture is not None:
                yield _Change(WITHOUT, number, 0, None), picture

    def _orders(
        self, case: Case, numbers: Sequence[int]
    ) -> Iterator[tuple[str, int | None, int, Int[np.ndarray, " cells"]]]:
        """Method, mention (None for all), draw, and the cells in the order in which they are painted over."""
        rng = self.rng(case)
        for draw in range(self.draws):
            yield RANDOM, None, draw, rng.permutation(GRID[0] * GRID[1])
        for method in self.methods:
            maps = case.heat_maps(method).mean(axis=-1)
            for number in numbers:
                # A new generator for each method: its result does not depend on which other methods are measured.
                yield method, number, 0, top_cells(cell_sums(maps[number]), self.rng(case))

    def _painted(self, case: Case, cells: Int[np.ndarray, " n"]) -> UInt8[np.ndarray, "H W 3"]:
        return painted_over(case.pixels, cells, self.fill or mean_colour(case.speaker))

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """Means over mentions with 95 % intervals.

        `image_ablation`: by truth of the mention and method, the share that vanished, the share whose category is no
        longer named, and the decrease of p. `image_ablation_differences`: between any two methods, on the same
        mentions. `image_ablation_curve`: the mean p by number of cells.
        """
        del context
        if rows.empty:
            note = f"no caption names an object at place {self.first_place} or later, or the captioner's features come "
            note += "from elsewhere and there are no pixels to paint over"
            return {"image_ablation": pd.DataFrame([{"note": note}])}
        logs = [column for column in rows.columns if column == "before" or column.startswith("after")]
        rows = rows.assign(**{column: np.exp(rows[column].astype(float)) for column in logs})
        rows = rows.assign(drop=rows["before"] - rows["after"], true=rows["true"].astype(bool))
        methods = [method for method in (*self.methods, RANDOM, WITHOUT) if (rows["method"] == method).any()]
        return {
            "image_ablation": self._means(rows, methods),
            "image_ablation_differences": self._differences(rows, methods),
            "image_ablation_curve": self._curve(rows, [method for method in methods if method != WITHOUT]),
        }

    def _means(self, rows: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
        table = []
        for name, chosen in (("all", rows), ("true", rows[rows["true"]]), ("false", rows[~rows["true"]])):
            for method in methods:
                found = chosen[chosen["method"] == method]
                if found.empty:
                    continue
                row = {"mentions": name, "method": method, "count": len(found)}
                for column in ("vanished", "unnamed", "drop"):
                    mean = mean_of(found[column], found, self.seed)
                    row |= {column: mean.value} | columns_of(mean, f"{column}_")
                table.append(row)
        return pd.DataFrame(table)

    def _differences(self, rows: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
        table = []
        for method, other in itertools.combinations(methods, 2):
            row = {"method": method, "minus": other}
            for column in ("vanished", "drop"):
                pairs = paired(rows, column, method, other, ITEM)
                mean = mean_of(pairs["difference"], pairs, self.seed)
                row |= {"count": len(pairs), column: mean.value} | columns_of(mean, f"{column}_")
            table.append(row)
        return pd.DataFrame(table)

    def _curve(self, rows: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
        table = []
        for method in methods:
            found = rows[rows["method"] == method]
            for count in (0, *self._counts):
                column = {0: "before", self.cells: "after"}.get(count, f"after_{count}")
                mean = mean_of(found[column], found, self.seed)
                table.append({"method": method, "cells": count, "p": mean.value} | columns_of(mean))
        return pd.DataFrame(table)

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """Fig. 6 (left): how often words vanish, and how their probability decreases with the number of cells."""
        if "image_ablation_curve" not in tables:
            return None
        table, curve = tables["image_ablation"], tables["image_ablation_curve"]
        table = table[table["mentions"] == "all"]
        figure = Figure(figsize=(10, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        methods = (*self.methods, RANDOM, WITHOUT)
        bars(left, table, "vanished", ("vanished_low", "vanished_high"), methods, "share of object words that vanish")
        left.set_title(f"{self.cells} cells painted over ({table['count'].max()} words)", loc="left")
        for method, marker in zip(curve["method"].unique(), itertools.cycle("osD^vPX"), strict=False):
            line = curve[curve["method"] == method]
            style = "--" if method == RANDOM else "-"
            label, colour = NAMES.get(method, method), colour_of(method)
            right.plot(line["cells"], line["p"], style, marker=marker, markersize=4, color=colour, label=label)
        right.set_xlabel(f"cells painted over, of {GRID[0] * GRID[1]}")
        right.set_ylabel("mean probability of the word")
        right.set_ylim(bottom=0)
        right.spines[["top", "right"]].set_visible(False)
        right.legend(frameon=False, fontsize="small")
        return figure


def masked_picture(
    case: Case, number: int, method: str, settings: ImageAblation | None = None
) -> UInt8[np.ndarray, "H W 3"]:
    """The image with the cells painted over that are most relevant for a word, as in Fig. 4.

    Args:
      case: of a captioner with an encoder.
      number: the index of the mention in the case.
      method: the name of a method, or "random" for the first draw.
      settings: number of cells and colour; by default the paper's.
    """
    settings = dataclasses.replace(settings or ImageAblation(), methods=() if method == RANDOM else (method,))
    order = next(order for name, _, _, order in settings._orders(case, [number]) if name == method)
    return settings._painted(case, order[: settings.cells])


class _Change(NamedTuple):
    """A change of an image.

    Attributes:
      method: the method that chose the cells.
      mention: the index of the mention that they were chosen for; None for all.
      draw: the number of the random draw.
      cells: number of cells that were painted over; None if the object was removed.
    """

    method: str
    mention: int | None
    draw: int
    cells: int | None


def _says(caption: Sequence[str], name: Sequence[str]) -> bool:
    """Whether a caption contains this sequence of words."""
    return any(tuple(caption[i : i + len(name)]) == tuple(name) for i in range(len(caption)))


def _names(caption: Sequence[str], mention: Mention, case: Case) -> bool:
    """Whether a caption names the category of the mention, by any word."""
    return any(other.category == mention.category for other in mentions(caption, case.domain.words))
