"""The backward analysis: which values carry relevance, how often they are used, and what each operation does.

It runs from the outputs to the inputs, after the facts are known, because a product of two signals is refused only
if relevance arrives at it: query times key feeds nothing but a gate.
"""

import dataclasses
from typing import Any

import numpy as np

from lrp_jax.core.composite import Composite, Site
from lrp_jax.core.declare import NEURON
from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Graph, Node, Value, scan_parts
from lrp_jax.core.program.lines import Place
from lrp_jax.core.rules import Derivative, Proportional, Uniform

# How a value's relevance-carrying uses look to a sum that ends in it: there is none; there is one, and the sum goes
# on through it; it ends here.
NONE, ON, END = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A place where relevance would arrive and that has no rule: what stands there and what to write instead."""

    place: Place
    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.advice}"


@dataclasses.dataclass(frozen=True)
class Block:
    """Evaluate as it is; the operands at `positions` are gates and get no relevance."""

    positions: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Halve:
    """A product of two gates that carries relevance: each factor takes half."""


@dataclasses.dataclass(frozen=True)
class Activate:
    """The nodes of `region` are one function of `source`, elementwise; `rule` takes density through it."""

    rule: Any
    source: Value
    region: tuple[Node, ...]


@dataclasses.dataclass(frozen=True)
class Share:
    """Max pooling whose relevance the whole window shares."""


@dataclasses.dataclass(frozen=True)
class Call:
    """A call whose body carries relevance and is rebuilt."""


def site(node: Node, kind: str) -> Site:
    """An operation as composites see it."""
    signals = [v for v in node.inputs if v.facts.depends]
    names = (node.place.scope, *(p for v in node.inputs if not v.facts.depends and (p := _path(v))))
    return Site(kind, names, all(v.facts.first for v in signals), any(v.last for v in node.outputs))


def _path(value: Value) -> str:
    """Where among the function's arguments a weight comes from."""
    while value.node is not None and value.node.name in P.MOVEMENT | {"broadcast_in_dim"}:
        value = value.node.inputs[0]
    return value.path


