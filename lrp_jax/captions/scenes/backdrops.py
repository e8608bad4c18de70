"""The ten backgrounds: a sky or a wall, a ground, and things that no caption names.

None of them shows one of the forty kinds (no trees in the park, no clouds) or a sun, so that a scene contains exactly
what its graph says.
"""

import dataclasses
import math
from collections.abc import Callable

from lrp_jax.captions.scenes.colours import RGB, mix
from lrp_jax.captions.scenes.pen import Pen

_GOLDEN = 0.6180339887498949  # its multiples modulo 1 are evenly spread for any count


@dataclasses.dataclass
class Backdrop:
    """The background of a scene, in units of the image.

    Attributes:
        above: colours at the top of the image and at the horizon.
        below: colours under the horizon and at the bottom of the image.
        shadow: colour of the shadows on the ground.
        pen: polygons with their colours, back to front.
    """

    above: tuple[RGB, RGB]
    below: tuple[RGB, RGB]
    shadow: RGB = (20, 24, 40)
    pen: Pen = dataclasses.field(default_factory=Pen)


def _spread(u: float, count: int) -> list[tuple[float, float]]:
    """`count` points that are evenly spread over the unit square, with offset `u`."""
    return [((u + i * _GOLDEN) % 1.0, (u * 7.3 + (i + 0.5) / count) % 1.0) for i in range(count)]


def _hills(pen: Pen, colour: RGB, y: float, height: float, u: float, waves: float = 1.7) -> None:
    ridge = [(x / 10, y - height * (0.55 + 0.45 * math.sin(6.28 * (u + waves * x / 10)))) for x in range(-1, 12)]
    pen.poly(colour, (-0.1, y + 0.005), *ridge, (1.1, y + 0.005))


def _park(u: tuple[float, ...], h: float) -> Backdrop:
    green = mix((112, 184, 84), (146, 196, 92), u[0])
    b = Backdrop(((120, 184, 236), (214, 236, 246)), (green, mix(green, (46, 116, 56), 0.55)))
    _hills(b.pen, mix(green, (120, 170, 170), 0.5), h, 0.09 + 0.06 * u[1], u[2])
    _hills(b.pen, mix(green, (60, 130, 80), 0.4), h, 0.05 + 0.03 * u[3], u[4], 2.6)
    x = 0.15 + 0.7 * u[5]
    bend = 0.5 * (u[6] - 0.5)
    b.pen.blob((224, 206, 160), (x, h), (x + 0.02, h), (x + 0.1 + bend, (1 + h) / 2), (x + 0.2, 1.05), (x - 0.16, 1.05),
               (x - 0.05 + bend, (1 + h) / 2))  # fmt: skip
    for x, y in _spread(u[7], 12):
        y = h + 0.06 + (0.92 - h) * y
        s = 0.012 + 0.02 * (y - h)
        b.pen.poly(mix(green, (30, 100, 50), 0.6), (x - s, y), (x - 1.3 * s, y - 1.6 * s), (x - 0.3 * s, y - 0.5 * s),
                   (x, y - 2.2 * s), (x + 0.4 * s, y - 0.5 * s), (x + 1.3 * s, y - 1.5 * s), (x + s, y))  # fmt: skip
    return b


def _street(u: tuple[float, ...], h: float) -> Backdrop:
    road = mix((92, 94, 102), (120, 118, 120), u[0])
    wall = mix((196, 150, 122), (168, 172, 180), u[1])
    b = Backdrop(((150, 190, 224), (222, 230, 232)), (road, mix(road, (50, 52, 60), 0.4)))
    pen, top = b.pen, h - 0.15 - 0.05 * u[2]
    pen.rect(wall, -0.1, top, 1.1, h)
    for i in range(4):
        y = top + (h - top) * i / 4
        pen.rect(mix(wall, (70, 50, 50), 0.22), -0.1, y, 1.1, y + 0.005)
        for j in range(6):
            x = (j + 0.5 * (i % 2) + u[3]) / 6
            pen.rect(mix(wall, (70, 50, 50), 0.22), x, y, x + 0.005, y + (h - top) / 4)
    pen.rect(mix(wall, (255, 255, 255), 0.3), -0.1, top - 0.018, 1.1, top)
    pen.rect((204, 202, 196), -0.1, h, 1.1, h + 0.1)
    for j in range(7):
        x = (j + u[4]) / 6
        pen.limb((172, 170, 166), (x, h + 0.002), (x + (x - 0.5) * 0.12, h + 0.098), 0.005)
    pen.rect((150, 148, 146), -0.1, h + 0.1, 1.1, h + 0.118)
    y = h + 0.118 + (0.88 - h) * (0.45 + 0.2 * u[5])
    for j in range(5):
        x = (j + u[6]) / 4 - 0.15
        pen.poly((236, 230, 206), (x, y), (x + 0.13, y), (x + 0.12, y + 0.024), (x - 0.015, y + 0.024))
    x = 0.1 + 0.8 * u[7]
    pen.oval((70, 70, 78), x, 0.93, 0.055, 0.016)
    pen.oval((110, 110, 116), x, 0.928, 0.04, 0.01)
    return b


