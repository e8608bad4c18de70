import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.training import cross_entropy


def test_cross_entropy_by_hand():
    # p = (1/2, 1/4, 1/4) and even thirds; the last target is padding.
    logits = jnp.log(jnp.array([[[2.0, 1, 1], [1, 1, 1], [9, 1, 1]]]))
    targets = jnp.array([[1, 2, 0]])
    assert cross_entropy(logits, targets) == pytest.approx((np.log(4) + np.log(3)) / 2)


@pytest.mark.parametrize("jit", [False, True])
def test_every_word_counts_the_same(jit):
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(3, 5, 7)), rng.integers(1, 7, (3, 5))
    targets[0, 2:], targets[1, 4:] = 0, 0
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    rows, columns = np.nonzero(targets)
    expected = -np.mean([log_p[r, c, targets[r, c]] for r, c in zip(rows, columns, strict=True)])
    loss = jax.jit(cross_entropy) if jit else cross_entropy
    np.testing.assert_allclose(loss(jnp.array(logits), jnp.array(targets)), expected, rtol=1e-12)


def test_padding_has_no_gradient_and_nothing_but_padding_no_loss():
    logits, targets = jnp.ones((1, 3, 4)), jnp.array([[2, 0, 0]])
    gradient = jax.grad(cross_entropy)(logits, targets)
    assert (gradient[0, 1:] == 0).all() and (gradient[0, 0] != 0).any()
    assert cross_entropy(logits, jnp.zeros((1, 3), int)) == 0
