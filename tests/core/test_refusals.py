"""What has no meaning under the rules is refused, with the line to change; what has is not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import lrp_jax

LRP_0 = lrp_jax.Composite("LRP-0", (lrp_jax.On("*", lrp_jax.Epsilon(0.0)), *lrp_jax.PAPER.lines))
W = jax.random.normal(jax.random.key(0), (4, 4))
X = jax.random.normal(jax.random.key(1), (3, 4))


def product(x):
    return (x @ W) * jnp.tanh(x)


def square(x):
    return (x**2).sum()


def norm(x):
    return (x / jnp.linalg.norm(x)) @ W


def cumulative_product(x):
    return jnp.cumprod(x @ W, axis=1)


def unknown(x):
    return jnp.linalg.cholesky(x @ x.T + 9 * jnp.eye(3))


def while_on_the_path(x):
    return lax.while_loop(lambda c: c[1] < 3, lambda c: (jnp.tanh(c[0] @ W), c[1] + 1), (x, 0))[0]


def softmax_itself(x):
    return jax.nn.softmax(x @ W)


def reciprocal(x):
    return (1 / (x @ W)).sum()


def query_times_key(x):
    return (x @ W) @ x.T


@pytest.mark.parametrize(
    "f",
    [
        product,
        square,
        cumulative_product,
        unknown,
        while_on_the_path,
        softmax_itself,
        reciprocal,
        query_times_key,
    ],
)
def test_refused_with_the_line(f):
    line = f.__code__.co_firstlineno + 1
    for wrapped in (
        f,
        jax.jit(f),
        jax.checkpoint(f),
        lambda x: lax.scan(lambda c, _: (c, f(x)), 0.0, None, length=2)[1],
    ):
        with pytest.raises(lrp_jax.RelevanceError, match=rf"test_refusals.py:{line} \({f.__name__}\)"):
            lrp_jax.lrp(wrapped)(X)


def test_all_places_at_once_and_what_to_write():
    def f(x):
        y = product(x)
        return square(y) + jnp.exp(y).sum()

    with pytest.raises(lrp_jax.RelevanceError) as error:
        lrp_jax.lrp(f)(X)
    text = str(error.value)
    assert text.startswith("2 operation(s) would carry relevance and have no rule in PAPER")
    assert "(product)" in text
    assert "(square)" in text
    assert "write lrp_jax.gate(x) around the factor" in text


def test_a_norm_without_a_line_for_norms():
    rules = lrp_jax.Composite("BARE", tuple(line for line in lrp_jax.PAPER.lines if line.kind != "norm"))
    with pytest.raises(lrp_jax.RelevanceError, match=r"\(norm\): `div` divides a signal by a norm"):
        lrp_jax.lrp(norm, rules)(X)


def test_a_scope_is_named():
    def f(x):
        with jax.named_scope("encoder"), jax.named_scope("head"):
            return square(x)

    with pytest.raises(lrp_jax.RelevanceError, match="in encoder/head"):
        lrp_jax.lrp(f)(X)


def attention(x):
    scores = (x @ W) @ x.T / 2
    return jax.nn.softmax(scores) @ x


def masked_attention(x):
    scores = (x @ W) @ x.T
    return jax.nn.softmax(scores, where=jnp.tri(3, dtype=bool), axis=-1) @ x


def minus_infinity_attention(x):
    scores = jnp.where(jnp.tri(3, dtype=bool), (x @ W) @ x.T, -jnp.inf)
    return jax.nn.softmax(scores) @ x


def softmax_by_hand(x):
    e = jnp.exp((x @ W) @ x.T)
    return (e / e.sum(-1, keepdims=True)) @ x


def softmax_by_reciprocal(x):
    e = jnp.exp((x @ W) @ x.T)
    return (e * (1 / e.sum(-1, keepdims=True))) @ x


def softmax_from_its_logarithm(x):
    return jnp.exp(jax.nn.log_softmax((x @ W) @ x.T)) @ x


def squeeze_and_excite(x):
    return x * jax.nn.sigmoid(jax.nn.relu(x.mean(0) @ W) @ W)


def gate_times_gate(x):
    return x * (jax.nn.sigmoid(x @ W) * (1 - jax.nn.sigmoid(x @ W.T)))


def declared(x):
    return x * lrp_jax.gate(jnp.tanh(x @ W))


def while_in_a_gate(x):
    return x * jax.nn.sigmoid(while_on_the_path(x))


@pytest.mark.parametrize(
    "f",
    [attention, masked_attention, minus_infinity_attention, softmax_by_hand, softmax_by_reciprocal,
     softmax_from_its_logarithm, squeeze_and_excite, gate_times_gate, declared, while_in_a_gate],
)  # fmt: skip
def test_a_gate_is_a_constant_for_relevance(f):
    """Nothing is refused, and with LRP-0 the signal's relevance is all of the value."""
    value, r = lrp_jax.relevance(f, LRP_0)(X)
    np.testing.assert_allclose(value, f(X))
    np.testing.assert_allclose(r.sum(), value.sum(), rtol=1e-9)
    eager, compiled = lrp_jax.relevance(f)(X)[1], jax.jit(lrp_jax.relevance(f))(X)[1]
    np.testing.assert_allclose(compiled, eager, rtol=1e-9, atol=1e-12)


def test_a_gate_that_multiplies_no_signal_is_an_activation():
    """V sigmoid(Wx) is explained through the sigmoid."""

    def f(x):
        return jax.nn.sigmoid(x @ W) @ W

    _, r = lrp_jax.relevance(f)(X[0])
    z = X[0] @ W
    s = jax.nn.sigmoid(z)
    o = s @ W
    at_s = s * (W @ (o / (o + jnp.where(o >= 0, 0.01, -0.01))))
    at_x = X[0] * (W @ (at_s / (z + jnp.where(z >= 0, 0.01, -0.01))))
    np.testing.assert_allclose(r, at_x, rtol=1e-12)


def test_signal_take_all_by_hand():
    """x * sigmoid(Wx): x takes everything, so relevance is the value itself."""
    value, r = lrp_jax.relevance(lambda x: x * jax.nn.sigmoid(x @ W))(X)
    np.testing.assert_allclose(r, value)


def test_two_gates_without_a_signal_share():
    a, b = jnp.array([0.3, -1.0]), jnp.array([2.0, 0.5])
    f = lambda a, b: jax.nn.sigmoid(a) * jax.nn.sigmoid(b)  # noqa: E731
    value, (at_a, at_b) = lrp_jax.relevance(f, argnums=(0, 1))(a, b)
    np.testing.assert_allclose(at_a, value / 2)
    np.testing.assert_allclose(at_b, value / 2)


def test_what_the_gradient_composite_does_not_refuse():
    for f in (product, square, norm, cumulative_product, unknown, softmax_itself, reciprocal, query_times_key):
        scalar = lambda x, f=f: f(x).sum()  # noqa: E731
        np.testing.assert_allclose(jax.grad(lrp_jax.lrp(scalar, lrp_jax.GRADIENT))(X), jax.grad(scalar)(X), rtol=1e-10)


def test_bad_tables_are_refused():
    with pytest.raises(ValueError, match="got kind 'convolution'; wanted one of conv, dense"):
        lrp_jax.On("convolution", lrp_jax.Epsilon())
    with pytest.raises(ValueError, match="is for conv, dense, not for 'sum'"):
        lrp_jax.On("sum", lrp_jax.AlphaBeta())
    with pytest.raises(ValueError, match=r"got alpha=-1; Eq\. 21 needs alpha >= 0"):
        lrp_jax.AlphaBeta(-1)
