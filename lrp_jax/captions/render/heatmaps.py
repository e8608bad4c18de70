"""Signed relevance as colour over an image: red supports the word, blue opposes it, zero stays grey.

All maps of an image share one symmetric scale, so that a pale map means little relevance and not a different
normalisation.
"""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from lrp_jax.captions.render.case import Case
from lrp_jax.captions.render.palettes import RED_BLUE, Palette

QUANTILE = 0.995
LEVELS = 63


def maps(case: Case, size: tuple[int, int] | None = None) -> Float[np.ndarray, "rows H W"]:
    """The relevance of the shown words as maps over the image.

    Pixel relevance is averaged over the colour channels (E of Eq. 23). Without pixels, the relevance of a grid is
    interpolated bilinearly, and that of boxes is spread evenly over the pixels of each box.

    Args:
        case: an explained caption.
        size: (height, width) of the maps; by default that of the pixel relevance, else that of the image.

    Returns:
        One map per shown word, float32, in the unit of the logit (per pixel, region or box pixel).

    Raises:
        ValueError: there are no pixels, and neither a grid nor boxes.
    """
    explanation, rows = case.explanation, list(case.shown)
    if explanation.pixels is not None:
        return case.channel_means if size is None else resize(case.channel_means, size)
    size = size or np.asarray(case.image).shape[:2]
    regions = np.asarray(explanation.regions)[rows]
    if explanation.grid is not None:
        return resize(regions.reshape(len(rows), *explanation.grid), size)
    if case.boxes is None:
        raise ValueError(
            f"the {regions.shape[1]} regions have no place in the image: got neither a grid nor boxes; "
            "pass Case(boxes=...) as [n_v, 4] in [0, 1]"
        )
    return spread(regions, case.boxes, size)


def resize(values: Float[np.ndarray, "*n h w"], size: tuple[int, int]) -> Float[np.ndarray, "*n H W"]:
    """Bilinear interpolation of signed maps; pixel centres at half-integers, with antialiasing when shrinking."""
    values = np.asarray(values, np.float32)
    if values.shape[-2:] == tuple(size):
        return values
    flat = values.reshape(-1, *values.shape[-2:])
    resized = [np.asarray(Image.fromarray(v).resize((size[1], size[0]), Image.Resampling.BILINEAR)) for v in flat]
    return np.stack(resized).reshape(*values.shape[:-2], *size)


def spread(
    regions: Float[np.ndarray, "*n n_v"], boxes: Float[np.ndarray, "n_v 4"], size: tuple[int, int]
) -> Float[np.ndarray, "*n H W"]:
    """Spreads the relevance of each region evenly over its box, which preserves sums; overlaps are added.

    Args:
        regions: relevance per region.
        boxes: (x0, y0, x1, y1) in [0, 1]; a box covers at least one pixel.
        size: (height, width) of the result.
    """
    regions = np.asarray(regions)
    result = np.zeros((*regions.shape[:-1], *size), np.float32)
    for index, box in enumerate(_pixel_boxes(boxes, size)):
        x0, y0, x1, y1 = box
        result[..., y0:y1, x0:x1] += (regions[..., index] / ((y1 - y0) * (x1 - x0)))[..., None, None]
    return result


def common_scale(values: Float[np.ndarray, "..."], quantile: float = QUANTILE) -> float:
    """The |E| that is drawn at full colour: a quantile over all words and pixels.

    It is a quantile so that one extreme pixel does not make all others pale; larger values are clipped to full colour.
    quantile=1 is the maximum, which is also used if the quantile is 0 because most of the map is 0.

    Args:
        values: relevance of any shape.
        quantile: the quantile of |E|.

    Returns:
        The scale, in the unit of `values`; 0 if all relevance is 0.
    """
    magnitude = np.abs(np.asarray(values))
    if magnitude.size == 0:
        return 0.0
    return float(np.quantile(magnitude, quantile)) or float(magnitude.max())


def strength(values: Float[np.ndarray, "*n"], scale: float) -> Float[np.ndarray, "*n"]:
    """Relevance divided by the scale, clipped to [-1, 1]; 0 everywhere for a scale of 0."""
    values = np.asarray(values, np.float32)
    return np.clip(values / scale, -1, 1) if scale > 0 else np.zeros_like(values)


def colours(strengths: Float[np.ndarray, "*n"], palette: Palette = RED_BLUE) -> UInt8[np.ndarray, "*n 4"]:
    """RGBA of strengths in [-1, 1]: the colour of the sign, with opacity by strength; zero is transparent."""
    strengths = np.asarray(strengths, np.float32)
    rgb = np.where((strengths >= 0)[..., None], np.array(palette.support), np.array(palette.oppose))
    opacity = 255 * palette.opacity * np.abs(strengths)
    return np.concatenate([rgb, np.rint(opacity)[..., None]], -1).astype(np.uint8)


