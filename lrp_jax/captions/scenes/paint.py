"""Paints a scene and the masks of its objects from the same polygons, at any size."""

import functools
import math

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image, ImageDraw

from lrp_jax.captions.scenes.backdrops import BACKDROPS
from lrp_jax.captions.scenes.clutter import CLUTTER
from lrp_jax.captions.scenes.colours import COLOURS, HAIRS, RGB, SKINS, mix, palette
from lrp_jax.captions.scenes.figures import figure
from lrp_jax.captions.scenes.pen import Figure, Pen
from lrp_jax.captions.scenes.world import Box, Clutter, Object, Scene

FINER = 2  # supersampling factor: images are painted this much larger and then averaged, for smooth edges
_INK = (22, 18, 32)

_GAIN = 1.08  # compensates for the light gradient, which darkens most of the image

# (colour of the light, strength of the haze, colour of the haze)
_LIGHT: dict[str, tuple[RGB, float, RGB]] = {
    "day": ((255, 253, 246), 0.0, (0, 0, 0)),
    "evening": ((255, 214, 178), 0.04, (255, 160, 90)),
    "mist": ((250, 250, 250), 0.2, (216, 222, 228)),
    "night": ((180, 188, 230), 0.05, (40, 50, 100)),
}


def draw(scene: Scene, size: int = 144) -> UInt8[np.ndarray, "size size 3"]:
    """The image of a scene, RGB, uint8 [size, size, 3].

    The same scene has the same geometry at every size.
    """
    check_size(size)
    span = size * FINER
    backdrop = BACKDROPS[scene.background](scene.decor, scene.horizon)
    image = ground(backdrop.above, backdrop.below, scene.horizon, span)
    brush = ImageDraw.Draw(image)
    glaze = ImageDraw.Draw(image, "RGBA")
    _paint_loose(brush, backdrop.pen, span)
    for item in scene.clutter:
        _paint(brush, *piece(item), span, {}, 0.3)
    line = 0.12 + 0.5 * scene.sun[0]
    for thing in scene.objects:
        if thing.grounded:
            for corners, alpha in shadow(thing.box, span, scene.sun[1]):
                glaze.ellipse(corners, fill=(*backdrop.shadow, alpha))
        _paint(brush, shape_of(thing), thing.box, span, palette_of(thing), line)
    return lit(image.reduce(FINER), scene)


def labels(scene: Scene, size: int = 144) -> UInt8[np.ndarray, "size size"]:
    """The object that is visible at each pixel, [size, size]: i + 1 for `scene.objects[i]`, 0 for none.

    Args:
        scene: the scene graph.
        size: side of the image in pixels, at least 8.

    Raises:
        ValueError: the size is not a whole number of at least 8.
    """
    check_size(size)
    return _centres(_label_image(scene.objects, 3 * size)[0])


def masks(scene: Scene, size: int = 144) -> Bool[np.ndarray, "n size size"]:
    """The visible pixels of each object, [n, size, size], in the order of `scene.objects`.

    Args:
        scene: the scene graph.
        size: side of the image in pixels, at least 8.

    Raises:
        ValueError: the size is not a whole number of at least 8.
    """
    seen = labels(scene, size)
    return seen[None] == np.arange(1, len(scene.objects) + 1, dtype=np.uint8)[:, None, None]


def visible(objects: tuple[Object, ...], size: int = 160) -> tuple[float, ...]:
    """The share of each object that later objects do not hide, counted on `size` x `size` points."""
    if not any(_meet(a.box, b.box) for i, a in enumerate(objects) for b in objects[:i]):
        return (1.0,) * len(objects)
    image, whole = _label_image(objects, size, count=True)
    seen = image.histogram()
    return tuple(min(1.0, seen[i + 1] / max(whole[i], 1)) for i in range(len(objects)))


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def check_size(size: int) -> None:
    """Raises ValueError unless `size` is a valid side of an image."""
    if size < 8 or int(size) != size:
        raise ValueError(f"got size={size!r}, wanted the side of the image in whole pixels, at least 8")


def ground(above: tuple[RGB, RGB], below: tuple[RGB, RGB], horizon: float, span: int) -> Image.Image:
    edge = round(horizon * span)
    rows = np.empty((span, 1, 3), np.float32)
    for part, (first, last) in ((slice(0, edge), above), (slice(edge, span), below)):
        share = np.linspace(0, 1, part.stop - part.start, dtype=np.float32)[:, None, None]
        rows[part] = np.array(first) * (1 - share) + np.array(last) * share
    return Image.fromarray(rows.round().astype(np.uint8)).resize((span, span), Image.Resampling.NEAREST)


def _paint(brush: ImageDraw.ImageDraw, shape: Figure, box: Box, span: int, tones: dict[str, RGB], line: float) -> None:
    """Fills the polygons of a figure and draws a fine line of a darker tone around each."""
    flat = place(shape, box, span)
    percent = round(100 * line)
    for first, last, fill in zip(shape.starts, shape.starts[1:], shape.fills, strict=False):
        colour = tones[fill] if isinstance(fill, str) else fill
        brush.polygon(flat[2 * first : 2 * last], fill=colour, outline=_darker(colour, percent))


