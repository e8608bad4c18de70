"""Places inside a function that have a name: there relevance is read and masked.

A name is what `jax.ad_checkpoint.checkpoint_name` gave a value, or a name scope (`jax.named_scope`, Linen's module
paths), which stands for the values that leave it.
"""

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lrp_jax.core.analysis.demand import Call
from lrp_jax.core.analysis.neurons import read_signals
from lrp_jax.core.declare import GATE, NEURON
from lrp_jax.core.program.graph import Graph, Node, Value

# The key of what belongs to the bodies of a node, beside those of its outputs.
BODIES = -1


class NoPlaceError(ValueError):
    """A name that no relevance passes."""


def mark(graph: Graph, patterns: Collection[str]) -> None:
    """Writes `named` on the values that the patterns name: (pattern, name) pairs."""
    if patterns:
        _mark(graph, tuple(patterns), "")


def _mark(graph: Graph, patterns: tuple[str, ...], outside: str) -> None:
    for node in graph.nodes:
        if node.name == "name":
            _add(node.outputs[0], patterns, node.params["name"])
        for body in node.bodies:
            _mark(body, patterns, node.place.scope)
    for scope in dict.fromkeys(s for node in graph.nodes for s in _scopes(node, outside)):
        if not any(fnmatchcase(scope, pattern) for pattern in patterns):
            continue
        for value in _leaving(graph, scope):
            _add(value, patterns, scope)


def _add(value: Value, patterns: tuple[str, ...], name: str) -> None:
    if value.is_float and not value.is_complex and value.facts.depends:
        value.named += tuple((p, name) for p in patterns if fnmatchcase(name, p) and (p, name) not in value.named)


def _scopes(node: Node, outside: str) -> list[str]:
    """The scopes that a node is in and the whole program around it is not: "a", "a/b", "a/b/c"."""
    parts = node.place.scope.split("/") if node.place.scope else []
    scopes = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    return [s for s in scopes if not f"{outside}/".startswith(f"{s}/")]


def _leaving(graph: Graph, scope: str) -> list[Value]:
    def inside(node: Node) -> bool:
        return f"{node.place.scope}/".startswith(f"{scope}/")

    made = [value for node in graph.nodes if inside(node) for value in node.outputs]
    outputs = set(graph.outputs)
    return [v for v in made if v in outputs or any(not inside(user) for user in graph.users.get(v, []))]


def places(graph: Graph) -> Iterator[tuple[Node, int, Value]]:
    """The named values that relevance passes by themselves, without those in bodies: node, output, value."""
    # What is hidden in a layer with its bias, or in an activation of several operations, nobody reads by itself.
    read = {value for node in graph.nodes if not node.absorbed for value in read_signals(node)} | set(graph.outputs)
    for node in graph.nodes:
        for i, value in enumerate(node.outputs):
            if value.named and value.use and value in read:
                yield node, i, value


def bodies(graph: Graph) -> Iterator[Node]:
    """The calls whose bodies relevance passes and can be read in: a shard sees a part of each value."""
    return (node for node in graph.nodes if isinstance(node.action, Call) and node.name != "shard_map")


def probes(graph: Graph, patterns: Collection[str]) -> dict[tuple[int, int], Any]:
    """Zeros at each place that the patterns name; the derivative along them is the relevance that arrives there.

    The tree follows the program: (node, output) -> zeros [...] of the value's shape, and (node, BODIES) -> the trees
    of its bodies, stacked along a first axis [steps, ...] for a scan.
    """
    tree: dict[tuple[int, int], Any] = {}
    for node, i, value in places(graph):
        if any(p in patterns for p, _ in value.named):
            tree[node.index, i] = jnp.zeros(value.shape, value.aval.dtype)
    for node in bodies(graph):
        inner = [probes(body, patterns) for body in node.bodies]
        if any(inner):
            if node.name == "scan":
                steps = node.params["length"]
                inner = [jax.tree.map(lambda zeros, n=steps: jnp.zeros((n, *zeros.shape), zeros.dtype), inner[0])]
            tree[node.index, BODIES] = inner
    return tree


def by_name(graph: Graph, arrived: dict[tuple[int, int], Any], patterns: Collection[str]) -> dict[str, list[Array]]:
    """What arrived at the probes, by name, in the order of the program."""
    found: dict[str, list[Array]] = {}
    for node in graph.nodes:
        if isinstance(node.action, Call) and (node.index, BODIES) in arrived:
            for body, inner in zip(node.bodies, arrived[node.index, BODIES], strict=True):
                for name, arrays in by_name(body, inner, patterns).items():
                    found.setdefault(name, []).extend(arrays)
        for i, value in enumerate(node.outputs):
            if (node.index, i) in arrived:
                for name in dict.fromkeys(n for p, n in value.named if p in patterns):
                    found.setdefault(name, []).append(arrived[node.index, i])
    return found


def check(graph: Graph, patterns: Collection[str]) -> None:
    """Raises NoPlaceError for a pattern that names no place which relevance passes by itself."""

    def reached(graph: Graph) -> set[str]:
        here = {p for _, _, value in places(graph) for p, _ in value.named}
        return here.union(*(reached(body) for node in bodies(graph) for body in node.bodies))

    def known(graph: Graph, outside: str) -> list[str]:
        names = []
        for node in graph.nodes:
            if node.name == "name" and node.params["name"] not in (GATE, NEURON):
                names.append(node.params["name"])
            names += _scopes(node, outside)
            for body in node.bodies:
                names += known(body, node.place.scope)
        return list(dict.fromkeys(names))

    missing = [p for p in dict.fromkeys(patterns) if p not in reached(graph)] if patterns else []
    if missing:
        names = known(graph, "")
        listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "") if names else "none"
        raise NoPlaceError(
            f"no relevance passes {', '.join(map(repr, missing))} by itself; the names inside are: {listed}. Name the "
            "value where a layer with its bias and batch norm, or an activation, ends: checkpoint_name(y, 'name')"
        )