class Demand:
    """One backward pass; `refusals` collects what has no rule."""

    def __init__(self, rules: Composite):
        self.rules = rules
        self.refusals: list[Refusal] = []

    def find(self, graph: Graph, uses: list[int]) -> list[int]:
        """Writes `use` on every value and `action` on every node.

        Args:
          graph: with facts.
          uses: how the outputs are used outside.

        Returns:
          How the inputs are used inside.
        """
        for node in graph.nodes:
            node.action, node.absorbed = None, False
            for value in (*node.inputs, *node.outputs):
                value.use = NONE
        for value in graph.inputs:
            value.use = NONE
        for value, use in zip(graph.outputs, uses, strict=True):
            _add(value, use)
        for node in reversed(graph.nodes):
            if any(v.use and v.facts.depends for v in node.outputs):
                self._visit(node)
        return [v.use if v.facts.depends else NONE for v in graph.inputs]

    def _visit(self, node: Node) -> None:
        if node.bodies:
            self._visit_call(node)
            return
        signals = [v for v in node.inputs if v.facts.depends]
        name = node.name
        straight = (
            name in P.MOVEMENT or name in P.ADDITION or name == "neg" or (name in ("mul", "div") and len(signals) == 1)
        )
        if straight and any(v.last for v in node.outputs):
            for value in signals:
                value.last = True
        if _is_softmax(node):
            self._softmax(node)
        elif name == "name" and node.params["name"] == NEURON:
            _add(signals[0], ON)
        elif name in P.MOVEMENT:
            for value in signals:
                _add(value, ON)
        elif name in P.POOLING:
            self._use(node, signals, "pool")
            if name == "reduce_window_max" and isinstance(self._rule("pool", node), Proportional):
                node.action = Share()
        elif name in P.ROUTING:
            repeats = name != "broadcast_in_dim" or node.outputs[0].size != node.inputs[0].size
            for value in signals:
                _add(value, END if repeats else ON)
        elif name in P.ADDITION:
            for value in signals:
                # An operand that is repeated to the size of the other goes into many sums.
                repeated = name != "reduce_sum" and value.size != node.outputs[0].size
                _add(value, END if repeated else ON)
        elif name == "neg" or (name in ("mul", "div") and len(signals) == 1 and _is_numerator(node, signals[0])):
            _add(signals[0], ON if signals[0].size == node.outputs[0].size else END)
        elif (
            name in ("mul", "div")
            and len(signals) == 2
            and (norms := [v.facts.norm for v in node.inputs])[1] | (name == "mul" and norms[0])
        ):
            self._norm(node, signals, 1 if norms[1] else 0)
        elif name == "mul" or name in P.BILINEAR:
            self._product(node, signals)
        elif name in P.SUMMATION:
            for value in signals:
                _add(value, END)
        elif name in P.ACTIVATION or (name in ("max", "min", "clamp") and len(signals) == 1):
            self._activation(node, _before_log(node))
        elif name in ("max", "min"):
            self._use(node, signals, "pool")
        elif name in P.ELEMENTWISE and (region := _region(node)) and not _is_polynomial(region[1]):
            self._activation(node, region)
        else:
            self._other(node, signals, f"`{name}` has no rule", _advice(name))

    def _use(self, node: Node, signals: list[Value], kind: str) -> None:
        if self._rule(kind, node) is None:
            self._other(node, signals, f"`{node.name}` has no rule", f"add a line for {kind!r} to {self.rules.name}")
        for value in signals:
            _add(value, END)

    def _rule(self, kind: str, node: Node) -> Any:
        return self.rules.rule(site(node, kind))

    def _other(self, node: Node, signals: list[Value], what: str, advice: str) -> None:
        if not isinstance(self._rule("other", node), Derivative):
            self.refusals.append(Refusal(node.place, what, advice))
        for value in signals:
            _add(value, END)

    def _product(self, node: Node, signals: list[Value]) -> None:
        if len(signals) == 1:
            _add(signals[0], END)
            return
        rule = self._rule("product", node)
        gates = [i for i, v in enumerate(node.inputs) if v.facts.gate]
        different = node.inputs[0] is not node.inputs[1]
        if isinstance(rule, Derivative):
            for value in signals:
                _add(value, END)
        elif node.name == "mul" and (region := _region(node)) and not _is_polynomial(region[1]):
            self._activation(node, region)
        elif rule is not None and different and (isinstance(rule, Uniform) or len(gates) == 2):
            node.action = Halve()
            for value in signals:
                _add(value, END)
        elif rule is not None and len(gates) == 1:
            node.action = Block(tuple(gates))
            _add(node.inputs[1 - gates[0]], END)
        else:
            self._other(
                node,
                signals,
                f"`{node.name}` multiplies two signals and neither is a gate",
                "write lrp_jax.gate(x) around the factor that is meant as a gate",
            )

    def _norm(self, node: Node, signals: list[Value], position: int) -> None:
        rule = self._rule("norm", node)
        if rule is None:
            self._other(
                node,
                signals,
                f"`{node.name}` divides a signal by a norm",
                "use a composite with a line for 'norm', such as ATTN_LRP, or write lrp_jax.gate(x) around the norm",
            )
        elif isinstance(rule, Derivative):
            for value in signals:
                _add(value, END)
        else:
            node.action = Block((position,))
            _add(node.inputs[1 - position], END)

    def _softmax(self, node: Node) -> None:
        region = _softmax_region(node)
        if self._rule("softmax", node) is None or region is None:
            what = "a softmax carries relevance itself"
            self._other(node, [], what, "explain its logits, or use a composite with a line for 'softmax'")
            region = region or (node.inputs[0], ())
        else:
            node.action = Activate(Derivative(), *region)
        _add(region[0], END)

    def _activation(self, node: Node, region: tuple[Value, tuple[Node, ...]]) -> None:
        source, nodes = region
        rule = self._rule("relu" if _is_rectifier(nodes) else "activation", node)
        if rule is None:
            self._other(
                node,
                [source],
                f"`{node.name}` has no rule",
                f"add a line for 'activation' to {self.rules.name}",
            )
        elif isinstance(rule, Derivative):
            for value in node.inputs:
                if value.facts.depends:
                    _add(value, END)
            return
        else:
            node.action = Activate(rule, source, nodes)
        _add(source, END)

    # Calls

    def _visit_call(self, node: Node) -> None:
        signals = [v for v in node.inputs if v.facts.depends]
        if node.name == "custom_jvp_call" and len(set(signals)) == 1 and _is_activation(node.bodies[0]):
            # relu, softplus, ...: kept whole, with the derivative its author wrote for second derivatives.
            self._activation(node, (signals[0], (node,)))
            return
        node.action = Call()
        uses = [v.use if v.facts.depends else NONE for v in node.outputs]
        if node.name == "scan":
            inner = self._scan(node, uses)
        elif node.name == "cond":
            # Whatever branch is taken, its sums end in it.
            uses = [END if use else NONE for use in uses]
            branches = [self.find(body, uses) for body in node.bodies]
            inner = [NONE] + [max(alternatives) for alternatives in zip(*branches, strict=True)]
        else:
            inner = self.find(node.bodies[0], uses)
        for value, use in zip(node.inputs, inner, strict=True):
            _add(value, use)

    def _scan(self, node: Node, uses: list[int]) -> list[int]:
        constants, carries = scan_parts(node)
        after, stacked = uses[:carries], [END if use else NONE for use in uses[carries:]]
        again = [NONE] * carries  # how the body uses what the last step handed over
        before = len(self.refusals)
        while True:
            del self.refusals[before:]
            outs = [_handed_over(inside, outside) for inside, outside in zip(again, after, strict=True)]
            ins = self.find(node.bodies[0], outs + stacked)
            found = [max(a, b) for a, b in zip(again, ins[constants : constants + carries], strict=True)]
            if found == again:
                break
            again = found
        whole = [END if use else NONE for use in ins[:constants]]
        slices = [END if use else NONE for use in ins[constants + carries :]]
        return whole + ins[constants : constants + carries] + slices


