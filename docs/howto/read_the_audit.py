"""Read the audit: where relevance is lost, and what cannot be explained.

After this page you can read from one printed table why the relevance of an input does not sum to the output, and fix
a function that `lrp` refuses.

Run it with `python docs/howto/read_the_audit.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

import lrp_jax

# A network to compute by hand
# ----------------------------
#
# Three detectors read 2 x 2 windows of a white image; their means over the image give two logits. The weights
# are chosen so that each number below can be computed by hand.
#
#     detector    sum over a window    bias    after the rectifier
#     0           +1                    0      1
#     1           -1                   +3      2    only its bias is positive
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
# `audit` has the arguments of `lrp`, and the function that it returns has those of `relevance`. It measures the
# relevance before and after each operation, and prints where they differ. A line has the operation, its place in your
# code and its name scope, if any. For a neuron this is the operation at which its sum ended.

report = lrp_jax.audit(f)(image)
print(str(report).replace(__file__, "this page"))
print()

# Line by line:
#
# "relevance of the output" is the seed, here the logit itself: 2 * 1 + 1 * 2 + 1 * 0 + 1 = 5.

assert np.isclose(report.seed, 5)

# "absorbed by the epsilon of a neuron": a neuron z under the epsilon rule passes on z / (z + 0.01) of its relevance.
# The lines below it list them: the logit, 5 / 5.01, and the three means, which are 1, 2 and 0. Much relevance here
# means that neurons are small, often because contributions cancel.

logit = 5 * 5 / 5.01
mean_0, mean_1 = 2 / 5 * logit * 1 / 1.01, 2 / 5 * logit * 2 / 2.01
assert np.isclose(report.lost["epsilon"], 5 - logit + 4 / 5 * logit - mean_0 - mean_1, rtol=1e-3)

# "absorbed by a bias or another constant": the bias of the head is a fifth of the logit, and absorbs a fifth of its
# relevance. This is a result and not an error: this part of the logit does not depend on the input.

assert np.isclose(report.lost["bias"], 1 / 5 * logit, rtol=1e-3)

# "stopped at a unit that is 0, or that no input spoke for": detector 1 has a positive value, but all contributions of
# its inputs are negative. The alpha rule gives relevance to positive contributions only, so it stops. Detector 2 has
# no line: it is zero, so it gets no relevance. (Under EpsilonPlus the same rule counts the bias as a contribution,
# and this relevance is then listed under the biases.)

assert np.isclose(report.lost["dead"], mean_1, rtol=1e-3)
assert abs(lrp_jax.audit(f, lrp_jax.EpsilonPlus)(image).lost["dead"]) < 1e-4

# "relevance of the explained inputs" is the rest: detector 0. "Not accounted for" is the balance, which is zero up to
# rounding. If it is not, the audit has missed something, which is a bug to report.

assert np.isclose(report.relevance, mean_0, rtol=1e-3)
assert abs(report.unexplained) < 1e-4
assert np.isclose(jax.grad(lrp_jax.lrp(f))(image).sum(), report.relevance, rtol=1e-3)

# Three more lines can occur. "made or lost by an operation that keeps its own derivative" occurs with composites of
# gradients. "Held back by a mask" belongs to conditional explanations. The third one comes from a seed: an output that
# is zero has no density, so its relevance is dropped. Here it is logit 1.

report = lrp_jax.audit(lambda image: Net().apply({"params": PARAMS}, image))(image, seed=jnp.array([5.0, 2.0]))
print("\n".join(line for line in str(report).splitlines() if "output" in line))
assert np.isclose(report.lost["seed"], 2)

# The numbers are also attributes, so you can use them in tests of a model.

assert {row.cause for row in report.rows if abs(row.lost) > 1e-3} == {"epsilon", "bias", "dead", "seed"}

# Refusals
# --------
#
# Some operations have no rule: for example, nothing defines how two signals divide the relevance of their product.
# `lrp` raises a `RelevanceError` for them, `audit` returns them; both list all places at once, each with its line and
# what to write there. Nothing is ignored silently.

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

# The first solution is a gate. A sigmoid would have been recognised as one; whether a tanh is one only you know. A gate
# gets no relevance; all of it goes to the other factor. Outside `lrp`, `gate` is the identity.
#
# The second solution is to explain an earlier value: a logit instead of a probability, which depends on all classes.


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
# Consecutive additions form one neuron, with one epsilon: x V + x W below is one neuron, although it has two
# products. If they should be two layers whose outputs are added, `neuron` ends a sum. The audit shows the difference:
# a second line of epsilon, for the additional neuron.


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
# - The audit is for one input. Another input has other dead units, and other small neurons.
# - It compiles a separate program, with a probe at each value, and is meant for debugging, not for a training loop.
# - A batch is audited as a whole: the numbers are sums over it, in which opposite signs cancel. Audit single examples.
