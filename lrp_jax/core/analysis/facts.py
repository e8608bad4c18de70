"""The forward analysis: what depends on the explained inputs, what is a gate, what cannot be negative."""

import dataclasses
from typing import Any

import numpy as np

from lrp_jax.core.analysis import curves, kernels
from lrp_jax.core.declare import GATE
from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Graph, Node, Value, scan_parts

CUSTOM = ("custom_jvp_call", "custom_vjp_call")


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a value before anything is computed.

    Attributes:
      depends: it changes, differentiably, with the explained inputs.
      varies: it changes with them in any way, such as a comparison or a rounded number; not what stop_gradient gives.
      gate: it comes from a logistic or a softmax through data movement, products of gates, or operations with
        constants only, or it was declared to be one.
      attention: it is a gate that comes from a softmax.
      non_negative: no element can be below zero.
      first: no layer and no activation stands between it and the explained inputs; a resize, pooling, a mean that is
        taken off, cropping, scaling and the like may.
      norm: it is the norm or the deviation of a signal, or its inverse: it comes from a square root, or a sum or
        maximum of magnitudes, through data movement and operations with constants.
      divisor: its inverse is a gate: 1 + exp(-z).
      activated: it is an elementwise activation of one signal, through data movement and scaling.
      part: its part in a normalised weighting (a softmax, attention) that is being computed: "weight" (an exp, or
        anything that is not negative), "sum" (of weights), "inverse" (of the sum), "logsum", "log" (of the softmax),
        "weighted" (a sum of signals times weights); None otherwise.
      of: the weights that the part is made of, as (function, value), so that only what is divided by its own sum
        counts, also where an exp is computed twice.
    """

    depends: bool = False
    varies: bool = False
    gate: bool = False
    attention: bool = False
    non_negative: bool = False
    first: bool = False
    norm: bool = False
    divisor: bool = False
    activated: bool = False
    part: str | None = None
    of: frozenset[Any] = frozenset()


def find_facts(graph: Graph, inputs: list[Facts]) -> list[Facts]:
    """Writes `facts`, `curves` and `scalar` on every value of the graph and returns the facts of its outputs."""
    for value, facts in zip(graph.inputs, inputs, strict=True):
        _write(value, facts)
    for node in graph.nodes:
        for value in node.inputs:
            if value.constant is not None:
                value.facts = _constant(value)
                curves.read_constant(value)
        results = _node_facts(node)
        for value, facts in zip(node.outputs, results, strict=True):
            _write(value, facts)
        curves.draw(node)
        for value in node.outputs:
            if value.facts.depends and value.curves:
                value.facts = _from_curves(value)
    for value in graph.outputs:
        if value.constant is not None:
            value.facts = _constant(value)
    return [value.facts for value in graph.outputs]


def _write(value: Value, facts: Facts) -> None:
    value.curves, value.scalar = {}, None
    if not value.is_float:
        facts = Facts(varies=facts.varies, non_negative=facts.non_negative)
    elif value.is_complex:
        facts = dataclasses.replace(facts, non_negative=False)
    value.facts = facts


def _constant(value: Value) -> Facts:
    # Only what is written in the program or small enough is looked at: weights may live on an accelerator.
    constant = value.constant
    known = isinstance(constant, (np.ndarray, np.generic, int, float)) and np.size(constant) <= 4096
    real = value.is_float and not value.is_complex
    return Facts(non_negative=bool(known and real and np.all(np.asarray(constant) >= 0)))


def _from_curves(value: Value) -> Facts:
    facts = value.facts
    if curves.gated(value) is not None:
        facts = dataclasses.replace(facts, gate=True)
    if curves.divisor(value) is not None:
        facts = dataclasses.replace(facts, divisor=True)
    if curves.bends(value):
        facts = dataclasses.replace(facts, activated=True)
    if curves.rectified(value) is not None:
        facts = dataclasses.replace(facts, non_negative=True)
    if facts.part is None and (facts.non_negative or curves.is_never_negative(value)):
        facts = dataclasses.replace(facts, part="weight", of=frozenset({("", value)}))
    return facts


def _node_facts(node: Node) -> list[Facts]:
    ins = [v.facts for v in node.inputs]
    if node.bodies:
        return _call_facts(node, ins)
    node.weights = kernels.describe(node) if node.name in P.BILINEAR else ""
    non_negative = _non_negative(node, ins)
    if node.name in P.CONSTANT or not any(f.depends for f in ins):
        varies = node.name != "stop_gradient" and any(f.varies for f in ins)
        return [Facts(varies=varies, non_negative=non_negative)] * len(node.outputs)
    gate = _is_gate(node, ins)
    attention = gate and (_is_normalised(node, ins) or any(f.attention for f in ins))
    activated = (node.name in P.MOVEMENT or node.name in ("mul", "div", "neg")) and sum(f.depends for f in ins) == 1
    activated = activated and any(f.activated for f in ins)
    divisor = (node.name in P.MOVEMENT or node.name == "broadcast_in_dim") and ins[0].divisor
    flags = gate, attention, non_negative, _is_first(node, ins), _is_norm(node, ins), divisor, activated
    return [Facts(True, True, *flags, *_part(node, ins))] * len(node.outputs)


def _is_first(node: Node, ins: list[Facts]) -> bool:
    signals = [f for f in ins if f.depends]
    affine = node.name in ("add", "sub", "mul", "div", "neg") and len(signals) == 1
    passed = affine or bool(node.weights) or node.name in P.WEIGHTLESS
    return passed and all(f.first for f in signals)


def _is_norm(node: Node, ins: list[Facts]) -> bool:
    signals = [f for f in ins if f.depends]
    match node.name:
        case "sqrt" | "rsqrt":
            return True
        case "pow" if not ins[1].depends and 0 < abs(node.inputs[1].scalar or 0) < 1:
            return True
        case "reduce_sum" | "reduce_max" if node.inputs[0].node is not None and node.inputs[0].node.name == "abs":
            return True
        case "mul" if len(signals) == 2:
            return all(f.norm for f in signals)
    if len(signals) != 1 or not signals[0].norm:
        return False
    inverse = node.name == "integer_pow" and node.params["y"] == -1
    passed = node.name in ("mul", "div", "add", "max", "min", "clamp", "select_n", "broadcast_in_dim")
    return inverse or passed or node.name in P.MOVEMENT


def _is_normalised(node: Node, ins: list[Facts]) -> bool:
    """Whether a node is weights, divided by their own sum: a softmax, an average's weights."""
    match node.name:
        case "div":
            return ins[0].part == "weight" and ins[1].part == "sum" and ins[0].of <= ins[1].of
        case "mul":
            weight, inverse = sorted(ins, key=lambda f: f.part == "inverse")
            return weight.part == "weight" and inverse.part == "inverse" and weight.of <= inverse.of
        case "exp":
            return ins[0].part == "log"
    return False


