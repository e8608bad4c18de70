"""What stands before the first layer, or behind the last one, and has no weights, takes no layer's place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import lrp_jax
from lrp_jax import Composite, Flat, On, WSquare, ZBox

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(3, 3, 3, 2))
MIXED = RNG.normal(size=(3, 3))
DENSE = RNG.normal(size=(2, 4))
IMAGE = RNG.uniform(0.1, 1, (1, 8, 8, 3))
MEAN = -np.array([0.4, 0.5, 0.3])  # so that nothing is near 0, where an epsilon matters
CHANNELS = ("NHWC", "HWIO", "NHWC")


def _resize(method, size):
    return lambda x: jax.image.resize(x, (1, size, size, 3), method)


BEFORE = {
    "nothing": lambda x: x,
    "a linear resize": _resize("linear", 12),
    "a cubic resize": _resize("cubic", 12),
    "a nearest resize": _resize("nearest", 12),
    "a smaller image": _resize("linear", 5),
    "normalisation": lambda x: (x - MEAN) / 0.2,
    "normalisation under jit": jax.jit(lambda x: (x - MEAN) / 0.2),
    "channels turned": lambda x: x[..., ::-1],
    "a crop": lambda x: x[:, 1:7, 1:7],
    "padding": lambda x: jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))),
    "reflected padding": lambda x: jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect"),
    "average pooling": lambda x: nn.avg_pool(x, (2, 2), (2, 2)),
    "average pooling of overlaps": lambda x: nn.avg_pool(x, (3, 3), (2, 2), "SAME"),
    "max pooling": lambda x: nn.max_pool(x, (2, 2), (2, 2)),
    "means taken off": lambda x: x - 3 * x.mean((1, 2), keepdims=True),
    "grey": lambda x: jnp.repeat(x.mean(-1, keepdims=True), 3, -1),
    "dropout": lambda x: nn.Dropout(0.1).apply({}, x, deterministic=False, rngs={"dropout": jax.random.key(0)}),
    "scaling": lambda x: x * 255 / 127.5,
    "a roll": lambda x: jnp.roll(x, 1, 1),
    "patches": lambda x: jax.lax.conv_general_dilated_patches(x, (2, 2), (1, 1), "VALID", dimension_numbers=CHANNELS)[
        ..., :3
    ],
    "a running sum": lambda x: jnp.cumsum(x, 1),
}
FIRST = {
    "flat": lrp_jax.EpsilonPlusFlat,
    "w-square": Composite("w", (On("conv", WSquare(), position="first"), *lrp_jax.EpsilonPlus.lines)),
    "z-box": Composite("z", (On("conv", ZBox(-9.0, 9.0), position="first"), *lrp_jax.EpsilonPlus.lines)),
}


def network(u, kernel=KERNEL):
    z = jax.lax.conv_general_dilated(u, kernel, (1, 1), "VALID", dimension_numbers=CHANNELS)
    return (nn.relu(z).sum((1, 2)) @ DENSE).sum()


def relevance(f, x, rules):
    return jax.grad(lrp_jax.lrp(f, rules))(x)


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("rules", FIRST.values(), ids=FIRST)
@pytest.mark.parametrize("name", BEFORE)
def test_the_rule_of_the_first_layer_stays_with_it(name, rules):
    prepare = BEFORE[name]
    u, pull = jax.vjp(prepare, jnp.asarray(IMAGE))
    at_layer = np.asarray(relevance(network, u, rules))
    # What has no weights hands relevance on in proportion to its terms.
    (density,) = pull(jnp.asarray(np.divide(at_layer, u, out=np.zeros(u.shape), where=np.asarray(u) != 0)))
    got = relevance(lambda x: network(prepare(x)), IMAGE, rules)
    np.testing.assert_allclose(got, IMAGE * density, atol=1e-3 * abs(at_layer).max())
    audit = lrp_jax.audit(lambda x: network(prepare(x)), rules)(IMAGE)
    assert abs(audit.unexplained) < 1e-9 * abs(audit.seed)


def test_the_first_layer_may_have_a_kernel_that_the_function_makes():
    def made(u):
        return network(u, jnp.ones((3, 3, 3, 2)))

    ones = np.ones((3, 3, 3, 2))

    def given(u):
        return network(u, ones)

    rules = lrp_jax.EpsilonPlusFlat
    np.testing.assert_allclose(relevance(made, IMAGE, rules), relevance(given, IMAGE, rules), atol=1e-12)


def test_relevance_of_constant_padding_has_its_line():
    def padded(x):
        return network(jnp.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))))

    audit = lrp_jax.audit(padded, lrp_jax.EpsilonPlusFlat)(IMAGE)
    (row,) = (r for r in audit.rows if r.operation == "pad")
    assert row.cause == "bias"
    np.testing.assert_allclose(row.lost, audit.seed - audit.relevance - sum(
        r.lost for r in audit.rows if r is not row), rtol=1e-9)  # fmt: skip
    assert abs(row.lost) > 0.1 * abs(audit.seed)


@pytest.mark.parametrize("other", [nn.relu, lambda x: x @ MIXED])
def test_behind_an_activation_or_a_layer_no_layer_is_first(other):
    flat, plus = (relevance(lambda x: network(other(x)), IMAGE, r) for r in (FIRST["w-square"], lrp_jax.EpsilonPlus))
    np.testing.assert_array_equal(flat, plus)


BEHIND = {
    "nothing": lambda z: z[0, 0, 0, 1],
    "a mean": lambda z: z.mean((1, 2))[0, 1],
    "average pooling": lambda z: nn.avg_pool(z, (2, 2), (2, 2))[0, 1, 1, 1],
    "max pooling": lambda z: nn.max_pool(z, (2, 2), (2, 2))[0, 1, 1, 1],
    "scaling": lambda z: z[0, 0, 0, 1] / 2.5,
    "an index": lambda z: jnp.take(z, jnp.array([1]), -1).sum(),
    "a cast": lambda z: z[0, 0, 0, 1].astype(jnp.float32),
    "dropout": lambda z: nn.Dropout(0.1).apply({}, z, deterministic=True).sum(),
}


@pytest.mark.parametrize("name", BEHIND)
def test_what_stands_behind_the_last_layer(name):
    def f(x):
        hidden = nn.relu(jax.lax.conv_general_dilated(x, KERNEL, (1, 1), "VALID", dimension_numbers=CHANNELS))
        return BEHIND[name](hidden @ DENSE)

    last = Composite("last", (On("dense", Flat(), position="last"), *lrp_jax.PAPER.lines))
    every = Composite("every", (On("dense", Flat()), *lrp_jax.PAPER.lines))
    got = relevance(f, IMAGE, last)
    np.testing.assert_allclose(got, relevance(f, IMAGE, every), atol=1e-12)
    assert not np.allclose(got, relevance(f, IMAGE, lrp_jax.PAPER), atol=1e-3 * abs(got).max())