@functools.cache
def _blended(palette: Palette) -> UInt8[np.ndarray, "greys strengths 3"]:
    """The blend of each grey with each colour: strengths -1 to 1 in steps of one level of opacity."""
    steps = np.arange(-255, 256) / (255 * palette.opacity)
    paint = colours(np.clip(steps, -1, 1), palette).astype(np.float32)
    opacity = paint[:, 3:] / 255
    greys = np.arange(256, dtype=np.float32)[:, None, None]
    return np.rint(greys * (1 - opacity) + paint[:, :3] * opacity).astype(np.uint8)


def ground(image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """The image in pale grey, so that all colour in an overlay is relevance."""
    grey = np.asarray(Image.fromarray(image).convert("L"), np.float32)
    return np.repeat(np.rint(GROUND_WHITE * 255 + (1 - GROUND_WHITE) * grey)[..., None], 3, -1).astype(np.uint8)


GROUND_WHITE = 0.35


def overlay(
    image: UInt8[np.ndarray, "H W 3"],
    relevance: Float[np.ndarray, "h w"],
    scale: float,
    palette: Palette = RED_BLUE,
) -> UInt8[np.ndarray, "H W 3"]:
    """One map over its image, resized to the size of the image.

    Args:
        image: the image.
        relevance: signed map of any size.
        scale: the |E| of full colour, see `common_scale`.
        palette: colours of the two signs.
    """
    return overlays(image, np.asarray(relevance)[None], scale, palette)[0]


def overlays(
    image: UInt8[np.ndarray, "H W 3"],
    values: Float[np.ndarray, "rows h w"],
    scale: float,
    palette: Palette = RED_BLUE,
) -> UInt8[np.ndarray, "rows H W 3"]:
    """Several maps over one image, see `overlay`."""
    greys, table = ground(image)[..., 0], _blended(palette)
    result = np.empty((len(values), *image.shape), np.uint8)
    for drawn, relevance in zip(result, values, strict=True):
        strengths = strength(resize(relevance, image.shape[:2]), scale)
        levels = np.rint(255 * palette.opacity * strengths).astype(np.intp)
        np.take(table.reshape(-1, 3), greys * np.intp(len(table[0])) + levels + 255, axis=0, out=drawn)
    return result


def outlines(
    picture: Image.Image,
    regions: Float[np.ndarray, "n_v"],
    boxes: Float[np.ndarray, "n_v 4"],
    palette: Palette = RED_BLUE,
    count: int = 5,
) -> Image.Image:
    """Draws the outlines of the `count` most relevant boxes in the colour of their sign.

    Args:
        picture: RGB, or RGBA for an overlay; it is not modified.
        regions: relevance per region.
        boxes: (x0, y0, x1, y1) in [0, 1].
        palette: colours of the two signs.
        count: number of boxes, the strongest on top; boxes without relevance are not drawn.

    Returns:
        A new image with the outlines.
    """
    drawn = picture.copy()
    pen = ImageDraw.Draw(drawn)
    places = _pixel_boxes(boxes, (drawn.height, drawn.width))
    width = max(1, round(min(drawn.size) / 150))
    for index in np.argsort(-np.abs(regions), kind="stable")[:count][::-1]:
        if regions[index]:
            x0, y0, x1, y1 = places[index]
            colour = palette.support if regions[index] > 0 else palette.oppose
            pen.rectangle((x0, y0, x1 - 1, y1 - 1), outline=colour, width=width)
    return drawn


def transparent(relevance: Float[np.ndarray, "h w"], scale: float, palette: Palette = RED_BLUE) -> Image.Image:
    """One map as an indexed image of 2 * LEVELS + 1 colours with transparency, for use as an overlay.

    Full colour is opaque here; the page applies the palette's opacity to the whole overlay. An indexed image compresses
    noisy maps to a third of the size of true colour, and unlike a lossy format it never mixes red and blue where signs
    alternate.
    """
    steps = np.rint(strength(relevance, scale) * LEVELS).astype(np.int16) + LEVELS
    opaque = dataclasses.replace(palette, opacity=1.0)
    table = colours(np.linspace(-1, 1, 2 * LEVELS + 1), opaque)
    picture = Image.fromarray(steps.astype(np.uint8), mode="P")
    picture.putpalette(table[:, :3].tobytes())
    picture.info["transparency"] = table[:, 3].tobytes()
    return picture


def _pixel_boxes(boxes: Float[np.ndarray, "n 4"], size: Sequence[int]) -> list[tuple[int, int, int, int]]:
    height, width = size
    corners = np.clip(np.asarray(boxes, np.float64), 0, 1) * [width, height, width, height]
    result = []
    for x0, y0, x1, y1 in np.rint(corners).astype(int).tolist():
        left, top = min(x0, width - 1), min(y0, height - 1)
        result.append((left, top, max(x1, left + 1), max(y1, top + 1)))
    return result