def _is_gate(node: Node, ins: list[Facts]) -> bool:
    signals = [f for f in ins if f.depends]
    alone = len(signals) == 1 and signals[0].gate
    match node.name:
        case "name" if node.params["name"] == GATE:
            return True
        case "logistic":
            return True
        case "div" if ins[1].depends:
            return _is_normalised(node, ins)
        case "exp":
            return ins[0].part == "log" or ins[0].gate
        case "mul" if len(signals) == 2:
            return all(f.gate for f in ins) or _is_normalised(node, ins)
        case "add" | "sub" | "add_any" if len(signals) == 2:
            return all(f.attention for f in ins)  # of several heads, or the difference of two
        case "add" | "sub" | "add_any" | "div" | "max" | "min":
            return alone
        case "mul" | "neg" | "clamp":
            return signals[0].gate
        case "reduce_sum" | "reduce_window_sum" | "scatter-add":
            return alone
        case name if name in P.BILINEAR:
            # A constant that only scales, such as a mask of heads; attention may be mixed by it too.
            return alone and (signals[0].attention or node.weights == "movement" or not _contracts(node))
        case name if name in P.MOVEMENT or name in P.ROUTING:
            return all(f.gate for f in signals)
        case name if name in P.ACTIVATION or name in P.POLYNOMIAL:
            return alone
    return False


def _contracts(node: Node) -> bool:
    if node.name != "dot_general":
        return True
    (axes, _), _ = node.params["dimension_numbers"]
    return any(node.inputs[0].shape[axis] != 1 for axis in axes)


