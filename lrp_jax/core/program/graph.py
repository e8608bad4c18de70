"""A jaxpr as a graph one can annotate: values, nodes, and nested graphs.

`lrp` needs three things that a jaxpr does not give: who uses a value, room for what the analyses find out,
and small jitted helpers (`jnp.where`, `jax.nn.silu`, ...) seen in one piece with the code around them.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core as jex

from lrp_jax.core.program.lines import Place, is_borrowed

# Calls whose body becomes a graph of its own: it is analysed with what is known at the call and rebuilt around
# the transformed body.
_BODIES = {
    "jit": lambda p: (p["jaxpr"],),
    "closed_call": lambda p: (p["call_jaxpr"],),
    "remat2": lambda p: (p["jaxpr"],),
    "shard_map": lambda p: (p["jaxpr"],),
    "custom_jvp_call": lambda p: (p["call_jaxpr"],),
    "custom_vjp_call": lambda p: (p["call_jaxpr"],),
    "scan": lambda p: (p["jaxpr"],),
    "cond": lambda p: p["branches"],
    "while": lambda p: (),
}

# What makes a jitted body worth compiling once instead of being inlined.
_HEAVY = {"dot_general", "conv_general_dilated", "scan", "while", "cond"}


@dataclasses.dataclass(eq=False, repr=False)
class Value:
    """One array of the program: an input, a constant (`literal` or bound later), or an output of a node.

    The attributes below the line belong to the analyses (`facts.py`, `curves.py`, `named.py`, `demand.py`,
    `neurons.py`).
    """

    aval: Any
    node: "Node | None" = None
    constant: Any = None  # the array, for literals and closed-over constants
    # ---
    facts: Any = None
    curves: Any = dataclasses.field(default_factory=dict)  # what it is as a function of values it comes from
    scalar: float | None = None  # the number that all elements of a constant are
    use: int = 0
    open: "Node | None" = None  # the operation that began the sum which this value continues
    end: Any = None  # the rule of the neuron that ends here
    live: bool = False
    last: bool = False  # no layer and no activation stands between it and the output
    named: tuple[tuple[str, str], ...] = ()  # (pattern, name) of the names asked for that it has
    path: str = ""  # of an input of the program: where it is among the function's arguments

    @property
    def is_float(self) -> bool:
        """Whether it can carry relevance: real or complex numbers."""
        return hasattr(self.aval, "dtype") and jnp.issubdtype(self.aval.dtype, jnp.inexact)

    @property
    def is_complex(self) -> bool:
        return hasattr(self.aval, "dtype") and jnp.issubdtype(self.aval.dtype, jnp.complexfloating)

    @property
    def size(self) -> int:
        return self.aval.size

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape


@dataclasses.dataclass(eq=False, repr=False)
class Node:
    """One equation.

    `bodies` are the graphs of a call, `action` is what the plan does with it; an `absorbed` node belongs to a layer
    that a later node computes.
    """

    name: str
    eqn: Any
    inputs: list[Value]
    outputs: list[Value]
    place: Place
    index: int  # its position in the graph
    bodies: list["Graph"] = dataclasses.field(default_factory=list)
    action: Any = None
    weights: str = ""  # of a product with a constant that is no layer: "movement" or "computed" (`kernels.py`)
    absorbed: bool = False
    refusal: Any = None  # why relevance that arrives here has no meaning
    kind: str = ""  # what the plan took it for, as composites name it, where it is no sum

    @property
    def params(self) -> dict[str, Any]:
        return self.eqn.params

    def bind(self, *operands: jax.Array) -> list[jax.Array]:
        """Evaluates the equation as it stands, on other operands (constants in it stay what they are)."""
        variables = {v: x for v, x in zip(self.eqn.invars, operands, strict=True) if not isinstance(v, jex.Literal)}
        return self._function(*variables.values())

    @functools.cached_property
    def _function(self):
        eqn = self.eqn
        variables = dict.fromkeys(v for v in eqn.invars if not isinstance(v, jex.Literal))
        debug = jex.DebugInfo("lrp", self.place.line, None, None)
        jaxpr = jex.Jaxpr((), list(variables), eqn.outvars, [eqn], eqn.effects, debug)
        return jex.jaxpr_as_fun(jex.ClosedJaxpr(jaxpr, ()))


@dataclasses.dataclass(eq=False, repr=False)
class Graph:
    """A straight-line program. `body_of` is the jaxpr it came from, by identity, so that calls can share code."""

    inputs: list[Value]
    nodes: list[Node]
    outputs: list[Value]
    users: dict[Value, list[Node]]
    body_of: Any = None


def scan_parts(node: Node) -> tuple[int, int]:
    """How many operands of a `scan` are constants of the loop, and how many are carried.

    Read off the shapes, for jax has named them differently over time: what is sliced, or stacked, has one axis more
    outside the body than inside.
    """
    (body,) = node.bodies
    sliced = sum(len(a.shape) != len(b.shape) for a, b in zip(node.inputs, body.inputs, strict=True))
    carried = sum(len(a.shape) == len(b.shape) for a, b in zip(node.outputs, body.outputs, strict=True))
    return len(node.inputs) - carried - sliced, carried


def build(closed: jex.ClosedJaxpr, keep_inline: frozenset[int] = frozenset()) -> Graph:
    """The graph of a closed jaxpr.

    A jitted body is inlined where nothing is lost by it: it occurs once, or it is light. The others stay calls, so
    that XLA compiles a layer that is called a hundred times once.

    Args:
      closed: the program.
      keep_inline: identities of jitted bodies to inline in any case.
    """
    counts: dict[int, int] = {}
    _count_calls(closed.jaxpr, counts)
    shared = {key for key, n in counts.items() if n > 1} - keep_inline
    return _Builder(shared).graph(closed.jaxpr, closed.consts, None)


def _count_calls(jaxpr: jex.Jaxpr, counts: dict[int, int]) -> None:
    for eqn in jaxpr.eqns:
        if eqn.primitive.name == "jit":
            body = eqn.params["jaxpr"].jaxpr
            counts[id(body)] = counts.get(id(body), 0) + 1
        for body in _bodies(eqn):
            _count_calls(_open(body)[0], counts)


def _bodies(eqn: jex.JaxprEqn) -> Sequence[Any]:
    return _BODIES.get(eqn.primitive.name, lambda p: ())(eqn.params)


def _open(body: Any) -> tuple[jex.Jaxpr, Sequence[Any]]:
    return (body.jaxpr, body.consts) if isinstance(body, jex.ClosedJaxpr) else (body, ())


def _is_heavy(jaxpr: jex.Jaxpr) -> bool:
    return any(eqn.primitive.name in _HEAVY or any(_is_heavy(_open(b)[0]) for b in _bodies(eqn)) for eqn in jaxpr.eqns)


class _Builder:
    def __init__(self, shared: set[int]):
        self.shared = shared

    def graph(self, jaxpr: jex.Jaxpr, consts: Sequence[Any], outer: Place | None) -> Graph:
        inputs = [Value(v.aval) for v in jaxpr.invars]
        nodes: list[Node] = []
        outputs = self._splice(jaxpr, consts, inputs, nodes, outer)
        users: dict[Value, list[Node]] = {}
        for node in nodes:
            for value in dict.fromkeys(node.inputs):
                users.setdefault(value, []).append(node)
        return Graph(inputs, nodes, outputs, users, body_of=jaxpr)

    def _splice(self, jaxpr, consts, inputs, nodes, outer) -> list[Value]:
        borrowed = outer is not None and is_borrowed(jaxpr)
        env: dict[Any, Value] = dict(zip(jaxpr.invars, inputs, strict=True))
        env |= {v: Value(v.aval, constant=c) for v, c in zip(jaxpr.constvars, consts, strict=True)}

        def read(atom) -> Value:
            if isinstance(atom, jex.Literal):
                return Value(atom.aval, constant=np.asarray(atom.val, atom.aval.dtype))
            return env[atom]

        for eqn in jaxpr.eqns:
            operands = [read(a) for a in eqn.invars]
            place = Place.of(eqn, outer, borrowed)
            bodies = _bodies(eqn)
            if eqn.primitive.name == "jit":
                body, body_consts = _open(bodies[0])
                if id(body) not in self.shared or not _is_heavy(body):
                    results = self._splice(body, body_consts, operands, nodes, place)
                    env |= dict(zip(eqn.outvars, results, strict=True))
                    continue
            results = [Value(v.aval) for v in eqn.outvars]
            node = Node(eqn.primitive.name, eqn, operands, results, place, index=len(nodes))
            node.bodies = [self.graph(*_open(b), place) for b in bodies]
            for value in results:
                value.node = node
            nodes.append(node)
            env |= dict(zip(eqn.outvars, results, strict=True))
        return [read(a) for a in jaxpr.outvars]
