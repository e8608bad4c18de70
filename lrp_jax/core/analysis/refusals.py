"""What has no rule, told so that somebody who did not write the model can go on from there."""

import dataclasses
import re
from collections.abc import Sequence

from lrp_jax.core import presets
from lrp_jax.core.composite import Composite
from lrp_jax.core.program.lines import Place

# The rule that a composite may take for a kind that it has no rule for.
_RULES = {
    "product": "Uniform()",
    "norm": "SignalTakesAll()",
    "softmax": "Derivative()",
    "activation": "Pass()",
    "relu": "Pass()",
    "pool": "WinnerTakesAll()",
    "custom": "Pass()",
    "other": "Derivative()",
}

# Of many places of one kind, so many are named.
_PLACES = 3


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A place where relevance would arrive and that has no rule: what stands there and what to write instead.

    `kind` is that of the line which a composite lacks.
    """

    place: Place
    what: str
    advice: str
    kind: str = "other"

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.advice}"

    @property
    def line(self) -> str:
        """The line of a composite that would allow it, in its scope, ready to paste."""
        parts = [p for p in self.place.scope.split("/") if p]
        # Layers that differ by their number only are one kind of place.
        last = re.sub(r"\d+$", "*", parts[-1]) if parts else ""
        scope = f"*/{last}*" if len(parts) > 1 else f"{last}*"
        where = f', scope="{scope.replace("**", "*")}"' if parts else ""
        return f'lrp_jax.On("{self.kind}", lrp_jax.{_RULES[self.kind]}{where}),'


def tell(refusals: Sequence[Refusal], rules: Composite) -> list[str]:
    """The refusals as lines of text: what is refused for the same reason is one entry, with a count and some places.

    At the end stand the lines of a composite that would allow them, ready to paste.
    """
    groups: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in refusals:
        groups.setdefault((refusal.what, refusal.advice), []).append(refusal)
    lines = []
    for (what, advice), group in groups.items():
        if len(group) == 1:
            lines.append(str(group[0]))
            continue
        lines.append(f"{len(group)} times: {what}; {advice}")
        lines += [f"    at {refusal.place}" for refusal in group[:_PLACES]]
        if len(group) > _PLACES:
            lines.append(f"    and at {len(group) - _PLACES} more")
    lines.append("or, where the model is not yours to change, with these lines in front of the composite's own:")
    lines.append(f'    rules = lrp_jax.Composite("MY_{rules.name}", (')
    lines += [f"        {line}" for line in dict.fromkeys(refusal.line for refusal in refusals)]
    # The name by which the composite is at hand; one that somebody made is the `rules` that were passed.
    base = f"lrp_jax.{rules.name}" if getattr(presets, rules.name, None) is rules else "rules"
    lines.append(f"        *{base}.lines,")
    lines.append("    ))")
    if any(refusal.kind == "other" for refusal in refusals):
        lines.append('    (of "other", Derivative() is a gradient: no relevance is kept there)')
    return lines
