"""Plants."""

import math

from lrp_jax.captions.scenes.pen import Pen


def tree(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    lean = 6 * (u[0] - 0.5)
    pen.poly("bark", (42, 62), (58, 62), (60, 92), (68, 102), (32, 102), (40, 92))
    pen.limb("bark", (48, 72), (32, 56), 6, 4)
    pen.limb("bark", (54, 70), (70, 54), 6, 4)
    puffs = ((22, 46, 21), (78, 46, 21), (30, 24, 22), (70, 24, 22), (50, 12, 20), (50, 40, 28))
    for i, (x, y, r) in enumerate(puffs):
        pen.oval("dark", x + lean, y + 5, r + 1.5 * u[1 + i % 4])
    for i, (x, y, r) in enumerate(puffs):
        pen.oval("base", x + lean, y, r - 1 + 1.5 * u[1 + i % 4])
    for x, y, r in ((40, 16, 11), (24, 38, 9), (62, 34, 10)):
        pen.oval("light", x + lean, y, r, r * 0.75, turn=-25)


def flower(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    sway = 16 * (u[0] - 0.5)
    top = (30 + sway, 26)
    pen.curve("stem", 4.6, (30, 100), (30 - sway / 2, 70), top)
    pen.blob("leaf", (30, 84), (44, 66), (62, 64), (54, 80))
    pen.blob("stem", (29, 92), (14, 78), (-2, 78), (8, 92))
    count, turn = (6 if u[1] > 0.5 else 8), 60 * u[2]
    for i in range(count):
        angle = turn + 360 * i / count
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        tone = "base" if i % 2 else "light"
        pen.oval(tone, top[0] + 16 * c, top[1] + 16 * s, 13, 7.6, turn=angle)
    pen.oval("deep", *top, 9.6)
    pen.oval("gold", *top, 8)
    pen.anchor("grip", 30, 82)


def cactus(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    left, right = 34 + 14 * u[0], 26 + 16 * u[1]
    for x, y, side in ((10, left, -1), (70, right, 1)):
        pen.limb("dark", (40, y + 22), (x, y + 20), 13)
        pen.limb("base", (x, y + 20), (x, y - 6), 13.5, 12)
        pen.limb("light", (x - 2, y + 16), (x - 2, y - 4), 2.4)
        if side > 0 and u[2] > 0.4:
            pen.oval("tongue", x, y - 14, 4.5)
    pen.limb("base", (40, 98), (40, 14), 25, 22)
    pen.limb("dark", (47, 98), (47, 16), 8, 6)
    pen.limb("light", (34, 94), (34, 14), 3)
    pen.limb("deep", (42, 98), (42, 10), 1.4)
    for i in range(7):
        y = 12 + i * 12
        for x in (28.5, 51.5):
            pen.limb("cream", (x - 3, y - 2), (x + 3, y + 2), 1.2)
    if u[2] > 0.25:
        pen.oval("tongue", 40, 2, 6, 5)
        pen.oval("gold", 40, 1, 2.4)
    pen.rect("stone", 30, 98, 50, 108)


def palm(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    bend = 26 * (u[0] - 0.5)
    top = (50 + bend, 34)
    pen.curve("bark", 11, (50, 112), (50 - bend * 0.2, 74), top, taper=0.62)
    for i in range(6):
        t = i / 6
        x = 50 + bend * t * t * 0.9
        pen.limb("wood", (x - 4.5 + t, 104 - 68 * t), (x + 4.5 - t, 102 - 68 * t), 2)
    reach = 44
    for angle, droop, tone in (
        (205, 34, "dark"), (335, 34, "dark"), (168, 40, "base"), (12, 40, "base"), (232, 20, "light"),
        (308, 20, "light"), (142, 38, "dark"), (38, 38, "dark"), (270, 8, "base"),
    ):  # fmt: skip
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        mid = (top[0] + 0.55 * reach * c, top[1] + 0.55 * reach * s - 6)
        tip = (top[0] + reach * c, top[1] + reach * s * 0.8 + droop * 0.7)
        nx, ny = -(tip[1] - top[1]) / reach, (tip[0] - top[0]) / reach
        pen.blob(tone, top, (mid[0] + 7 * nx, mid[1] + 7 * ny), tip, (mid[0] - 7 * nx, mid[1] - 7 * ny))
    for dx in (-5, 4):
        pen.oval("wood", top[0] + dx, top[1] + 6, 5)
