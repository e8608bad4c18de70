"""Composites: which rule an operation gets, as a plain value."""

import dataclasses
from fnmatch import fnmatchcase

from lrp_jax.core.rules import (
    KINDS,
    AlphaBeta,
    Derivative,
    Epsilon,
    Pass,
    Rule,
    SignalTakesAll,
    WinnerTakesAll,
)


@dataclasses.dataclass(frozen=True)
class On:
    """One line of a composite: operations of a kind, in a scope, get a rule.

    Attributes:
      kind: one of `rules.KINDS`, or "*" for every kind that the rule is for.
      rule: the rule.
      scope: a glob over the operation's name scope, e.g. "*/head/*".
    """

    kind: str
    rule: Rule
    scope: str = "*"

    def __post_init__(self):
        if self.kind != "*" and self.kind not in KINDS:
            raise ValueError(f"got kind {self.kind!r}; wanted one of {', '.join(KINDS)} or '*'")
        if self.kind != "*" and self.kind not in self.rule.kinds:
            raise ValueError(f"{self.rule} is for {', '.join(self.rule.kinds)}, not for {self.kind!r}")

    def fits(self, kind: str, scope: str) -> bool:
        return self.kind in ("*", kind) and kind in self.rule.kinds and fnmatchcase(scope, self.scope)


@dataclasses.dataclass(frozen=True)
class Composite:
    """A table of rules: the first line that fits an operation decides.

    Attributes:
      name: how the composite is called in records and messages.
      lines: the table.
      times_input: whether the result is relevance, i.e. density times input; gradients are not.
    """

    name: str
    lines: tuple[On, ...]
    times_input: bool = True

    def rule(self, kind: str, scope: str = "") -> Rule | None:
        """The rule for an operation, or None if no line fits."""
        return next((line.rule for line in self.lines if line.fits(kind, scope)), None)

    def __str__(self) -> str:
        lines = [
            f"  {line.kind:<10} {line.rule}" + (f" in {line.scope}" if line.scope != "*" else "") for line in self.lines
        ]
        return "\n".join([f"{self.name} ({'relevance' if self.times_input else 'derivative'})", *lines])


PAPER = Composite(
    "PAPER",
    (
        On("conv", AlphaBeta(alpha=0.0, bias=False)),
        On("activation", Pass()),
        On("product", SignalTakesAll()),
        On("pool", WinnerTakesAll()),
        On("*", Epsilon(1e-2)),
    ),
)
"""Section 5.1: the alpha rule with alpha = 0 on convolutions, the epsilon rule with eps = 0.01 on all other sums."""

GRADIENT = Composite("GRADIENT", (On("*", Derivative()),), times_input=False)
"""The plain gradient: every operation keeps its own derivative."""
