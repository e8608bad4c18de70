"""Composites: which rule an operation gets, as a plain value."""

import dataclasses
from fnmatch import fnmatchcase

from lrp_jax.core.rules import KINDS, Rule


@dataclasses.dataclass(frozen=True)
class Site:
    """An operation as a composite sees it.

    Attributes:
      kind: one of `rules.KINDS`.
      names: its name scope, and the path of its weight among the function's arguments, as far as they are known.
      first: whether no layer and no activation stands between it and the explained inputs.
      last: whether none stands between it and the output.
    """

    kind: str
    names: tuple[str, ...] = ("",)
    first: bool = False
    last: bool = False


@dataclasses.dataclass(frozen=True)
class On:
    """One line of a composite: operations of a kind, in a scope, at a position, get a rule.

    Attributes:
      kind: one of `rules.KINDS`, or "*" for every kind that the rule is for. "activation" includes "relu".
      rule: the rule.
      scope: a glob over the operation's name scope (`jax.named_scope`, Linen's module paths) or the path of its
        weight among the arguments, e.g. "*/head/*".
      position: "first" for layers without another layer or activation before them, "last" for those without one behind
        them, None for any. Pooling, resizing, scaling and the like take no layer's place.
    """

    kind: str
    rule: Rule
    scope: str = "*"
    position: str | None = None

    def __post_init__(self):
        if self.kind != "*" and self.kind not in KINDS:
            raise ValueError(f"got kind {self.kind!r}; wanted one of {', '.join(KINDS)} or '*'")
        if self.kind != "*" and self.kind not in self.rule.kinds:
            raise ValueError(f"{self.rule} is for {', '.join(self.rule.kinds)}, not for {self.kind!r}")
        if self.position not in (None, "first", "last"):
            raise ValueError(f"got position {self.position!r}; wanted 'first', 'last' or None")

    def fits(self, site: Site) -> bool:
        """Whether the line is for an operation: kind, scope and position agree, and the rule takes the kind."""
        kinds = ("*", site.kind, "activation") if site.kind == "relu" else ("*", site.kind)
        placed = {None: True, "first": site.first, "last": site.last}[self.position]
        named = any(fnmatchcase(name, self.scope) for name in site.names)
        return placed and named and self.kind in kinds and site.kind in self.rule.kinds

    def __str__(self) -> str:
        where = [f"in {self.scope}"] if self.scope != "*" else []
        where += [f"{self.position} only"] if self.position else []
        return f"{self.kind:<10} {self.rule}" + (f"  ({', '.join(where)})" if where else "")


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

    def rule(self, site: Site) -> Rule | None:
        """The rule for an operation, or None if no line fits."""
        line = self.line(site)
        return None if line is None else line.rule

    def line(self, site: Site) -> On | None:
        """The line that decides about an operation: the first that fits, or None."""
        return next((line for line in self.lines if line.fits(site)), None)

    def __str__(self) -> str:
        head = f"{self.name} ({'relevance' if self.times_input else 'derivative'})"
        return "\n".join([head, *(f"  {line}" for line in self.lines)])
