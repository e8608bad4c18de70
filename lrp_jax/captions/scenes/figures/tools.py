"""Tools."""

import math

from lrp_jax.captions.scenes.pen import Pen


def hammer(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.limb("base", (40, 28), (40, 104), 9.5, 11.5)
    pen.limb("light", (37.5, 30), (37, 100), 2.4)
    for y in (78, 86, 94):
        pen.limb("deep", (35, y), (45.5, y), 2.2)
    pen.rect("steel", 30, 8, 52, 30, 2)
    pen.rect("steel", 50, 6, 70, 32, 3)
    pen.rect("metal", 66, 4, 74, 34, 2)
    pen.blob("steel", (33, 9), (16, 8), (-6, 26), (-10, 34), (8, 24), (33, 28))
    pen.limb("metal", (33, 12), (64, 12), 3)
    pen.anchor("grip", 40, 86)


def bucket(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    lift = 22 * u[0]
    pen.curve("steel", 4, (4, 30), (20, 2 - lift / 2), (50, -8 - lift / 2), (80, 2 - lift / 2), (96, 30))
    pen.poly("base", (2, 30), (98, 30), (84, 104), (16, 104))
    pen.poly("dark", (72, 30), (98, 30), (84, 104), (66, 104))
    pen.poly("light", (14, 38), (26, 38), (32, 98), (24, 98))
    pen.oval("base", 50, 104, 34, 7)
    pen.oval("light", 50, 30, 49, 12)
    pen.oval("deep", 50, 31, 42, 8.5)
    if u[1] > 0.5:
        pen.oval("glass", 50, 33, 38, 6)
    pen.curve("deep", 3, (8, 58), (50, 66), (92, 58))
    pen.anchor("grip", 50, -6 - lift / 2)


def ladder(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    spread = 5 * u[0]
    for i in range(6):
        y = 12 + i * 17
        pen.limb("dark", (4, y), (46, y), 5.4)
        pen.limb("light", (4, y - 1.4), (46, y - 1.4), 1.8)
    for x, out in ((4, -spread), (46, spread)):
        pen.limb("base", (x, 0), (x + out, 108), 7.4)
        pen.limb("light", (x - 1.6, 2), (x - 1.6 + out, 104), 1.8)


def umbrella(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.limb("wood", (60, 44), (60, 104), 4.6)
    pen.curve("wood", 5, (60, 100), (60, 112), (51, 116), (44, 109))
    pen.limb("steel", (60, 0), (60, -8), 3.6)
    arc = [(60 + 60 * math.cos(math.pi * (1 + i / 12)), 52 + 52 * math.sin(math.pi * (1 + i / 12))) for i in range(13)]
    scallops = []
    for x in (120, 90, 60, 30):
        scallops += [(x - 6, 47), (x - 15, 44.5), (x - 24, 47), (x - 30, 52)]
    pen.poly("base", *arc, *scallops)
    pen.blob("light", (60, 0), (44, 18), (31, 50), (16, 45), (4, 48), (22, 16))
    pen.blob("dark", (60, 0), (78, 18), (89, 50), (104, 45), (117, 49), (98, 16))
    pen.anchor("grip", 60, 92)
