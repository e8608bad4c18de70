"""One image with all words of a caption: for papers, slides and folders of thumbnails."""

import functools
import importlib.util
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lrp_jax.captions.render import heatmaps
from lrp_jax.captions.render.case import Case, regions_are_boxes
from lrp_jax.captions.render.heatmaps import colours, common_scale, maps, outlines
from lrp_jax.captions.render.palettes import RED_BLUE, Palette
from lrp_jax.captions.render.wording import wording_of
from lrp_jax.captions.render.words import Token, context, signed

INK, PAPER, FAINT = (32, 32, 32), (255, 255, 255), (110, 110, 110)
# In pixels: the area of an image (width, height), the gap between tiles, and the height of a line of small words.
TILE, MARGIN, LINE = (240, 320), 14, 15


@functools.cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib, so that the sheet is the same on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    package = pathlib.Path(importlib.util.find_spec("matplotlib").origin).parent  # not imported: it takes its time
    return ImageFont.truetype(package / "mpl-data" / "fonts" / "ttf" / name, size)


def overlays(case: Case, palette: Palette = RED_BLUE) -> list[Image.Image]:
    """One image per shown word with its relevance as an overlay, all on the common scale of the case.

    Args:
        case: an explained caption.
        palette: colours of the two signs.

    Returns:
        Images of the size of `case.image`, in the order of the shown words.
    """
    image = np.asarray(case.image)
    values = maps(case)
    pictures = [Image.fromarray(drawn) for drawn in heatmaps.overlays(image, values, common_scale(values), palette)]
    if regions_are_boxes(case):
        regions = np.asarray(case.explanation.regions)[list(case.shown)]
        pictures = [outlines(p, r, case.boxes, palette) for p, r in zip(pictures, regions, strict=True)]
    return pictures


def sheet(case: Case, pictures: list[Image.Image], columns: int = 4, palette: Palette = RED_BLUE) -> Image.Image:
    """All words in one image: the original, one tile per word with the words before it, and the legend.

    Args:
        case: an explained caption.
        pictures: one image per shown word, from `overlays`.
        columns: tiles per row.
        palette: colours of the two signs.
    """
    image = np.asarray(case.image)
    factor = min(TILE[0] / image.shape[1], TILE[1] / image.shape[0])
    size = tuple(max(1, round(side * factor)) for side in (image.shape[1], image.shape[0]))
    titles = [
        f"{case.words[row + 1]}   {signed(float(np.asarray(case.explanation.logits)[row]))}" for row in case.shown
    ]
    lines = [_lines(context(case, row)) for row in case.shown]
    height = size[1] + 27 + LINE * max(map(len, lines))
    tiles = [_tile(Image.fromarray(image), "the image", [], size, height, palette)]
    for picture, title, tokens in zip(pictures, titles, lines, strict=True):
        tiles.append(_tile(picture, title, tokens, size, height, palette))
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    legend = _legend(case, palette)
    step_x, step_y = TILE[0] + MARGIN, height + MARGIN
    canvas = (columns * step_x + MARGIN, rows * step_y + legend.height + 2 * MARGIN)
    result = Image.new("RGB", canvas, PAPER)
    for index, tile in enumerate(tiles):
        result.paste(tile, (MARGIN + index % columns * step_x, MARGIN + index // columns * step_y))
    result.paste(legend, (MARGIN, result.height - legend.height - MARGIN))
    return result


def _lines(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens broken into lines as wide as a tile."""
    lines, used = [], TILE[0]
    for token in tokens:
        advance = _advance(token)
        if used + advance > TILE[0]:
            lines.append([])
            used = 0
        lines[-1].append(token)
        used += advance
    return lines


def _advance(token: Token) -> int:
    return round(font(10).getlength(_fit(token.text, font(10), TILE[0] - 4))) + 4


def _tile(picture, title, lines, size, height, palette) -> Image.Image:
    """An image with its word below it and, smaller, the preceding words on their colours."""
    tile = Image.new("RGB", (TILE[0], height), PAPER)
    tile.paste(picture.resize(size, Image.Resampling.LANCZOS), (0, 0))
    pen = ImageDraw.Draw(tile)
    pen.text((0, size[1] + 4), _fit(title, font(15, bold=True), TILE[0]), font=font(15, bold=True), fill=INK)
    for number, tokens in enumerate(lines):
        x, y = 0, size[1] + 27 + LINE * number
        for token in tokens:
            text, advance = _fit(token.text, font(10), TILE[0] - 4), _advance(token)
            pen.rectangle((x, y, x + advance - 2, y + LINE - 2), fill=_tint(token.strength, palette))
            pen.text((x + 1, y), text, font=font(10), fill=INK)
            x += advance
    return tile


def _tint(strength: float, palette: Palette) -> tuple[int, ...]:
    """The background colour of a word: pale enough for black text, even at full strength."""
    colour = palette.support if strength > 0 else palette.oppose
    return tuple(round(255 + (c - 255) * 0.62 * abs(strength)) for c in colour)


def _fit(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _legend(case: Case, palette: Palette) -> Image.Image:
    """The colour scale of the maps, with the meaning of its ends and the value of full colour."""
    wording, scale, width = wording_of(case), common_scale(maps(case)), TILE[0]
    paint = colours(np.linspace(-1 if wording.low else 0, 1, width), palette).astype(np.float32)
    opacity = paint[:, 3:] / 255
    row = np.rint(205 * (1 - opacity) + paint[:, :3] * opacity).astype(np.uint8)
    legend = Image.new("RGB", (width, 70), PAPER)
    legend.paste(Image.fromarray(np.repeat(row[None], 12, 0)), (0, 20))
    pen, small = ImageDraw.Draw(legend), font(11)
    pen.text((0, 2), wording.low, font=small, fill=INK)
    pen.text((width, 2), wording.high, font=small, fill=INK, anchor="ra")
    pen.text((0, 36), signed(-scale) if wording.low else "0", font=small, fill=FAINT)
    pen.text((width, 36), signed(scale), font=small, fill=FAINT, anchor="ra")
    pen.text((0, 52), wording.unit, font=small, fill=FAINT)
    return legend
