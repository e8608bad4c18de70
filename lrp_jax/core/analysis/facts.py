"""The forward analysis: what depends on the explained inputs, what is a gate, what cannot be negative."""

import dataclasses
from typing import Any

import numpy as np

from lrp_jax.core.declare import GATE
from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Graph, Node, Value, scan_parts


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a value before anything is computed.

    Attributes:
      depends: it changes, differentiably, with the explained inputs.
      gate: it comes from a logistic or a softmax through data movement, products of gates, or operations with
        constants only, or it was declared to be one.
      non_negative: no element can be below zero.
      first: no layer and no activation stands between it and the explained inputs.
      norm: it is the norm or the deviation of a signal, or its inverse: it comes from a square root through data
        movement and operations with constants.
      part: its part in a softmax that is being computed: "exp", "sum" (of exp), "inverse" (of the sum), "logsum",
        "log" (of the softmax); None otherwise.
      of: the `exp` node the part belongs to, so that only a value divided by its own sum counts.
    """

    depends: bool = False
    gate: bool = False
    non_negative: bool = False
    first: bool = False
    norm: bool = False
    part: str | None = None
    of: Any = None


def find_facts(graph: Graph, inputs: list[Facts]) -> list[Facts]:
    """Writes `facts` on every value of the graph and returns those of its outputs."""
    for value, facts in zip(graph.inputs, inputs, strict=True):
        value.facts = facts if value.is_float else Facts()
    for node in graph.nodes:
        for value in node.inputs:
            if value.constant is not None:
                value.facts = _constant(value)
        results = _node_facts(node)
        for value, facts in zip(node.outputs, results, strict=True):
            value.facts = facts if value.is_float else Facts(non_negative=facts.non_negative)
    for value in graph.outputs:
        if value.constant is not None:
            value.facts = _constant(value)
    return [value.facts for value in graph.outputs]


def _constant(value: Value) -> Facts:
    # Only what is written in the program or small enough is looked at: weights may live on an accelerator.
    constant = value.constant
    known = isinstance(constant, (np.ndarray, np.generic, int, float)) and np.size(constant) <= 4096
    return Facts(non_negative=bool(known and value.is_float and np.all(np.asarray(constant) >= 0)))


def _node_facts(node: Node) -> list[Facts]:
    ins = [v.facts for v in node.inputs]
    if node.bodies:
        return _call_facts(node, ins)
    if node.name in P.FLAT or not any(f.depends for f in ins):
        return [Facts(non_negative=_non_negative(node, ins))] * len(node.outputs)
    flags = _is_gate(node, ins), _non_negative(node, ins), _is_first(node, ins), _is_norm(node, ins)
    return [Facts(True, *flags, *_softmax_part(node, ins))] * len(node.outputs)


def _is_first(node: Node, ins: list[Facts]) -> bool:
    signals = [f for f in ins if f.depends]
    moves = node.name in P.MOVEMENT or node.name in P.ROUTING - P.POOLING
    affine = node.name in ("add", "sub", "mul", "div", "neg") and len(signals) == 1
    return (moves or affine) and all(f.first for f in signals)


def _is_norm(node: Node, ins: list[Facts]) -> bool:
    signals = [f for f in ins if f.depends]
    if node.name in ("sqrt", "rsqrt"):
        return True
    if len(signals) != 1 or not signals[0].norm:
        return False
    inverse = node.name == "integer_pow" and node.params["y"] == -1
    return inverse or node.name in ("mul", "div", "add", "max", "broadcast_in_dim") or node.name in P.MOVEMENT


def _is_gate(node: Node, ins: list[Facts]) -> bool:
    signals = [f for f in ins if f.depends]
    match node.name:
        case "name" if node.params["name"] == GATE:
            return True
        case "logistic":
            return True
        case "div" if ins[1].depends:
            return ins[0].part == "exp" and ins[1].part == "sum" and ins[0].of is ins[1].of
        case "exp":
            return ins[0].part == "log" or ins[0].gate
        case "mul" if len(signals) == 2:
            parts = {ins[0].part, ins[1].part}
            return all(f.gate for f in ins) or (parts == {"exp", "inverse"} and ins[0].of is ins[1].of)
        case "add" | "sub" | "add_any" | "div" | "max" | "min":
            return len(signals) == 1 and signals[0].gate
        case "mul" | "neg" | "clamp":
            return signals[0].gate
        case name if name in P.MOVEMENT or name in P.ROUTING - P.POOLING:
            return all(f.gate for f in signals)
        case name if name in P.ACTIVATION or name in P.POLYNOMIAL:
            return len(signals) == 1 and signals[0].gate
    return False


def _softmax_part(node: Node, ins: list[Facts]) -> tuple[str | None, Any]:
    signals = [f for f in ins if f.depends]
    first = signals[0]
    if node.name == "exp":
        return "exp", node
    if len(signals) == 1:
        alone = first.part, first.of
        match node.name, first.part:
            case "reduce_sum", "exp":
                return "sum", first.of
            case "log", "sum":
                return "logsum", first.of
            case ("integer_pow", "sum") if node.params["y"] == -1:
                return "inverse", first.of
            case ("div", "sum") if ins[1].depends:
                return "inverse", first.of
            case (("mul" | "select_n" | "max" | "add"), "exp" | "sum"):
                return alone  # a mask, or a floor under the sum
            case (("add" | "sub"), "logsum"):
                return alone  # the maximum that was taken out
            case (name, _) if name in P.MOVEMENT or name in ("broadcast_in_dim", "select_n"):
                return alone
    elif node.name == "sub" and ins[1].part == "logsum":
        return "log", ins[1].of
    return None, None


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
        case "select_n":
            return all(known[1:])
        case "gather" | "dynamic_slice":
            return known[0]
        case "scatter" | "scatter-add":
            return known[0] and known[2]
        case "reduce_sum" | "reduce_window_sum" | "cumsum" | "erf" | "tanh" | "expm1" | "log1p" | "psum":
            return known[0]
        case name if name in P.NON_NEGATIVE:
            return True
        case name if name in P.MOVEMENT or name in P.ROUTING or name == "stop_gradient":
            return bool(known) and known[0]
    return False


def _call_facts(node: Node, ins: list[Facts]) -> list[Facts]:
    if node.name == "scan":
        return _scan_facts(node, ins)
    if node.name == "cond":
        branches = [find_facts(body, ins[1:]) for body in node.bodies]
        return [_meet(*alternatives) for alternatives in zip(*branches, strict=True)]
    return find_facts(node.bodies[0], ins)


def _scan_facts(node: Node, ins: list[Facts]) -> list[Facts]:
    constants, carries = scan_parts(node)
    carry = [_plain(f) for f in ins[constants : constants + carries]]
    rest = [_plain(f) for f in ins[constants + carries :]]
    while True:
        outs = find_facts(node.bodies[0], ins[:constants] + carry + rest)
        joined = [_meet(before, after) for before, after in zip(carry, outs[:carries], strict=True)]
        if joined == carry:
            return [_plain(f) for f in outs]
        carry = joined


def _plain(facts: Facts) -> Facts:
    # A softmax does not go on from one step of a loop to the next.
    return dataclasses.replace(facts, part=None, of=None)


def _meet(*alternatives: Facts) -> Facts:
    """What holds whichever of the alternatives is taken: dependence of any, the other facts of all.

    A constant is no gate by itself but does not prevent one.
    """
    depends = any(f.depends for f in alternatives)
    return Facts(
        depends,
        depends and all(f.gate for f in alternatives if f.depends),
        all(f.non_negative for f in alternatives),
        depends and all(f.first for f in alternatives if f.depends),
        depends and all(f.norm for f in alternatives if f.depends),
    )
