"""Animals, seen from the side, looking to the right."""

from lrp_jax.captions.scenes.pen import Pen


def dog(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    run = gesture == "run"
    step = 12 if run else 2 + 5 * u[0]
    wag = -14 - 16 * u[1]
    pen.curve("dark", 6, (6, 46), (-6, 38), (-10, 46 + wag), taper=0.4)
    for x, shift in ((18, -step), (62, step)):  # far legs
        pen.limb("deep", (x, 58), (x + shift * 0.6, 76), 9, 7)
        pen.limb("deep", (x + shift * 0.6, 76), (x + shift, 92), 7, 6)
    pen.blob("base", (4, 50), (14, 37), (40, 38), (64, 34), (76, 44), (72, 60), (56, 66), (34, 61), (16, 66), (6, 60))
    pen.blob("dark", (8, 58), (30, 57), (54, 60), (72, 56), (68, 64), (54, 67), (34, 62), (16, 67))
    for x, shift in ((12, step), (68, -step * 0.6)):
        pen.limb("base", (x, 56), (x + shift * 0.6, 76), 12, 8)
        pen.limb("base", (x + shift * 0.6, 76), (x + shift, 92), 8, 6.5)
        pen.limb("light", (x + shift, 94), (x + shift + 5, 94.5), 6.5, 5.5)
    nod = 5 * (u[2] - 0.5)
    pen.limb("base", (70, 46), (80, 28 + nod), 21, 18)
    pen.limb("cherry", (71, 36), (83, 42), 3.6)
    pen.oval("base", 83, 22 + nod, 15, 13.5)
    pen.limb("light", (88, 27 + nod), (104, 29 + nod), 14, 10)
    if u[3] > 0.45:
        pen.limb("tongue", (98, 34 + nod), (100, 42 + nod), 4.4, 4.8)
    pen.oval("nose", 108, 26 + nod, 4, 3.3)
    pen.oval("ink", 90, 18 + nod, 2.4, 2.8)
    pen.oval("white", 90.8, 17 + nod, 0.8)
    pen.blob("deep", (72, 12 + nod), (80, 10 + nod), (82, 22 + nod), (78, 38 + nod), (69, 34 + nod), (68, 20 + nod))
    if u[4] > 0.5:
        pen.blob("pale", (28, 42), (40, 40), (46, 48), (36, 54), (26, 50))


def cat(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    if gesture == "run" or u[0] > 0.62:
        step = 12 if gesture == "run" else 3
        pen.curve("dark", 6, (8, 52), (-8, 44), (-6, 24), (-15, 12 + 10 * u[1]), taper=0.6)
        for x, shift in ((20, -step), (58, step)):
            pen.limb("deep", (x, 62), (x + shift, 90), 8, 6)
        pen.blob("base", (5, 54), (16, 44), (40, 46), (62, 42), (72, 52), (64, 66), (38, 64), (14, 68))
        for x, shift in ((12, step * 0.8), (64, -step * 0.6)):
            pen.limb("base", (x, 58), (x + shift, 90), 10, 6.5)
        for x in (24, 35, 46):
            pen.limb("deep", (x, 45.5), (x + 2, 54), 3, 1.6)
        hx, hy = 72.0, 34.0
    else:
        pen.curve("dark", 7, (20, 88), (-4, 90), (-12, 74), (-4, 58 + 14 * u[1]), taper=0.6)
        pen.blob("base", (36, 44), (56, 46), (64, 70), (66, 92), (40, 95), (14, 92), (14, 74), (24, 58))
        pen.blob("dark", (14, 74), (24, 72), (36, 82), (36, 94), (14, 92))
        for x in (44, 57):
            pen.limb("base", (x, 66), (x + 1, 91), 9.5, 8.5)
            pen.limb("light", (x, 92), (x + 4, 92), 7)
        pen.oval("pale", 50, 62, 8, 11)
        for y in (58, 67, 76):
            pen.limb("deep", (18 + (y < 66) * 5, y), (30, y + 2), 3, 1.6)
        hx, hy = 48.0, 31.0
    for side in (-1, 1):
        pen.poly("base", (hx + side * 3, hy - 12), (hx + side * 18, hy - 27), (hx + side * 19.5, hy - 4))
        pen.poly("tongue", (hx + side * 9, hy - 13), (hx + side * 16, hy - 21), (hx + side * 17, hy - 8))
    pen.oval("base", hx, hy, 20.5, 17)
    for side in (-1, 0, 1):
        pen.limb("deep", (hx + side * 4.5, hy - 16), (hx + side * 4, hy - 9), 2.6, 1.6)
    pen.oval("pale", hx + 1, hy + 7, 9.5, 6.5)
    for side in (-1, 1):
        pen.oval("gold" if u[3] > 0.5 else "leaf", hx + 1 + side * 8.5, hy - 1, 4.2, 4.6)
        pen.oval("ink", hx + 1.4 + side * 8.5, hy - 1, 1.7, 4.2)
        for y in (5, 9):
            pen.limb("white", (hx + side * 8, hy + y), (hx + side * 25, hy + y * 1.5 - 4), 1.1)
    pen.poly("tongue", (hx - 2.5, hy + 3.5), (hx + 4.5, hy + 3.5), (hx + 1, hy + 7.5))


def bird(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    fly = u[0] > 0.5
    pen.poly("dark", (18, 46), (-16, 36), (-20, 46), (-15, 54), (16, 60))
    if fly:
        pen.blob("deep", (40, 44), (34, 16), (14, -8), (46, 0), (62, 24), (60, 46))
    else:
        for x in (42, 53):
            pen.curve("beak", 2.8, (x, 70), (x + 1, 84), (x + 1, 92))
            pen.limb("beak", (x - 5, 93), (x + 8, 93), 2.6)
    pen.blob("base", (10, 50), (28, 34), (54, 30), (74, 22), (86, 34), (78, 58), (56, 74), (30, 70))
    pen.blob("pale", (52, 58), (70, 46), (79, 52), (70, 64), (52, 73), (36, 69))
    pen.oval("base", 75, 28, 17.5, 16)
    pen.poly("beak", (89, 23), (109, 31), (88, 36))
    pen.poly("gold", (90, 30.5), (108, 31.5), (88, 36))
    pen.oval("white", 80, 25, 4.8)
    pen.oval("ink", 81.5, 25, 2.7)
    if fly:
        pen.blob("dark", (28, 48), (10, 20), (-14, 4), (22, 2), (50, 18), (60, 46), (46, 56))
        pen.blob("light", (34, 46), (24, 26), (8, 12), (30, 14), (46, 28), (52, 46))
    else:
        pen.blob("dark", (20, 46), (40, 38), (60, 42), (52, 58), (30, 64), (2, 60))
        pen.blob("light", (28, 46), (42, 42), (54, 45), (46, 53), (28, 56))


def horse(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    step = 13 if gesture == "run" else 2 + 5 * u[0]
    pen.curve("hair", 9, (6, 40), (-8, 46), (-7, 64), (-13, 78), taper=0.5)
    for x, shift in ((20, -step), (66, step)):
        pen.limb("deep", (x, 56), (x + shift * 0.5, 78), 8, 5.5)
        pen.limb("deep", (x + shift * 0.5, 78), (x + shift, 104), 5.5, 5)
        pen.limb("ink", (x + shift, 105), (x + shift + 4, 106), 6)
    pen.blob("base", (2, 44), (12, 32), (40, 37), (64, 32), (80, 40), (78, 56), (60, 64), (32, 61), (12, 64), (3, 56))
    pen.blob("dark", (6, 56), (30, 56), (58, 58), (76, 54), (62, 64), (32, 62), (12, 65))
    for x, shift in ((13, step * 0.7), (74, -step * 0.5)):
        pen.limb("base", (x, 54), (x + shift * 0.5, 78), 12, 6.5)
        pen.limb("base", (x + shift * 0.5, 78), (x + shift, 104), 6.5, 5.5)
        pen.limb("ink", (x + shift, 105), (x + shift + 4, 106), 6.4)
    nod = 10 * (u[1] - 0.5)
    head = (98.0, 4 + nod)
    pen.blob("base", (64, 36), (76, 18), (90, -2 + nod), (101, 0 + nod), (100, 16 + nod), (88, 36), (80, 54), (66, 54))
    pen.limb("base", head, (116, 23 + nod), 17, 12)
    pen.oval("dark", 117, 24 + nod, 6.4, 5.6)
    pen.oval("nose", 119.5, 23 + nod, 1.6)
    for x in (92, 98):
        pen.poly("base", (x - 3, -1 + nod), (x + 3, -15 + nod), (x + 5, 1 + nod))
    pen.blob("hair", (97, -9 + nod), (90, -7 + nod), (78, 10), (66, 28), (62, 40), (72, 36), (84, 18), (95, 2 + nod))
    pen.oval("ink", 102, 5 + nod, 2.3, 2.8)
    pen.anchor("seat", 38, 35)
