"""What each primitive is to relevance: data movement, a sum, an activation, or nothing that can carry any.

The names are those of the jaxpr (`print(jax.make_jaxpr(f)(x))`). A primitive that is in none of these sets has no
meaning under the rules, and `lrp` refuses it where it would carry relevance.
"""

# Each element of the result is one element of the operand and each element goes to one place at most: a sum goes
# on through it. `reshape` is the pattern; `broadcast_in_dim` joins them where it repeats nothing.
MOVEMENT = frozenset({
    "reshape", "transpose", "squeeze", "expand_dims", "rev", "slice", "split", "copy", "copy_p",
    "convert_element_type", "reduce_precision", "name", "sharding_constraint", "device_put", "optimization_barrier",
    "pvary", "unstack", "layout_constraint", "reshard", "pbroadcast",
})  # fmt: skip

# Movement that moves nothing. Not all of these have a transpose.
IDENTITY = frozenset({
    "name", "copy", "copy_p", "optimization_barrier", "sharding_constraint", "layout_constraint", "device_put",
})  # fmt: skip

# Linear too, but elements are repeated, mixed with others, or chosen: a sum ends before it.
ROUTING = frozenset({
    "broadcast_in_dim", "tile", "concatenate", "stack", "pad", "gather", "dynamic_slice", "dynamic_update_slice",
    "scatter", "select_n", "sort", "top_k", "reduce_max", "reduce_min", "reduce_window_max", "reduce_window_min",
    "cummax", "cummin", "all_gather", "ppermute", "all_to_all",
})  # fmt: skip

# The largest (smallest) takes all.
POOLING = frozenset({"reduce_max", "reduce_min", "reduce_window_max", "reduce_window_min", "cummax", "cummin"})

# Sums of their operands that a sum goes on into.
ADDITION = frozenset({"add", "sub", "add_any", "reduce_sum"})

# Sums that begin anew: their operands are neurons, or have ended as such.
SUMMATION = frozenset({
    "dot_general", "conv_general_dilated", "reduce_window_sum", "cumsum", "scatter-add", "scatter-sub", "psum",
    "psum_invariant",
})  # fmt: skip

BILINEAR = frozenset({"dot_general", "conv_general_dilated"})

# Elementwise functions of one array that may stand alone as an activation.
ACTIVATION = frozenset({
    "tanh", "logistic", "exp", "exp2", "expm1", "log", "log1p", "erf", "erfc", "erf_inv", "sin", "cos", "tan", "asin",
    "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "abs", "sqrt", "cbrt", "lgamma", "digamma",
})  # fmt: skip

# Elementwise, but an activation only as a part of one (x^3 in gelu): alone they are products of a signal with itself.
POLYNOMIAL = frozenset({"integer_pow", "square", "pow", "rsqrt"})

# Elementwise functions of several arrays. Constants may be scalars or have axes of size one.
ELEMENTWISE = ACTIVATION | POLYNOMIAL | frozenset({
    "add", "sub", "add_any", "mul", "div", "max", "min", "neg", "select_n", "clamp", "copy", "copy_p",
    "convert_element_type", "reduce_precision", "name", "rem", "atan2", "nextafter", "stop_gradient", "sign", "round",
    "floor", "ceil", "is_finite", "and", "or", "not", "xor", "eq", "ne", "lt", "le", "gt", "ge",
})  # fmt: skip

# The derivative is zero everywhere, so what comes out is a constant as far as relevance goes.
FLAT = frozenset({
    "stop_gradient", "sign", "round", "floor", "ceil", "is_finite", "and", "or", "not", "xor", "eq", "ne", "lt", "le",
    "gt", "ge", "argmax", "argmin", "iota", "eq_to", "lt_to", "le_to", "population_count", "clz", "nextafter",
    "reduce_and", "reduce_or", "reduce_xor", "random_bits", "random_seed", "random_split", "random_fold_in",
    "random_wrap", "random_unwrap", "threefry2x32", "shift_left", "shift_right_logical", "shift_right_arithmetic",
    "axis_index", "bitcast_convert_type", "rng_bit_generator",
})  # fmt: skip

# Primitives whose result cannot be negative, whatever goes in.
NON_NEGATIVE = frozenset({"exp", "exp2", "logistic", "abs", "square", "sqrt"})

# Calls that jax cannot differentiate backwards. Where they feed gates only, they need not be.
OPAQUE = frozenset({"while", "pure_callback", "io_callback", "ffi_call"})
