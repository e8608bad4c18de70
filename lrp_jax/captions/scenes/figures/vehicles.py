"""Vehicles, driving to the right."""

from lrp_jax.captions.scenes.pen import Pen


def _wheel(pen: Pen, x: float, y: float, r: float) -> None:
    pen.oval("tyre", x, y, r)
    pen.oval("metal", x, y, r * 0.58)
    pen.oval("steel", x, y, r * 0.22)


def car(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    roof = 12 - 6 * u[0]
    if u[1] > 0.5:  # saloon
        pen.poly("base", (22, 34), (38, roof), (78, roof), (98, 34))
        pen.poly("glass", (29, 34), (41, roof + 5), (56, roof + 5), (56, 34))
        pen.poly("glass", (60, 34), (60, roof + 5), (75, roof + 5), (90, 34))
    else:  # hatchback
        pen.poly("base", (8, 34), (14, roof), (72, roof), (94, 34))
        pen.poly("glass", (15, 34), (19, roof + 5), (46, roof + 5), (46, 34))
        pen.poly("glass", (50, 34), (50, roof + 5), (69, roof + 5), (86, 34))
    pen.poly("glint", (62, 33), (68, roof + 6), (72, roof + 6), (66, 33))
    pen.blob("base", (0, 40), (10, 32), (60, 31), (100, 33), (124, 40), (127, 56), (118, 62), (8, 62), (-1, 54))
    pen.poly("dark", (0, 52), (126, 52), (125, 58), (118, 62), (8, 62), (1, 58))
    pen.limb("light", (10, 38), (108, 38), 2.6)
    pen.limb("deep", (58, 34), (58, 56), 1.4)
    pen.limb("deep", (62, 43), (69, 43), 2)
    pen.oval("bulb", 121, 45, 4, 4.6)
    pen.oval("cherry", 2.5, 45, 2.8, 4.4)
    for x in (28, 98):
        _wheel(pen, x, 62, 13)
    pen.anchor("top", 52, roof)


def bus(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    tall = 6 * u[0]
    pen.rect("base", 0, -tall, 140, 66, 7)
    pen.rect("dark", 0, 50, 140, 66, 4)
    pen.rect("light", 4, 1 - tall, 136, 6 - tall, 2)
    for i in range(4):
        x = 8 + i * 25
        pen.rect("glass", x, 12 - tall, x + 20, 34, 3)
        pen.poly("glint", (x + 4, 33), (x + 11, 13 - tall), (x + 15, 13 - tall), (x + 8, 33))
    pen.rect("glass", 109, 12 - tall, 120, 60, 2)
    pen.limb("deep", (114.5, 13 - tall), (114.5, 59), 1.4)
    pen.poly("glass", (126, 12 - tall), (140, 12 - tall), (140, 40), (126, 40))
    pen.limb("pale", (4, 43), (104, 43), 3.4)
    pen.oval("bulb", 136, 55, 3.4)
    for x in (28, 92):
        _wheel(pen, x, 66, 12)
    pen.anchor("top", 66, -tall)


def bicycle(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    r = 25
    for x in (25, 99):
        pen.ring("tyre", x, 70, r, 4.4)
        pen.ring("metal", x, 70, r - 4.2, 1.6)
        for dx, dy in ((1, 0), (0.5, 0.87), (-0.5, 0.87)):
            pen.limb("steel", (x - dx * 19, 70 - dy * 19), (x + dx * 19, 70 + dy * 19), 1.1)
    seat, crank, head = (46.0, 32.0), (57.0, 70.0), (87.0, 34.0)
    for a, b in (((25, 70), seat), ((25, 70), crank), (seat, crank), (crank, head), ((47.5, 39), head)):
        pen.limb("base", a, b, 5.4)
    pen.limb("base", (85, 24), (99, 70), 5.2)
    pen.limb("steel", seat, (43.5, 22), 3.4)
    pen.blob("ink", (31, 18), (46, 17), (57, 21), (46, 24.5), (34, 25))
    pen.curve("ink", 4.2, (81, 18), (90, 15), (99, 20), (94, 29))
    pen.limb("base", (85, 26), (83, 18), 4)
    pen.oval("steel", *crank, 6)
    pen.limb("ink", (crank[0] - 5, crank[1] - 9), (crank[0] + 6, crank[1] + 11), 2.8)
    if u[0] > 0.5:
        pen.rect("wood", 99, 20, 116, 34, 2)
    pen.anchor("seat", 45, 17)
    pen.anchor("top", 45, 17)


def boat(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    lean = 6 * (u[1] - 0.5)
    pen.limb("wood", (52, 72), (52 + lean, -10), 4)
    if u[0] > 0.25:
        pen.blob("white", (56 + lean, -6), (76, 26), (92, 60), (56, 62), (59, 28))
        pen.poly("pale", (56, 48), (83, 46), (92, 60), (56, 62))
    pen.blob("cream", (48 + lean, 0), (36, 32), (14, 61), (48, 61))
    pen.poly("cherry", (52 + lean, -10), (70 + lean, -5), (52 + lean, 1))
    pen.blob("base", (-4, 68), (50, 71), (112, 64), (102, 84), (88, 96), (22, 96), (8, 86))
    pen.poly("dark", (7, 84), (103, 82), (97, 91), (88, 96), (22, 96), (12, 91))
    pen.curve("light", 3.4, (0, 71), (50, 74), (108, 68))
    for x in (34, 54, 74):
        pen.oval("glint", x, 81, 3)
    pen.anchor("top", 30, 70)
