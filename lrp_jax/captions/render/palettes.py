"""The colours of the two signs, among them pairs that people who see few colours can tell apart."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Palette:
    """Two colours for the two signs, as (red, green, blue).

    Attributes:
        support: colour of positive relevance.
        oppose: colour of negative relevance.
        opacity: of the strongest relevance, in [0, 1]; below 1, so that the picture can be seen through it.
        names: what the two colours are called in a sentence.

    Raises:
        ValueError: if both signs have one colour.
    """

    support: tuple[int, int, int] = (202, 0, 22)
    oppose: tuple[int, int, int] = (5, 80, 200)
    opacity: float = 0.85
    names: tuple[str, str] = ("red", "blue")

    def __post_init__(self):
        if tuple(self.support) == tuple(self.oppose):
            raise ValueError(f"got the colour {self.support} for both signs, wanted two that can be told apart")

    @property
    def label(self) -> str:
        """What the palette is called in a list."""
        return " and ".join(self.names)


RED_BLUE = Palette()
"""Red for, blue against: what is drawn where nothing else is asked for."""

ORANGE_BLUE = Palette((205, 84, 0), (0, 90, 181), names=("orange", "blue"))
"""For protanopia, deuteranopia and tritanopia: the pair that keeps its distance best in all three."""

GREEN_PURPLE = Palette((0, 118, 58), (142, 36, 170), names=("green", "purple"))
"""For protanopia, deuteranopia and tritanopia too, and for those who read green as yes."""

PALETTES: Mapping[str, Palette] = {"red": RED_BLUE, "orange": ORANGE_BLUE, "green": GREEN_PURPLE}
"""What a page offers, by the word that it remembers the choice with."""
