"""What each primitive is to relevance: one table, open to users (`teach`).

The names are those of the jaxpr (`print(jax.make_jaxpr(f)(x))`). A primitive that is not in the table has no meaning
under the rules, and `lrp` refuses it where it would carry relevance.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

ROLES = {
    "identity": "gives back its operand, or moves nothing",
    "movement": "each element of the result is one of the operand, and each goes to one place at most: sums go on",
    "routing": "linear, but elements are repeated, chosen, or mixed with those of others: sums end before it",
    "pooling": "the largest or the smallest takes all",
    "addition": "a sum of its operands that a sum goes on into",
    "summation": "a sum that begins anew, linear in what carries relevance",
    "bilinear": "linear in each of two operands: a sum if the other one is constant, else a product of signals",
    "solve": "the solution of linear equations: a sum if the matrix is constant",
    "activation": "an elementwise function of one array",
    "polynomial": "elementwise, but an activation only as a part of one (x^3 in gelu)",
    "elementwise": "an elementwise function of several arrays, which may be part of an activation",
    "constant": "its derivative is zero everywhere: what comes out is a constant as far as relevance goes",
    "opaque": "cannot be differentiated backwards: it may feed gates only",
    "call": "has a body, which is explained",
}
"""The roles that a primitive can have."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """One entry of the table.

    Attributes:
      role: a key of `ROLES`.
      elementwise: whether it may be part of an elementwise function of one signal.
      non_negative: whether its result cannot be below zero, whatever goes in.
    """

    role: str
    elementwise: bool = False
    non_negative: bool = False


def _rows(role: str, names: str, **flags: bool) -> dict[str, Operation]:
    return {name: Operation(role, **flags) for name in names.split()}


TABLE: dict[str, Operation] = {
    **_rows("identity", "name copy", elementwise=True),
    **_rows("identity", "optimization_barrier sharding_constraint layout_constraint device_put pvary reshard"),
    **_rows("movement", "convert_element_type reduce_precision", elementwise=True),
    **_rows("movement", "reshape transpose squeeze rev slice split unstack pbroadcast real imag conj"),
    **_rows("routing", "select_n", elementwise=True),
    **_rows("routing", "broadcast_in_dim tile concatenate stack pad gather dynamic_slice dynamic_update_slice scatter"),
    **_rows("routing", "sort top_k all_gather ppermute all_to_all all_gather_invariant complex"),
    **_rows("pooling", "reduce_max reduce_min reduce_window_max reduce_window_min cummax cummin"),
    **_rows("pooling", "scatter-max scatter-min pmax pmin"),
    **_rows("addition", "add sub add_any", elementwise=True),
    **_rows("addition", "reduce_sum psum psum_invariant"),
    **_rows("summation", "reduce_window_sum cumsum scatter-add scatter-sub reduce_scatter fft"),
    **_rows("bilinear", "dot_general conv_general_dilated ragged_dot_general"),
    **_rows("solve", "triangular_solve custom_linear_solve tridiagonal_solve"),
    **_rows("activation", "tanh log log1p expm1 erf erfc erf_inv sin cos tan asin acos atan sinh", elementwise=True),
    **_rows("activation", "cosh asinh acosh atanh cbrt lgamma digamma", elementwise=True),
    **_rows("activation", "exp exp2 logistic abs sqrt", elementwise=True, non_negative=True),
    **_rows("polynomial", "integer_pow pow rsqrt", elementwise=True),
    **_rows("polynomial", "square", elementwise=True, non_negative=True),
    **_rows("elementwise", "mul div max min neg clamp rem atan2", elementwise=True),
    **_rows("constant", "stop_gradient sign round floor ceil is_finite and or not xor eq ne lt le gt ge nextafter",
            elementwise=True),
    **_rows("constant", "argmax argmin iota eq_to lt_to le_to population_count clz reduce_and reduce_or reduce_xor"),
    **_rows("constant", "random_bits random_seed random_split random_fold_in random_wrap random_unwrap threefry2x32"),
    **_rows("constant", "shift_left shift_right_logical shift_right_arithmetic axis_index bitcast_convert_type"),
    **_rows("constant", "rng_bit_generator"),
    **_rows("opaque", "while pure_callback io_callback ffi_call"),
    **_rows("call", "jit closed_call remat2 custom_jvp_call custom_vjp_call scan cond shard_map"),
}  # fmt: skip
"""Name of a primitive -> what it is to relevance."""


def teach(primitive: Any, role: str, *, elementwise: bool | None = None, non_negative: bool = False) -> None:
    """Says what a primitive is to relevance, for all later calls.

    For primitives of one's own, and for those that `lrp` refuses because it does not know them. A primitive that
    carries relevance needs what jax needs for gradients: a transpose for what is linear, a derivative for the rest.

    Args:
      primitive: the primitive, or its name in the jaxpr.
      role: what it is: "movement", "routing", "pooling", "summation", "bilinear", "activation", "constant", ...
        `lrp_jax.core.program.operations.ROLES` says what each means.
      elementwise: whether it may be part of an elementwise function of one signal; by default if the role says so.
      non_negative: whether its result cannot be below zero.

    Raises:
      ValueError: for another role.

    Example:
      >>> import lrp_jax
      >>> lrp_jax.teach("bessel_i0e", "activation")
    """
    if role not in ROLES:
        raise ValueError(f"got role {role!r}; wanted one of {', '.join(ROLES)}")
    if elementwise is None:
        elementwise = role in ("activation", "polynomial", "elementwise")
    TABLE[getattr(primitive, "name", primitive)] = Operation(role, elementwise, non_negative)


class _Having:
    """The names in the table that have one of some roles, or a flag, as the table stands."""

    def __init__(self, roles: Iterable[str] = (), flag: str = ""):
        self.roles, self.flag = frozenset(roles), flag

    def __contains__(self, name: str) -> bool:
        operation = TABLE.get(name)
        if operation is None:
            return False
        return getattr(operation, self.flag) if self.flag else operation.role in self.roles


MOVEMENT = _Having({"movement", "identity"})
IDENTITY = _Having({"identity"})
ROUTING = _Having({"routing"})
POOLING = _Having({"pooling"})
ADDITION = _Having({"addition"})
SUMMATION = _Having({"summation", "bilinear", "solve"})
# What takes no layer's place, whether before the first layer or behind the last.
WEIGHTLESS = _Having({"movement", "identity", "routing", "pooling", "addition", "summation"})
BILINEAR = _Having({"bilinear"})
SOLVE = _Having({"solve"})
ACTIVATION = _Having({"activation"})
POLYNOMIAL = _Having({"polynomial"})
CONSTANT = _Having({"constant"})
OPAQUE = _Having({"opaque"})
ELEMENTWISE = _Having(flag="elementwise")
NON_NEGATIVE = _Having(flag="non_negative")
