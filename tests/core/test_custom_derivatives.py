"""Functions with their authors' derivatives, and loops: jax's under derivatives, what they compute under relevance."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import lrp_jax
from lrp_jax import Composite, Derivative, On, Pass

KEYS = jax.random.split(jax.random.key(4), 4)
W = jax.random.normal(KEYS[0], (4, 5))
V = jax.random.normal(KEYS[1], (5, 3))
X = jax.random.normal(KEYS[2], (4,)) * 2
RELEVANCE = [lrp_jax.PAPER, lrp_jax.ATTN_LRP, lrp_jax.CP_LRP, lrp_jax.EpsilonPlus]


def custom(f, back):
    """f(z) with the cotangent that `back(z, ct)` says, by custom_vjp."""
    g = jax.custom_vjp(f)
    g.defvjp(lambda z: (f(z), z), lambda z, ct: (back(z, ct),))
    return g


def custom_jvp(f, tangent):
    g = jax.custom_jvp(f)
    g.defjvp(lambda z, t: (f(z[0]), tangent(z[0], t[0])))
    return g


straight_through = custom(lambda z: jnp.round(z), lambda z, ct: ct)
reversal = custom(lambda z: z, lambda z, ct: -ct)
own_relu = custom(lambda z: jnp.where(z > 0, z, 0.0), lambda z, ct: ct * (z > 0))
layer = custom(lambda z: jnp.tanh(z @ W) @ V, lambda z, ct: 7 * (V @ ct) @ W.T)


@jax.custom_jvp
def safe_norm(z):
    return jnp.sqrt((z**2).sum())


@safe_norm.defjvp
def _safe_norm_jvp(primals, tangents):
    (z,), (t,) = primals, tangents
    n = safe_norm(z)
    return n, jnp.where(n == 0, 0.0, (z * t).sum() / jnp.where(n == 0, 1, n))


LOSING = {
    "round": straight_through,
    "round by custom_jvp": custom_jvp(lambda z: jnp.round(z), lambda z, t: t),
    "sign": custom(jnp.sign, lambda z, ct: ct),
    "floor": custom(lambda z: jnp.floor(z * 4) / 4, lambda z, ct: ct),
    "ceil": custom(jnp.ceil, lambda z, ct: ct),
    "integers": custom(lambda z: z.astype(int).astype(z.dtype), lambda z, ct: ct),
    "a comparison": custom(lambda z: jnp.where(z > 0, 1.0, -1.0), lambda z, ct: ct),
    "a comparison as a number": custom(lambda z: (z > 0).astype(z.dtype), lambda z, ct: ct),
    "fake quantisation": custom(lambda z: jnp.clip(jnp.round(z / 0.1), -128, 127) * 0.1, lambda z, ct: ct),
    "in part": custom(lambda z: z + (jnp.round(z) - z), lambda z, ct: ct),
    "nearest of a codebook": custom(
        lambda z: jnp.linspace(-2, 2, 9)[jnp.argmin(jnp.abs(z[:, None] - jnp.linspace(-2, 2, 9)), -1)],
        lambda z, ct: ct,
    ),
}


@pytest.mark.parametrize("name", LOSING)
@pytest.mark.parametrize("rules", RELEVANCE, ids=lambda r: r.name)
def test_what_loses_its_signal_is_refused(name, rules):
    f = lambda x: jnp.tanh(LOSING[name](x @ W)) @ V[:, 0]  # noqa: E731
    for wrapped in (f, jax.jit(f), lambda x: lax.scan(lambda c, _: (c + f(x), None), 0.0, None, length=2)[0]):
        with pytest.raises(lrp_jax.RelevanceError, match=r"test_custom_derivatives\.py.*line for 'custom'"):
            lrp_jax.lrp(wrapped, rules)(X)


@pytest.mark.parametrize("name", LOSING)
def test_a_line_for_custom_is_the_way_out(name):
    """Pass: y / z as for an activation. Derivative: its author's, here that of the identity."""
    q = LOSING[name]
    f = lambda x: (q(x @ W) @ V)[0]  # noqa: E731
    z, eps = X @ W, lambda s: s + jnp.where(s >= 0, 0.01, -0.01)
    y = q(z)
    at_y = V[:, 0] * (y @ V[:, 0]) / eps(y @ V[:, 0])
    for rule, at_z in ((Pass(), at_y * jnp.where(z == 0, 0, y / z)), (Derivative(), at_y)):
        rules = Composite("MINE", (On("custom", rule), *lrp_jax.PAPER.lines))
        value, r = lrp_jax.relevance(f, rules)(X)
        np.testing.assert_allclose(value, f(X))
        np.testing.assert_allclose(r, X * (W @ (at_z * z / eps(z))), rtol=1e-10)
        assert abs(lrp_jax.audit(f, rules)(X).unexplained) < 1e-9


def test_a_line_for_custom_can_name_a_scope():
    def f(x):
        with jax.named_scope("quantiser"):
            y = straight_through(x @ W)
        return jnp.tanh(y).sum()

    lrp_jax.lrp(f, Composite("MINE", (On("custom", Pass(), scope="quant*"), *lrp_jax.PAPER.lines)))(X)
    with pytest.raises(lrp_jax.RelevanceError):
        lrp_jax.lrp(f, Composite("MINE", (On("custom", Pass(), scope="head"), *lrp_jax.PAPER.lines)))(X)


