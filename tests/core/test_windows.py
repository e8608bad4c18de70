"""Max pooling: the winners that are found once give the derivative that JAX finds anew for every seed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax import lax

import lrp_jax

POOLS = {
    "apart": ((2, 2), (2, 2), "VALID", (6, 8)),
    "apart, with a rest": ((2, 3), (2, 3), "VALID", (7, 8)),
    "overlapping": ((3, 3), (2, 2), "VALID", (9, 8)),
    "overlapping, padded": ((3, 3), (2, 2), ((1, 1), (1, 1)), (8, 7)),
    "padded on one side": ((2, 2), (2, 2), ((0, 1), (0, 1)), (7, 7)),
    "with gaps": ((2, 2), (3, 3), "VALID", (8, 8)),
    "every position": ((3, 2), (1, 1), "SAME", (5, 5)),
    "one large window": ((6, 6), (6, 6), "VALID", (6, 6)),
}


def pooled(x, name):
    window, strides, padding, _ = POOLS[name]
    return nn.max_pool(x[None], window, strides, padding)[0]


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("ties", [False, True])
def test_the_derivative_is_that_of_the_maximum(name, ties):
    keys = jax.random.split(jax.random.key(0), 2)
    x = jax.random.normal(keys[0], (*POOLS[name][3], 3))
    if ties:  # what a rectifier and few levels make of it
        x = jnp.maximum(jnp.round(x), 0)

    value, pull = jax.vjp(lrp_jax.lrp(lambda x: pooled(x, name), lrp_jax.GRADIENT), x)
    wanted, back = jax.vjp(lambda x: pooled(x, name), x)
    np.testing.assert_array_equal(value, wanted)
    seeds = jax.random.normal(keys[1], (4, *value.shape))
    np.testing.assert_allclose(jax.vmap(pull)(seeds)[0], jax.vmap(back)(seeds)[0], rtol=1e-6, atol=1e-6)


def test_the_first_of_equals_wins():
    x = jnp.array([[1.0, 2.0, 2.0, 0.0], [2.0, 2.0, 2.0, 2.0]])[..., None]
    relevance = jax.grad(lrp_jax.lrp(lambda x: nn.max_pool(x[None], (2, 2), (2, 2)).sum(), lrp_jax.GRADIENT_X_INPUT))(x)
    np.testing.assert_array_equal(relevance[..., 0], [[0, 2, 2, 0], [0, 0, 0, 0]])


def test_no_search_for_winners_is_left_on_the_way_back():
    x = jnp.arange(36.0).reshape(6, 6, 1)
    for name in ("apart", "overlapping", "padded on one side"):
        _, pull = jax.vjp(lrp_jax.lrp(lambda x, name=name: pooled(x, name).sum()), x)
        assert "select_and" not in str(jax.make_jaxpr(pull)(1.0))


def test_dilated_windows_whose_derivative_jax_does_not_know():
    """Two rows and columns with one between them are the windows of every second row and column."""
    weights = jax.random.normal(jax.random.key(1), (4, 4))

    def dilated(x):
        around = [(0, 0), (0, 0)]
        pooled = lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 1), around, window_dilation=(2, 2))
        return (pooled * weights).sum()

    def by_parity(x):
        rows = [[nn.max_pool(x[i::2, j::2, None][None], (2, 2), (1, 1))[0, ..., 0] for j in (0, 1)] for i in (0, 1)]
        return sum((rows[i][j] * weights[i::2, j::2]).sum() for i in (0, 1) for j in (0, 1))

    x = jax.random.normal(jax.random.key(0), (6, 6))
    relevance = jax.grad(lrp_jax.lrp(dilated, lrp_jax.GRADIENT))(x)
    np.testing.assert_allclose(relevance, jax.grad(by_parity)(x), rtol=1e-6)


def test_relevance_through_a_pool_can_be_differentiated():
    x, w = jax.random.normal(jax.random.key(0), (2, 6, 6, 2))

    def penalty(w, pool):
        relevance = jax.grad(lrp_jax.lrp(lambda x: (pool(x * w) ** 2).sum(), lrp_jax.GRADIENT_X_INPUT))(x)
        return (relevance**2).sum()

    def plainly(w):
        return ((x * jax.grad(lambda x: (pooled(x * w, "apart") ** 2).sum())(x)) ** 2).sum()

    derivative = jax.grad(lambda w: penalty(w, lambda x: pooled(x, "apart")))(w)
    np.testing.assert_allclose(derivative, jax.grad(plainly)(w), rtol=1e-5, atol=1e-5)
