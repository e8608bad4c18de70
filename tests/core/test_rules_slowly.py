"""Every rule against its slow second implementation."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import slow_lrp as slow
from flax import linen as nn

import lrp_jax
from lrp_jax import PAPER, AlphaBeta, Composite, Epsilon, On


def with_rule(*lines):
    return Composite("TEST", (*lines, *PAPER.lines))


def arrays(seed, *shapes):
    return [
        jax.random.normal(k, s)
        for k, s in zip(jax.random.split(jax.random.key(seed), len(shapes)), shapes, strict=True)
    ]


def assert_same(f, network, x, rules, seed=None):
    value, got = lrp_jax.relevance(f, rules)(x, seed=seed)
    compiled = jax.jit(lrp_jax.relevance(f, rules))(x, seed=seed)[1]
    wanted = slow.explain(network, x, None if seed is None else np.asarray(seed))
    np.testing.assert_allclose(value, f(x), rtol=1e-15)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(compiled, got, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("eps", [0.0, 1e-2, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_epsilon_on_dense_layers(eps, seed):
    x, w, b, v, c = arrays(seed, (6,), (6, 9), (9,), (9, 4), (4,))
    layers = [lambda x: x @ w + b, jnp.tanh, lambda h: h @ v + c, jax.nn.relu]
    rule = partial(slow.epsilon, eps=eps)
    network = list(zip(layers, [rule, slow.unchanged] * 2, strict=True))

    def f(x):
        return jax.nn.relu(jnp.tanh(x @ w + b) @ v + c)

    rules = with_rule(On("*", Epsilon(eps)))
    assert_same(f, network, x, rules)
    assert_same(f, network, x, rules, seed=jnp.where(f(x) != 0, jnp.arange(4.0), 0))


def conv(x, w, b=0.0, stride=1):
    return (
        jax.lax.conv_general_dilated(x[None], w, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[
            0
        ]
        + b
    )


@pytest.mark.parametrize("alpha", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_alpha_beta_on_convolutions(alpha, bias, seed):
    """The first layer sees both signs, the second only what a ReLU lets through."""
    x, w, b, v, c, u = arrays(seed, (5, 5, 2), (3, 3, 2, 4), (4,), (3, 3, 4, 3), (3,), (3 * 2 * 2,))
    w = w.at[..., 1].set(-jnp.abs(w[..., 1]))
    pool = lambda h: nn.max_pool(h[None], (2, 2), (2, 2))[0]  # noqa: E731
    layers = [
        (lambda x: conv(x, w, b.reshape(1, 1, 4)), partial(slow.alpha_beta, alpha=alpha, bias=bias)),
        (jax.nn.relu, slow.unchanged),
        (lambda h: conv(h, v, c.reshape(1, 1, 3)), partial(slow.alpha_beta, alpha=alpha, bias=bias)),
        (jax.nn.relu, slow.unchanged),
        (pool, slow.winner),
        (lambda h: h.ravel() @ u, partial(slow.epsilon, eps=0.01)),
    ]

    def f(x):
        h = jax.nn.relu(conv(x, w) + b.reshape(1, 1, 4))
        return pool(jax.nn.relu(conv(h, v) + c.reshape(1, 1, 3))).ravel() @ u

    assert_same(f, layers, x, with_rule(On("conv", AlphaBeta(alpha, bias=bias))))


@pytest.mark.parametrize("bias", [False, True])
def test_alpha_beta_on_a_dense_layer_whose_kernel_stands_first(bias):
    x, w, b = arrays(0, (6,), (4, 6), (4,))
    rules = with_rule(On("dense", AlphaBeta(0.5, bias=bias)))
    rule = partial(slow.alpha_beta, alpha=0.5, bias=bias)
    assert_same(lambda x: w @ x + b, [(lambda x: w @ x + b, rule)], x, rules)


def test_alpha_beta_folds_a_batch_norm_of_both_signs():
    """Scale and shift per channel after the convolution count before the signs are taken."""
    x, w, b, scale, shift, mean = arrays(3, (4, 4, 2), (3, 3, 2, 5), (5,), (5,), (5,), (5,))
    assert (scale > 0).any() and (scale < 0).any()
    b, scale, shift, mean = (a.reshape(1, 1, 5) for a in (b, scale, shift, mean))

    def f(x):
        return (conv(x, w) + b - mean) * scale + shift

    for alpha, bias in ((0.0, False), (1.0, True)):
        rule = partial(slow.alpha_beta, alpha=alpha, bias=bias)
        assert_same(f, [(f, rule)], x, with_rule(On("conv", AlphaBeta(alpha, bias=bias))))


def test_alpha_beta_with_a_scale_for_every_pixel():
    """A scale that cannot be folded into the kernel gives the same numbers from both parts of it."""
    x, w, scale = arrays(4, (4, 4, 2), (3, 3, 2, 5), (4, 4, 5))

    def f(x):
        return conv(x, w) * scale - 0.1

    for alpha in (0.0, 0.7):
        rule = partial(slow.alpha_beta, alpha=alpha, bias=False)
        assert_same(f, [(f, rule)], x, with_rule(On("conv", AlphaBeta(alpha))))


def test_a_mean_has_its_epsilon_after_the_division():
    x = arrays(5, (8, 3))[0]
    rule = partial(slow.epsilon, eps=0.3)
    mean = lambda x: x.mean(axis=0)  # noqa: E731
    assert_same(mean, [(mean, rule)], x, with_rule(On("*", Epsilon(0.3))))
    assert_same(lambda x: x.sum(axis=0) / 8, [(mean, rule)], x, with_rule(On("*", Epsilon(0.3))))


def test_attention_gives_the_gate_nothing():
    """Weights from a softmax of the signal itself count as constants, and the weighted sum is a neuron."""
    x, q = arrays(6, (5, 4), (4,))
    alpha = jax.nn.softmax(x @ q)
    constant = lambda x: alpha @ x  # noqa: E731
    rule = partial(slow.epsilon, eps=0.01)
    assert_same(lambda x: jax.nn.softmax(x @ q) @ x, [(constant, rule)], x, PAPER)
    summed = lambda x: (jax.nn.softmax(x @ q)[:, None] * x).sum(axis=0)  # noqa: E731
    assert_same(summed, [(constant, rule)], x, PAPER)


ACTIVATIONS = {
    "silu": jax.nn.silu,
    "gelu": jax.nn.gelu,
    "gelu by erf": partial(jax.nn.gelu, approximate=False),
    "elu": jax.nn.elu,
    "softplus": jax.nn.softplus,
    "softplus by hand": lambda x: jnp.log(1 + jnp.exp(x)),
    "leaky relu": jax.nn.leaky_relu,
    "relu6": jax.nn.relu6,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "floor": lambda x: jnp.maximum(x, -0.2),
}


@pytest.mark.parametrize("f", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_an_activation_passes_relevance_on(f):
    x, w = arrays(7, (6,), (6, 5))
    rule = partial(slow.epsilon, eps=0.01)
    assert_same(lambda x: f(x @ w), [(lambda x: x @ w, rule), (f, slow.unchanged)], x, PAPER)


def test_where_an_activation_is_not_zero_at_zero_relevance_stops():
    x = jnp.array([0.0, 1.0])
    _, r = lrp_jax.relevance(lambda x: jax.nn.softplus(x))(x)
    np.testing.assert_allclose(r, [0.0, float(jax.nn.softplus(1.0))])
