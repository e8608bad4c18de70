"""The backward analysis: which values carry relevance, how often they are used, and what each operation does.

It runs from the outputs to the inputs, after the facts are known, because a product of two signals is refused only
if relevance arrives at it: query times key feeds nothing but a gate.
"""

import dataclasses
from typing import Any

from lrp_jax.core.analysis import curves, patterns
from lrp_jax.core.analysis.facts import CUSTOM
from lrp_jax.core.analysis.refusals import Refusal
from lrp_jax.core.composite import Composite, Site
from lrp_jax.core.declare import NEURON
from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Graph, Node, Value, scan_parts
from lrp_jax.core.rules import Derivative, Proportional

# How a value's relevance-carrying uses look to a sum that ends in it: there is none; there is one, and the sum goes
# on through it; it ends here.
NONE, ON, END = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class Split:
    """A product, evaluated as it is: each operand gets its share of the relevance, a gate none.

    `scales` says that a sum goes on through it, for all it does is to scale the sum.
    """

    shares: tuple[float, ...]
    scales: bool = False


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
class Segments:
    """The largest of each segment: a scatter that keeps the maximum, which jax does not differentiate."""


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
    while value.node is not None and (value.node.name in P.MOVEMENT or value.node.name == "broadcast_in_dim"):
        value = value.node.inputs[0]
    return value.path


