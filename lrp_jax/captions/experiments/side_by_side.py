"""Captions of a baseline and of a fine-tuned captioner side by side, with marked changes: Figure 9."""

import base64
import collections
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import jinja2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea, VPacker
from PIL import Image

from lrp_jax.captions.images import load_image
from lrp_jax.captions.words.objects import Mention

PLAIN, KEPT, GONE, NEW, CORRECTED = "-", "kept", "gone", "new", "corrected"
_LINE = 52  # maximum number of characters of a caption line in the figure
_THUMBNAIL = 160  # pixels


class Mark(NamedTuple):
    """The mark of a word: a colour and, for accessibility, a sign after the word."""

    colour: str
    sign: str
    meaning: str


# Blue and red as in the paper, from Okabe and Ito's colours, which colour-blind people can distinguish.
MARKS: Mapping[str, Mark] = {
    KEPT: Mark("#0072B2", "✗", "not there, said by both"),
    GONE: Mark("#0072B2", "✗ −", "not there, said by the baseline alone"),
    NEW: Mark("#8F3B76", "✗ +", "not there, said after fine-tuning alone"),
    CORRECTED: Mark("#D55E00", "✓", "there, said in place of what was not"),
}


def marks(
    baseline: Sequence[tuple[Mention, bool]], tuned: Sequence[tuple[Mention, bool]], lengths: tuple[int, int]
) -> tuple[list[str], list[str]]:
    """Marks the words of two captions of an image.

    Args:
      baseline, tuned: the objects that each caption names, and whether they are in the image.
      lengths: number of words of each caption.

    Returns:
      One key of `MARKS`, or "-", for each word of both captions. A word counts as corrected if it names an object in
      the image that the baseline did not name, and the caption no longer names an object that is not in the image.
    """
    named_before = {mention.category for mention, _ in baseline}
    named_after = {mention.category for mention, _ in tuned}
    gone = any(not there and mention.category not in named_after for mention, there in baseline)

    def before(category: str, there: bool) -> str:
        return PLAIN if there else KEPT if category in named_after else GONE

    def after(category: str, there: bool) -> str:
        if there:
            return CORRECTED if gone and category not in named_before else PLAIN
        return KEPT if category in named_before else NEW

    return _of_words(baseline, before, lengths[0]), _of_words(tuned, after, lengths[1])


def _of_words(mentions, mark, length: int) -> list[str]:
    found = [PLAIN] * length
    for mention, there in mentions:
        for place in range(mention.position, mention.position + len(mention.words)):
            found[place] = mark(mention.category, there)
    return found


def page(examples: pd.DataFrame, images: Mapping[int, object]) -> str:
    """The examples as a self-contained HTML page.

    Args:
      examples: with columns `image`, `id`, and for both captioners the caption and the marks of its words, as in
        `lrp_ift_gain`.
      images: index -> an image for `load_image`; missing or unreadable images are omitted.
    """
    rows = [
        {
            "id": row["id"],
            "picture": _picture(images.get(row["image"])),
            "captions": [list(_words(row, which)) for which in ("baseline", "fine_tuned")],
        }
        for row in examples.to_dict("records")
    ]
    return jinja2.Environment(autoescape=True).from_string(_PAGE).render(rows=rows, marks=MARKS)


