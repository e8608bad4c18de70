"""Rules for products, and for what is a product in disguise."""

import dataclasses
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class SignalTakesAll:
    """In a product of a gate and a signal the signal takes all the relevance, the gate none.

    A product of two gates that itself carries relevance has no signal: each takes half. For `norm`, the norm or the
    deviation that a signal is divided by counts as the gate. Of a softmax and another gate the softmax is the gate.

    Attributes:
      activations: whether an activation counts as the gate of a signal that is none, as in the gated MLPs of
        transformers, silu(x W) * (x V).
    """

    activations: bool = False
    kinds: ClassVar[tuple[str, ...]] = ("product", "norm")

    def shares(self, factors: tuple[str, str]) -> tuple[float, float] | None:
        """What each factor takes; None where neither is a gate.

        Args:
          factors: of each "attention" (from a softmax), "gate", "activation" or "signal".
        """
        order = ["signal", "activation" if self.activations else "", "gate", "attention"]
        first, second = (order.index(f) if f in order else 0 for f in factors)
        if first == second:
            return (0.5, 0.5) if first >= order.index("gate") else None
        return (1.0, 0.0) if first < second else (0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Uniform:
    """Each of the two factors of a product takes half its relevance, whether one is a gate or not.

    Reference:
      Achtibat et al., AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers, 2024.
    """

    kinds: ClassVar[tuple[str, ...]] = ("product",)

    def shares(self, factors: tuple[str, str]) -> tuple[float, float]:
        """What each factor takes, whatever they are."""
        return 0.5, 0.5
