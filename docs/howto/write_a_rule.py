"""Write your own rule, for sums.

After this page you can write a rule for neurons, choose where in a network it applies, and check it. The
rule takes a few lines. `docs/write-a-rule.md` describes rules for whole layers with their weights, and has the table of
all kinds of rules.

Run it with `python docs/howto/write_a_rule.py`.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

import lrp_jax
from lrp_jax.core.rules import SUMS

# The rule
# --------
#
# The epsilon rule divides by z + eps sign(z), so that small neurons, in which large contributions cancel, do not pass
# on large relevance of both signs. But what is small depends on the layer. This rule measures epsilon in units of the
# layer: as a fraction of the root mean square of its neurons.
#
# A rule works on densities: with R = z c, the backward pass propagates c. R z / (z + eps sign(z)) for the neuron is a
# factor on c, and the weights of the neuron are not needed, because a sum passes its density to its terms unchanged.


@dataclasses.dataclass(frozen=True)
class RelativeEpsilon:
    """R_i = R_j z_ij / (z_j + eps sign(z_j)), with eps = fraction * sqrt(mean_j z_j^2)."""

    fraction: float = 0.25

    kinds = SUMS  # conv, dense, attention and any other sum

    def prepare(self, z):
        """Once per forward pass: from the neurons z [..., channels] to the factor [..., channels] for all seeds."""
        epsilon = self.fraction * jnp.sqrt(jnp.mean(z**2, axis=-1, keepdims=True))
        return z / (z + jnp.where(z >= 0, epsilon, -epsilon))

    def back(self, factor, density):
        """From the density of the neurons to that of the terms of their sums."""
        return density * factor


# The mean is over the last axis on purpose. Under `vmap` a rule gets one example, in a function of a whole batch it
# gets all of them; a mean over all axes would give different explanations for the two.

# The table
# ---------
#
# A composite is read from the top, and the first line that fits decides. So put the new line before those that it
# overrides. This one applies only to the hidden layers of an MLP, by the names that Linen writes into the
# program; the last layer keeps PAPER's epsilon.

CALM = lrp_jax.Composite("CALM", (lrp_jax.On("dense", RelativeEpsilon(0.25), scope="*/hidden_*"), *lrp_jax.PAPER.lines))
print(CALM)


class MLP(nn.Module):
    @nn.compact
    def __call__(self, x):
        for i in range(2):
            x = nn.tanh(nn.Dense(32, name=f"hidden_{i}")(x))
        return nn.Dense(1, name="out")(x)[..., 0]


model = MLP()
x = jnp.asarray(np.random.default_rng(0).normal(size=20), jnp.float32)
params = jax.jit(model.init)(jax.random.key(3), x)


def f(x):
    return model.apply(params, x)


value, r = jax.jit(lrp_jax.relevance(f, CALM))(x)
_, usual = jax.jit(lrp_jax.relevance(f))(x)

# Interpretation: there is less cancellation between relevance for and against the output.

print(f"\n{'':<8}{'output':>8}{'for':>8}{'against':>9}")
for name, map_ in (("PAPER", usual), ("CALM", r)):
    map_ = np.asarray(map_)
    print(f"{name:<8}{value:>8.3f}{np.maximum(map_, 0).sum():>8.3f}{np.minimum(map_, 0).sum():>9.3f}")
assert np.abs(r).sum() < np.abs(usual).sum()

# Check it
# --------
#
# First by hand, with relevances instead of densities, R_ij = R_j x_i w_ij / (z_j + eps_j). A second, simpler
# implementation finds errors that a test against stored numbers does not.


def hand_back(x, layer, epsilon, relevance):
    """From the relevance [m] of a dense layer's outputs to that [n] of its inputs."""
    kernel, bias = np.asarray(layer["kernel"], np.float64), np.asarray(layer["bias"], np.float64)
    z = x @ kernel + bias
    messages = x[:, None] * kernel / (z + np.where(z >= 0, 1, -1) * epsilon(z)) * relevance
    return messages.sum(axis=1)


def relative(z):
    return 0.25 * np.sqrt(np.mean(z**2))


layers = params["params"]
h0 = np.asarray(x, np.float64)
h1 = np.tanh(h0 @ np.asarray(layers["hidden_0"]["kernel"]))  # biases are zero in a new network
h2 = np.tanh(h1 @ np.asarray(layers["hidden_1"]["kernel"]))
by_hand = hand_back(h2, layers["out"], lambda z: 0.01, np.array([value]))
by_hand = hand_back(h1, layers["hidden_1"], relative, by_hand)
by_hand = hand_back(h0, layers["hidden_0"], relative, by_hand)
assert np.allclose(r, by_hand, rtol=1e-3, atol=1e-4 * np.abs(by_hand).max())

# Then with the audit: it measures the relevance that the rule absorbs, and its balance must close.

report = lrp_jax.audit(f, CALM)(x)
print(f"\noutput {report.seed:.3f} = inputs {report.relevance:.3f} + epsilon {report.lost['epsilon']:.3f}")
assert abs(report.unexplained) < 1e-3 * abs(report.seed)

# And that it is differentiable, which follows from plain JAX; a relevance in a loss needs it.


def loss(params):
    return jnp.sum(jax.grad(lrp_jax.lrp(lambda x: model.apply(params, x), CALM))(x) ** 2)


assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.jit(jax.grad(loss))(params)))

# What can go wrong
# -----------------
#
# - The line is too low: a line above it fits the same operations. Print the composite and read it from the top.
# - The scope matches nothing. A line that is never used is not an error; compare it with the scopes in the audit.
# - `jax.lax.stop_gradient` in `prepare`, because "the factor is a constant": the relevance is correct, but its
#   derivative is silently wrong.
# - The kind does not fit the rule. `On("relu", RelativeEpsilon())` is refused at once.

try:
    lrp_jax.On("relu", RelativeEpsilon())
except ValueError as error:
    print("\n" + str(error))
else:
    raise AssertionError("a rule for sums should not be taken for a rectifier")