def figure(examples: pd.DataFrame, counts: Mapping[str, int]) -> Figure:
    """The captions of the examples in two columns, with words in the colours of their marks."""
    blocks = [
        (str(row["id"]), [list(_lines(list(_words(row, which)))) for which in ("baseline", "fine_tuned")])
        for row in examples.to_dict("records")
    ]
    heights = [max(len(lines) for lines in both) + 0.6 for _, both in blocks]
    total = sum(heights) + 2.6
    drawn = Figure(figsize=(11.5, 0.24 * total))

    def place(box, column: float, line: float):
        anchored = AnchoredOffsetbox(
            "upper left",
            child=box,
            frameon=False,
            pad=0,
            borderpad=0,
            bbox_to_anchor=(column, 1 - line / total),
            bbox_transform=drawn.transFigure,
        )
        drawn.add_artist(anchored)

    legend = [
        _text(f"word {mark.sign}  {mark.meaning} ({counts.get(name, 0)})    ", mark.colour, 8)
        for name, mark in MARKS.items()
    ]
    place(HPacker(children=legend, pad=0, sep=0), 0.01, 0)
    for column, title in ((0.01, "image"), (0.17, "baseline"), (0.58, "fine-tuned")):
        place(_text(title, "black", 9, "bold"), column, 1.3)
    line = 2.6
    for (name, both), height in zip(blocks, heights, strict=True):
        place(_text(name if len(name) <= 26 else f"{name[:12]}…{name[-13:]}", "#666666", 7), 0.01, line)
        for column, lines in zip((0.17, 0.58), both, strict=True):
            packed = [HPacker(children=[_word(*word) for word in words], pad=0, sep=4) for words in lines]
            place(VPacker(children=packed or [_text("–", "black", 9)], pad=0, sep=2), column, line)
        line += height
    return drawn


def _text(text: str, colour: str, size: float, weight: str = "normal") -> TextArea:
    return TextArea(text, textprops={"color": colour, "fontsize": size, "fontweight": weight, "parse_math": False})


def _word(word: str, mark: str) -> TextArea:
    if mark not in MARKS:
        return _text(word, "black", 9)
    return _text(f"{word} {MARKS[mark].sign}", MARKS[mark].colour, 9, "bold")


def _lines(words: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    line: collections.deque[tuple[str, str]] = collections.deque()
    width = 0
    for word, mark in words:
        length = len(word) + 1 + (len(MARKS[mark].sign) + 1 if mark in MARKS else 0)
        if line and width + length > _LINE:
            yield list(line)
            line.clear()
            width = 0
        line.append((word, mark))
        width += length
    if line:
        yield list(line)


def _words(row: Mapping[str, str], which: str) -> Iterator[tuple[str, str]]:
    """The words of a caption with their marks."""
    return zip(row[which].split(), row[f"{which}_marks"].split(), strict=True)


def _picture(image: object) -> str | None:
    """A thumbnail as a data URL."""
    if image is None:
        return None
    try:
        picture = Image.fromarray(np.asarray(load_image(image)))
    except (OSError, ValueError):
        return None
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Captions before and after fine-tuning</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #111;
       background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ddd; padding: .6rem; text-align: left; vertical-align: top }
td.name { width: 11rem; font-size: .75rem; color: #555; overflow-wrap: anywhere }
img { display: block; max-width: 10rem }
b { white-space: nowrap }
{% for name, mark in marks.items() %}.{{ name }} { color: {{ mark.colour }} }
{% endfor %}.gone { text-decoration: line-through }
.new { text-decoration: underline wavy }
.corrected { text-decoration: underline }
ul { list-style: none; padding: 0 }
</style>
<h1>Captions before and after fine-tuning</h1>
<ul>
{% for name, mark in marks.items() %}<li><b class="{{ name }}">word {{ mark.sign }}</b> {{ mark.meaning }}</li>
{% endfor %}</ul>
<table>
<tr><th>image</th><th>baseline</th><th>fine-tuned</th></tr>
{% for row in rows %}<tr><td class="name">{% if row.picture %}<img src="{{ row.picture }}" alt="">{% endif %}\
{{ row.id }}</td>
{%- for words in row.captions %}<td>{% for word, mark in words %}\
{% if mark in marks %}<b class="{{ mark }}" title="{{ marks[mark].meaning }}">{{ word }} {{ marks[mark].sign }}</b>\
{% else %}{{ word }}{% endif %} {% endfor %}</td>{% endfor %}</tr>
{% endfor %}</table>
</html>
"""
