import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lrp_jax.captions.data.batches import Batch, pad_captions
from lrp_jax.captions.models import MHFC, AdaLSTM
from lrp_jax.captions.training import create_state, cross_entropy, make_optimiser, make_step
from lrp_jax.captions.training.objectives import cross_entropy_objective, in_bfloat16

OPTIMISER = make_optimiser(b1=0.8, b2=0.999, clip=0.01)


def small(kind=MHFC, dropout=0.0):
    options = {"attention": 4} if kind is AdaLSTM else {"heads": 2}
    return kind(12, hidden=8, embedding=6, dropout=dropout, **options)


def some_batch(seed=0, count=6, length=5):
    rng = np.random.default_rng(seed)
    captions = [rng.integers(4, 12, rng.integers(1, length)).tolist() for _ in range(count)]
    features = np.maximum(rng.normal(size=(count, 3, 5)), 0).astype(np.float32)
    return Batch(features, *pad_captions(captions, length))


@functools.cache
def _first_state(captioner):
    rng, batch = np.random.default_rng(0), some_batch()
    shapes = jax.eval_shape(captioner.init, jax.random.key(0), batch.features, batch.inputs)  # not compiled
    params = jax.tree.map(lambda leaf: rng.normal(0, 0.2, leaf.shape).astype(np.float32), shapes)
    return jax.device_get(create_state(captioner, OPTIMISER, batch.features, 0, params=params)._replace(key=None))


def first_state(captioner):
    """A state before the first step, that may be donated."""
    return _first_state(captioner)._replace(key=jax.random.key(7))


@functools.cache
def compiled(captioner, accumulate=1, in_16_bits=False):
    """The step of cross-entropy, one compilation for all tests."""
    objective = cross_entropy_objective(captioner)
    step = make_step(in_bfloat16(objective) if in_16_bits else objective, OPTIMISER, accumulate=accumulate)
    return jax.jit(step, donate_argnums=0)


def test_step_is_adam_on_clipped_gradients():
    """Against optax's own Adam with the rate inside, two steps."""
    captioner, batch, rate = small(AdaLSTM), some_batch(), 1e-3
    state = first_state(captioner)
    params = jax.tree.map(jnp.array, state.params)  # the step is given its own
    adam = optax.chain(optax.clip(0.01), optax.adam(rate, b1=0.8, b2=0.999))
    adam_state = jax.jit(adam.init)(params)
    step = compiled(captioner)

    @jax.jit
    def plain_step(params, adam_state):
        def loss_of(p):
            return cross_entropy(captioner.apply(p, batch.features, batch.inputs), batch.targets)

        loss, gradient = jax.value_and_grad(loss_of)(params)
        updates, adam_state = adam.update(gradient, adam_state)
        return loss, gradient, optax.apply_updates(params, updates), adam_state

    for _ in range(2):
        expected_loss, gradient, params, adam_state = plain_step(params, adam_state)
        assert max(np.abs(np.asarray(g)).max() for g in jax.tree.leaves(gradient)) > 0.01  # clipping takes part
        state, metrics = step(state, batch, np.float32(rate))
        np.testing.assert_allclose(metrics["loss"], expected_loss, rtol=1e-5)
    assert state.step == 2
    for ours, theirs in zip(jax.tree.leaves(state.params), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


@pytest.mark.parametrize("kind", [AdaLSTM, MHFC])
def test_a_batch_is_learned_by_heart(kind):
    captioner, batch = small(kind), some_batch()
    state, step = first_state(captioner), compiled(captioner)
    losses = []
    for _ in range(150):
        state, metrics = step(state, batch, np.float32(2e-2))
        losses.append(float(metrics["loss"]))
    assert losses[0] == pytest.approx(np.log(12), abs=0.2)  # at first all words are about as likely
    assert losses[-1] < 0.05


def test_dropout_is_drawn_from_key_and_step():
    captioner, batch = small(dropout=0.5), some_batch()
    state = first_state(small())
    step = jax.jit(make_step(cross_entropy_objective(captioner), OPTIMISER))

    def loss(state):
        return float(step(state, batch, np.float32(0))[1]["loss"])

    assert loss(state) == loss(state)
    assert loss(state) != loss(state._replace(step=state.step + 1))
    assert loss(state) != loss(state._replace(key=jax.random.key(1)))


def steps(batches, **options):
    state, step = first_state(small()), compiled(small(), **options)
    measured = []
    for batch in batches:
        state, metrics = step(state, batch, np.float32(1e-2))
        measured.append(float(metrics["loss"]))
    return state, measured


def test_a_batch_in_parts_is_the_whole():
    """Parts have different numbers of words: their losses must not simply be averaged."""
    batches = [some_batch(i) for i in range(3)]
    whole, losses = steps(batches)
    parts, in_parts = steps(batches, accumulate=3)
    np.testing.assert_allclose(in_parts, losses, rtol=1e-5)
    for ours, theirs in zip(jax.tree.leaves(parts.params), jax.tree.leaves(whole.params), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4)  # Adam enlarges the rounding of small gradients


def test_nothing_changes_once_a_loss_is_not_finite():
    good, bad = some_batch(0), some_batch(1)._replace(features=np.full((6, 3, 5), np.nan, np.float32))
    before, _ = steps([good, good])
    after, losses = steps([good, good, bad, good])
    assert np.isnan(losses[2]) and after.failed == 2 and after.step == 2 and before.failed == -1
    for name in ("params", "optimiser"):
        chex.assert_trees_all_equal(getattr(after, name), getattr(before, name))


def test_bfloat16_computes_about_the_same_and_keeps_the_state_in_float32():
    _, (exact,) = steps([some_batch()])
    state, (rough,) = steps([some_batch()], in_16_bits=True)
    assert exact != rough and rough == pytest.approx(exact, rel=2e-2)
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(state.params))


def test_own_words_take_the_place_of_a_share_of_the_inputs():
    captioner, batch = small(), some_batch()
    params = first_state(captioner).params
    seen = {}
    for share in (0.0, 1.0):
        objective = jax.jit(cross_entropy_objective(captioner, own_words=share))
        total, count, _ = objective((params, None), batch, jax.random.key(0))
        seen[share] = float(total / count)
    plain = jax.jit(lambda params: cross_entropy(captioner.apply(params, batch.features, batch.inputs), batch.targets))
    assert seen[0.0] == pytest.approx(float(plain(params)))
    assert seen[0.0] != seen[1.0]


def test_parameters_follow_from_the_seed():
    def leaves(seed):
        return jax.tree.leaves(create_state(small(), OPTIMISER, some_batch().features, seed).params)

    first = leaves(3)
    assert all(np.array_equal(a, b) for a, b in zip(first, leaves(3), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, leaves(4), strict=True))