def _handed_over(inside: int, outside: int) -> int:
    """The use of a carry at the end of a step: by the next step, or after the loop, never both.

    A sum that goes on in the next step goes on; whether it ends after the loop is decided there.
    """
    return END if inside == END else ON if inside == ON else outside


def _add(value: Value, use: int) -> None:
    if value.facts.depends and use:
        value.use = END if value.use else use


def _is_numerator(node: Node, value: Value) -> bool:
    return node.name == "mul" or node.inputs[0] is value


def _advice(name: str) -> str:
    if name in P.POLYNOMIAL or name == "div":
        return "write lrp_jax.gate(x) around the factor that is meant as a gate, or explain what comes before it"
    if name == "while":
        return "use jax.lax.scan or jax.lax.fori_loop with a fixed length, whose steps can be explained"
    return "rewrite it with operations that have a rule, or pass it on as a constant with jax.lax.stop_gradient"


# Elementwise subgraphs of one signal


# What a softmax is made of, from its scores on.
_SOFTMAX = frozenset({
    "exp", "log", "reduce_sum", "div", "mul", "sub", "add", "max", "reduce_max", "stop_gradient", "broadcast_in_dim",
    "reshape", "expand_dims", "squeeze", "integer_pow", "select_n", "convert_element_type",
})  # fmt: skip


def _is_softmax(node: Node) -> bool:
    """Whether a node is the division (or the exp of a difference) that ends a softmax."""
    facts = [v.facts for v in node.inputs]
    match node.name:
        case "div" | "mul":
            return (
                len(facts) == 2
                and {f.part for f in facts} in ({"exp", "sum"}, {"exp", "inverse"})
                and (facts[0].of is facts[1].of)
            )
        case "exp":
            return facts[0].part == "log"
    return False


