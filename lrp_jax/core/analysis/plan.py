"""From a function to a graph in which every operation knows what happens to relevance in it."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any

import jax

from lrp_jax.core.analysis import named
from lrp_jax.core.analysis.demand import END, NONE, Demand
from lrp_jax.core.analysis.facts import Facts, find_facts
from lrp_jax.core.analysis.neurons import CutLayer, Neurons
from lrp_jax.core.analysis.refusals import Refusal
from lrp_jax.core.composite import Composite
from lrp_jax.core.program.graph import Graph, build


@dataclasses.dataclass(frozen=True)
class Plan:
    """An analysed program.

    Attributes:
      graph: the program, annotated.
      refusals: the places that would carry relevance and have no rule.
      outputs: the structure of the function's result.
    """

    graph: Graph
    refusals: tuple[Refusal, ...]
    outputs: Any


def make_plan(
    f: Callable[..., Any],
    args: Sequence[jax.Array],
    explained: Sequence[bool],
    rules: Composite,
    has_aux: bool,
    paths: Sequence[str] | None = None,
    names: Collection[str] = (),
) -> Plan:
    """Traces `f` and analyses it.

    Args:
      f: a function of flat arguments; returns a pytree, or (pytree, auxiliary pytree).
      args: its arguments, or what has their shapes and dtypes.
      explained: which of them are explained.
      rules: the composite.
      has_aux: whether `f` returns auxiliary output, which carries no relevance.
      paths: where the arguments stand in the structure they come from, for composites that name weights.
      names: the names inside, or globs of names, at which relevance will be read or masked.

    Raises:
      NoPlaceError: where nothing that carries relevance has such a name.
    """

    # A function object of our own at every call: jax caches traces by the identity of the function, and what `f`
    # closes over may have changed since.
    def fresh(*flat):
        return f(*flat)

    closed, shapes = jax.make_jaxpr(fresh, return_shape=True)(*args)
    explained_outputs = len(jax.tree.leaves(shapes[0] if has_aux else shapes))
    uses = [END if i < explained_outputs else NONE for i in range(len(closed.jaxpr.outvars))]
    inline: frozenset[int] = frozenset()
    while True:
        graph = build(closed, inline)
        for value, path in zip(graph.inputs, paths or [""] * len(args), strict=True):
            value.path = path
        for value, use in zip(graph.outputs, uses, strict=True):
            value.last = bool(use)
        find_facts(graph, [Facts(depends=e, varies=e, first=e) for e in explained])
        named.mark(graph, names)
        demand = Demand(rules)
        demand.find(graph, uses)
        try:
            Neurons(rules).find(graph, [None] * len(args))
        except CutLayer as cut:
            inline |= {id(cut.body)}
            continue
        if not demand.refusals:
            named.check(graph, names)
        unique = {str(r): r for r in reversed(demand.refusals)}
        return Plan(graph, tuple(reversed(unique.values())), jax.tree.structure(shapes))
