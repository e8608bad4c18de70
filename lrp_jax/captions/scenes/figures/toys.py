"""Toys."""

import math

from lrp_jax.captions.scenes.pen import Pen


def ball(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    turn = 360 * u[0]
    pen.oval("base", 50, 50, 50)
    if u[1] > 0.4:  # beach ball: white wedges
        for i in range(3):
            a = math.radians(turn + 120 * i)
            wedge = [(50 + 49 * math.cos(a + t / 6), 50 + 49 * math.sin(a + t / 6)) for t in range(7)]
            pen.poly("white", (50, 50), *wedge)
        pen.oval("dark", 50, 50, 9)
    else:  # one white stripe
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        pen.limb("white", (50 - 37 * c, 50 - 37 * s), (50 + 37 * c, 50 + 37 * s), 20)
    pen.blob("dark", (92, 30), (99, 52), (84, 84), (50, 100), (22, 90), (52, 88), (80, 66))
    pen.oval("pale", 30, 26, 11, 7, turn=-40)
    pen.anchor("grip", 50, 62)


def kite(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.curve("ink", 1.6, (38, 96), (30, 112), (42 + 8 * u[0], 128), (34, 146))
    for i, y in enumerate((108, 122, 136)):
        x = 34 + (4 if i == 1 else 0) + 6 * u[0] * (i == 1)
        for side in (-1, 1):
            pen.poly("light" if i % 2 else "dark", (x, y), (x + side * 9, y - 5), (x + side * 9, y + 5))
    pen.poly("base", (38, 0), (76, 36), (38, 100), (0, 36))
    pen.poly("light", (38, 0), (0, 36), (38, 36))
    pen.poly("dark", (38, 36), (76, 36), (38, 100))
    if u[1] > 0.5:
        pen.poly("pale", (38, 36), (0, 36), (38, 100))
    pen.limb("wood", (38, 1), (38, 99), 2.4)
    pen.limb("wood", (1, 36), (75, 36), 2.4)
    pen.anchor("grip", 37, 116)


def teddy(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    for side in (-1, 1):
        pen.oval("base", 50 + side * 24, 8, 11)
        pen.oval("tongue", 50 + side * 24, 8, 6)
        lift = 14 * u[0] if side > 0 else 4
        pen.limb("dark", (50 + side * 18, 56), (50 + side * 38, 70 - lift), 15, 14)
    pen.oval("base", 50, 74, 27, 29)
    pen.oval("pale", 50, 77, 16.5, 18)
    for side in (-1, 1):
        pen.oval("base", 50 + side * 27, 98, 14, 12)
        pen.oval("pale", 50 + side * 28, 99, 8, 7)
    pen.oval("base", 50, 28, 31, 27)
    pen.oval("pale", 50, 37, 14, 11)
    pen.oval("nose", 50, 32, 5, 3.6)
    pen.curve("nose", 1.8, (44, 40), (50, 43), (56, 40))
    for side in (-1, 1):
        pen.oval("ink", 50 + side * 12, 23, 3.2, 3.8)
    if u[1] > 0.4:
        for side in (-1, 1):
            pen.poly("cherry", (50, 55), (50 + side * 13, 49), (50 + side * 13, 61))
    pen.anchor("grip", 50, 66)


def robot(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.limb("steel", (40, 6), (40, -8), 2.6)
    pen.oval("cherry", 40, -10, 4.6)
    for side in (-1, 1):
        lift = 26 * u[0] if side > 0 else 0
        pen.limb("steel", (40 + side * 26, 48), (40 + side * 40, 66 - lift), 7)
        pen.oval("metal", 40 + side * 41, 70 - lift, 6.4)
        pen.rect("steel", 40 + side * 13 - 5, 82, 40 + side * 13 + 5, 98)
        pen.rect("dark", 40 + side * 14 - 9, 96, 40 + side * 14 + 9, 106, 3)
        pen.rect("steel", 40 + side * 27 - 4, 14, 40 + side * 27 + 4, 26)
    pen.rect("base", 14, 42, 66, 86, 5)
    pen.rect("dark", 14, 74, 66, 86, 4)
    pen.rect("cream", 24, 50, 56, 70, 3)
    for x, tone in ((31, "cherry"), (40, "gold"), (49, "leaf")):
        pen.oval(tone, x, 57, 3.2)
    pen.limb("steel", (29, 65), (51, 65), 2.4)
    pen.rect("metal", 33, 36, 47, 43)
    pen.rect("base", 15, 5, 65, 37, 7)
    pen.rect("light", 18, 7, 62, 12, 2)
    for side in (-1, 1):
        pen.oval("white", 40 + side * 11, 20, 7)
        pen.oval("ink", 41 + side * 11, 20, 3.4)
    pen.rect("ink", 28, 30, 52, 33.6)