def _room(u: tuple[float, ...], h: float) -> Backdrop:
    wall = ((226, 206, 176), (190, 210, 214), (214, 190, 200), (198, 208, 178))[int(u[0] * 4)]
    floor = mix((190, 140, 92), (150, 104, 72), u[1])
    b = Backdrop((mix(wall, (255, 255, 255), 0.15), wall), (floor, mix(floor, (80, 50, 36), 0.3)))
    pen = b.pen
    for j in range(9):
        x = (j + u[2]) / 8
        pen.rect(mix(wall, (120, 90, 90), 0.1), x - 0.06, -0.01, x - 0.005, h)
    x = 0.12 + 0.56 * u[3]
    if u[4] > 0.4:  # a window, with nothing outside that captions name
        pen.rect((244, 240, 232), x - 0.012, 0.05, x + 0.222, h - 0.17)
        pen.rect((176, 216, 240), x, 0.062, x + 0.21, h - 0.182)
        pen.poly((206, 232, 246), (x + 0.02, h - 0.182), (x + 0.1, 0.062), (x + 0.15, 0.062), (x + 0.07, h - 0.182))
        pen.rect((244, 240, 232), x + 0.1, 0.055, x + 0.11, h - 0.175)
        pen.rect((226, 220, 208), x - 0.03, h - 0.178, x + 0.24, h - 0.16)
    else:  # a framed picture without an object
        pen.rect((120, 84, 56), x, 0.08, x + 0.17, 0.23)
        pen.rect((240, 234, 220), x + 0.014, 0.094, x + 0.156, 0.216)
        pen.poly(
            (150, 180, 170),
            (x + 0.014, 0.216),
            (x + 0.06, 0.13),
            (x + 0.1, 0.18),
            (x + 0.156, 0.15),
            (x + 0.156, 0.216),
        )
    pen.rect((246, 242, 234), -0.1, h - 0.03, 1.1, h)
    pen.rect(mix(floor, (60, 40, 30), 0.35), -0.1, h, 1.1, h + 0.006)
    for j in range(10):
        x = (j + u[5]) / 9
        pen.limb(mix(floor, (70, 44, 30), 0.3), (x, h), (0.5 + (x - 0.5) * 1.9, 1.03), 0.004, 0.007)
    rug = ((178, 92, 88), (92, 122, 160), (124, 146, 110))[int(u[6] * 3)]
    x, y = 0.3 + 0.4 * u[7], 0.82
    pen.oval(rug, x, y, 0.34, 0.1)
    pen.oval(mix(rug, (255, 245, 220), 0.4), x, y, 0.29, 0.08)
    pen.oval(rug, x, y, 0.26, 0.068)
    return b


