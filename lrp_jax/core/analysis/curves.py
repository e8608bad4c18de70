"""What an elementwise function of one value is, told by its values at some points and not by how it is spelled.

`1 / (1 + exp(-z))`, `(1 + tanh(z / 2)) / 2` and `logistic(z)` are one function, and so are `max(z, 0)`, `z * (z > 0)`
and `(z + abs(z)) / 2`.
"""

from typing import Any

import numpy as np

from lrp_jax.core.program import numbers
from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Graph, Node, Value

_HALF = np.array([0.01, 0.25, 0.6, 1.0, 1.5, 3.0, 7.0, 40.0, 300.0])
POINTS = np.concatenate([-_HALF[::-1], [0.0], _HALF])
"""Where functions are looked at."""

# A value is looked at as a function of so many of the values that it comes from: those far away, and those near by.
_FAR, _NEAR = 4, 4

Curve = np.ndarray


def curves_of(value: Value) -> dict[Value, Curve]:
    """The value at POINTS as a function of each value that it may be a function of; of itself it is the identity."""
    return {**value.curves, value: POINTS} if value.is_float else value.curves


def read_constant(value: Value) -> None:
    """Writes `scalar` of a constant."""
    if value.scalar is None:
        value.scalar = _uniform(value.constant)


def draw(node: Node) -> None:
    """Writes `scalar` and `curves` of a node's outputs; those of its inputs are known."""
    if len(node.outputs) != 1:
        return
    (result,) = node.outputs
    if not any(v.facts.varies for v in node.inputs):
        if all(v.scalar is not None for v in node.inputs) and node.inputs and not node.bodies:
            drawn = numbers.evaluate(node.name, node.params, *(v.scalar for v in node.inputs))
            result.scalar = None if drawn is None or np.size(drawn) != 1 else np.asarray(drawn).item()
        return
    if not (node.name in P.ELEMENTWISE or node.name in ("custom_jvp_call", "custom_vjp_call")):
        return
    moving = [v for v in node.inputs if v.facts.varies]
    if any(v.shape != result.shape or v.is_complex for v in moving) or result.is_complex:
        return
    if any(v.scalar is None for v in node.inputs if not v.facts.varies):
        return
    drawn = [curves_of(v) for v in moving]
    shared = [s for s in drawn[0] if all(s in other for other in drawn[1:])]
    curves = {}
    for source in shared if len(shared) <= _FAR + _NEAR else (*shared[:_FAR], *shared[-_NEAR:]):
        operands = [curves_of(v)[source] if v.facts.varies else v.scalar for v in node.inputs]
        curve = _run_body(node.bodies[0], operands) if node.bodies else numbers.evaluate(
            node.name, node.params, *operands
        )  # fmt: skip
        if curve is not None and np.shape(curve) == POINTS.shape:
            curves[source] = curve
    result.curves = curves


def _run_body(body: Graph, operands: list[Any]) -> Any | None:
    env = dict(zip(body.inputs, operands, strict=True))

    def read(value: Value) -> Any:
        return _uniform(value.constant) if value.constant is not None else env.get(value)

    for node in body.nodes:
        arrays = [read(v) for v in node.inputs]
        if any(a is None for a in arrays) or len(node.outputs) != 1:
            return None
        result = _run_body(node.bodies[0], arrays) if len(node.bodies) == 1 else numbers.evaluate(
            node.name, node.params, *arrays
        )  # fmt: skip
        if result is None:
            return None
        env[node.outputs[0]] = result
    return read(body.outputs[0]) if len(body.outputs) == 1 else None


def _uniform(constant: Any) -> float | None:
    """The one number that a constant consists of, or None. Weights, which may lie on an accelerator, are not read."""
    if not isinstance(constant, (np.ndarray, np.generic, int, float, bool)) or not 0 < np.size(constant) <= 4096:
        return None
    array = np.asarray(constant)
    if array.dtype.kind in "cOUS":
        return None
    first = array.flat[0]
    return float(first) if np.all(array == first) else None


def rectified(value: Value) -> Value | None:
    """The value z for which `value` is max(z, 0), or None."""
    for source, curve in value.curves.items():
        if np.all(np.abs(curve - np.maximum(POINTS, 0)) <= 1e-9 * (1 + np.abs(POINTS))):
            return source
    return None


def gated(value: Value) -> Value | None:
    """The value of which `value` is an elementwise function from 0 to 1, or from 1 to 0, that never turns back."""
    return next((s for s, c in value.curves.items() if _goes_from_0_to_1(c) or _goes_from_0_to_1(c[::-1])), None)


def divisor(value: Value) -> Value | None:
    """The same for 1 / `value`: what is divided by it is multiplied by a gate."""
    with np.errstate(all="ignore"):
        inverses = {s: 1 / c for s, c in value.curves.items() if np.all(c > 0)}
    return next((s for s, c in inverses.items() if _goes_from_0_to_1(c) or _goes_from_0_to_1(c[::-1])), None)


def _goes_from_0_to_1(curve: Curve) -> bool:
    ends = abs(curve[0]) < 1e-6 and abs(curve[-1] - 1) < 1e-6
    return bool(ends and np.all(np.diff(curve) >= -1e-9))


def is_never_negative(value: Value) -> bool:
    """Whether none of the points has a value below zero. No proof: for what only decides how something is read."""
    return any(np.all(curve >= -1e-12) for curve in value.curves.values())


def bends(value: Value) -> bool:
    """Whether a value is a function of another one that is no straight line and grows no faster than one."""
    return any(_bends(curve) for curve in value.curves.values())


def _bends(curve: Curve) -> bool:
    if not np.all(np.abs(curve) <= 20 * (1 + np.abs(POINTS))):
        return False
    line = np.interp(POINTS, POINTS[[0, -1]], curve[[0, -1]])
    return bool(np.any(np.abs(curve - line) > 1e-6))
