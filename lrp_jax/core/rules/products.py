"""Rules for products, and for what is a product in disguise."""

import dataclasses
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class SignalTakesAll:
    """In a product of a gate and a signal the signal takes all the relevance, the gate none.

    A product of two gates that itself carries relevance has no signal: each takes half. For `norm`, the norm or the
    deviation that a signal is divided by counts as the gate.
    """

    kinds: ClassVar[tuple[str, ...]] = ("product", "norm")


@dataclasses.dataclass(frozen=True)
class Uniform:
    """Each of the two factors of a product takes half its relevance, whether one is a gate or not.

    Reference:
      Achtibat et al., AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers, 2024.
    """

    kinds: ClassVar[tuple[str, ...]] = ("product",)
