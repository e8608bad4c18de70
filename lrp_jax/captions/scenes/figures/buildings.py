"""Buildings."""

import math

from lrp_jax.captions.scenes.pen import Pen


def house(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    peak = 8 * u[0]
    pen.rect("brick", 76, 2, 88, 34)
    pen.rect("stone", 74, 0, 90, 5)
    pen.rect("base", 10, 44, 106, 104)
    pen.poly("dark", (76, 44), (106, 44), (106, 104), (76, 104))
    pen.poly("brick", (58, -peak), (118, 46), (108, 52), (58, 8 - peak), (8, 52), (-2, 46))
    pen.poly("light", (58, 8 - peak), (104, 49), (104, 52), (12, 52), (12, 49))
    pen.oval("glass", 58, 32, 7)
    pen.rect("wood", 48, 70, 68, 104)
    pen.oval("gold", 64, 88, 1.8)
    for x in (18, 78):
        pen.rect("white", x, 62, x + 22, 84)
        pen.rect("glass", x + 2, 64, x + 20, 82)
        pen.limb("white", (x + 11, 63), (x + 11, 83), 2)
        pen.limb("white", (x + 1, 73), (x + 21, 73), 2)
    pen.rect("stone", 44, 102, 72, 107)
    pen.anchor("top", 58, -peak + 4)


def castle(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    def merlons(tone: str, x0: float, x1: float, y: float, count: int) -> None:
        step = (x1 - x0) / (2 * count - 1)
        for i in range(count):
            pen.rect(tone, x0 + 2 * i * step, y - 8, x0 + (2 * i + 1) * step, y + 1)

    tall = 8 * u[0]
    pen.rect("dark", 40, 8 - tall, 72, 60)
    merlons("dark", 38, 74, 8 - tall, 4)
    pen.rect("base", 20, 46, 92, 104)
    merlons("base", 20, 92, 46, 7)
    for x in (0, 86):
        pen.rect("base", x, 26, x + 26, 104)
        pen.rect("dark", x + 18, 26, x + 26, 104)
        merlons("light", x - 2, x + 28, 26, 4)
        pen.rect("ink", x + 9, 42, x + 15, 56, 2)
        pen.limb("steel", (x + 13, 18), (x + 13, -6), 2)
        pen.poly("cherry", (x + 13, -8), (x + 29, -3), (x + 13, 3))
    pen.limb("steel", (56, 0), (56, -24 - tall), 2)
    pen.poly("gold", (56, -26 - tall), (74, -20 - tall), (56, -14 - tall))
    pen.rect("ink", 51, 18, 61, 34, 3)
    arch = [(56 + 15 * math.cos(math.pi * (1 + i / 8)), 78 + 15 * math.sin(math.pi * (1 + i / 8))) for i in range(9)]
    pen.poly("bark", (41, 104), *arch, (71, 104))
    for x in (48, 56, 64):
        pen.limb("ink", (x, 68), (x, 104), 1.4)
    for x, y in ((28, 62), (78, 70), (6, 76), (96, 84), (30, 88)):
        pen.rect("dark", x, y, x + 9, y + 4)


def tent(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    back = 26 + 10 * u[0]
    pen.poly("dark", (46, 2), (46 + back + 20, 8), (104 + back, 82), (92, 84))
    pen.limb("deep", (46 + back + 20, 8), (104 + back, 82), 1.6)
    pen.poly("base", (46, 0), (94, 84), (-2, 84))
    pen.poly("light", (46, 0), (26, 84), (-2, 84))
    pen.poly("ink", (46, 26), (66, 84), (28, 84))
    pen.poly("pale", (46, 26), (36, 84), (22, 84))
    pen.limb("wood", (46, 84), (46, -6), 3)
    pen.limb("cream", (0, 82), (-12, 90), 1.6)
    pen.limb("cream", (102 + back, 80), (112 + back, 88), 1.6)


def windmill(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.poly("base", (34, 40), (62, 40), (74, 112), (22, 112))
    pen.poly("dark", (52, 40), (62, 40), (74, 112), (56, 112))
    pen.blob("deep", (30, 42), (34, 28), (48, 22), (62, 28), (66, 42))
    pen.rect("wood", 41, 92, 55, 112, 2)
    for y in (58, 74):
        pen.rect("glass", 44, y, 52, y + 9)
    turn = 90 * u[0]
    for i in range(4):
        a = math.radians(turn + 90 * i)
        c, s = math.cos(a), math.sin(a)
        pen.limb("wood", (48, 38), (48 + 52 * c, 38 + 52 * s), 3)
        corners = ((14, 2), (52, 2), (52, 15), (14, 12))
        pen.poly("cream", *((48 + p * c - q * s, 38 + p * s + q * c) for p, q in corners))
        for p in (23, 33, 43):
            pen.limb("crust", (48 + p * c - 2 * s, 38 + p * s + 2 * c),
                     (48 + p * c - 13 * s, 38 + p * s + 13 * c), 1.4)  # fmt: skip
    pen.oval("steel", 48, 38, 5)