def _beach(u: tuple[float, ...], h: float) -> Backdrop:
    sand = mix((240, 216, 160), (228, 196, 142), u[0])
    b = Backdrop(((92, 178, 232), (204, 234, 244)), (sand, mix(sand, (196, 154, 104), 0.5)))
    pen, sea = b.pen, mix((44, 140, 190), (50, 170, 180), u[1])
    top = h - 0.1
    pen.rect(sea, -0.1, top, 1.1, h + 0.02)
    for i, (x, y) in enumerate(_spread(u[2], 8)):
        y = top + 0.015 + (h - top) * 0.85 * y
        pen.limb(mix(sea, (255, 255, 255), 0.35), (x - 0.07, y), (x + 0.07, y), 0.006 + 0.002 * (i % 2))
    shore = [(x / 8, h + 0.03 + 0.014 * math.sin(9 * x / 8 + 6.28 * u[3])) for x in range(-1, 10)]
    pen.poly((250, 252, 250), (-0.2, h - 0.005), *shore, (1.2, h - 0.005))
    pen.poly(mix(sea, (255, 255, 255), 0.2), (-0.2, h - 0.02), *((x, y - 0.018) for x, y in shore), (1.2, h - 0.02))
    for x, y in _spread(u[4], 9):
        y = h + 0.1 + (0.88 - h) * y
        pen.curve(mix(sand, (170, 124, 80), 0.4), 0.006, (x - 0.07, y), (x, y - 0.012), (x + 0.07, y))
    for x, y in _spread(u[5], 4):
        y = h + 0.12 + (0.85 - h) * y
        pen.oval((250, 236, 226), x, y, 0.016, 0.012)
        pen.limb((214, 160, 150), (x, y + 0.01), (x, y - 0.008), 0.004)
    return b


def _lake(u: tuple[float, ...], h: float) -> Backdrop:
    water = mix((70, 150, 206), (60, 132, 172), u[0])
    far, near = mix(water, (255, 255, 255), 0.3), mix(water, (16, 50, 110), 0.45)
    b = Backdrop(((150, 200, 236), (230, 238, 240)), (far, near), shadow=(220, 240, 250))
    _hills(b.pen, (128, 164, 150), h, 0.07 + 0.05 * u[1], u[2])
    _hills(b.pen, (92, 138, 112), h, 0.03 + 0.02 * u[3], u[4], 2.9)
    for i, (x, y) in enumerate(_spread(u[5], 16)):
        y = h + 0.03 + (0.95 - h) * y
        w = 0.03 + 0.12 * (y - h)
        tone = mix(water, (255, 255, 255), 0.5) if i % 3 else mix(water, (10, 40, 100), 0.4)
        ripple = ((x - w, y), (x - w / 2, y - 0.008), (x, y + 0.004), (x + w / 2, y - 0.008), (x + w, y))
        b.pen.curve(tone, 0.005 + 0.006 * (y - h), *ripple)
    side = -0.02 if u[6] > 0.5 else 1.02
    for i in range(5):
        x, sway = side + (i - 2) * 0.025, 0.03 * (u[7] - 0.5) + (i - 2) * 0.012
        b.pen.limb((88, 122, 62), (x, 1.02), (x + sway, 0.8 - 0.03 * (i % 3)), 0.014, 0.006)
    return b


def _kitchen(u: tuple[float, ...], h: float) -> Backdrop:
    tile = ((222, 232, 232), (236, 226, 206), (206, 222, 206))[int(u[0] * 3)]
    front = ((176, 120, 80), (120, 150, 160), (214, 206, 190))[int(u[1] * 3)]
    tint = ((206, 96, 84), (92, 132, 156), (110, 110, 116))[int(u[2] * 3)]
    b = Backdrop((tile, mix(tile, (170, 180, 180), 0.2)), ((236, 232, 224), (214, 208, 200)))
    pen, grout = b.pen, mix(tile, (120, 130, 130), 0.3)
    top = h - 0.19
    for i in range(1, 6):
        pen.rect(grout, -0.1, top * i / 5 - 0.003, 1.1, top * i / 5 + 0.003)
    for j in range(10):
        x = (j + u[3]) / 9
        pen.rect(grout, x - 0.003, -0.01, x + 0.003, top)

    def floor(j: int, y: float) -> tuple[float, float]:
        return 0.5 + ((j + u[4]) / 7 - 0.5) * (1 + 1.1 * (y - h) / (1 - h)), y

    for i in range(5):  # a checkered floor, in perspective
        y0, y1 = (h + (1.02 - h) * (t / 5) ** 1.5 for t in (i, i + 1))
        for j in range(-1, 8):
            if (i + j) % 2:
                pen.poly(tint, floor(j, y0), floor(j + 1, y0), floor(j + 1, y1), floor(j, y1))
    pen.rect(front, -0.1, top, 1.1, h)
    pen.rect(mix(front, (30, 24, 30), 0.5), -0.1, h - 0.02, 1.1, h)
    pen.rect((240, 238, 232), -0.1, top - 0.022, 1.1, top + 0.01)
    for j in range(5):
        x = (j + u[5]) / 4 - 0.12
        pen.rect(mix(front, (255, 255, 255), 0.18), x, top + 0.026, x + 0.21, h - 0.034)
        pen.rect(front, x + 0.016, top + 0.042, x + 0.194, h - 0.05)
        pen.oval((230, 220, 190), x + 0.18, (top + h) / 2, 0.009)
    x = 0.2 + 0.6 * u[6]
    for i in range(3):  # spoons on a rail
        pen.limb((150, 152, 158), (x + 0.05 * i, 0.1), (x + 0.05 * i, 0.19), 0.007)
        pen.oval((150, 152, 158), x + 0.05 * i, 0.2, 0.014, 0.02)
    pen.rect((120, 122, 128), x - 0.05, 0.092, x + 0.15, 0.102)
    return b


