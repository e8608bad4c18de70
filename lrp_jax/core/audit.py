"""`audit`: what has no rule, and where relevance is absorbed, stopped or created in the backward pass."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lrp_jax.core.analysis.demand import Activate, Call, Split
from lrp_jax.core.analysis.neurons import LayerRule, read_signals
from lrp_jax.core.analysis.refusals import Refusal, tell
from lrp_jax.core.composite import Composite
from lrp_jax.core.presets import PAPER
from lrp_jax.core.program.graph import Graph, Node, Value
from lrp_jax.core.program.lines import Place
from lrp_jax.core.rules import Derivative
from lrp_jax.core.running.interpreter import moves_relevance
from lrp_jax.core.transform import densities, prepare

# Why relevance does not arrive where it should, in the order of the table.
CAUSES = {
    "epsilon": "absorbed by the epsilon of a neuron",
    "bias": "absorbed by a bias or another constant",
    "dead": "stopped at a unit that is 0, or that no input spoke for",
    "derivative": "made or lost by an operation that keeps its own derivative",
    "mask": "held back by a mask",
    "seed": "stopped at an output that is 0",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """What one operation did to relevance.

    Attributes:
      place: source line and scope.
      operation: the primitive.
      cause: a key of `CAUSES`.
      before: the relevance that arrived.
      lost: how much of it did not go on; negative where the operation added to it.
    """

    place: Place
    operation: str
    cause: str
    before: float
    lost: float


@dataclasses.dataclass(frozen=True)
class Audit:
    """The way of relevance through a function, for one input.

    Attributes:
      refusals: places that have no rule; if there are any, nothing was computed and the rest is empty.
      rows: every operation at which relevance was lost or made, in the order of the program.
      seed: the relevance given to the output.
      relevance: the sum over all explained inputs.
      rules: the composite.
    """

    refusals: tuple[Refusal, ...]
    rows: tuple[Row, ...] = ()
    seed: float = 0.0
    relevance: float = 0.0
    rules: Composite = PAPER

    @property
    def lost(self) -> dict[str, float]:
        """Relevance lost, by cause."""
        return {cause: sum(r.lost for r in self.rows if r.cause == cause) for cause in CAUSES}

    @property
    def unexplained(self) -> float:
        """seed - lost - relevance: 0 but for rounding, or the audit has overlooked something."""
        return self.seed - sum(r.lost for r in self.rows) - self.relevance

    def __str__(self) -> str:
        if self.refusals:
            lines = [f"{len(self.refusals)} operation(s) have no rule, so nothing was propagated:"]
            return "\n  ".join(lines + tell(self.refusals, self.rules))
        table = [("relevance of the output", f"{self.seed:.6g}")]
        # Rounding is not worth a line.
        least = 1e-6 * max([abs(self.seed), abs(self.relevance), *(abs(r.lost) for r in self.rows)])
        for cause, text in CAUSES.items():
            rows = [r for r in self.rows if r.cause == cause and abs(r.lost) > least]
            if rows:
                table.append((text, f"{-self.lost[cause]:.6g}"))
                ordered = sorted(rows, key=lambda r: -abs(r.lost))
                table += [(f"    {r.operation} at {r.place}", f"{-r.lost:.6g}") for r in ordered]
        table.append(("relevance of the explained inputs", f"{self.relevance:.6g}"))
        table.append(("not accounted for", f"{self.unexplained:.1e}"))
        width = max(len(text) for text, _ in table)
        return "\n".join(f"{text:<{width}} {figure:>12}" for text, figure in table)


def audit(
    f: Callable[..., Any],
    rules: Composite = PAPER,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    masks: Mapping[str, Array] | None = None,
) -> Callable[..., Audit]:
    """Makes a function that says what becomes of relevance on its way through `f`.

    Args:
      f, rules, argnums, has_aux, masks: as for `lrp`.

    Returns:
      `g(*args, seed=None) -> Audit`; `seed` as for `relevance`. `print` it for a table.

    Example:
      >>> import jax.numpy as jnp, lrp_jax
      >>> print(lrp_jax.audit(lambda x: (x + 1.0).sum())(jnp.array([1.0, 3.0])))  # doctest: +SKIP
    """

    @functools.wraps(f)
    def with_audit(*args, seed=None, **kwargs):
        prepared = prepare(f, rules, argnums, has_aux, args, kwargs, names=masks or ())
        plan, explained = prepared.plan, prepared.explained
        if plan.refusals:
            return Audit(plan.refusals, rules=rules)
        points = _points(plan.graph)
        index = {point: i for i, point in enumerate(points)}

        @jax.jit
        def measure(arrays, seed):
            def run(probes, chosen):
                every = _merge(arrays, chosen, explained)
                value = prepared.run(every, masks, tap=Taps(index, probes))
                return value if has_aux else (value, None)

            chosen = [a for a, e in zip(arrays, explained, strict=True) if e]
            value, pull, _ = jax.vjp(run, [jnp.zeros(()) for _ in points], chosen, has_aux=True)
            given = value if seed is None else seed
            parts = (jnp.sum(s) for s in jax.tree.leaves(given))
            total = sum((s.real + s.imag for s in parts), start=jnp.zeros(()))
            cotangents = densities(value, seed)
            arrived = sum(
                (jnp.sum(v * c).real for v, c in zip(jax.tree.leaves(value), jax.tree.leaves(cotangents), strict=True)
                 if jnp.issubdtype(v.dtype, jnp.inexact)),
                start=jnp.zeros(()),
            )  # fmt: skip
            flows, relevance = pull(cotangents)
            if not rules.times_input:
                relevance = [x * r for x, r in zip(chosen, relevance, strict=True)]
            return total, arrived, flows, sum((jnp.sum(r).real for r in relevance), start=jnp.zeros(()))

        total, arrived, flows, relevance = measure(prepared.arrays, seed)
        rows = _rows(plan.graph, {p: float(x) for p, x in zip(points, flows, strict=True)}, rules)
        stopped = float(total - arrived)
        if stopped:
            rows.append(Row(Place("the output"), "seed", "seed", float(total), stopped))
        return Audit((), tuple(rows), float(total), float(relevance), rules)

    return with_audit


def _merge(arrays, chosen, explained):
    rest = iter(chosen)
    return [next(rest) if e else a for a, e in zip(arrays, explained, strict=True)]


# Points at which relevance is measured: ("out", value) before the rule of a neuron, ("in", value) after it, and
# ("edge", node, value) where a node hands it to an operand; ("named", value) before a mask; ("moved", value) and
# ("move", node, value) the same for relevance that a rule of a whole layer hands back through data movement.


@dataclasses.dataclass(frozen=True)
class Taps:
    """Measures sum(x c) at the points of a graph, as the derivative of the output along scalar probes."""

    index: dict[tuple, int]
    probes: list[Array]

    def __call__(self, array: Array, *point: Any, second: bool = False) -> Array:
        i = self.index.get(point)
        if i is None:
            return array
        # Each shard of a `shard_map` measures its own part: a probe that varies over the shards as the array does.
        probe = self.probes[i] + _zero_of(array)
        return (_tap_second if second else _tap)(array, probe)


def _zero_of(array: Array) -> Array | np.ndarray:
    """0, which varies over the shards of a `shard_map` if the array does; jax has named that differently over time."""
    kind = jax.typeof(array)
    sharded = getattr(getattr(kind, "manual_axis_type", None), "varying", ()) or getattr(kind, "vma", ())
    if not sharded:
        return np.zeros(())
    first = array.ravel()[:1].real
    return (first > first).sum().astype(first.dtype)


@jax.custom_vjp
def _tap(x: Array, probe: Array) -> Array:
    return x


def _tap_back(saved, density):
    x, probe = saved
    # A score that is masked is -inf, and its density 0: nothing arrives there.
    return density, jnp.sum(jnp.where(density == 0, 0, x * density)).real.astype(probe.dtype)


_tap.defvjp(lambda x, probe: (x, (x, probe)), _tap_back)


@jax.custom_vjp
def _tap_second(x: Array, probe: Array) -> Array:
    return x


_tap_second.defvjp(lambda x, probe: (x, probe), lambda probe, r: (r, jnp.sum(r).real.astype(probe.dtype)))


def _points(graph: Graph) -> list[tuple]:
    points: list[tuple] = []
    for value in graph.inputs:
        if value.end is not None:
            points += [("out", value), ("in", value)]
    for node in graph.nodes:
        for value in node.outputs:
            if value.use and value.facts.depends:
                points += [("out", value), ("in", value)]
            if value.named:
                points.append(("named", value))
        points += [("edge", node, value) for value in read_signals(node)]
        if moves_relevance(node):
            points += [("moved", value) for value in node.outputs]
            points += [("move", node, value) for value in dict.fromkeys(node.inputs) if value.facts.depends]
        for body in node.bodies if isinstance(node.action, Call) else ():
            points += _points(body)
    return points


def _rows(graph: Graph, flows: dict[tuple, float], rules: Composite) -> list[Row]:
    rows: list[Row] = []

    def end(value: Value, place: Place, operation: str) -> None:
        if value.end is not None:
            before = flows[("out", value)]
            rows.append(Row(place, operation, "epsilon", before, before - flows[("in", value)]))

    for value in graph.inputs:
        end(value, value.open.place if value.open else Place(), "sum")
    for node in graph.nodes:
        if moves_relevance(node):
            # Of a rule that hands on relevance whatever the values are: some may go to constants, such as padding.
            moved = sum(flows[("moved", v)] for v in node.outputs)
            kept = sum(flows[("move", node, v)] for v in dict.fromkeys(node.inputs) if v.facts.depends)
            rows.append(Row(node.place, node.name, "bias", moved, moved - kept))
        signals = read_signals(node)
        if not signals or node.absorbed:
            continue
        for value in node.outputs:
            if value.use and value.facts.depends:
                if value.named:
                    before = flows[("named", value)]
                    rows.append(Row(node.place, node.name, "mask", before, before - flows[("out", value)]))
                end(value, node.place, node.name)
        if isinstance(node.action, Call):
            for body in node.bodies:
                rows += _rows(body, flows, rules)
            continue
        before = sum(flows[("in", v)] for v in node.outputs if v.use and v.facts.depends)
        lost = before - sum(flows[("edge", node, v)] for v in signals)
        rows.append(Row(node.place, node.name, _cause(node), before, lost))
    return [r for r in rows if r.lost != 0]


def _cause(node: Node) -> str:
    match node.action:
        case Activate(rule, _, _):
            return "derivative" if isinstance(rule, Derivative) else "dead"
        case LayerRule(rule, _, _, _):
            return "bias" if getattr(rule, "bias", False) else "dead"
        case Split():
            return "derivative"
    constants = any(not v.facts.depends and v.is_float for v in node.inputs)
    linear = node.name in ("add", "sub", "add_any", "select_n", "pad", "concatenate", "stack", "dynamic_update_slice")
    return "bias" if constants and linear else "derivative"