def _paint_loose(brush: ImageDraw.ImageDraw, pen: Pen, span: int) -> None:
    """Fills polygons whose coordinates are in units of the image."""
    points, starts, fills = pen.polygons()
    flat = (points * span).ravel().tolist()
    for first, last, fill in zip(starts, starts[1:], fills, strict=False):
        brush.polygon(flat[2 * first : 2 * last], fill=fill)


def place(shape: Figure, box: Box, span: int) -> list[float]:
    """The corners of a figure in an image of `span` pixels: x, y, x, y, ..."""
    scale = np.array([(box[2] - box[0]) * span, (box[3] - box[1]) * span])
    return (shape.points * scale + (box[0] * span - 0.5, box[1] * span - 0.5)).ravel().tolist()


def _label_image(objects: tuple[Object, ...], span: int, count: bool = False) -> tuple[Image.Image, tuple[int, ...]]:
    """Paints the index of each object over those behind it, and counts its pixels before others hide them."""
    image = Image.new("L", (span, span), 0)
    brush = ImageDraw.Draw(image)
    whole = []
    for i, thing in enumerate(objects):
        shape = shape_of(thing)
        flat = place(shape, thing.box, span)
        for first, last in zip(shape.starts, shape.starts[1:], strict=False):
            brush.polygon(flat[2 * first : 2 * last], fill=i + 1)
        if count:
            whole.append(image.histogram()[i + 1])
    return image, tuple(whole)


def _centres(image: Image.Image) -> UInt8[np.ndarray, "size size"]:
    return np.asarray(image)[1::3, 1::3].copy()


def shadow(box: Box, span: int, side: float) -> list[tuple[tuple[float, float, float, float], int]]:
    """The shadow of an object on the ground: ellipses as (x0, y0, x1, y1) in pixels, each with its strength."""
    width, y = box[2] - box[0], box[3]
    x = (box[0] + box[2]) / 2 + (side - 0.5) * 0.3 * width
    ellipses = []
    for grow, alpha in ((0.56, 44), (0.44, 52)):
        rx, ry = grow * width * span, min(0.16 * width, 0.035) * grow * 2 * span
        middle = (y - 0.004) * span
        ellipses.append(((x * span - rx, middle - ry, x * span + rx, middle + ry), alpha))
    return ellipses


def shape_of(thing: Object) -> Figure:
    """The geometry of an object, in units of its box."""
    return figure(thing.kind, thing.pose, thing.gesture, thing.facing, thing.tilt)


def piece(item: Clutter) -> tuple[Figure, Box]:
    """The geometry of a piece of clutter, and its box."""
    pen = Pen()
    CLUTTER[item.kind](pen, item.look)
    shape = pen.figure()
    height = item.width / shape.aspect
    return shape, (item.x - item.width / 2, item.y - height, item.x + item.width / 2, item.y)


def palette_of(thing: Object) -> dict[str, RGB]:
    """The tones of one object."""
    skin = SKINS[int(thing.pose[6] * len(SKINS))]
    hair = HAIRS[int(thing.pose[7] * len(HAIRS))]
    shade = (255, 255, 255) if thing.tint > 0 else (0, 0, 0)
    return _tones(mix(COLOURS[thing.colour], shade, round(0.14 * abs(thing.tint), 2)), skin, hair)


_tones = functools.lru_cache(maxsize=4096)(palette)


@functools.lru_cache(maxsize=65536)
def _darker(colour: RGB, percent: int) -> RGB:
    return mix(colour, _INK, percent / 100)


@functools.lru_cache
def _light_table(light: str) -> list[int]:
    """The lookup table of the light: the new value of each value of each channel."""
    tint, haze, fog = _LIGHT[light]
    return [
        min(255, round(_GAIN * v * t / 255 * (1 - haze) + f * haze))
        for t, f in zip(tint, fog, strict=True)
        for v in range(256)
    ]


def lit(image: Image.Image, scene: Scene) -> UInt8[np.ndarray, "size size 3"]:
    """Applies the light to a painted image: its colour, its direction, and haze."""
    image = image.point(_light_table(scene.light))
    size = image.width
    angle, slope = 2 * math.pi * scene.sun[2], 0.04 + 0.14 * scene.sun[3]
    along_x, along_y = slope * math.cos(angle), slope * math.sin(angle)
    across = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    brightest = abs(along_x) / 2 + abs(along_y) / 2  # of one corner; everything else is darker
    field = (along_x * across[None, :] + along_y * across[:, None] + 1 - brightest) * (248 + 8 * scene.sun[4])
    # 255 * 256 fits in 16 bits; this is a few times as fast as floating point
    values = np.asarray(image).astype(np.uint16)
    values *= field.astype(np.uint16)[..., None]
    values >>= 8
    return values.astype(np.uint8)