def _softmax_region(node: Node) -> tuple[Value, tuple[Node, ...]] | None:
    """The scores of the softmax that ends in `node`, and all nodes from there on."""
    region = _region(node, _SOFTMAX)
    if region is None:
        return None
    source, nodes = region
    # Before the exp stands the subtraction of the largest score, which is a constant and no bias.
    while source.node is not None and source.node.name in ("exp", "sub") and not source.node.bodies:
        signals = [v for v in source.node.inputs if v.facts.depends]
        if len(signals) != 1 or (source.node.name == "sub" and signals[0] is not source.node.inputs[0]):
            break
        nodes = (source.node, *nodes)
        (source,) = signals
        if nodes[0].name == "sub":
            break
    return source, nodes


def _region(node: Node, inside: frozenset[str] | None = None) -> tuple[Value, tuple[Node, ...]] | None:
    """The smallest subgraph that ends in `node` and depends on one value only: that value, and the nodes.

    `inside` are the primitives that it may be made of; by default elementwise ones, all of the node's own shape.
    """
    shape = node.outputs[0].shape

    def may_belong(value: Value) -> bool:
        producer = value.node
        if producer is None or producer.bodies:
            return False
        if inside is not None:
            return producer.name in inside
        return producer.name in P.ELEMENTWISE and value.shape == shape

    # Walk back from the node through the producer that stands last in the program until one value is left.
    nodes = [node]
    frontier = {v: None for v in node.inputs if v.facts.depends}
    while len(frontier) > 1:
        candidates = [v for v in frontier if may_belong(v)]
        if not candidates:
            return None
        latest = max(candidates, key=_position)
        del frontier[latest]
        nodes.append(latest.node)
        frontier |= {v: None for v in latest.node.inputs if v.facts.depends}
    (source,) = frontier
    if inside is None and source.shape != shape:
        return None
    return source, tuple(sorted(nodes, key=lambda n: n.index))


def _position(value: Value) -> int:
    return value.node.index


def _is_polynomial(nodes: tuple[Node, ...]) -> bool:
    return not any(n.name in P.ACTIVATION or n.name in ("max", "min", "clamp", "select_n") for n in nodes)


def _is_rectifier(nodes: tuple[Node, ...]) -> bool:
    """Whether all that an activation does is max(x, 0)."""

    def rectifies(node: Node) -> bool:
        if node.bodies:
            return all(_is_rectifier(tuple(b.nodes)) for b in node.bodies)
        constants = [v.constant for v in node.inputs if not v.facts.depends]
        return node.name == "max" and len(constants) == 1 and constants[0] is not None and not np.any(constants[0])

    return len(nodes) == 1 and rectifies(nodes[0])


def _before_log(node: Node) -> tuple[Value, tuple[Node, ...]]:
    """An activation and its source; for log(1 + exp(x)) the whole of it, for the 1 is no bias of a neuron."""
    (source,) = {v for v in node.inputs if v.facts.depends}
    nodes = (node,)
    if node.name in ("log", "log1p"):
        chain, value = [], source
        while value.node is not None and value.node.name in ("add", "mul", "neg", "sub") and not value.node.bodies:
            inputs = value.node.inputs
            signals = [v for v in inputs if v.facts.depends]
            if len(signals) != 1 or any(v.shape != () for v in inputs if v is not signals[0]):
                break
            chain.append(value.node)
            value = signals[0]
        if value.node is not None and value.node.name in ("exp", "expm1"):
            (source,) = {v for v in value.node.inputs if v.facts.depends}
            nodes = (value.node, *reversed(chain), node)
    return source, nodes


def _is_activation(body: Graph) -> bool:
    """Whether a body is elementwise in its one signal and more than affine."""
    if len(body.outputs) != 1:
        return False
    shape = body.outputs[0].shape
    nonlinear = False
    for node in body.nodes:
        if any(v.facts.depends for v in node.inputs) and not node.bodies:
            if node.name not in P.ELEMENTWISE or node.outputs[0].shape != shape:
                return False
            if any(v.shape != () for v in node.inputs if not v.facts.depends and v.is_float):
                return False
            nonlinear |= node.name in P.ACTIVATION or node.name in ("max", "min", "clamp", "select_n")
        elif node.bodies:
            if not all(_is_activation(b) for b in node.bodies):
                return False
            nonlinear = True
    return nonlinear
