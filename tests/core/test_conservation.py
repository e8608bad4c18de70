"""Relevance is neither made nor lost: networks without biases, and epsilon too small to matter."""

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lrp_jax
from lrp_jax import PAPER, Composite, Epsilon, On

EXACT = Composite("EXACT", (*PAPER.lines[:-1], On("*", Epsilon(1e-12))))
VALUES = st.integers(-2000, 2000).map(lambda v: v / 1000)


class Convolutions(nn.Module):
    """Convolutions, pooling and a residual, without biases."""

    @nn.compact
    def __call__(self, x):
        h = nn.relu(nn.Conv(4, (3, 3), use_bias=False, param_dtype=float)(x))
        h = nn.max_pool(h, (2, 2), (2, 2))
        h = h + nn.relu(nn.Conv(4, (3, 3), use_bias=False, param_dtype=float)(h))
        return nn.Dense(3, use_bias=False, param_dtype=float)(h.mean(axis=(-2, -3)))


CONV = Convolutions()
CONV_PARAMS = CONV.init(jax.random.key(0), jnp.ones((6, 6, 2)))
EXPLAIN = jax.jit(lrp_jax.relevance(lambda x: CONV.apply(CONV_PARAMS, x)[..., 1].sum(), EXACT))


def assert_conserved(value, relevance):
    # The epsilon of 1e-12 is felt where a sum nearly cancels: the bound is on the larger of value and relevance.
    size = max(1.0, float(jnp.abs(relevance).sum()))
    assert abs(float(relevance.sum() - value)) <= 1e-8 * size


@hypothesis.given(hnp.arrays(float, (6, 6, 2), elements=VALUES))
def test_convolutions(x):
    # Under the alpha rule an output without any positive contribution has nowhere to send relevance. A ReLU follows
    # every convolution here and makes such outputs 0, so nothing is lost.
    assert_conserved(*EXPLAIN(x))


@hypothesis.given(hnp.arrays(float, (3, 6, 6, 2), elements=VALUES))
def test_one_of_a_batch_is_as_alone(x):
    _, batch = EXPLAIN(x)
    for i in range(3):
        np.testing.assert_allclose(batch[i], EXPLAIN(x[i])[1], rtol=1e-9, atol=1e-12)


KEYS = jax.random.split(jax.random.key(1), 6)
W, U = jax.random.normal(KEYS[0], (3, 20)) / 2, jax.random.normal(KEYS[1], (5, 20)) / 2
V, Q = jax.random.normal(KEYS[2], (5, 5)), jax.random.normal(KEYS[3], (5, 3))


def gated(x):
    """An LSTM with attention over what it read, without biases."""

    def step(carry, x):
        h, m = carry
        i, f, g, o = jnp.split(x @ W + h @ U, 4)
        m = jax.nn.sigmoid(f) * m + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(m)
        return (h, m), h

    (h, _), hs = jax.lax.scan(step, (jnp.zeros(5), jnp.zeros(5)), x)
    alpha = jax.nn.softmax(hs @ V @ h)
    return ((alpha @ hs + h) @ Q)[0]


EXPLAIN_GATED = jax.jit(lrp_jax.relevance(gated, EXACT))


@hypothesis.given(hnp.arrays(float, (4, 3), elements=VALUES))
def test_lstm_with_attention(x):
    value, relevance = EXPLAIN_GATED(x)
    assert_conserved(value, relevance)


def test_jit_changes_nothing():
    x = jax.random.normal(jax.random.key(5), (4, 3))
    value, relevance = lrp_jax.relevance(gated, EXACT)(x)
    np.testing.assert_allclose(relevance, EXPLAIN_GATED(x)[1], rtol=1e-12)
    np.testing.assert_allclose(jax.grad(lrp_jax.lrp(gated, EXACT))(x), relevance, rtol=1e-12)
    np.testing.assert_allclose(value, gated(x), rtol=1e-14)
