"""The second drawing style, for tests of transfer: ink outlines, thin washes and hatching on paper.

Geometry, light and colours are those of `paint`, so boxes, masks and captions are the same. Surfaces look different, so
what an encoder learned about them on painted images does not apply.
"""

import functools

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from lrp_jax.captions.scenes.backdrops import BACKDROPS
from lrp_jax.captions.scenes.colours import RGB, mix
from lrp_jax.captions.scenes.paint import FINER, check_size, ground, lit, palette_of, piece, place, shadow, shape_of
from lrp_jax.captions.scenes.pen import Figure
from lrp_jax.captions.scenes.world import Box, Scene

_PAPER = (250, 246, 236)
_INK = (40, 38, 52)

# The hatching pattern of each tone; tones that are not listed have none.
_NONE, _HATCH, _CROSS, _SPARSE, _LEVEL, _SHADOW, _GROUND = range(7)
_STROKES = {
    "base": _HATCH,
    "dark": _CROSS,
    "deep": _CROSS,
    "light": _SPARSE,
    "hair": _CROSS,
    "bark": _LEVEL,
    "wood": _LEVEL,
}

# Lines as (direction x, direction y, distance, width), in 144ths of the side of an image; and their darkness.
_PATTERNS: dict[int, tuple[tuple[tuple[float, float, float, float], ...], float]] = {
    _HATCH: (((0.7, 0.7, 2.4, 0.8),), 0.36),
    _CROSS: (((0.7, 0.7, 2.0, 0.7), (0.7, -0.7, 2.0, 0.7)), 0.45),
    _SPARSE: (((0.7, 0.7, 4.2, 0.7),), 0.25),
    _LEVEL: (((0.1, 1.0, 2.4, 0.8),), 0.4),
    _SHADOW: (((0.35, 1.0, 1.9, 0.85),), 0.45),
    _GROUND: (((0.06, 1.0, 5.5, 0.55),), 0.16),
}


def outline(scene: Scene, size: int = 144) -> UInt8[np.ndarray, "size size 3"]:
    """The image of a scene as an ink drawing, RGB, uint8 [size, size, 3]; see `draw`."""
    check_size(size)
    span = size * FINER
    backdrop = BACKDROPS[scene.background](scene.decor, scene.horizon)
    wash = ground(*((_thin(a, 0.5), _thin(b, 0.5)) for a, b in (backdrop.above, backdrop.below)), scene.horizon, span)
    strokes = Image.new("L", (span, span), _NONE)
    colours, patterns = ImageDraw.Draw(wash), ImageDraw.Draw(strokes)
    patterns.rectangle((0, round(scene.horizon * span), span, span), fill=_GROUND)

    points, starts, fills = backdrop.pen.polygons()
    flat = (points * span).ravel().tolist()
    for first, last, fill in zip(starts, starts[1:], fills, strict=False):
        colours.polygon(flat[2 * first : 2 * last], fill=_thin(fill, 0.55), outline=_thin(mix(fill, _INK, 0.4), 0.35))
    for item in scene.clutter:
        _ink(colours, patterns, *piece(item), span, {}, 0.3)
    for thing in scene.objects:
        if thing.grounded:
            patterns.ellipse(shadow(thing.box, span, scene.sun[1])[0][0], fill=_SHADOW)
        _ink(colours, patterns, shape_of(thing), thing.box, span, palette_of(thing), 0.12)
    drawn = np.asarray(wash, np.float32) * _darkness(span)[np.asarray(strokes), *np.indices((span, span))][..., None]
    drawn *= _grain(span)[..., None]
    return lit(Image.fromarray(drawn.round().astype(np.uint8)).reduce(FINER), scene)


def _ink(colours, patterns, shape: Figure, box: Box, span: int, tones: dict[str, RGB], thin: float) -> None:
    """Washes the polygons of a figure with their tones, hatches them, and draws their outlines."""
    flat, width = place(shape, box, span), max(1, round(span / 200))
    for first, last, fill in zip(shape.starts, shape.starts[1:], shape.fills, strict=False):
        corners = flat[2 * first : 2 * last]
        colour = tones[fill] if isinstance(fill, str) else fill
        colours.polygon(corners, fill=_thin(colour, thin), outline=mix(colour, _INK, 0.8), width=width)
        patterns.polygon(corners, fill=_STROKES.get(fill, _NONE))


@functools.lru_cache(maxsize=65536)
def _thin(colour: RGB, share: float) -> RGB:
    """A colour mixed with the paper."""
    return mix(colour, _PAPER, share)


@functools.lru_cache(maxsize=4)
def _darkness(span: int) -> Float[np.ndarray, "pattern span span"]:
    """The share of the light that each pattern leaves at each pixel."""
    y, x = (np.indices((span, span)) + 0.5) * 144 / span
    left = np.ones((1 + max(_PATTERNS), span, span), np.float32)
    for number, (lines, dark) in _PATTERNS.items():
        for across, down, distance, width in lines:
            # Hand-drawn lines are not quite straight.
            along = across * x + down * y + 0.5 * np.sin(0.21 * x + 0.13 * y) + 0.3 * np.sin(0.11 * y - 0.35 * x)
            left[number][along % distance < width] = 1 - dark
    return left


@functools.lru_cache(maxsize=4)
def _grain(span: int) -> Float[np.ndarray, "span span"]:
    """The grain of the paper: a fixed noise of a few per cent."""
    y, x = np.indices((span, span)) * (288 / span)
    noise = np.sin(x * 12.9898 + y * 78.233) * 43758.5453
    return (1 - 0.045 * (noise - np.floor(noise))).astype(np.float32)
