"""Things in the sky."""

from lrp_jax.captions.scenes.pen import Pen


def plane(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.poly("deep", (54, 32), (42, 8), (54, 8), (78, 32))
    pen.poly("base", (2, 34), (-8, 4), (10, 4), (28, 30))
    pen.blob("white", (-4, 36), (14, 28), (60, 26), (100, 28), (122, 38), (108, 48), (60, 51), (16, 46))
    pen.blob("base", (-2, 39), (40, 42), (90, 43), (120, 40), (108, 48), (60, 51), (16, 46))
    pen.poly("glass", (100, 30), (108, 31), (114, 36), (102, 36))
    for i in range(6):
        pen.oval("steel", 34 + i * 10, 35, 2.6)
    pen.poly("dark", (46, 44), (76, 44), (44, 74 + 6 * u[0]), (28, 74 + 6 * u[0]))
    pen.poly("base", (46, 44), (64, 44), (36, 74 + 6 * u[0]), (28, 74 + 6 * u[0]))
    pen.poly("base", (0, 40), (14, 40), (-4, 54), (-14, 54))
    pen.limb("steel", (50, 58), (62, 58), 8, 7)


def balloon(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.curve("steel", 1.8, (40, 88), (36 + 10 * u[0], 108), (44 - 8 * u[0], 122), (40, 140))
    pen.blob("base", (40, 0), (68, 10), (79, 40), (64, 70), (40, 86), (16, 70), (1, 40), (12, 10))
    pen.blob("dark", (70, 14), (79, 40), (64, 70), (40, 86), (56, 66), (68, 42))
    pen.oval("pale", 22, 30, 7, 14, turn=18)
    pen.poly("deep", (40, 84), (47, 93), (33, 93))
    pen.anchor("grip", 40, 134)


def cloud(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    a, b = 6 * u[0], 6 * u[1]
    puffs = ((18, 44, 18), (42, 30 - a, 24), (74, 26 - b, 26), (100, 42, 20), (58, 46, 22))
    for x, y, r in puffs:
        pen.oval("dark", x, y + 4, r)
    pen.rect("dark", 14, 44, 104, 66, 9)
    for x, y, r in puffs:
        pen.oval("base", x, y - 1, r - 1)
    pen.rect("base", 12, 42, 106, 60, 8)
    for x, y, r in ((38, 24 - a, 12), (70, 18 - b, 14), (16, 40, 8)):
        pen.oval("pale", x, y, r, r * 0.7, turn=-15)


def moon(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    deep = 6 * u[0]
    pen.blob("base", (58, 0), (26, 8), (4, 38), (8, 72), (34, 96), (68, 96), (92, 76), (64, 78), (42 + deep, 60),
             (38 + deep, 34))  # fmt: skip
    pen.blob("dark", (10, 70), (34, 96), (68, 96), (92, 76), (70, 86), (38, 84))
    pen.blob("light", (50, 4), (26, 12), (10, 36), (12, 56), (22, 30), (38, 12))
    for x, y, r in ((24, 46, 5), (34, 72, 6), (58, 88, 3.5)):
        pen.oval("dark", x, y, r)
    pen.oval("ink", 32, 34, 2.6, 3.4)
    pen.curve("deep", 2.4, (36, 52), (30, 56), (25, 55))
