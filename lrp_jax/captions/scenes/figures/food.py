"""Food."""

from lrp_jax.captions.scenes.pen import Pen


def apple(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.blob("base", (50, 24), (70, 16), (92, 30), (92, 60), (74, 90), (50, 86), (26, 90), (8, 60), (8, 30), (30, 16))
    pen.blob("dark", (92, 36), (93, 60), (74, 90), (50, 86), (68, 80), (82, 62))
    pen.oval("pale", 26, 40, 7, 13, turn=18)
    pen.blob("deep", (38, 23), (50, 20), (62, 23), (50, 31))
    pen.curve("bark", 5, (50, 27), (50, 12), (56 + 6 * u[0], 0))
    pen.blob("leaf", (54, 12), (68, -2), (86, -2), (76, 12))
    if u[1] > 0.75:  # bitten
        for y in (38, 50):
            pen.oval("cream", 88, y, 12)
    pen.anchor("grip", 50, 60)


def cake(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.oval("metal", 50, 88, 58, 9)
    pen.oval("white", 50, 86, 56, 8)
    pen.rect("crumb", 6, 46, 94, 84, 4)
    pen.rect("base", 6, 62, 94, 71)
    pen.oval("crumb", 50, 83, 44, 7)
    pen.oval("dark", 50, 49, 46, 14)
    pen.oval("base", 50, 45, 46, 14)
    for i, x in enumerate((10, 24, 38, 52, 66, 80, 90)):
        pen.limb("base", (x, 47), (x, 57 + 7 * ((i * 5 + int(u[0] * 7)) % 3)), 11, 9)
    pen.oval("light", 46, 42, 34, 8.5)
    for i, x in enumerate((30, 50, 70)):
        y = 40 + 3 * (i == 1)
        pen.rect("cherry" if i % 2 else "white", x - 2.6, y - 22, x + 2.6, y)
        pen.blob("gold", (x, y - 36), (x + 4, y - 27), (x, y - 22), (x - 4, y - 27))
    if u[1] > 0.5:
        for x in (18, 40, 60, 82):
            pen.oval("cherry", x, 47, 4.2)


def pizza(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    pen.blob("crust", (2, 16), (30, 2), (60, 0), (96, 14), (98, 24), (62, 14), (34, 15), (4, 28))
    pen.poly("base", (6, 25), (34, 14), (64, 13), (96, 24), (52, 106))
    pen.poly("dark", (84, 21), (96, 24), (52, 106), (50, 100))
    pen.limb("light", (14, 26), (34, 18), 3)
    for x, y, r in ((34, 32, 9.5), (64, 30 + 6 * u[0], 9), (48, 56 + 6 * u[1], 9.5), (53, 82, 6)):
        pen.oval("mouth", x, y + 1, r)
        pen.oval("cherry", x, y, r - 1.4)
        pen.oval("tongue", x - r * 0.3, y - r * 0.3, r * 0.28)
    for x, y in ((50, 24), (26, 46), (62, 52), (42, 74)):
        pen.oval("leaf", x, y, 4, 2.4, turn=30)
    for x, y in ((44, 70), (60, 66)):
        pen.limb("base", (x, y), (x - 2, y + 26), 5.5, 4)
    pen.anchor("grip", 52, 20)


def banana(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    bend = 6 * u[0]
    pen.blob("base", (8, 6), (18, 4), (24, 30), (44, 52 + bend), (74, 60 + bend), (104, 52), (108, 60), (88, 80),
             (52, 84 + bend), (20, 62), (6, 30))  # fmt: skip
    pen.blob("dark", (8, 12), (10, 34), (26, 58), (56, 76 + bend), (90, 72), (106, 57), (108, 61), (88, 80),
             (52, 84 + bend), (20, 62), (6, 30))  # fmt: skip
    pen.curve("light", 4, (20, 24), (30, 44), (52, 58 + bend), (78, 63))
    pen.limb("bark", (12, 8), (8, -6), 8, 7)
    pen.oval("ink", 106, 56, 4.6, 5.4, turn=-20)
    pen.anchor("grip", 40, 66)
