"""Figures for papers: words by methods, as in Figs. 1, 4 and 8 of Sun et al."""

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea, VPacker
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from PIL import Image

from lrp_jax.captions.render.case import Case, regions_are_boxes, sums
from lrp_jax.captions.render.comparison import Comparison
from lrp_jax.captions.render.heatmaps import colours, common_scale, maps, outlines, overlay
from lrp_jax.captions.render.palettes import RED_BLUE, Palette
from lrp_jax.captions.render.wording import wording_of
from lrp_jax.captions.render.words import Token, signed
from lrp_jax.captions.render.words import context as context_of

# Font sizes in points.
_TITLE, _TEXT, _SMALL = 9, 7.5, 6.5
_GREY = 127  # grey level of cells that are painted over
_POINTS = 72  # points per inch
_THIN = 0.08  # thickness of a legend, as a share of the width of an image


@dataclasses.dataclass(frozen=True, eq=False)
class _Item:
    """A word of an image, with the cases of all methods."""

    cases: Sequence[Case]
    row: int

    @property
    def word(self) -> str:
        return _plain(self.cases[0].words[self.row + 1])


def grid(
    shown: Case | Comparison | Sequence[Case | Comparison],
    *,
    words: Literal["rows", "columns"] = "rows",
    picture: bool = True,
    caption: bool = False,
    context: bool = False,
    scores: Mapping[str, Sequence[float | str]] | None = None,
    boxes: Sequence[Float[np.ndarray, "n 4"] | None] | None = None,
    ablated: Mapping[str, Sequence[np.ndarray | Sequence[int]]] | None = None,
    ablated_scores: Mapping[str, Sequence[float | str]] | None = None,
    cells: tuple[int, int] = (28, 28),
    palette: Palette = RED_BLUE,
    tile: float = 1.6,
) -> Figure:
    """The shown words of one or several images, by each method, as a figure.

    Each method has one symmetric colour scale for the whole figure, with a legend. Save the figure with
    `figure.savefig("grid.pdf")`, or as PNG or SVG. A list "by word" has one entry for each shown word of each image,
    in order.

    Args:
        shown: the cases to draw. All images must have the same methods.
        words: whether words are the rows and methods the columns, or vice versa.
        picture: also draw the image beside its maps.
        caption: write the caption under the image.
        context: draw the words before each word on the colours of their relevance (Fig. 1 b), by LRP or, without LRP,
            by the first method with relevance of words.
        scores: method -> a list by word of numbers or texts under the maps; numbers get a sign and three digits.
            Default: the sum of the map's relevance, for methods with both signs. {} writes nothing.
        boxes: by word, boxes (x0, y0, x1, y1) in [0, 1] to outline on the maps, such as those of the objects, or None.
        ablated: method -> by word, the ablated image (uint8 [H, W, 3]), or the indices of the cells to paint grey, in
            the flat grid `cells`; drawn under the maps (Fig. 4).
        ablated_scores: method -> a list by word of numbers or texts under these.
        cells: (rows, columns) of the grid of `ablated`; the paper's is 28 x 28.
        palette: colours of the two signs.
        tile: width of an image in inches.

    Returns:
        A matplotlib figure that is not registered with pyplot.

    Raises:
        ValueError: there is nothing to draw, images have different methods, or a list does not fit the words.
    """
    items = list(_items(shown))
    if words not in ("rows", "columns"):
        raise ValueError(f"got words={words!r}, wanted rows or columns")
    methods = [case.explanation.method for case in items[0].cases]
    for name, given in (("scores", scores), ("ablated", ablated), ("ablated_scores", ablated_scores)):
        _check(name, given, methods, len(items))
    if boxes is not None and len(boxes) != len(items):
        raise ValueError(f"got boxes for {len(boxes)} words, wanted them for {len(items)}")
    found = [[_map(item.cases[m], item.row) for item in items] for m in range(len(methods))]
    scales = [common_scale(np.concatenate([np.ravel(one) for one in of_method])) for of_method in found]
    labels: dict[int | str, str] = {m: _label(case) for m, case in enumerate(items[0].cases)}
    with_words = [m for m, case in enumerate(items[0].cases) if case.explanation.words is not None]
    by_words = min(with_words, key=lambda m: methods[m] != "lrp", default=None)
    parts: list[int | str] = ["picture"] * picture + list(labels)
    labels["picture"] = ""
    if context and by_words is not None:
        parts.append("context")
        labels["context"] = f"words before it ({labels[by_words]})" if len(methods) > 1 else "words before it"
    places = _Places(words == "rows", items, parts, 2 if ablated else 1, tile)
    for i, item in enumerate(items):
        image = np.asarray(item.cases[0].image)
        if picture:
            axes = places.of(i, "picture")
            axes.imshow(image)
            if caption:
                lines = textwrap.wrap(_plain(" ".join(item.cases[0].words[1:])), max(8, int(15 * tile)))
                axes.set_xlabel("\n".join(lines), fontsize=_SMALL, parse_math=False)
        for m, method in enumerate(methods):
            axes = places.of(i, m)
            axes.imshow(_drawn(item.cases[m], item.row, found[m][i], scales[m], palette))
            if boxes is not None and boxes[i] is not None:
                _outline(axes, boxes[i], image.shape)
            _write_under(axes, _total(item.cases[m], item.row) if scores is None else _entry(scores, method, i))
            if ablated and method in ablated:
                axes = places.of(i, m, lower=1)
                axes.imshow(_without(image, ablated[method][i], cells))
                _write_under(axes, _entry(ablated_scores or {}, method, i))
        if "context" in parts:
            tokens = context_of(item.cases[by_words], item.row)
            axes = places.of(i, "context")
            axes.set_box_aspect(image.shape[0] / image.shape[1])
            _write_context(axes, tokens, palette, tile)
    places.name(labels)
    for m, case in enumerate(items[0].cases):
        _draw_legend(places.legend(m), case, scales[m], palette, upright=words == "columns")
    return places.figure


