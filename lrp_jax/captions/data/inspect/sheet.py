"""A contact sheet: images with their boxes, and a caption of each in the colours of the boxes."""

import dataclasses
import functools
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lrp_jax.captions.images import Example, load_image
from lrp_jax.captions.words import words_of
from lrp_jax.captions.words.objects import box_categories, mentions

COLUMNS, ROWS = 4, 3

_PICTURE = (400, 300)  # width and height of the area for an image, in pixels
_CAPTION = 84  # height of the caption area below it
_GAP, _HEAD = 18, 76
_INK, _FAINT, _PAPER, _EMPTY = "#1c1c1c", "#6b6b6b", "#ffffff", "#f0f0f0"

# Dark enough for text on white; neighbouring colours are easy to tell apart.
_COLOURS = (
    "#c8102e", "#1663b0", "#207a2b", "#8a3fb0", "#b85000", "#00787c", "#b0147f", "#6d5600", "#3a3aa0", "#4f5b60",
)  # fmt: skip


def contact_sheet(examples: Iterable[Example], categories: Mapping[str, str | None], title: str = "") -> Image.Image:
    """Draws twelve images, four to a row, with boxes, their categories, and the first caption of each.

    A caption is shown in tokens, as the model reads it. Object words have the colour of their boxes; object words
    without a box are underlined.

    Args:
      examples: the images; only the first twelve are drawn. For an unreadable image the error is shown instead.
      categories: name -> category of the objects that captions name, see `mentions`.
      title: the headline.
    """
    examples = list(examples)[: COLUMNS * ROWS]
    rows = max(1, -(-len(examples) // COLUMNS))
    wide, high = _PICTURE[0] + _GAP, _PICTURE[1] + _CAPTION + _GAP
    sheet = Image.new("RGB", (COLUMNS * wide + _GAP, _HEAD + rows * high), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP, 14), _cut(title, _font(20), sheet.width - 2 * _GAP), _INK, _font(20))
    draw.text(
        (_GAP, 46), "object words have the colour of their boxes; underlined: named, but no box", _FAINT, _font(15)
    )
    for place, example in enumerate(examples):
        corner = (_GAP + place % COLUMNS * wide, _HEAD + place // COLUMNS * high)
        colours = _colours(example, categories)
        sheet.paste(_picture(example, categories, colours), corner)
        _write_caption(draw, (corner[0], corner[1] + _PICTURE[1] + 6), example, categories, colours)
    return sheet


def _colours(example: Example, categories: Mapping[str, str | None]) -> dict[str, str]:
    """The colour of each category that has boxes."""
    names = dict.fromkeys(box_categories(example.names, categories))
    return {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}


def _picture(example: Example, categories: Mapping[str, str | None], colours: Mapping[str, str]) -> Image.Image:
    """The image, centred in its area, with its boxes."""
    place = Image.new("RGB", _PICTURE, _EMPTY)
    try:
        image = Image.fromarray(load_image(example.image))
    except (OSError, ValueError) as error:
        lines = _fold([(word, _FAINT, False) for word in str(error).split()], _font(15), _PICTURE[0] - 40)
        _write(ImageDraw.Draw(place), (20, 20), list(lines)[:12], _font(15))
        return place
    scale = min(_PICTURE[0] / image.width, _PICTURE[1] / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    left, top = (_PICTURE[0] - size[0]) // 2, (_PICTURE[1] - size[1]) // 2
    place.paste(image.resize(size, Image.Resampling.LANCZOS), (left, top))
    boxes = np.asarray(example.boxes) * [*size, *size] + [left, top, left, top]
    _draw_boxes(place, boxes, box_categories(example.names, categories), colours)
    return place


def _draw_boxes(place: Image.Image, boxes: np.ndarray, names: Sequence[str], colours: Mapping[str, str]) -> None:
    draw = ImageDraw.Draw(place)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = np.argsort(-areas, kind="stable")  # small boxes on top of large ones
    for index in order:
        x0, y0, x1, y1 = (round(float(edge)) for edge in boxes[index])
        draw.rectangle((x0 - 1, y0 - 1, max(x0, x1), max(y0, y1)), outline=_PAPER, width=4)
        draw.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), outline=colours[names[index]], width=2)
    # One label for all boxes of a category, at the largest of them.
    taken: list[_Area] = []
    largest: dict[str, int] = {}
    for index in order:
        largest.setdefault(names[index], index)
    for name, index in largest.items():
        count = names.count(name)
        text, font = (f"{name} × {count}" if count > 1 else name), _font(12)
        label = _place(boxes[index], round(font.getlength(text)) + 8, 19, taken)
        taken.append(label)
        draw.rectangle(label.box, fill=colours[name])
        draw.text((label.x + 4, label.y + 1), text, _PAPER, font)


@dataclasses.dataclass(frozen=True)
class _Area:
    x: int
    y: int
    width: int
    height: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.x, self.y, self.x + self.width, self.y + self.height

    def meets(self, other: "_Area") -> bool:
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and self.y < other.y + other.height and other.y < self.y + self.height


def _place(box: np.ndarray, width: int, height: int, taken: Sequence[_Area]) -> _Area:
    """A free area for a label: above its box, below it, in a corner of it, or as near as possible."""

    def within(x: float, y: float) -> _Area:
        x, y = min(max(x, 0), _PICTURE[0] - width - 1), min(max(y, 0), _PICTURE[1] - height - 1)
        return _Area(round(x), round(y), width, height)

    x0, y0, x1, y1 = map(float, box)
    steps = range(0, _PICTURE[1], height // 2)
    places = [
        *(within(x0, y) for y in (y0 - height, y1 + 1) if 0 <= y < _PICTURE[1] - height),
        *(within(x, y) for y in (y0, y1 - height) for x in (x0, x1 - width)),
        *(within(x0, y0 + sign * step) for step in steps for sign in (1, -1)),
    ]
    return next((area for area in places if not any(area.meets(other) for other in taken)), places[0])


_Word = tuple[str, str, bool]  # text, colour, whether it is underlined


def _write_caption(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    example: Example,
    categories: Mapping[str, str | None],
    colours: Mapping[str, str],
) -> None:
    font, small = _font(15), _font(11)
    draw.text(corner, _cut(_head(example), small, _PICTURE[0]), _FAINT, small)
    if not example.captions:
        return
    tokens = words_of(example.captions[0])
    words: list[_Word] = [(token, _INK, False) for token in tokens]
    for mention in mentions(tokens, categories):
        for position in range(mention.position, mention.position + len(mention.words)):
            colour = colours.get(mention.category)
            words[position] = (tokens[position], colour or _INK, colour is None)
    lines = list(_fold(words, font, _PICTURE[0]))
    if len(lines) > 3:
        lines = [*lines[:2], [*lines[2][:-1], ("…", _INK, False)]]
    _write(draw, (corner[0], corner[1] + 18), lines, font)


def _head(example: Example) -> str:
    count = len(example.captions)
    return f"{example.id}   " + ("no caption" if not count else f"the first of {count} captions" if count > 1 else "")


def _fold(words: Iterable[_Word], font: ImageFont.FreeTypeFont, width: int) -> Iterator[list[_Word]]:
    """Breaks words into lines of at most `width` pixels."""
    line: list[_Word] = []
    for word in words:
        text = _cut(word[0], font, width)
        if line and font.getlength(" ".join((*(w[0] for w in line), text))) > width:
            yield line
            line = []
        line.append((text, *word[1:]))
    if line:
        yield line


def _write(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], lines: Sequence[Sequence[_Word]], font: ImageFont.FreeTypeFont
) -> None:
    x0, y = corner
    for line in lines:
        x = float(x0)
        for text, colour, underlined in line:
            draw.text((x, y), text, colour, font)
            if underlined:
                below = y + font.size + 3
                draw.line((x, below, x + font.getlength(text), below), colour, 1)
            x += font.getlength(text + " ")
        y += int(font.size * 1.3)


def _cut(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """The text, cut with an ellipsis to at most `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[: int(len(text) * 0.9)]
    return text + "…"


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # DejaVu Sans comes with Matplotlib, covers more than Latin letters, and is the same on every machine.
    return ImageFont.truetype(pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