def _snow(u: tuple[float, ...], h: float) -> Backdrop:
    b = Backdrop(((148, 178, 208), (222, 232, 240)), ((244, 248, 252), (206, 220, 238)), shadow=(70, 100, 150))
    _hills(b.pen, (204, 218, 234), h, 0.1 + 0.06 * u[0], u[1])
    _hills(b.pen, (230, 238, 246), h, 0.05 + 0.03 * u[2], u[3], 2.4)
    for x, y in _spread(u[4], 6):
        y = h + 0.1 + (0.86 - h) * y
        b.pen.blob((218, 230, 244), (x - 0.16, y), (x, y - 0.02), (x + 0.18, y), (x, y + 0.014))
    for i, (x, y) in enumerate(_spread(u[5], 34)):
        b.pen.oval((255, 255, 255), x, y, 0.006 + 0.005 * (i % 3) / 2)
    return b


def _desert(u: tuple[float, ...], h: float) -> Backdrop:
    sand = mix((234, 178, 104), (222, 156, 92), u[0])
    b = Backdrop(((250, 200, 130), (254, 236, 196)), (sand, mix(sand, (170, 96, 56), 0.45)), shadow=(90, 40, 20))
    _hills(b.pen, mix(sand, (200, 130, 110), 0.5), h, 0.12 + 0.06 * u[1], u[2], 0.9)
    _hills(b.pen, mix(sand, (190, 110, 70), 0.35), h + 0.02, 0.07 + 0.03 * u[3], u[4], 1.3)
    y = h + 0.1 + 0.08 * u[5]
    crest = ((-0.2, y + 0.03), (0.2, y - 0.04), (0.6, y + 0.01), (1.2, y - 0.05))
    foot = ((1.2, y + 0.07), (0.6, y + 0.09), (0.1, y + 0.06))
    b.pen.blob(mix(sand, (255, 232, 180), 0.35), *crest, *foot)
    for i in range(9):
        y = h + 0.22 + (0.8 - h) * i / 9
        x = (u[6] + i * _GOLDEN) % 1.0
        ripple = ((x - 0.16, y), (x - 0.05, y - 0.016), (x + 0.05, y + 0.006), (x + 0.16, y - 0.008))
        b.pen.curve(mix(sand, (160, 90, 50), 0.5), 0.006, *ripple)
    return b


