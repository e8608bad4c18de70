"""One image explained by several methods, side by side."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from lrp_jax.captions.render.case import Case


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """The same words of the same image, explained by different methods.

    Attributes:
        cases: one per method; the first one determines the word that a page opens with. Each has its own colour
            scale, because methods have different units: only the places of their relevance can be compared.

    Raises:
        ValueError: there are no cases, a method is repeated, or the cases do not show the same words of one image.
    """

    cases: Sequence[Case]

    def __post_init__(self):
        if not self.cases:
            raise ValueError("got no cases to compare, wanted at least one")
        methods = self.methods
        twice = sorted({method for method in methods if methods.count(method) > 1})
        if twice:
            raise ValueError(f"got {', '.join(twice)} twice, wanted a case of each method once")
        first = self.cases[0]
        for case in self.cases[1:]:
            same = case.name == first.name and tuple(case.words) == tuple(first.words) and case.shown == first.shown
            if not same or not np.array_equal(case.image, first.image):
                raise ValueError(
                    f"{case.explanation.method} shows another picture or other words than "
                    f"{first.explanation.method}; wanted cases of one name, image, caption and choice of rows"
                )

    @property
    def methods(self) -> list[str]:
        """The names of the methods, in the order of the cases."""
        return [case.explanation.method for case in self.cases]

    @property
    def words(self) -> Sequence[str]:
        """The caption, the start token first."""
        return self.cases[0].words


def leading(shown: Case | Comparison) -> Case:
    """The case itself, or the first of several."""
    return shown.cases[0] if isinstance(shown, Comparison) else shown
