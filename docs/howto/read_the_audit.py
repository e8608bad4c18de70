"""Read the audit: where relevance goes, and what cannot be explained.

After this page you can tell from one printed table why the relevance of an input does not sum to the output, and cure
a function that `lrp` refuses.

Run it with `python docs/howto/read_the_audit.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

import lrp_jax

# A network to do by hand
# -----------------------
#
# Three detectors look at 2 x 2 windows of a white image, their means over the image go into two logits. The weights
# are set so that each number below can be had in the head.
#
#     detector    sum over a window    bias    after the rectifier
#     0           +1                    0      1
#     1           -1                   +3      2    only its bias speaks
#     2           -4                    0      0    a dead unit


class Net(nn.Module):
    @nn.compact
    def __call__(self, image):
        h = nn.relu(nn.Conv(3, (2, 2), strides=2, name="detectors")(image))
        return nn.Dense(2, name="head")(h.mean(axis=(0, 1)))


PARAMS = {
    "detectors": {
        "kernel": jnp.ones((2, 2, 1, 3)) * jnp.array([0.25, -0.25, -1.0]),
        "bias": jnp.array([0.0, 3.0, 0.0]),
    },
    "head": {"kernel": jnp.array([[2.0, 0.0], [1.0, 0.0], [1.0, 0.0]]), "bias": jnp.array([1.0, 0.0])},
}
image = jnp.ones((4, 4, 1))


def f(image):
    return Net().apply({"params": PARAMS}, image)[0]


# The table
# ---------
#
# `audit` has the arguments of `lrp`, and the function that it makes those of `relevance`. It measures the relevance
# that goes into each operation and that comes out of it, and prints where the two differ. A line has the operation, its
# place in your code and, where there is one, its name scope. For a neuron that is the operation at which its sum ended.

report = lrp_jax.audit(f)(image)
print(str(report).replace(__file__, "this page"))
print()

# Line by line:
#
# "relevance of the output" is the seed, here the logit itself: 2 * 1 + 1 * 2 + 1 * 0 + 1 = 5.

assert np.isclose(report.seed, 5)

# "absorbed by the epsilon of a neuron": a neuron z under the epsilon rule hands on z / (z + 0.01) of what it has. The
# lines under it say which: the logit, 5 / 5.01, and the three means, which are 1, 2 and 0. Much relevance here says
# that neurons are small, often because contributions cancel.

logit = 5 * 5 / 5.01
mean_0, mean_1 = 2 / 5 * logit * 1 / 1.01, 2 / 5 * logit * 2 / 2.01
assert np.isclose(report.lost["epsilon"], 5 - logit + 4 / 5 * logit - mean_0 - mean_1, rtol=1e-3)

# "absorbed by a bias or another constant": the bias of the head is a fifth of the logit, and keeps a fifth of its
# relevance. That is an answer and no fault: the network says a part of this whatever it is shown.

assert np.isclose(report.lost["bias"], 1 / 5 * logit, rtol=1e-3)

# "stopped at a unit that is 0, or that no input spoke for": detector 1 has a value, but no input spoke for it, all of
# them spoke against. The alpha rule gives relevance to what spoke for a neuron, so it stops. Detector 2 has no line:
# it is zero, so no relevance came to it. (Under EpsilonPlus the same rule counts the bias as something that speaks,
# and this line moves to the biases.)

assert np.isclose(report.lost["dead"], mean_1, rtol=1e-3)
assert abs(lrp_jax.audit(f, lrp_jax.EpsilonPlus)(image).lost["dead"]) < 1e-4

# "relevance of the explained inputs" is what is left: detector 0. "Not accounted for" is the balance, and zero but for
# rounding. If it ever is not, the audit has overlooked something, and that is a bug to report.

assert np.isclose(report.relevance, mean_0, rtol=1e-3)
assert abs(report.unexplained) < 1e-4
assert np.isclose(jax.grad(lrp_jax.lrp(f))(image).sum(), report.relevance, rtol=1e-3)

# Three more lines can occur. "made or lost by an operation that keeps its own derivative" is that of composites of
# gradients. "Held back by a mask" belongs to conditional explanations. And this one comes with a seed: an output that
# is zero has no density that could carry relevance, so what you give to it is dropped. Here it is logit 1.

report = lrp_jax.audit(lambda image: Net().apply({"params": PARAMS}, image))(image, seed=jnp.array([5.0, 2.0]))
print("\n".join(line for line in str(report).splitlines() if "output" in line))
assert np.isclose(report.lost["seed"], 2)

# The numbers are also attributes, so a test of yours can hold a model to them.

assert {row.cause for row in report.rows if abs(row.lost) > 1e-3} == {"epsilon", "bias", "dead", "seed"}

# Refusals
# --------
#
# Some operations have no meaning under the rules: nothing says how two signals share the relevance of their product.
# `lrp` raises a `RelevanceError` for them, `audit` returns them, both with all places at once, each with its line and
# with what to write. Nothing is passed over in silence.

random = np.random.default_rng(0)
U, V, W = (jnp.asarray(random.normal(size=(4, 4)), jnp.float32) for _ in range(3))
x = jnp.asarray(random.normal(size=4), jnp.float32)


def refused(x):
    switched = jnp.tanh(x @ U) * (x @ V)
    return jax.nn.softmax(switched @ W)[0]


report = lrp_jax.audit(refused)(x)
print()
print(str(report).replace(__file__, "this page"))
assert len(report.refusals) == 2

# The first cure is a gate. A sigmoid would have been recognised as one; a tanh may be one or not, and you know. A gate
# gets no relevance, all of it goes to the other factor. Outside `lrp`, `gate` is the identity.
#
# The second cure is to explain what comes before. A probability says how the classes compare, a logit what spoke for
# this one.


def cured(x):
    switched = lrp_jax.gate(jnp.tanh(x @ U)) * (x @ V)
    return (switched @ W)[0]


report = lrp_jax.audit(cured)(x)
assert report.refusals == ()
assert abs(report.unexplained) < 1e-3 * max(abs(row.before) for row in report.rows)

# Where the model is not yours to change, the message ends with the lines of a composite that would allow what was
# refused, each in its scope, ready to paste. An operation that is none of the input's business can be made a constant
# with `jax.lax.stop_gradient`, and a primitive that `lrp` does not know can be taught: `teach_a_primitive.py`.

# Where a neuron ends
# -------------------
#
# Everything that is added up is one neuron, with one epsilon: x V + x W below is one, although it is two products. If
# the model means two layers, whose outputs are then added, `neuron` ends a sum. The audit shows the difference: a
# second line of epsilon, for the neuron that is now one of its own.


def one(x):
    return x @ V + x @ W


def two(x):
    return lrp_jax.neuron(x @ V) + x @ W


print()
reports = [lrp_jax.audit(g)(x) for g in (one, two)]
for name, report in zip(("one neuron", "two neurons"), reports, strict=True):
    rows = [row for row in report.rows if row.cause == "epsilon"]
    print(f"{name:<12} epsilon has {len(rows)} line(s), relevance {report.seed:.3f} -> {report.relevance:.3f}")
assert [len([r for r in report.rows if r.cause == "epsilon"]) for report in reports] == [1, 2]

# What can go wrong
# -----------------
#
# - The audit is of one input. Another input has other dead units, and other neurons that are small.
# - It compiles a program of its own, with a probe at each value, and is meant for looking, not for a training loop.
# - A batch is audited as one: the numbers are sums over it, in which opposite signs cancel. Audit single examples.