def _mountains(u: tuple[float, ...], h: float) -> Backdrop:
    rock = mix((122, 126, 152), (142, 124, 128), u[0])
    grass = mix((150, 160, 110), (126, 150, 112), u[1])
    b = Backdrop(((104, 156, 214), (216, 230, 242)), (grass, mix(grass, (84, 90, 66), 0.55)))
    pen = b.pen
    for i, (x, peak) in enumerate(((0.1, 0.5), (0.86, 0.56), (0.48, 0.8))):
        x += 0.24 * (u[2 + i] - 0.5)
        top, span = h * (1 - peak * (0.8 + 0.2 * u[5])), 0.44
        tone = mix(rock, (206, 220, 236), 0.35 if i < 2 else 0.0)
        pen.poly(tone, (x - span, h + 0.01), (x, top), (x + span, h + 0.01))
        shade = ((x, top), (x + span, h + 0.01), (x + 0.08, h + 0.01), (x - 0.03, (top + h) / 2))
        pen.poly(mix(tone, (40, 40, 70), 0.3), *shade)
        cap, side = (h - top) * 0.3, 0.3 * span
        right = ((x + side, top + cap), (x + side * 0.45, top + cap * 0.75), (x + 0.01, top + cap * 1.1))
        pen.poly((248, 250, 252), (x, top), *right, (x - side * 0.4, top + cap * 0.78), (x - side, top + cap))
    crest = ((-0.2, h + 0.03), (0.2, h - 0.03), (0.6, h + 0.005), (1.2, h - 0.04))
    pen.blob(mix(grass, (90, 110, 90), 0.4), *crest, (1.2, h + 0.06), (0.5, h + 0.05))
    for x, y in _spread(u[7], 10):
        y = h + 0.07 + (0.9 - h) * y
        s = 0.014 + 0.03 * (y - h)
        pen.poly((150, 148, 146), (x - s, y), (x - 0.6 * s, y - s), (x + 0.3 * s, y - 1.1 * s), (x + s, y))
        pen.poly((112, 110, 114), (x + 0.1 * s, y), (x + 0.3 * s, y - 1.1 * s), (x + s, y))
    return b


def _stage(u: tuple[float, ...], h: float) -> Backdrop:
    cloth = ((150, 34, 48), (60, 44, 116), (28, 92, 96))[int(u[0] * 3)]
    floor = mix((176, 122, 76), (140, 92, 62), u[1])
    dark = (10, 6, 20)
    b = Backdrop((mix(cloth, dark, 0.7), mix(cloth, dark, 0.5)), (floor, mix(floor, (60, 36, 26), 0.45)))
    pen = b.pen
    for j in range(9):
        x = j / 8 + 0.05 * (u[2] - 0.5)
        fold = ((x - 0.035, -0.05), (x + 0.02, -0.05), (x + 0.035, h * 0.6), (x + 0.015, h), (x - 0.045, h))
        pen.blob(mix(cloth, dark, 0.3), *fold)
    for j in range(9):
        x = (j + u[3]) / 8
        pen.limb(mix(floor, (50, 30, 20), 0.4), (x, h), (0.5 + (x - 0.5) * 1.7, 1.03), 0.004, 0.007)
    pen.oval(mix(floor, (255, 236, 190), 0.35), 0.3 + 0.4 * u[4], 0.78, 0.36, 0.13)
    pen.oval(mix(floor, (255, 240, 200), 0.55), 0.3 + 0.4 * u[4], 0.78, 0.26, 0.088)
    reach = 0.09 + 0.05 * u[5]
    for side in (0, 1):
        for j in range(3):
            x = j * reach / 2.4
            xs = (x - 0.03, x + 0.035, x + 0.05 - 0.02 * j, x + 0.045, x - 0.03)
            ys = (-0.05, -0.05, h * 0.6, h + 0.1, h + 0.1)
            tone = mix(cloth, (255, 255, 255), 0.06) if j % 2 else mix(cloth, dark, 0.16)
            pen.blob(tone, *((1 - a if side else a, c) for a, c in zip(xs, ys, strict=True)))
    for j in range(6):
        x = (j + 0.5) / 6
        hem = ((x + 0.085, 0.05), (x, 0.1), (x - 0.085, 0.05))
        pen.blob(mix(cloth, (255, 255, 255), 0.1), (x - 0.1, -0.06), (x + 0.1, -0.06), *hem)
        pen.curve((226, 182, 84), 0.009, *reversed(hem))
    return b


# Ordered by frequency: background number r is seen in proportion to 1 / r.
BACKDROPS: dict[str, Callable[[tuple[float, ...], float], Backdrop]] = {
    "park": _park,
    "street": _street,
    "room": _room,
    "beach": _beach,
    "lake": _lake,
    "kitchen": _kitchen,
    "snow": _snow,
    "desert": _desert,
    "mountains": _mountains,
    "stage": _stage,
}