@dataclasses.dataclass(eq=False)
class _Places:
    """The layout of a figure.

    Attributes:
        words_are_rows: whether words are rows and their parts (image, maps, context) are columns, or vice versa.
        items: the words.
        parts: "picture", the number of a method, "context".
        deep: number of image rows per map, 2 with ablated images below.
        tile: width of an image in inches.
    """

    words_are_rows: bool
    items: Sequence[_Item]
    parts: Sequence[int | str]
    deep: int
    tile: float

    def __post_init__(self):
        shapes = [np.asarray(item.cases[0].image).shape for item in self.items]
        tall = [shape[0] / shape[1] for shape in shapes]
        if self.words_are_rows:
            heights = [height for height in tall for _ in range(self.deep)] + [_THIN]
            widths = [1.0] * len(self.parts)
        else:
            heights = [max(tall)] * sum(map(self._depth, self.parts))
            widths = [1.0] * len(self.items) + [_THIN]
        # Space for a line of text under each image and for the names along the edges.
        size = (self.tile * sum(widths) + 0.4, self.tile * sum(heights) + 0.22 * len(heights) + 0.3)
        self.figure = Figure(figsize=size, layout="constrained")
        self.figure.get_layout_engine().set(w_pad=0.03, h_pad=0.05, wspace=0.01, hspace=0.01)
        self._specs = self.figure.add_gridspec(len(heights), len(widths), height_ratios=heights, width_ratios=widths)
        self._made: dict[tuple[int, int], Axes] = {}

    def of(self, word: int, part: int | str, lower: int = 0) -> Axes:
        """The axes of a part of a word, or those below (lower=1)."""
        at = self.parts.index(part)
        if self.words_are_rows:
            return self._axes(word * self.deep + lower, at)
        return self._axes(sum(map(self._depth, self.parts[:at])) + lower, word)

    def legend(self, method: int) -> Axes:
        """The axes of the legend of a method, after its maps."""
        at = self.parts.index(method)
        if self.words_are_rows:
            return self._axes(len(self.items) * self.deep, at)
        return self._axes(sum(map(self._depth, self.parts[:at])), len(self.items))

    def name(self, labels: Mapping[int | str, str]) -> None:
        """Writes the names of the words and of the parts along the two edges."""
        across, along = (Axes.set_title, Axes.set_ylabel) if self.words_are_rows else (Axes.set_ylabel, Axes.set_title)
        for part in self.parts:
            across(self.of(0, part), labels[part], fontsize=_TITLE, parse_math=False)
        for i, item in enumerate(self.items):
            along(self.of(i, self.parts[0]), item.word, fontsize=_TITLE, fontweight="bold", parse_math=False)

    def _depth(self, part: int | str) -> int:
        return self.deep if isinstance(part, int) else 1

    def _axes(self, row: int, column: int) -> Axes:
        if (row, column) not in self._made:
            axes = self.figure.add_subplot(self._specs[row, column], xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            self._made[row, column] = axes
        return self._made[row, column]


def _items(shown: Case | Comparison | Sequence[Case | Comparison]) -> Iterator[_Item]:
    several = [shown] if isinstance(shown, Case | Comparison) else list(shown)
    if not several:
        raise ValueError("got no pictures to draw, wanted at least one")
    first = None
    for one in several:
        cases = one.cases if isinstance(one, Comparison) else [one]
        methods = [case.explanation.method for case in cases]
        first = first or methods
        if methods != first:
            raise ValueError(f"{str(cases[0].name)!r} has {', '.join(methods)}, wanted {', '.join(first)} as before")
        for row in cases[0].shown:
            yield _Item(cases, row)


def _check(name: str, given: Mapping[str, Sequence] | None, methods: Sequence[str], count: int) -> None:
    for method, values in (given or {}).items():
        if method not in methods:
            raise ValueError(f"got {name} of {method!r}, wanted methods of the figure: {', '.join(methods)}")
        if len(values) != count:
            raise ValueError(f"got {len(values)} {name} of {method}, wanted one for each of {count} words")


def _map(case: Case, row: int) -> Float[np.ndarray, "H W"]:
    return maps(dataclasses.replace(case, rows=[row]))[0]


def _drawn(case: Case, row: int, relevance: Float[np.ndarray, "h w"], scale: float, palette: Palette) -> np.ndarray:
    """A map over its image, with outlines of the strongest regions if these are boxes."""
    drawn = overlay(np.asarray(case.image), relevance, scale, palette)
    if not regions_are_boxes(case):
        return drawn
    regions = np.asarray(case.explanation.regions)[row]
    return np.asarray(outlines(Image.fromarray(drawn), regions, case.boxes, palette))


def _label(case: Case) -> str:
    wording = wording_of(case)
    return _plain(wording.label or wording.title)


def _total(case: Case, row: int) -> str:
    return f"sum {signed(sums(case, row).picture)}" if wording_of(case).low else ""


def _entry(given: Mapping[str, Sequence[float | str]], method: str, i: int) -> str:
    if method not in given:
        return ""
    value = given[method][i]
    return value if isinstance(value, str) else signed(float(value))


def _write_under(axes: Axes, text: str) -> None:
    axes.set_xlabel(_plain(text), fontsize=_TEXT, labelpad=2, parse_math=False)


def _outline(axes: Axes, boxes: Float[np.ndarray, "n 4"], shape: Sequence[int]) -> None:
    height, width = shape[:2]
    for x0, y0, x1, y1 in np.asarray(boxes, float).reshape(-1, 4):
        corner = (x0 * width - 0.5, y0 * height - 0.5)
        for colour, thick in (("white", 2.2), ("black", 1.0)):  # visible on light and dark areas
            axes.add_patch(
                Rectangle(corner, (x1 - x0) * width, (y1 - y0) * height, fill=False, edgecolor=colour, linewidth=thick)
            )


def _without(
    image: UInt8[np.ndarray, "H W 3"], what: np.ndarray | Sequence[int], cells: tuple[int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """The image with cells painted grey, or the given ablated image."""
    what = np.asarray(what)
    if what.ndim == 3:
        if what.dtype != np.uint8 or what.shape[2] != 3:
            raise ValueError(f"got an ablated picture {what.dtype}{list(what.shape)}, wanted uint8 [height, width, 3]")
        return what
    count = cells[0] * cells[1]
    if what.size and (what.ndim != 1 or what.dtype.kind not in "iu" or what.min() < 0 or what.max() >= count):
        raise ValueError(
            f"got ablated {what.dtype}{list(what.shape)}, wanted a picture or indices of cells from 0 to {count - 1}"
        )
    chosen = np.zeros(cells, bool)
    chosen.flat[what.astype(int)] = True
    rows, columns = (
        ((np.arange(size) + 0.5) * n / size).astype(int) for size, n in zip(image.shape, cells, strict=False)
    )
    return np.where(chosen[rows][:, columns][..., None], np.uint8(_GREY), image)


def _write_context(axes: Axes, tokens: Sequence[Token], palette: Palette, tile: float) -> None:
    """Writes the words before a word, each on the colour of its relevance, in lines as wide as an image."""
    axes.axis("off")
    font, lines, used = FontProperties(size=_SMALL), [], np.inf
    for token in tokens:
        text = _plain(token.text)
        width = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] + 5
        if used + width > tile * _POINTS:
            lines.append([])
            used = 0
        lines[-1].append(_on_colour(text, token.strength, palette))
        used += width
    rows = [HPacker(children=line, pad=0, sep=5) for line in lines]
    if rows:
        axes.add_artist(AnchoredOffsetbox("center left", child=VPacker(children=rows, pad=0, sep=5), frameon=False))


def _on_colour(text: str, strength: float, palette: Palette) -> TextArea:
    colour = palette.support if strength > 0 else palette.oppose
    # Pale enough for black text, even at full strength.
    paint = tuple(1 + (c / 255 - 1) * 0.62 * abs(strength) for c in colour)
    box = {"facecolor": paint, "edgecolor": "none", "pad": 1.5}
    return TextArea(text, textprops={"fontsize": _SMALL, "parse_math": False, "bbox": box})


def _draw_legend(axes: Axes, case: Case, scale: float, palette: Palette, upright: bool) -> None:
    """Draws the colour scale of a method."""
    wording = wording_of(case)
    low = -1 if wording.low else 0
    paint = colours(np.linspace(low, 1, 129), palette).astype(np.float32)
    opacity = paint[:, 3:] / 255
    ramp = np.rint(205 * (1 - opacity) + paint[:, :3] * opacity).astype(np.uint8)
    ends = (low, 1) if low == 0 else (low, 0, 1)
    labels = [signed(end * scale) for end in ends]
    if upright:
        axes.imshow(ramp[:, None], aspect="auto", extent=(0, 1, low, 1), origin="lower")
        axes.yaxis.tick_right()
        axes.set_yticks(ends, labels, fontsize=_SMALL)
        axes.set_title(_plain(wording.unit), fontsize=_SMALL, parse_math=False)
    else:
        axes.imshow(ramp[None], aspect="auto", extent=(low, 1, 0, 1))
        axes.set_xticks(ends, labels, fontsize=_SMALL)
        axes.set_xlabel(_plain(wording.unit), fontsize=_SMALL, parse_math=False)
    # The numbers at the ends stay within the width of the image, so that all columns have the same width.
    texts = axes.get_yticklabels() if upright else axes.get_xticklabels()
    for text, inward in ((texts[0], 0), (texts[-1], 1)):
        if upright:
            text.set_verticalalignment(("bottom", "top")[inward])
        else:
            text.set_horizontalalignment(("left", "right")[inward])
    axes.tick_params(length=2, pad=1)


def _plain(text: str) -> str:
    """External text as one line that is valid in every format: without control characters and lone surrogates."""
    text = "".join(c if c.isprintable() else " " for c in str(text))
    return text.encode("utf-8", "replace").decode()