class Demand:
    """One backward pass; `refusals` collects what has no rule."""

    def __init__(self, rules: Composite):
        self.rules = rules
        self.refusals: list[Refusal] = []
        self.averaged: frozenset[tuple[str, Value]] = (
            frozenset()
        )  # the weights of averages that are written with a late division
        self.within = 0  # how many functions with their authors' derivatives stand around

    def find(self, graph: Graph, uses: list[int]) -> list[int]:
        """Writes `use` on every value and `action` on every node.

        Args:
          graph: with facts.
          uses: how the outputs are used outside.

        Returns:
          How the inputs are used inside.
        """
        for node in graph.nodes:
            node.action, node.absorbed, node.refusal, node.kind = None, False, None, ""
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
        self._decide(node)
        if self.within and self._loses(node):
            self._refuse_custom(node)

    def _decide(self, node: Node) -> None:
        signals = [v for v in node.inputs if v.facts.depends]
        name = node.name
        scaled = name == "neg" or (name in ("mul", "div") and len(signals) == 1)
        straight = scaled or bool(node.weights) or name in P.WEIGHTLESS
        if straight and any(v.last for v in node.outputs):
            for value in signals:
                value.last = True
        if name in CUSTOM:
            self._custom(node, signals)
        elif node.bodies:
            self._visit_call(node)
        elif (region := patterns.rectifier(node)) is not None:
            self._activation(node, region)
        elif patterns.is_softmax(node):
            self._softmax(node, "a softmax", patterns.softmax_region(node))
        elif patterns.is_logsumexp(node) or patterns.is_logaddexp(node):
            self._softmax(node, "a log of a sum of exponentials", patterns.logsumexp_region(node))
        elif patterns.is_log_of_softmax(node) and self._rule("softmax", node) is not None:
            # With the derivative of the softmax it makes that of log_softmax, however that is spelled.
            node.action = Activate(Derivative(), node.inputs[0], (node,))
            _add(node.inputs[0], END)
        elif (region := patterns.sigmoid(node)) is not None:
            self._activation(node, region)
        elif name == "name" and node.params["name"] == NEURON:
            _add(signals[0], ON)
        elif name in P.MOVEMENT:
            for value in signals:
                _add(value, ON)
        elif name in P.POOLING:
            self._use(node, signals, "pool")
            rule = self._rule("pool", node)
            if name == "reduce_window_max" and isinstance(rule, Proportional):
                node.action = Share()
            elif name in ("scatter-max", "scatter-min") and not isinstance(rule, Derivative):
                node.action = Segments()
        elif name == "select_n" and (region := _selected(node)) is not None:
            self._activation(node, region)
        elif name in P.ROUTING or node.weights == "movement":
            repeats = name != "broadcast_in_dim" or node.outputs[0].size != node.inputs[0].size
            for value in signals:
                _add(value, END if repeats else ON)
        elif name in P.ADDITION:
            for value in signals:
                # An operand that is repeated to the size of the other goes into many sums.
                repeated = len(node.outputs) == 1 and name != "reduce_sum" and value.size != node.outputs[0].size
                _add(value, END if repeated else ON)
        elif name == "neg" or (name in ("mul", "div") and len(signals) == 1 and _is_numerator(node, signals[0])):
            _add(signals[0], ON if signals[0].size == node.outputs[0].size else END)
        elif (position := patterns.average(node)) is not None and self._average(node, position):
            return
        elif name in ("mul", "div") and len(signals) == 2 and (position := _norm_position(node)) is not None:
            self._norm(node, signals, position)
        elif name == "mul" or name in P.BILINEAR or (name == "div" and node.inputs[1].facts.divisor):
            self._product(node, signals)
        elif name in P.SOLVE and any(v.facts.depends for v in node.inputs[: _matrices(node)]):
            self._other(node, signals, f"`{name}` solves equations whose matrix is a signal", _advice(name))
        elif name in P.SUMMATION:
            for value in signals:
                _add(value, END)
        elif name in P.ACTIVATION or (name in ("max", "min", "clamp") and len(signals) == 1):
            self._activation(node, patterns.before(node))
        elif name in ("max", "min"):
            self._use(node, signals, "pool")
        elif name in P.ELEMENTWISE and (region := patterns.region_of(node)) and patterns.bends(region[1]):
            self._activation(node, region)
        else:
            self._other(node, signals, f"`{name}` has no rule", _advice(name))

    def _use(self, node: Node, signals: list[Value], kind: str) -> None:
        if self._rule(kind, node) is None or any(v.is_complex for v in signals):
            self._other(
                node, signals, f"`{node.name}` has no rule", f"add a line for {kind!r} to {self.rules.name}", kind
            )
        for value in signals:
            _add(value, END)

    def _rule(self, kind: str, node: Node) -> Any:
        node.kind = kind
        return self.rules.rule(site(node, kind))

    def _other(self, node: Node, signals: list[Value], what: str, advice: str, kind: str = "other") -> None:
        if not isinstance(self.rules.rule(site(node, "other")), Derivative):
            if any(v.is_complex for v in (*node.inputs, *node.outputs)):
                what, kind = f"{what} for complex values", "other"
            self._refuse(node, Refusal(node.place, what, advice, kind))
        for value in signals:
            _add(value, END)

    def _product(self, node: Node, signals: list[Value]) -> None:
        if len(signals) == 1:
            _add(signals[0], END)
            return
        rule = self._rule("product", node)
        different = node.inputs[0] is not node.inputs[1]
        if isinstance(rule, Derivative):
            for value in signals:
                _add(value, END)
        elif node.name in ("mul", "div") and (region := patterns.region_of(node)) and patterns.bends(region[1]):
            self._activation(node, region)
        elif (
            rule is not None
            and different
            and len(signals) == 2
            and (shares := rule.shares(tuple(self._factor(v) for v in node.inputs[:2]))) is not None
            and (0 in shares or not node.outputs[0].is_complex)
        ):
            weights = [self._is_weight(v) for v in node.inputs[:2]]
            # What rescales a sum of signals times weights, as flash attention does, ends no sum.
            scales = node.name == "mul" and any(weights) and set(shares) == {0.0, 1.0}
            node.action = Split(shares, scales)
            for value, share in zip(node.inputs, shares, strict=False):
                if share:
                    _add(value, ON if scales else END)
        else:
            self._other(
                node,
                signals,
                f"`{node.name}` multiplies two signals and neither is a gate",
                "write lrp_jax.gate(x) around the factor that is meant as a gate",
                "product",
            )

    def _factor(self, value: Value) -> str:
        """What a factor of a product is to a rule: "attention", "gate", "activation" or "signal"."""
        facts = value.facts
        if facts.attention or self._is_weight(value):
            return "attention"
        return "gate" if facts.gate or facts.divisor else "activation" if facts.activated else "signal"

    def _is_weight(self, value: Value) -> bool:
        return value.facts.part == "weight" and bool(value.facts.of) and value.facts.of <= self.averaged

    def _average(self, node: Node, position: int) -> bool:
        """A division by the sum of the weights that were multiplied with signals before: a softmax, written late."""
        rule = self._rule("product", node)
        if rule is None or isinstance(rule, Derivative):
            return False
        shares = rule.shares(tuple("attention" if i == position else "signal" for i in range(2)))
        if shares is None or shares[position] != 0:
            return False
        self.averaged |= node.inputs[position].facts.of
        same = node.inputs[1 - position].size == node.outputs[0].size
        node.action = Split(shares, scales=same)
        _add(node.inputs[1 - position], ON if same else END)
        return True

    def _norm(self, node: Node, signals: list[Value], position: int) -> None:
        rule = self._rule("norm", node)
        if rule is None:
            self._other(
                node,
                signals,
                f"`{node.name}` divides a signal by a norm",
                "use a composite with a line for 'norm', such as ATTN_LRP, or write lrp_jax.gate(x) around the norm",
                "norm",
            )
        elif isinstance(rule, Derivative):
            for value in signals:
                _add(value, END)
        else:
            node.action = Split(tuple(float(i != position) for i in range(2)))
            _add(node.inputs[1 - position], END)

    def _softmax(self, node: Node, what: str, region: patterns.Region | None) -> None:
        """A probability, or the log of one: explained by its derivative under a line for 'softmax', else refused."""
        rule = self._rule("softmax", node)
        if rule is None or region is None:
            what, advice = f"{what} carries relevance itself", "explain its logits"
            if rule is not None:
                what = f"{what}, and it is of several signals, or not spelled as {self.rules.name} knows it"
            else:
                advice += ", or use a composite with a line for 'softmax'"
            self._other(node, [], what, advice, "softmax")
            region = region or (node.inputs[0], ())
        else:
            node.action = Activate(Derivative(), *region)
        _add(region[0], END)

    def _activation(self, node: Node, region: patterns.Region) -> None:
        source, nodes = region
        rule = self._rule("relu" if _is_rectifier(node, source) else "activation", node)
        is_complex = any(v.is_complex for n in nodes for v in (*n.inputs, *n.outputs))
        if isinstance(rule, Derivative):
            for value in node.inputs:
                if value.facts.depends:
                    _add(value, END)
            return
        if rule is None or is_complex:
            self._other(
                node,
                [source],
                f"`{node.name}` has no rule",
                f"add a line for 'activation' to {self.rules.name}" if rule is None else _advice(node.name),
                "activation" if rule is None else "other",
            )
        else:
            node.action = Activate(rule, source, nodes)
        _add(source, END)

    # Calls

    def _custom(self, node: Node, signals: list[Value]) -> None:
        """A function with its author's derivative: under relevance it is explained by what it computes."""
        if patterns.is_elementwise_call(node):
            # relu, softplus, ...: kept whole, with the derivative its author wrote for second derivatives.
            self._activation(node, (signals[0], (node,)))
            return
        rule = self._rule("custom", node)
        if isinstance(rule, Derivative):
            for value in signals:
                _add(value, END)
        elif rule is not None:
            different = dict.fromkeys(signals)
            if len(different) == 1 and len(node.outputs) == 1 and signals[0].shape == node.outputs[0].shape:
                node.action = Activate(rule, signals[0], (node,))
            else:
                what = f"{rule} on `{node.name}` needs one signal of the shape of the result"
                self._other(node, signals, what, "use On('custom', Derivative()) there", "custom")
            for value in different:
                _add(value, END)
        else:
            self.within += 1
            self._visit_call(node)
            self.within -= 1
            for outer, inner in zip(node.outputs, node.bodies[0].outputs, strict=True):
                if outer.use and outer.facts.depends and not inner.facts.depends:
                    self._refuse_custom(node)

    def _loses(self, node: Node) -> bool:
        """Whether something that reads a signal is a constant to relevance, by rounding or comparing, and is used."""
        if isinstance(node.action, Activate):
            return any(patterns.loses(n) for n in node.action.region)
        if isinstance(node.action, Call):
            return False
        return any(v.is_float and v.facts.varies and not v.facts.depends for v in node.inputs)

    def _refuse_custom(self, node: Node) -> None:
        what = "a function with its author's derivative computes what depends on no signal: it rounds or compares"
        advice = "say what it is with a line for 'custom': Pass(), or Derivative() for the author's derivative"
        self._refuse(node, Refusal(node.place, what, advice, "custom"))

    def _refuse(self, node: Node, refusal: Refusal) -> None:
        node.refusal = refusal
        self.refusals.append(refusal)

    def _visit_call(self, node: Node) -> None:
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


