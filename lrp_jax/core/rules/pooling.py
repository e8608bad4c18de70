"""Rules for the maximum."""

import dataclasses
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class WinnerTakesAll:
    """The largest element of a pooling window takes all its relevance (the first of equals)."""

    kinds: ClassVar[tuple[str, ...]] = ("pool",)


@dataclasses.dataclass(frozen=True)
class Proportional:
    """The elements of a pooling window share its relevance as if it summed them: R_i = R_j x_i / sum_k x_k.

    For max pooling over windows; other maxima keep winner-takes-all.
    """

    kinds: ClassVar[tuple[str, ...]] = ("pool",)
