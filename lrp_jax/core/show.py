"""`show`: the program of a function, layer by layer, each with the rule that it gets and why."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lrp_jax.core.analysis.demand import Activate, Call, Segments, Share, Split, site
from lrp_jax.core.analysis.neurons import LayerRule, kind_of_sum
from lrp_jax.core.analysis.refusals import Refusal
from lrp_jax.core.composite import Composite, On, Site
from lrp_jax.core.presets import PAPER
from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Graph, Node, Value
from lrp_jax.core.program.lines import Place
from lrp_jax.core.transform import prepare


@dataclasses.dataclass(frozen=True)
class Step:
    """One operation that relevance passes and that a rule decides about.

    Attributes:
      place: source line and scope.
      operation: the primitive that it begins with; a convolution with its batch norm is one step.
      shape: of its result.
      site: kind, names and position, as the composite sees it.
      line: the line of the composite that decided, or None where none fits.
      refusal: why there is no meaning in it, or None.
      depth: how many bodies of calls (scan, cond, ...) it stands in.
    """

    place: Place
    operation: str
    shape: tuple[int, ...]
    site: Site
    line: On | None
    refusal: Refusal | None = None
    depth: int = 0

    @property
    def rule(self) -> Any:
        """The rule that it gets, or None."""
        return None if self.line is None or self.refusal is not None else self.line.rule

    @property
    def why(self) -> str:
        """What the composite's line asked for."""
        position = ", ".join(p for p, here in (("first", self.site.first), ("last", self.site.last)) if here)
        seen = f"{self.site.kind} ({position})" if position else self.site.kind
        if self.line is None:
            return f"{seen}: no line of the composite is for it"
        asked = [f'"{self.line.kind}"']
        asked += [f'scope="{self.line.scope}"'] if self.line.scope != "*" else []
        asked += [f'position="{self.line.position}"'] if self.line.position else []
        return f"{seen}, by the line for {', '.join(asked)}"


@dataclasses.dataclass(frozen=True)
class Shown:
    """The steps of a function in the order of its program; `print` it for a table.

    Attributes:
      rules: the composite.
      steps: where rules are applied, and where there is none and one would be needed.
    """

    rules: Composite
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        head = ("operation", "shape", "rule", "why", "where")
        rows = [head]
        for step in self.steps:
            rule = "REFUSED" if step.refusal is not None else str(step.rule) if step.line else "(none needed)"
            why = f"{step.refusal.what}; {step.refusal.advice}" if step.refusal is not None else step.why
            rows.append(("  " * step.depth + step.operation, str(list(step.shape)), rule, why, str(step.place)))
        widths = [min(max(len(row[i]) for row in rows), 60) for i in range(len(head))]
        lines = ["  ".join(f"{text:<{w}}" for text, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([f"{self.rules.name}, {len(self.steps)} steps", *lines])


def show(
    f: Callable[..., Any],
    rules: Composite = PAPER,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
) -> Callable[..., Shown]:
    """Makes a function that says which rule each layer of `f` gets, and why. Nothing is computed.

    Args:
      f, rules, argnums, has_aux: as for `lrp`.

    Returns:
      `g(*args) -> Shown`: the steps that rules decide about, refusals in their places. Arguments may be
      `jax.ShapeDtypeStruct`s.

    Example:
      >>> import jax, jax.numpy as jnp, lrp_jax
      >>> w = jnp.ones((3, 2))
      >>> shown = lrp_jax.show(lambda x: jax.nn.relu(x @ w).sum())(jnp.ones(3))
      >>> [(step.operation, step.site.kind, str(step.rule)) for step in shown.steps][:2]
      [('dot_general', 'dense', 'Epsilon(epsilon=0.01)'), ('custom_jvp_call', 'relu', 'Pass()')]
    """

    @functools.wraps(f)
    def shown(*args, **kwargs):
        plan = prepare(f, rules, argnums, has_aux, args, kwargs).plan
        return Shown(rules, tuple(_steps(plan.graph, rules, 0)))

    return shown


def _steps(graph: Graph, rules: Composite, depth: int) -> Iterator[Step]:
    for value in graph.inputs:
        if value.end is not None and value.open is not None:
            yield _neuron(value, rules, depth)
    for node in graph.nodes:
        if not any(v.use and v.facts.depends for v in node.outputs):
            continue
        if node.refusal is not None:
            where = site(node, node.refusal.kind)
            yield _step(node, node.outputs[0], where, rules, depth, node.refusal)
        elif isinstance(node.action, LayerRule):
            product = node.action.product
            yield _step(product, node.outputs[0], site(product, kind_of_sum(product)), rules, depth)
        elif isinstance(node.action, Call):
            for body in node.bodies:
                yield from _steps(body, rules, depth + 1)
        elif isinstance(node.action, (Activate, Split, Share, Segments)) or node.name in P.POOLING:
            yield _step(node, node.outputs[0], site(node, node.kind), rules, depth)
        elif node.bodies:
            yield _step(node, node.outputs[0], site(node, "custom"), rules, depth)
        for value in node.outputs:
            if value.end is not None and not node.absorbed:
                yield _neuron(value, rules, depth)


def _step(node: Node, result: Value, where: Site, rules: Composite, depth: int, refusal: Refusal | None = None) -> Step:
    return Step(node.place, node.name, result.shape, where, rules.line(where), refusal, depth)


def _neuron(value: Value, rules: Composite, depth: int) -> Step:
    node = value.open
    return _step(node, value, site(node, kind_of_sum(node)), rules, depth)