def _part(node: Node, ins: list[Facts]) -> tuple[str | None, frozenset[Any]]:
    signals = [f for f in ins if f.depends]
    parts = [f.part for f in signals]
    of = frozenset().union(*(f.of for f in signals))
    none = None, frozenset()
    if node.name in ("exp", "exp2"):
        return "weight", frozenset({(node.name, node.inputs[0])})
    if len(signals) == 1:
        (part,) = parts
        match node.name, part:
            case (("reduce_sum" | "scatter-add" | "cumsum" | "dot_general" | "psum" | "psum_invariant"), "weight"):
                known = all(f.non_negative for f in ins if not f.depends)
                linear = node.name != "dot_general" or known  # with ones, or a mask
                return ("sum", of) if linear else none
            case (("reduce_sum" | "scatter-add" | "cumsum" | "psum" | "psum_invariant"), "sum" | "weighted"):
                return part, of
            case "abs", "sum":
                return part, of
            case "log", "sum":
                return "logsum", of
            case ("integer_pow", "sum") if node.params["y"] == -1:
                return "inverse", of
            case ("div", "sum") if ins[1].depends:
                return "inverse", of
            case ("mul" | "select_n" | "max" | "add", "weight" | "sum") | (("mul" | "div" | "add"), "weighted"):
                return part, of  # a mask, or a floor under the sum
            case (("add" | "sub"), "logsum"):
                return part, of  # the maximum that was taken out
            case (name, _) if name in P.MOVEMENT or name in P.ROUTING:
                return part, of
        return none
    match node.name:
        case "sub" if ins[1].part == "logsum":
            return "log", ins[1].of
        case "add" | "add_any" if set(parts) <= {"weight", "sum"}:
            return "sum", of
        case "add" | "add_any" if set(parts) <= {"weight", "weighted"}:
            return "weighted", of
        case "mul" | "dot_general" if set(parts) == {"weight"}:
            return "weight", of
        case "mul" | "dot_general" if set(parts) == {"weight", "sum"}:
            return "sum", of  # sums of weights are rescaled (flash attention), or go on (linear attention)
        case "mul" | "dot_general" if "weight" in parts:
            return "weighted", of
        case name if name in P.ROUTING and len(set(parts)) == 1:
            return parts[0], of
    return none


def _non_negative(node: Node, ins: list[Facts]) -> bool:
    known = [f.non_negative for f in ins]
    match node.name:
        case "max":
            return any(known)
        case "integer_pow":
            return node.params["y"] % 2 == 0 or known[0]
        case "mul" if node.inputs[0] is node.inputs[1]:
            return True
        case "add" | "add_any" | "mul" | "div" | "min" | "dot_general" | "conv_general_dilated" | "pow":
            return all(known)
        case "clamp":
            return known[0] or (known[1] and known[2])
        case "pad" | "concatenate" | "dynamic_update_slice":
            return all(known[:2]) if node.name != "concatenate" else all(known)
        case "stack" | "complex":
            return all(known)
        case "select_n":
            return all(known[1:])
        case "gather" | "dynamic_slice":
            return known[0]
        case "scatter" | "scatter-add":
            return known[0] and known[2]
        case "scatter-max":
            return known[0] or known[2]
        case "scatter-min":
            return known[0] and known[2]
        case "reduce_sum" | "reduce_window_sum" | "cumsum" | "erf" | "tanh" | "expm1" | "log1p" | "psum":
            return known[0]
        case name if name in P.NON_NEGATIVE:
            return True
        case "imag" | "real" | "conj" | "fft":
            return False
        case name if name in P.MOVEMENT or name in P.ROUTING or name in P.POOLING or name == "stop_gradient":
            return bool(known) and known[0]
    return False


def _call_facts(node: Node, ins: list[Facts]) -> list[Facts]:
    if node.name == "scan":
        return _scan_facts(node, ins)
    if node.name == "cond":
        branches = [find_facts(body, ins[1:]) for body in node.bodies]
        return [_meet(*alternatives) for alternatives in zip(*branches, strict=True)]
    outs = find_facts(node.bodies[0], ins)
    if node.name in CUSTOM:
        # What depends for its author, and not by what it computes, is asked for, and refused if relevance arrives.
        return [
            dataclasses.replace(f, depends=True) if f.varies and v.is_float else f
            for f, v in zip(outs, node.outputs, strict=True)
        ]
    return outs


def _scan_facts(node: Node, ins: list[Facts]) -> list[Facts]:
    constants, carries = scan_parts(node)
    carry = ins[constants : constants + carries]
    rest = ins[constants + carries :]
    while True:
        outs = find_facts(node.bodies[0], ins[:constants] + carry + rest)
        joined = [_meet(before, after) for before, after in zip(carry, outs[:carries], strict=True)]
        if joined == carry:
            return joined + outs[carries:]
        carry = joined


def _meet(*alternatives: Facts) -> Facts:
    """What holds whichever of the alternatives is taken: dependence of any, the other facts of all.

    A constant is no gate by itself but does not prevent one.
    """
    depends = [f for f in alternatives if f.depends]
    parts = {f.part for f in depends}
    if parts in ({"weight", "sum"}, {"weight", "weighted"}):
        parts.remove("weight")  # the first of a sum that a loop makes
    part = parts.pop() if len(parts) == 1 else None
    return Facts(
        bool(depends),
        any(f.varies for f in alternatives),
        bool(depends) and all(f.gate for f in depends),
        bool(depends) and all(f.attention for f in depends),
        all(f.non_negative for f in alternatives),
        bool(depends) and all(f.first for f in depends),
        bool(depends) and all(f.norm for f in depends),
        bool(depends) and all(f.divisor for f in depends),
        bool(depends) and all(f.activated for f in depends),
        part,
        frozenset().union(*(f.of for f in depends)) if part else frozenset(),
    )