def test_a_line_for_custom_leaves_activations_alone():
    rules = Composite("MINE", (On("custom", Derivative()), *lrp_jax.PAPER.lines))
    f = lambda x: (jax.nn.softplus(jax.nn.relu(x @ W) - 0.3) @ V)[0]  # noqa: E731
    np.testing.assert_array_equal(lrp_jax.relevance(f, rules)(X)[1], lrp_jax.relevance(f)(X)[1])


@pytest.mark.parametrize("rules", [*RELEVANCE, lrp_jax.GUIDED_BACKPROP, lrp_jax.DECONVNET], ids=lambda r: r.name)
def test_a_relu_of_ones_own_is_a_relu(rules):
    f = lambda relu, x: relu(relu(x @ W) @ V) @ jnp.array([1.0, -2.0, 0.5])  # noqa: E731
    wanted = lrp_jax.relevance(functools.partial(f, jax.nn.relu), rules)(X)[1]
    np.testing.assert_allclose(lrp_jax.relevance(functools.partial(f, own_relu), rules)(X)[1], wanted, rtol=1e-12)


@pytest.mark.parametrize("rules", RELEVANCE, ids=lambda r: r.name)
def test_what_has_rules_is_explained_by_what_it_computes(rules):
    f = lambda x: layer(jnp.tanh(x) - 0.2).sum()  # noqa: E731
    g = lambda x: (jnp.tanh((jnp.tanh(x) - 0.2) @ W) @ V).sum()  # noqa: E731
    np.testing.assert_allclose(lrp_jax.relevance(f, rules)(X)[1], lrp_jax.relevance(g, rules)(X)[1], rtol=1e-12)


DERIVATIVES = {
    "straight through": lambda x: jnp.tanh(straight_through(x @ W)).sum(),
    "reversal": lambda x: jnp.tanh(reversal(x @ W)).sum(),
    "a layer": lambda x: layer(x).sum(),
    "a norm at 0": lambda x: safe_norm(x * 0) + safe_norm(x[:0]) + safe_norm(x),
    "a scale of its own": lambda x: custom_jvp(jnp.sin, lambda z, t: 3 * t)(x @ W).sum(),
    "in a scan": lambda x: lax.scan(lambda c, _: (reversal(jnp.tanh(c + 1)), None), x, None, length=3)[0].sum(),
    "in a jit in a checkpoint": lambda x: jax.checkpoint(jax.jit(lambda x: reversal(x @ W).sum()))(x),
    "a bounded loop": lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.tanh(c) * 1.1, x).sum(),
    "a softmax": lambda x: (jax.nn.softmax(x) @ W).sum(),
    "clipped gradients": lambda x: custom(lambda z: z, lambda z, ct: jnp.clip(ct, -0.1, 0.1))(x @ W).sum(),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_composite_of_derivatives_is_the_gradient(name):
    f = DERIVATIVES[name]
    for wrapped in (f, jax.jit(f)):
        got = jax.grad(lrp_jax.lrp(wrapped, lrp_jax.GRADIENT))(X)
        np.testing.assert_allclose(got, jax.grad(f)(X), rtol=1e-12)
        np.testing.assert_allclose(jax.grad(lrp_jax.lrp(wrapped, lrp_jax.GRADIENT_X_INPUT))(X), X * got, rtol=1e-12)


def loop(x):
    return lax.while_loop(lambda c: c[1] < 3, lambda c: (jnp.tanh(c[0]), c[1] + 1), (x, 0))[0].sum()


def test_a_while_loop_raises_where_the_gradient_raises():
    with pytest.raises(ValueError, match="while_loop"):
        jax.grad(loop)(X)
    for rules in (lrp_jax.GRADIENT, lrp_jax.GRADIENT_X_INPUT, lrp_jax.GUIDED_BACKPROP):
        with pytest.raises(ValueError, match="while_loop"):
            jax.grad(lrp_jax.lrp(loop, rules))(X)
    with pytest.raises(lrp_jax.RelevanceError, match="`while` has no rule"):
        lrp_jax.lrp(loop)(X)


def test_a_while_loop_that_feeds_no_derivative_is_no_hindrance():
    f = lambda x: (x @ W).sum() * jnp.round(loop(x))  # noqa: E731
    np.testing.assert_allclose(jax.grad(lrp_jax.lrp(f, lrp_jax.GRADIENT))(X), jax.grad(f)(X))


def test_a_callback_raises_where_the_gradient_raises():
    f = lambda x: jax.pure_callback(np.tanh, jax.ShapeDtypeStruct((4,), x.dtype), x).sum()  # noqa: E731
    with pytest.raises(ValueError, match=r"[Cc]allback"):
        jax.grad(f)(X)
    with pytest.raises(ValueError, match=r"[Cc]allback"):
        jax.grad(lrp_jax.lrp(f, lrp_jax.GRADIENT))(X)
    with pytest.raises(lrp_jax.RelevanceError):
        lrp_jax.lrp(f)(X)