def _is_rectifier(node: Node, source: Value) -> bool:
    return len(node.outputs) == 1 and curves.rectified(node.outputs[0]) is source


def _selected(node: Node) -> patterns.Region | None:
    """A choice by a signal between functions of the same signal, such as leaky_relu: one function of it."""
    if not node.inputs[0].facts.varies:
        return None
    region = patterns.region_of(node)
    return region if region is not None and region[1] != (node,) else None


def _norm_position(node: Node) -> int | None:
    """Which factor is the norm that the other one is divided by, if one is."""
    first, second = (v.facts.norm for v in node.inputs)
    if second:
        return 1
    return 0 if first and node.name == "mul" else None


def _matrices(node: Node) -> int:
    """How many operands of a solver belong to its matrix."""
    if node.name == "custom_linear_solve":
        lengths = node.params["const_lengths"]
        return lengths.matvec + lengths.vecmat
    return len(node.inputs) - 1


def _is_numerator(node: Node, value: Value) -> bool:
    return node.name == "mul" or node.inputs[0] is value


def _advice(name: str) -> str:
    if name in P.POLYNOMIAL or name == "div":
        return "write lrp_jax.gate(x) around the factor that is meant as a gate, or explain what comes before it"
    if name == "pallas_call":
        return (
            "wrap it in a jax.custom_vjp function, and add a line for 'custom' to the composite: Pass() or Derivative()"
        )
    if name == "while":
        return "use jax.lax.scan or jax.lax.fori_loop with a fixed length, whose steps can be explained"
    advice = "rewrite it with operations that have a rule, or pass it on as a constant with jax.lax.stop_gradient"
    return advice if name in P.TABLE else f"{advice}; if it is one that lrp does not know, see lrp_jax.teach"
