"""The colours of the two signs, including pairs that colour-blind people can distinguish."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Palette:
    """Two colours for the two signs, as (red, green, blue).

    Attributes:
        support: colour of positive relevance.
        oppose: colour of negative relevance.
        opacity: of the strongest relevance, in [0, 1]; below 1, so that the image remains visible.
        names: the names of the two colours in a sentence.

    Raises:
        ValueError: both signs have the same colour.
    """

    support: tuple[int, int, int] = (202, 0, 22)
    oppose: tuple[int, int, int] = (5, 80, 200)
    opacity: float = 0.85
    names: tuple[str, str] = ("red", "blue")

    def __post_init__(self):
        if tuple(self.support) == tuple(self.oppose):
            raise ValueError(f"got the colour {self.support} for both signs, wanted two different ones")

    @property
    def label(self) -> str:
        """The name of the palette in a list."""
        return " and ".join(self.names)


RED_BLUE = Palette()
"""The default: red for, blue against."""

ORANGE_BLUE = Palette((205, 84, 0), (0, 90, 181), names=("orange", "blue"))
"""For protanopia, deuteranopia and tritanopia: the pair with the largest contrast in all three."""

GREEN_PURPLE = Palette((0, 118, 58), (142, 36, 170), names=("green", "purple"))
"""Also for protanopia, deuteranopia and tritanopia; for those who associate green with support."""

PALETTES: Mapping[str, Palette] = {"red": RED_BLUE, "orange": ORANGE_BLUE, "green": GREEN_PURPLE}
"""The palettes that a page offers, by the key under which the page saves the choice."""
