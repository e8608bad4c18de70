"""What a layer is, is told by its weights: kernels that move data, and those that the program computes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import lrp_jax
from lrp_jax import AlphaBeta, Composite, Flat, Gamma, On

KEYS = jax.random.split(jax.random.key(5), 5)
X = jax.random.normal(KEYS[0], (1, 3, 4, 4))
W = jax.random.normal(KEYS[1], (12, 5))
V = jax.random.normal(KEYS[2], (5,))
ZPLUS = Composite("Z+", (On("conv", AlphaBeta()), On("dense", AlphaBeta()), *lrp_jax.PAPER.lines))
RULES = {
    "PAPER": lrp_jax.PAPER,
    "EpsilonPlus": lrp_jax.EpsilonPlus,
    "z+": ZPLUS,
    "gamma": Composite("G", (On("conv", Gamma(0.5)), On("dense", Gamma(0.5)), *lrp_jax.PAPER.lines)),
    "flat": lrp_jax.EpsilonPlusFlat,
    "first": Composite("F", (On("dense", Flat(), position="first"), *ZPLUS.lines)),
}
HOT = np.zeros((12, 3, 2, 2))
for c in range(3):
    for i in range(2):
        for j in range(2):
            HOT[c * 4 + i * 2 + j, c, i, j] = 1
SELECT = np.eye(12)[[3, 1, 4, 1, 5, 9, 2, 6]]


def head(patches):
    return (jax.nn.relu(patches @ W) @ V).sum()


def by_reshape(x):
    p = x.reshape(1, 3, 2, 2, 2, 2).transpose(0, 2, 4, 1, 3, 5)
    return p.reshape(4, 12)


def by_patches(x):
    p = lax.conv_general_dilated_patches(x, (2, 2), (2, 2), "VALID")
    return p.transpose(0, 2, 3, 1).reshape(4, 12)


def by_constant_kernel(x):
    return lax.conv(x, HOT, (2, 2), "VALID").transpose(0, 2, 3, 1).reshape(4, 12)


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("cut", [by_patches, by_constant_kernel, jax.jit(by_patches)])
def test_cutting_patches_by_a_convolution_is_data_movement(cut, rules):
    wanted = lrp_jax.relevance(lambda x: head(by_reshape(x)), rules)(X)[1]
    for explain in (lrp_jax.relevance, lambda f, rules: jax.jit(lrp_jax.relevance(f, rules))):
        value, r = explain(lambda x: head(cut(x)), rules)(X)
        np.testing.assert_allclose(value, head(by_reshape(X)), rtol=1e-12)
        np.testing.assert_allclose(r, wanted, rtol=1e-10, atol=1e-12)
    assert abs(lrp_jax.audit(lambda x: head(cut(x)), rules)(X).unexplained) < 1e-9


def test_a_negative_value_keeps_its_relevance_under_z_plus():
    """By hand: a convolution that copies takes each output's relevance to the one input it is."""
    f = lambda x: lax.conv(x, HOT, (2, 2), "VALID")  # noqa: E731
    seed = jax.random.normal(KEYS[3], (1, 12, 2, 2))
    np.testing.assert_allclose(
        by_reshape(lrp_jax.relevance(f, ZPLUS)(X, seed=seed)[1]), seed.transpose(0, 2, 3, 1).reshape(4, 12), rtol=1e-12
    )


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize(
    "select",
    [
        lambda h: h @ SELECT.T,
        lambda h: SELECT @ h,
        lambda h: jnp.einsum("ji,i->j", SELECT, h),
        lambda h: jax.nn.one_hot(jnp.array([3, 1, 4, 1, 5, 9, 2, 6]), 12) @ h,
    ],
)
def test_choosing_by_a_product_is_a_gather(select, rules):
    u = jax.random.normal(KEYS[4], (12, 12))
    f = lambda x, take: (jnp.tanh(take(x[0, :, 0, 0] @ u[:3] + u[0])) @ W[:8]) @ V  # noqa: E731
    gather = lambda h: h[jnp.array([3, 1, 4, 1, 5, 9, 2, 6])]  # noqa: E731
    wanted = lrp_jax.relevance(lambda x: f(x, gather), rules)(X)[1]
    np.testing.assert_allclose(lrp_jax.relevance(lambda x: f(x, select), rules)(X)[1], wanted, rtol=1e-10, atol=1e-12)


def test_weights_stay_weights():
    """Those of a layer that is nearly one-hot, and those that are arguments."""
    near = HOT.copy()
    near[0, 0, 0, 0] = 0.5
    seed = jnp.ones((1, 12, 2, 2))
    under = lambda k: lrp_jax.relevance(lambda x: lax.conv(x, k, (2, 2), "VALID"), ZPLUS)(X, seed=seed)[1]  # noqa: E731
    assert (under(near)[X < 0] == 0).all()
    given = lrp_jax.relevance(lambda x, k: lax.conv(x, k, (2, 2), "VALID"), ZPLUS)(X, jnp.asarray(HOT), seed=seed)[1]
    assert (given[X < 0] == 0).all()


def test_resizing_is_no_layer():
    """A product with numbers that the program computes is a sum: not the first layer, and not one for z+."""
    matrix = np.asarray(jax.image.resize(jnp.eye(4), (8, 4), "linear"))  # as weights
    kernel = jax.random.normal(KEYS[3], (4, 3, 3, 3))

    def f(x):
        x = jax.image.resize(x, (1, 3, 8, 8), "linear")
        return jax.nn.relu(lax.conv(x, kernel, (1, 1), "SAME")).sum()

    got = lrp_jax.relevance(f, lrp_jax.EpsilonPlus)(X)[1]
    sums = Composite("S", (On("conv", AlphaBeta(0.0, bias=True)), *lrp_jax.EpsilonPlus.lines))

    def g(x):
        x = jnp.einsum("ncij,ai,bj->ncab", x, matrix, matrix)
        return jax.nn.relu(lax.conv(x, kernel, (1, 1), "SAME")).sum()

    np.testing.assert_allclose(got, lrp_jax.relevance(g, sums)(X)[1], rtol=1e-4)
    dense = Composite("D", (On("dense", AlphaBeta()), *lrp_jax.EpsilonPlus.lines))
    np.testing.assert_allclose(lrp_jax.relevance(f, dense)(X)[1], got, rtol=1e-10)
    # The first layer is the convolution: its z-box is heard of, and no flat rule lies on the resizing.
    flat = Composite("F", (On("dense", Flat(), position="first"), *lrp_jax.EpsilonPlus.lines))
    np.testing.assert_allclose(lrp_jax.relevance(f, flat)(X)[1], got, rtol=1e-10)
