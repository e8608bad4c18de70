import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lrp_jax.data import Batch, pad_captions
from lrp_jax.models import MHFC, AdaLSTM
from lrp_jax.training import create_state, cross_entropy, make_optimiser, make_step


def small(kind=AdaLSTM, dropout=0.0):
    return kind(12, hidden=8, embedding=6, dropout=dropout)


def some_batch(seed=0, count=4, length=5):
    rng = np.random.default_rng(seed)
    captions = [rng.integers(4, 12, rng.integers(1, length)).tolist() for _ in range(count)]
    features = np.maximum(rng.normal(size=(count, 3, 5)), 0).astype(np.float32)
    return Batch(features, *pad_captions(captions, length))


def test_step_is_adam_on_clipped_gradients():
    """Against optax's own Adam with the rate inside, two steps."""
    captioner, batch, rate = small(), some_batch(), 1e-3
    optimiser = make_optimiser(b1=0.8, b2=0.999, clip=0.01)
    state = create_state(captioner, optimiser, batch.features, seed=0)
    params = state.params
    adam = optax.chain(optax.clip(0.01), optax.adam(rate, b1=0.8, b2=0.999))
    adam_state = jax.jit(adam.init)(params)
    step = jax.jit(make_step(captioner, optimiser))

    @jax.jit
    def plain_step(params, adam_state):
        def loss_of(p):
            return cross_entropy(captioner.apply(p, batch.features, batch.inputs), batch.targets)

        loss, gradient = jax.value_and_grad(loss_of)(params)
        updates, adam_state = adam.update(gradient, adam_state)
        return loss, gradient, optax.apply_updates(params, updates), adam_state

    for _ in range(2):
        expected_loss, gradient, params, adam_state = plain_step(params, adam_state)
        assert max(np.abs(g).max() for g in jax.tree.leaves(gradient)) > 0.01  # clipping takes part
        state, loss = step(state, batch, jnp.float32(rate))
        np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    assert state.step == 2
    for ours, theirs in zip(jax.tree.leaves(state.params), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


@pytest.mark.parametrize("kind", [AdaLSTM, MHFC])
def test_a_batch_is_learned_by_heart(kind):
    captioner, batch = small(kind), some_batch(count=3)
    optimiser = make_optimiser(b1=0.8, b2=0.999, clip=0.1)
    state = create_state(captioner, optimiser, batch.features, seed=0)
    step = jax.jit(make_step(captioner, optimiser), donate_argnums=0)
    losses = []
    for _ in range(150):
        state, loss = step(state, batch, jnp.float32(2e-2))
        losses.append(float(loss))
    assert losses[0] == pytest.approx(np.log(12), abs=0.2)  # at first all words are about as likely
    assert losses[-1] < 0.05


def test_dropout_is_drawn_from_key_and_step():
    captioner, batch = small(dropout=0.5), some_batch()
    optimiser = make_optimiser(b1=0.8, b2=0.999, clip=0.1)
    state = create_state(captioner, optimiser, batch.features, seed=0)
    step = jax.jit(make_step(captioner, optimiser))

    def loss(state):
        return float(step(state, batch, jnp.float32(0))[1])

    assert loss(state) == loss(state)
    assert loss(state) != loss(state._replace(step=state.step + 1))
    assert loss(state) != loss(state._replace(key=jax.random.key(1)))


def test_parameters_follow_from_the_seed():
    optimiser, features = make_optimiser(b1=0.8, b2=0.999, clip=0.1), some_batch().features

    def leaves(seed):
        return jax.tree.leaves(create_state(small(), optimiser, features, seed).params)

    assert all(np.array_equal(a, b) for a, b in zip(leaves(3), leaves(3), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(leaves(3), leaves(4), strict=True))
