"""Gates, activations and norms are what they compute, however they are spelled."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import lrp_jax
from lrp_jax import Composite, Epsilon, On

KEYS = jax.random.split(jax.random.key(8), 8)
W, U = jax.random.normal(KEYS[0], (2, 4, 4))
X = jax.random.normal(KEYS[1], (3, 4))
V = jax.random.normal(KEYS[2], (4,))
HEADS = jax.random.normal(KEYS[3], (2, 4, 4))


def lrp_0(rules):
    return Composite(rules.name, (On("*", Epsilon(0.0)), *rules.lines))


RULES = [lrp_jax.PAPER, lrp_jax.CP_LRP, lrp_jax.EpsilonPlus]
ids = lambda r: r.name  # noqa: E731


def assert_same(f, g, rules, x=X, rtol=1e-9, atol=1e-11):
    """f, spelled otherwise, has the value and the relevance of g, and an audit that closes."""
    value, r = jax.jit(lrp_jax.relevance(f, rules))(x)
    np.testing.assert_allclose(value, g(x), rtol=1e-9)
    np.testing.assert_allclose(r, lrp_jax.relevance(g, rules)(x)[1], rtol=rtol, atol=atol)
    audit = lrp_jax.audit(f, rules)(x)
    scale = max([1.0, abs(audit.seed), *(abs(row.lost) for row in audit.rows)])
    assert abs(audit.unexplained) < 1e-9 * scale


# Gates

SIGMOIDS = {
    "reciprocal": lambda z: 1 / (1 + jnp.exp(-z)),
    "reciprocal by lax": lambda z: lax.reciprocal(1 + jnp.exp(-z)),
    "power": lambda z: (1 + jnp.exp(-z)) ** -1,
    "quotient": lambda z: jnp.exp(z) / (1 + jnp.exp(z)),
    "tanh": lambda z: 0.5 * (1 + jnp.tanh(z / 2)),
    "tanh, plus a half": lambda z: jnp.tanh(0.5 * z) * 0.5 + 0.5,
    "softplus": lambda z: jnp.exp(-jax.nn.softplus(-z)),
    "log": lambda z: jnp.exp(jax.nn.log_sigmoid(z)),
    "stable": lambda z: jnp.where(z >= 0, 1 / (1 + jnp.exp(-jnp.abs(z))), 1 - 1 / (1 + jnp.exp(-jnp.abs(z)))),
    "stable, by exp": lambda z: jnp.where(z >= 0, 1.0, (e := jnp.exp(-jnp.abs(z)))) / (1 + e),
    "one minus": lambda z: 1 - 1 / (1 + jnp.exp(z)),
    "through float32": lambda z: jax.nn.sigmoid(z) * jnp.ones(()),
}  # fmt: skip


@pytest.mark.parametrize("rules", RULES, ids=ids)
@pytest.mark.parametrize("name", SIGMOIDS)
def test_sigmoids(name, rules):
    f = lambda sigmoid: lambda x: (jnp.tanh(x @ W) * sigmoid(x @ U)) @ V  # noqa: E731
    assert_same(f(SIGMOIDS[name]), f(jax.nn.sigmoid), rules)
    assert_same(f(jax.jit(SIGMOIDS[name])), f(jax.nn.sigmoid), rules)


@pytest.mark.parametrize("rules", [*RULES, lrp_jax.ATTN_LRP], ids=ids)
@pytest.mark.parametrize("name", SIGMOIDS)
def test_sigmoids_under_other_rules(name, rules):
    """As an activation, and as a factor that has its share."""
    f = lambda sigmoid: lambda x: (jnp.tanh(x @ W) * sigmoid(x @ U)) @ V + sigmoid(x @ W) @ V  # noqa: E731
    assert_same(f(SIGMOIDS[name]), f(jax.nn.sigmoid), rules, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rules", [*RULES, lrp_jax.ATTN_LRP], ids=ids)
@pytest.mark.parametrize("divisor", [lambda z: 1 + jnp.exp(-z), lambda z: jnp.exp(jax.nn.softplus(-z))])
def test_a_division_by_what_makes_a_sigmoid(divisor, rules):
    f = lambda x: (jnp.tanh(x @ W) / divisor(x @ U)) @ V  # noqa: E731
    g = lambda x: (jnp.tanh(x @ W) * jax.nn.sigmoid(x @ U)) @ V  # noqa: E731
    assert_same(f, g, rules)


HARD = {
    "jax": jax.nn.hard_sigmoid,
    "relu6": lambda z: jax.nn.relu6(z + 3) / 6,
    "clip": lambda z: jnp.clip(z / 6 + 0.5, 0, 1),
    "clip with 0.2": lambda z: jnp.clip(0.2 * z + 0.5, 0, 1),
    "min and max": lambda z: jnp.maximum(jnp.minimum(z + 3, 6), 0) * (1 / 6),
    "normal": jax.scipy.stats.norm.cdf,
}


@pytest.mark.parametrize("rules", RULES, ids=ids)
@pytest.mark.parametrize("name", HARD)
def test_hard_sigmoids_are_gates(name, rules):
    """Their value multiplies as a constant does."""
    gate = HARD[name]
    f = lambda x: (jnp.tanh(x @ W) * gate(x.mean(0) @ U)) @ V  # noqa: E731
    constant = gate(X.mean(0) @ U)
    g = lambda x: (jnp.tanh(x @ W) * lrp_jax.gate(constant + 0 * x[0])) @ V  # noqa: E731
    assert_same(f, g, rules)


def attention(x, weights=lambda s: jax.nn.softmax(s), scores=None):
    s = (x @ W) @ x.T / 2 if scores is None else scores
    return weights(s) @ jnp.tanh(x @ U)


def heads(x, mix):
    """[heads, q, k] weights, mixed, times values [k, d]."""
    s = jnp.einsum("qd,hde,ke->hqk", x, HEADS, x)
    return mix(jax.nn.softmax(s), jnp.tanh(x @ U))


MASK = jnp.array([1.0, 0.0])
MIXED = {
    "a mask of heads": (
        lambda a, v: jnp.einsum("hqk,kd->qd", jnp.einsum("hqk,h->hqk", a, MASK), v),
        lambda a, v: jnp.einsum("hqk,kd->qd", a * MASK[:, None, None], v),
    ),
    "a mean of heads": (lambda a, v: a.mean(0) @ v, lambda a, v: lrp_jax.gate(a.mean(0)) @ v),
    "a mean by einsum": (lambda a, v: jnp.einsum("hqk->qk", a) / 2 @ v, lambda a, v: lrp_jax.gate(a.mean(0)) @ v),
    "weighted heads": (
        lambda a, v: jnp.einsum("hqk,h,kd->qd", a, V[:2], v),
        lambda a, v: lrp_jax.gate(a[0] * V[0] + a[1] * V[1]) @ v,
    ),
    "talking heads": (
        lambda a, v: jnp.einsum("hqk,hg,kd->gqd", a, W[:2, :2], v).sum(0),
        lambda a, v: (lrp_jax.gate(jnp.einsum("hqk,hg->gqk", a, W[:2, :2])) @ v).sum(0),
    ),
    "difference of two": (lambda a, v: (a[0] - 0.3 * a[1]) @ v, lambda a, v: lrp_jax.gate(a[0] - 0.3 * a[1]) @ v),
    "dropout": (
        lambda a, v: (jnp.where(jnp.tri(3) > 0, a / 0.9, 0) @ v).sum(0),
        lambda a, v: (lrp_jax.gate(a * jnp.tri(3) / 0.9) @ v).sum(0),
    ),
}


@pytest.mark.parametrize("rules", RULES, ids=ids)
@pytest.mark.parametrize("name", MIXED)
def test_attention_that_is_masked_or_mixed(name, rules):
    f, g = (functools.partial(heads, mix=mix) for mix in MIXED[name])
    assert_same(f, g, rules)


def exp_of_max(s):
    return jnp.exp(s - s.max(-1, keepdims=True))


LATE = {
    "after the product": lambda s, v: (jnp.exp(s) @ v) / jnp.exp(s).sum(-1, keepdims=True),
    "one exp": lambda s, v: ((e := exp_of_max(s)) @ v) / e.sum(-1, keepdims=True),
    "times the reciprocal": lambda s, v: ((e := exp_of_max(s)) @ v) * (1 / e.sum(-1, keepdims=True)),
    "with a floor": lambda s, v: ((e := exp_of_max(s)) @ v) / (e.sum(-1, keepdims=True) + 0.0),
    "the sum as a column": lambda s, v: ((e := exp_of_max(s)) @ v) / (e @ jnp.ones((3, 1))),
    "in two parts": lambda s, v: (
        ((e := jnp.exp(s))[:, :2] @ v[:2] + e[:, 2:] @ v[2:]) / (e[:, :2].sum(-1) + e[:, 2:].sum(-1))[:, None]
    ),
    "exp2": lambda s, v: ((e := jnp.exp2(s * np.log2(np.e))) @ v) / e.sum(-1, keepdims=True),
    "from its logarithm": lambda s, v: jnp.exp(s - jax.nn.logsumexp(s, -1, keepdims=True)) @ v,
}


def flash(s, v, stop=lambda m: m):
    """One key at a time, with a running maximum."""

    def step(carry, one):
        acc, total, largest = carry
        score, value = one
        m = stop(jnp.maximum(largest, score))
        old, new = jnp.exp(largest - m), jnp.exp(score - m)
        return (acc * old[:, None] + new[:, None] * value, total * old + new, m), None

    start = jnp.zeros((3, 4)), jnp.zeros(3), jnp.full(3, -jnp.inf)
    (acc, total, _), _ = lax.scan(step, start, (s.T, v))
    return acc / total[:, None]


LATE["flash"] = flash
LATE["flash, stopped"] = functools.partial(flash, stop=lax.stop_gradient)


@pytest.mark.parametrize("rules", RULES, ids=ids)
@pytest.mark.parametrize("name", LATE)
def test_a_softmax_that_divides_late(name, rules):
    f = lambda x: (LATE[name]((x @ W) @ x.T / 2, jnp.tanh(x @ U)) @ V).sum()  # noqa: E731
    g = lambda x: (attention(x) @ V).sum()  # noqa: E731
    assert_same(f, g, rules)


@pytest.mark.parametrize("rules", RULES, ids=ids)
@pytest.mark.parametrize("phi", [lambda z: jax.nn.elu(z) + 1, jax.nn.relu, jnp.exp, jax.nn.softplus])
@pytest.mark.parametrize("order", ["linear", "quadratic"])
def test_linear_attention(phi, order, rules):
    """With LRP-0: phi(q) (phi(k)' v) / (phi(q) sum phi(k)) weights the values by constants."""

    def f(x):
        q, k, v = phi(x @ W), phi(x @ U), jnp.tanh(x)
        if order == "quadratic":
            return (((a := q @ k.T) @ v) / a.sum(-1, keepdims=True) @ V).sum()
        return ((q @ (k.T @ v)) / (q @ k.sum(0))[:, None] @ V).sum()

    def g(x):
        q, k, v = phi(X @ W), phi(X @ U), jnp.tanh(x)
        a = q @ k.T
        return ((a / a.sum(-1, keepdims=True)) @ v @ V).sum()

    assert_same(f, g, lrp_0(rules))


@pytest.mark.parametrize("rules", RULES, ids=ids)
def test_of_a_softmax_and_another_gate_the_softmax_is_the_gate(rules):
    f = lambda x: (jax.nn.softmax((x @ W) @ x.T) @ jax.nn.sigmoid(x @ U)) @ V  # noqa: E731
    value, r = lrp_jax.relevance(f, lrp_0(rules))(X)
    # By hand: the weighted sigmoids, each relevance to its x @ U and on to x.
    a, s = jax.nn.softmax((X @ W) @ X.T), jax.nn.sigmoid(X @ U)
    at_s = s * (a.T @ jnp.ones(3))[:, None] * V
    np.testing.assert_allclose(r, X * ((at_s / (X @ U)) @ U.T), rtol=1e-9)
    np.testing.assert_allclose(r.sum(), value.sum(), rtol=1e-9)
    assert abs(lrp_jax.audit(f, rules)(X).unexplained) < 1e-9


def test_what_is_no_gate_stays_none():
    for f in (
        lambda x: (x @ W) * (1 / (2 + jnp.exp(-(x @ U)))),  # to one half
        lambda x: (x @ W) * jnp.tanh(x @ U),
        lambda x: (x @ W) * jnp.exp(x @ U),
        lambda x: (x @ W) * jax.nn.relu6(x @ U),
        lambda x: (x @ W) * (jax.nn.sigmoid(x @ U) @ W + V),
        lambda x: (jnp.exp((x @ W) @ x.T) @ x) / jnp.exp((x @ U) @ x.T).sum(-1, keepdims=True),  # another's sum
    ):
        with pytest.raises(lrp_jax.RelevanceError):
            lrp_jax.lrp(lambda x, f=f: f(x).sum())(X)


# Activations

ACTIVATIONS = {
    "hard_swish": jax.nn.hard_swish,
    "hard_silu by hand": lambda z: z * jax.nn.relu6(z + 3) / 6,
    "hard_silu by clip": lambda z: z * jnp.clip(z + 3, 0, 6) / 6,
    "mish": jax.nn.mish,
    "silu": jax.nn.silu,
    "silu by hand": lambda z: z / (1 + jnp.exp(-z)),
    "gelu": jax.nn.gelu,
    "exact gelu": functools.partial(jax.nn.gelu, approximate=False),
    "quick gelu": lambda z: z * jax.nn.sigmoid(1.702 * z),
    "celu": jax.nn.celu,
    "selu": jax.nn.selu,
    "leaky_relu": jax.nn.leaky_relu,
    "relu6": jax.nn.relu6,
    "squareplus": jax.nn.squareplus,
    "soft_sign": jax.nn.soft_sign,
    "log_sigmoid": jax.nn.log_sigmoid,
    "hard_tanh": jax.nn.hard_tanh,
    "sparse_plus": jax.nn.sparse_plus,
}


@pytest.mark.parametrize("rules", [lrp_jax.PAPER, lrp_jax.ATTN_LRP, lrp_jax.CP_LRP], ids=ids)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_passes_its_relevance(name, rules):
    """By hand: all that y = f(z) is given goes to z, whatever it is made of."""
    f = ACTIVATIONS[name]
    z = jnp.linspace(-4.2, 4.1, 12)
    seed = jax.random.normal(KEYS[4], (12,))
    for spelled in (f, jax.jit(f), lambda z: f(z)):
        value, r = lrp_jax.relevance(spelled, lrp_0(rules))(z, seed=seed)
        np.testing.assert_allclose(value, f(z), rtol=1e-12)
        np.testing.assert_allclose(r, jnp.where(value == 0, 0, seed), rtol=1e-9)


# Norms

NORMS = {
    "divided": lambda x: x / jnp.linalg.norm(x, axis=-1, keepdims=True),
    "rsqrt": lambda x: x * lax.rsqrt((x**2).sum(-1, keepdims=True)),
    "power": lambda x: x * (x**2).sum(-1, keepdims=True) ** -0.5,
    "by a power": lambda x: x / (x**2).sum(-1, keepdims=True) ** 0.5,
    "guarded": lambda x: x / jnp.where((n := jnp.sqrt((x * x).sum(-1, keepdims=True))) > 0, n, 1),
    "guarded before": lambda x: x * lax.rsqrt(jnp.maximum((x * x).sum(-1, keepdims=True), 1e-12)),
    "guarded after": lambda x: jnp.where((n := jnp.linalg.norm(x, axis=-1, keepdims=True)) > 0, x / n, 0),
    "with a floor": lambda x: x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-6),
    "at most": lambda x: x * jnp.minimum(1e6, 1 / jnp.linalg.norm(x, axis=-1, keepdims=True)),
    "reciprocal": lambda x: x * (1 / jnp.sqrt((x**2).sum(-1, keepdims=True))),
    "einsum": lambda x: x / jnp.sqrt(jnp.einsum("ij,ij->i", x, x))[:, None],
}
OTHER_NORMS = {
    "L1": lambda x: x / jnp.abs(x).sum(-1, keepdims=True),
    "L1 by jax": lambda x: x / jnp.linalg.norm(x, ord=1, axis=-1, keepdims=True),
    "largest": lambda x: x / jnp.abs(x).max(-1, keepdims=True),
    "mean magnitude": lambda x: x / (jnp.abs(x).mean(-1, keepdims=True) + 1e-5),
    "cosine": lambda x: (x @ W) / (jnp.linalg.norm(x, axis=-1, keepdims=True) * jnp.linalg.norm(W, axis=0)),
    "clipped": lambda x: x * jnp.minimum(1, 1.5 / jnp.linalg.norm(x, axis=-1, keepdims=True)),
    "p": lambda x: x / jnp.linalg.norm(x, ord=3, axis=-1, keepdims=True),
}


@pytest.mark.parametrize("rules", [*RULES, lrp_jax.ATTN_LRP], ids=ids)
@pytest.mark.parametrize("name", [*NORMS, *OTHER_NORMS])
def test_a_norm_is_held_constant(name, rules):
    """With LRP-0 the relevance of a norm's signal is that of a division by a number."""
    norm = {**NORMS, **OTHER_NORMS}[name]
    f = lambda x: norm(x @ U) @ V  # noqa: E731
    y = X @ U
    scale = norm(y) / ((y @ W) if name == "cosine" else y)
    g = lambda x: (((x @ U @ W) if name == "cosine" else (x @ U)) * scale) @ V  # noqa: E731
    if name == "cosine":
        g = lambda x: (((x @ U) @ W) * scale) @ V  # noqa: E731
    assert_same(f, g, lrp_0(rules))
