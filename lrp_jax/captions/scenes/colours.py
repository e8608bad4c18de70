"""The twelve colours that captions name, and fixed colours that all objects share."""

RGB = tuple[int, int, int]

COLOURS: dict[str, RGB] = {
    "red": (212, 52, 50),
    "blue": (52, 104, 212),
    "green": (62, 158, 72),
    "yellow": (246, 206, 62),
    "white": (242, 241, 236),
    "brown": (142, 90, 52),
    "orange": (240, 136, 42),
    "black": (52, 51, 58),
    "purple": (134, 74, 182),
    "pink": (246, 146, 184),
    "gray": (142, 146, 152),
    "turquoise": (44, 176, 170),
}
"""The colours that captions name, as 8-bit RGB, most frequent first."""

FIXED: dict[str, RGB] = {
    "ink": (38, 36, 44),
    "tyre": (48, 48, 54),
    "metal": (176, 182, 190),
    "steel": (120, 126, 136),
    "glass": (176, 214, 232),
    "glint": (226, 242, 248),
    "wood": (158, 108, 66),
    "bark": (116, 80, 52),
    "leaf": (74, 150, 72),
    "stem": (62, 126, 62),
    "cream": (250, 240, 214),
    "crust": (214, 160, 92),
    "crumb": (240, 206, 140),
    "white": (250, 250, 248),
    "nose": (44, 38, 40),
    "tongue": (232, 112, 120),
    "gold": (240, 196, 72),
    "brick": (176, 92, 74),
    "stone": (152, 148, 144),
    "denim": (66, 84, 124),
    "shoe": (70, 58, 54),
    "bulb": (255, 240, 176),
    "beak": (242, 160, 50),
    "cherry": (206, 40, 56),
    "mouth": (150, 52, 56),
}

SKINS: tuple[RGB, ...] = ((250, 216, 188), (238, 192, 152), (208, 156, 112), (160, 108, 72), (112, 74, 50))
HAIRS: tuple[RGB, ...] = ((44, 36, 36), (92, 60, 40), (150, 92, 48), (222, 182, 104), (170, 76, 44))


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """The colour `share` of the way from `a` to `b`, each channel rounded."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))


def tones(base: RGB) -> dict[str, RGB]:
    """The shades of an object's colour: the colour itself, lit sides, shaded sides and deep creases."""
    bright = max(base) > 225 and min(base) > 225
    return {
        "base": base,
        "light": mix(base, (255, 255, 255), 0.28),
        "pale": mix(base, (255, 255, 255), 0.55),
        "dark": mix(base, (70, 70, 110) if bright else (24, 18, 40), 0.16 if bright else 0.24),
        "deep": mix(base, (60, 60, 90) if bright else (20, 14, 34), 0.34 if bright else 0.46),
    }


def palette(base: RGB, skin: RGB, hair: RGB) -> dict[str, RGB]:
    """Every named tone that a figure may be filled with."""
    named = dict(FIXED)
    named.update(tones(base))
    named["skin"], named["hair"] = skin, hair
    named["skin dark"] = mix(skin, (70, 20, 20), 0.2)
    return named
