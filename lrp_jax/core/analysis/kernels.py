"""What the constant operand of a convolution or product says about it: a layer with weights, or something else.

A kernel with a single 1 for each output moves data (patches are cut out by such convolutions), and one that the
program computes from nothing but numbers written in it is no weight (an image is resized by a product with such).
"""

from typing import Any

import jax
import numpy as np

from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Node, Value

# Larger arrays are weights, and may lie on an accelerator.
_LARGEST = 1 << 20
# What computes a kernel is short.
_STEPS = 400


def describe(node: Node) -> str:
    """ "movement", "computed", or "" for a layer with weights, of a product of one signal and a constant."""
    signals = [i for i, v in enumerate(node.inputs) if v.facts.depends]
    if node.name not in ("dot_general", "conv_general_dilated") or len(signals) != 1:
        return ""
    kernel = node.inputs[1 - signals[0]]
    known = _made_of(kernel)
    array = None if known is None or kernel.size > _LARGEST else _array(kernel)
    if array is not None and _moves(node, signals[0], array):
        return "movement"
    # A convolution is a layer also with a kernel of ones: only products resize images.
    return "computed" if node.name == "dot_general" and known and all(v.shape == () for v in known) else ""


def _made_of(kernel: Value) -> list[Value] | None:
    """The constants that a value is made of; None where it is made of arguments, or of weights, or is a weight read
    through other operations."""
    constants: list[Value] = []
    seen = {kernel}
    waiting = [kernel]
    while waiting:
        value = waiting.pop()
        if value.constant is not None:
            small = value.shape == () or value is kernel or not value.is_float
            if not small or isinstance(value.constant, jax.core.Tracer):
                return None
            constants.append(value)
            continue
        node = value.node
        if node is None or node.bodies or node.eqn.effects or node.name in P.OPAQUE or len(seen) > _STEPS:
            return None
        fresh = [v for v in node.inputs if v not in seen]
        seen.update(fresh)
        waiting += fresh
    return constants


def _array(value: Value) -> np.ndarray:
    made: dict[Value, Any] = {}

    def read(value: Value) -> Any:
        if value.constant is not None:
            return value.constant
        if value not in made:
            results = value.node.bind(*map(read, value.node.inputs))
            made.update(zip(value.node.outputs, results, strict=True))
        return made[value]

    with jax.ensure_compile_time_eval():
        return np.asarray(read(value))


def _moves(node: Node, signal: int, kernel: np.ndarray) -> bool:
    """Whether each output is one input, times 1."""
    numbers = node.params["dimension_numbers"]
    if node.name == "conv_general_dilated":
        if signal != 0 or node.params["batch_group_count"] != 1:
            return False
        rows = np.moveaxis(kernel, numbers.rhs_spec[0], 0)
        rows = rows.reshape(len(rows), -1)
    else:
        contracted = numbers[0][1 - signal]
        rows = np.moveaxis(kernel, contracted, range(len(contracted)))
        rows = rows.reshape(int(np.prod(rows.shape[: len(contracted)])), -1).T
    if not rows.size or np.count_nonzero(rows[0]) > 1:
        return False
    ones = rows == 1
    return bool(ones.any() and np.all(ones | (rows == 0)) and np.all(ones.sum(axis=1) <= 1))
