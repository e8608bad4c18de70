"""Furniture."""

from lrp_jax.captions.scenes.pen import Pen


def chair(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    tall = 8 * u[0]
    pen.limb("deep", (22, 56), (22, 92), 6)
    pen.limb("deep", (58, 56), (58, 92), 6)
    pen.rect("base", 4, -tall, 12, 62, 3)
    pen.rect("base", 40, -tall, 48, 58, 3)
    pen.rect("light", 4, -tall, 48, 12 - tall, 4)
    if u[1] > 0.5:
        for x in (17, 26, 35):
            pen.limb("dark", (x, 10 - tall), (x, 48), 4.4)
    else:
        for y in (20, 34):
            pen.rect("dark", 10, y, 42, y + 7, 2)
    pen.poly("light", (2, 58), (14, 48), (66, 48), (62, 58))
    pen.rect("base", 1, 57, 63, 65, 2)
    pen.rect("dark", 3, 64, 10, 102, 2)
    pen.rect("base", 52, 64, 60, 102, 2)
    pen.limb("dark", (8, 82), (54, 82), 3.6)
    pen.anchor("seat", 34, 53)
    pen.anchor("top", 34, 53)


def table(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    wide = 12 * u[0]
    for x in (16, 96 + wide):
        pen.poly("deep", (x, 20), (x + 8, 20), (x + 6, 66), (x + 2, 66))
    pen.poly("light", (10, 6), (112 + wide, 6), (122 + wide, 20), (0, 20))
    pen.poly("pale", (24, 9), (50, 9), (44, 16), (16, 16))
    pen.rect("base", 0, 19, 122 + wide, 27, 2)
    pen.rect("dark", 8, 27, 114 + wide, 35)
    pen.oval("gold", 61 + wide / 2, 31, 2.6)
    for x in (4, 108 + wide):
        pen.poly("base", (x, 27), (x + 10, 27), (x + 8, 80), (x + 2, 80))
    pen.anchor("top", 61 + wide / 2, 12)


def sofa(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    wide = 16 * u[0]
    for x in (14, 106 + wide):
        pen.rect("wood", x, 60, x + 7, 70)
    pen.blob("base", (12, 10), (30, -3), (64 + wide / 2, -1), (96 + wide, -3), (114 + wide, 10), (116 + wide, 44),
             (10, 44))  # fmt: skip
    pen.limb("deep", (63 + wide / 2, 4), (63 + wide / 2, 34), 1.8)
    pen.rect("dark", 10, 46, 116 + wide, 64, 4)
    for x in (16, 65 + wide / 2):
        pen.rect("light", x, 31, x + 45 + wide / 2, 47, 6)
    for x in (0, 108 + wide):
        pen.rect("base", x, 24, x + 18, 64, 8)
        pen.oval("light", x + 9, 30, 7)
    if u[1] > 0.4:
        pen.rect("pale", 22, 13, 42, 33, 4)
    pen.anchor("seat", 63 + wide / 2, 36)
    pen.anchor("top", 63 + wide / 2, 34)


def lamp(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    low = 62 if u[0] > 0.55 else 92
    pen.oval("bulb", 30, 37, 9, 7)
    pen.limb("steel", (30, 34), (30, low), 4.4)
    pen.oval("ink", 30, low + 4, 20, 5)
    pen.oval("steel", 30, low + 2, 17, 4)
    if low < 80:
        pen.oval("gold", 30, 50, 9, 12)
    pen.poly("base", (17, 0), (43, 0), (60, 36), (0, 36))
    pen.poly("light", (19, 0), (28, 0), (20, 36), (5, 36))
    pen.poly("dark", (37, 0), (43, 0), (60, 36), (48, 36))
    pen.limb("pale", (2, 35), (58, 35), 2.6)
    pen.limb("steel", (48, 36), (48, 48), 1.2)
    pen.oval("gold", 48, 49, 2)
