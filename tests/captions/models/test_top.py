"""The largest of many scores, against a sort of all of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models.decoding.top import BLOCK, top_k


@pytest.mark.parametrize("size", [1, 5, BLOCK, 6 * BLOCK, 11 * BLOCK - 3])
@pytest.mark.parametrize("ties", [False, True])
def test_it_is_the_plain_one(size, ties):
    rng = np.random.default_rng(size)
    # Few values make many equals; some are forbidden altogether.
    scores = rng.integers(0, 3, (4, 2, size)).astype(float) if ties else rng.normal(size=(4, 2, size))
    scores[0, :, ::2] = -np.inf
    k = min(6, size)
    values, words = jax.jit(top_k, static_argnums=1)(jnp.asarray(scores), k)
    order = np.argsort(-scores, axis=-1, kind="stable")[..., :k]
    np.testing.assert_array_equal(values, np.take_along_axis(scores, order, axis=-1))
    np.testing.assert_array_equal(words, order)


def test_fewer_allowed_words_than_wanted():
    scores = jnp.full((11 * BLOCK - 3,), -jnp.inf).at[jnp.array([700, 3])].set(jnp.array([1.0, 2.0]))
    values, words = top_k(scores, 4)
    assert words[:2].tolist() == [3, 700] and not jnp.isfinite(values[2:]).any()
    assert ((words >= 0) & (words < len(scores))).all()
