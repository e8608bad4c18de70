"""Clutter: things in a scene that no caption names."""

from collections.abc import Callable

from lrp_jax.captions.scenes.colours import mix
from lrp_jax.captions.scenes.pen import Pen


def _rock(pen: Pen, u: float) -> None:
    pen.blob((150, 148, 150), (0, 60), (14, 24), (50, 8 + 16 * u), (88, 26), (100, 62), (50, 70))
    pen.blob((116, 114, 120), (60, 30), (88, 28), (100, 62), (56, 70), (70, 50))


def _crate(pen: Pen, u: float) -> None:
    pen.rect((176, 130, 80), 0, 0, 70, 66)
    for y in (0, 22, 44):
        pen.rect((134, 94, 56), 0, y + 20, 70, y + 23)
    pen.limb((134, 94, 56), (6, 62), (64, 6), 8)


def _cone(pen: Pen, u: float) -> None:
    pen.poly((232, 110, 50), (26, 0), (38, 0), (54, 62), (10, 62))
    pen.poly((246, 240, 232), (19, 30), (45, 30), (49, 45), (15, 45))
    pen.rect((190, 84, 40), 0, 62, 64, 70)


def _barrel(pen: Pen, u: float) -> None:
    pen.blob((150, 98, 58), (6, 0), (54, 0), (62, 40), (54, 80), (6, 80), (-2, 40))
    for y in (16, 60):
        pen.rect((96, 96, 104), 0, y, 60, y + 6)


def _sign(pen: Pen, u: float) -> None:
    pen.rect((130, 130, 136), 26, 20, 32, 96)
    pen.rect((236, 232, 220), 0, 0, 58, 34)
    for i in range(2 + (u > 0.5)):
        pen.rect((120, 116, 120), 8, 7 + 9 * i, 50 - 8 * i, 10 + 9 * i)


def _puddle(pen: Pen, u: float) -> None:
    pen.blob((150, 180, 200), (0, 12), (30, 0), (72, 4), (100, 14), (64, 26), (22, 24))
    pen.blob((196, 216, 228), (20, 10), (40, 5), (66, 8), (40, 14))


def _paper(pen: Pen, u: float) -> None:
    pen.poly((246, 244, 236), (0, 10), (46, 0), (60, 34), (12, 44))
    for i in range(3):
        pen.limb((170, 168, 170), (10 + 3 * i, 14 + 8 * i), (44 + 3 * i, 7 + 8 * i), 2)


def _stick(pen: Pen, u: float) -> None:
    pen.limb((112, 78, 52), (0, 14), (90, 4 + 10 * u), 7, 5)
    pen.limb((112, 78, 52), (50, 10), (66, -8), 5, 3)


def _vase(pen: Pen, u: float) -> None:
    tone = mix((90, 120, 150), (170, 110, 90), u)
    pen.blob(tone, (16, 0), (44, 0), (40, 18), (58, 48), (44, 80), (16, 80), (2, 48), (20, 18))
    pen.blob(mix(tone, (255, 255, 255), 0.4), (14, 40), (20, 30), (22, 56), (16, 62))


def _books(pen: Pen, u: float) -> None:
    for i, tone in enumerate(((150, 70, 70), (80, 110, 90), (90, 90, 140))):
        pen.rect(tone, 5 * ((i * 2) % 3), 40 - 16 * i, 70 + 5 * (i % 2), 55 - 16 * i)
        pen.rect((240, 234, 220), 60 + 5 * (i % 2), 43 - 16 * i, 70 + 5 * (i % 2), 52 - 16 * i)


# Equally likely on every background, so that clutter carries no information about the background.
CLUTTER: dict[str, Callable[[Pen, float], None]] = {
    "rock": _rock,
    "crate": _crate,
    "cone": _cone,
    "barrel": _barrel,
    "sign": _sign,
    "puddle": _puddle,
    "paper": _paper,
    "stick": _stick,
    "vase": _vase,
    "books": _books,
}
