"""Teach `lrp` a primitive that it does not know.

After this page you can explain a function with a primitive in it that `lrp` refuses because it has never heard of it,
yours or jax's, by one call; and look through a program for the rule that each of its layers gets.

Run it with `python docs/howto/teach_a_primitive.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, mlir

import lrp_jax

# A primitive that nobody knows
# -----------------------------
#
# Libraries bring primitives of their own: kernels, communication, marks on values. This one mirrors an array, as
# x[::-1] does. It has what jax needs of any linear primitive: a value, a shape, and a transpose, which mirrors back.

mirror = Primitive("mirror")
mirror.def_impl(lambda x: x[::-1])
mirror.def_abstract_eval(lambda x: x)
mlir.register_lowering(mirror, mlir.lower_fun(lambda x: x[::-1], multiple_results=False))
ad.deflinear2(mirror, lambda ct, x: [mirror.bind(ct)])

random = np.random.default_rng(0)
W, V = (jnp.asarray(random.normal(size=(4, 4)), jnp.float32) for _ in range(2))
x = jnp.asarray(random.normal(size=4), jnp.float32)


def f(x):
    return (jnp.tanh(mirror.bind(x @ W) + 0.1) @ V)[0]


report = lrp_jax.audit(f)(x)
print(str(report).replace(__file__, "this page"))
assert "`mirror` has no rule" in str(report)

# One call
# --------
#
# `teach` says what the primitive is to relevance. Each element of the result is one of the operand, so it is movement,
# like a transpose: a sum goes on through it, and the bias behind it belongs to the product before.

lrp_jax.teach(mirror, "movement")

value, r = lrp_jax.relevance(f)(x)
_, wanted = lrp_jax.relevance(lambda x: (jnp.tanh((x @ W)[::-1] + 0.1) @ V)[0])(x)
assert np.allclose(r, wanted, rtol=1e-4)
assert abs(lrp_jax.audit(f)(x).unexplained) < 1e-4
print("\nrelevance", np.round(r, 3))

# The roles are those of jax's own primitives:

print()
for role, meaning in lrp_jax.core.program.operations.ROLES.items():
    print(f"{role:<12} {meaning}")

# A function of each element is an activation, and its relevance passes to what it is a function of. jax's Bessel
# function is one that the table does not have.

g = lambda x: (jax.lax.bessel_i0e(x @ W) @ V)[0]  # noqa: E731
assert lrp_jax.audit(g)(x).refusals
lrp_jax.teach("bessel_i0e", "activation")
assert not lrp_jax.audit(g)(x).refusals

# What each layer gets
# --------------------
#
# `show` walks through the program as `lrp` sees it, without computing anything, and says for each step which line of
# the composite decided.

print()
print(str(lrp_jax.show(f)(x)).replace(__file__, "this page"))
assert [step.site.kind for step in lrp_jax.show(f)(x).steps] == ["dense", "activation", "dense"]

# What can go wrong
# -----------------
#
# - The wrong role is believed. "movement" for something that mixes elements gives relevance with too few epsilons, and
#   "constant" for something that carries a signal cuts it off. The audit closes in the first case; compare with the
#   same function in jax's own primitives, as above.
# - A primitive whose derivative jax does not know cannot be explained by a role: relevance goes back by vjp.
# - `teach` holds for the process, and for calls from then on: a function that is jitted already keeps its plan.
