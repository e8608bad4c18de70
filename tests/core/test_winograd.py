"""Winograd's algorithm for the transpose of a convolution, against the transpose itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax import lax

import lrp_jax
from lrp_jax.core.running import winograd

NUMBERS = ("NHWC", "HWIO", "NHWC")
SAME = ((1, 1), (1, 1))


def transposed(s, kernel, padding, size):
    """By the convolution."""

    def convolved(x):
        return lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=NUMBERS)

    return jax.linear_transpose(convolved, jnp.zeros((len(s), *size, kernel.shape[2]), s.dtype))(s)[0]


def example(size, padding, count=2, channels=(3, 5)):
    keys = jax.random.split(jax.random.key(0), 2)
    kernel = jax.random.normal(keys[0], (3, 3, *channels), jnp.float64)
    shape = [side + sum(pads) - 2 for side, pads in zip(size, padding, strict=True)]
    return jax.random.normal(keys[1], (count, *shape, channels[1]), jnp.float64), kernel


@pytest.mark.parametrize("padding", [SAME, ((0, 0), (0, 0)), ((2, 2), (2, 2)), ((0, 1), (2, 1)), ((1, 0), (0, 2))])
@pytest.mark.parametrize("size", [(6, 8), (7, 9), (5, 4), (3, 3)])
def test_it_is_the_transpose(size, padding):
    s, kernel = example(size, padding)
    found = winograd.transpose(s, kernel, padding)
    assert found.shape == (2, *size, 3)
    np.testing.assert_allclose(found, transposed(s, kernel, padding, size), rtol=1e-12, atol=1e-12)


def test_one_pixel():
    s, kernel = example((1, 1), SAME)
    np.testing.assert_allclose(
        winograd.transpose(s, kernel, SAME), transposed(s, kernel, SAME, (1, 1)), rtol=1e-12, atol=1e-12
    )


def test_derivatives_and_batches():
    s, kernel = example((5, 6), SAME)

    def energy(transpose, s, kernel):
        return jnp.sum(jnp.sin(transpose(s, kernel)))

    def fast(s, kernel):
        return winograd.transpose(s, kernel, SAME)

    def slow(s, kernel):
        return transposed(s, kernel, SAME, (5, 6))

    for derivative in (jax.grad, jax.jacfwd):
        for argnum in (0, 1):
            found, wanted = (derivative(lambda *a, f=f: energy(f, *a), argnum)(s, kernel) for f in (fast, slow))
            np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)
    many = jnp.stack([s, 2 * s, -s])
    np.testing.assert_allclose(jax.vmap(fast, (0, None))(many, kernel)[1], 2 * fast(s, kernel), rtol=1e-12)


def wide(dtype, **options):
    """A layer of many channels between two of few, its input and its variables."""
    model = nn.Sequential([nn.Conv(128, (3, 3)), nn.relu, nn.Conv(256, (3, 3), **options), nn.relu, nn.Conv(2, (1, 1))])
    x = jax.random.normal(jax.random.key(0), (1, 9, 8, 3))
    variables = model.init(jax.random.key(1), x)
    return model, *jax.tree.map(lambda a: a.astype(dtype), (x, variables))


def relevance(dtype, composite, **options):
    model, x, variables = wide(dtype, **options)
    return jax.grad(lrp_jax.lrp(lambda x: model.apply(variables, x).sum(), composite))(x)


@pytest.fixture
def calls(monkeypatch):
    """How often the algorithm was used."""
    found = []
    monkeypatch.setattr(winograd, "transpose", lambda *a, do=winograd.transpose: found.append(a[0].shape) or do(*a))
    return found


@pytest.mark.parametrize("composite", [lrp_jax.PAPER, lrp_jax.EpsilonAlpha2Beta1, lrp_jax.EpsilonPlusFlat])
def test_relevance_of_a_wide_layer(composite, calls):
    found = relevance(jnp.float32, composite)
    assert calls
    used = len(calls)
    exact = relevance(jnp.float64, composite)
    assert len(calls) == used, "float64 keeps the convolution"
    np.testing.assert_allclose(found, exact, atol=2e-6 * np.abs(exact).max())
    np.testing.assert_allclose(found.sum(), exact.sum(), rtol=1e-5)


@pytest.mark.parametrize(
    "options", [{"strides": 2}, {"kernel_dilation": 2}, {"feature_group_count": 2}, {"padding": ((3, 1), (1, 1))}]
)
def test_other_convolutions_stay(options, calls):
    found, exact = (relevance(dtype, lrp_jax.PAPER, **options) for dtype in (jnp.float32, jnp.float64))
    assert not calls
    np.testing.assert_allclose(found, exact, atol=2e-6 * np.abs(exact).max())


def test_few_channels_stay(calls, monkeypatch):
    monkeypatch.setattr(winograd, "LEAST_PAIRS", 128 * 256 + 1)
    relevance(jnp.float32, lrp_jax.PAPER)
    assert not calls


def test_accelerators_keep_the_convolution(calls, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    relevance(jnp.float32, lrp_jax.PAPER)
    assert not calls


def test_weights_are_explained_through_it(calls):
    """Relevance that passes each weight is a derivative along the kernel, of what the algorithm returns."""

    def of(dtype):
        model, x, variables = wide(dtype)
        _, passed = lrp_jax.parameter_relevance(lambda v, x: model.apply(v, x).sum())(variables, x)
        return passed["params"]["layers_2"]["kernel"]

    found, exact = of(jnp.float32), of(jnp.float64)
    assert calls
    np.testing.assert_allclose(found, exact, atol=2e-6 * np.abs(exact).max())
