"""Greedy decoding against a plain loop."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import MHFC, AdaLSTM, PredictorInputs, greedy

V, H, E, N, D = 12, 6, 5, 4, 7
CAPTIONERS = [AdaLSTM(V, H, E, attention=N), MHFC(V, H, E, heads=2)]
PAD, START, END, UNKNOWN = range(4)


def example(captioner, images=24, seed=7):
    """Wild parameters, so that captions differ, some end early and some never."""
    rng = np.random.default_rng(seed)
    features = rng.uniform(0, 2, (images, N, D))
    shapes = jax.eval_shape(captioner.init, jax.random.key(0), features, jnp.zeros((images, 1), int))
    return jax.tree.map(lambda x: jnp.asarray(rng.normal(0, 1.5, x.shape)), shapes), features


@functools.partial(jax.jit, static_argnums=0)
def next_scores(captioner, params, state, word):
    embedding = captioner.apply(params, word, method="embed")
    (c, h), state, _ = captioner.apply(params, state, embedding, method="step")
    return state, captioner.apply(params, PredictorInputs(c, h), method="predict")


@functools.partial(jax.jit, static_argnums=0)
def start(captioner, params, features):
    return captioner.apply(params, features, method="start")


def plain_greedy(captioner, params, features, max_length, silent=(PAD, START, UNKNOWN)):
    state, word, tokens = start(captioner, params, features), START, []
    while len(tokens) < max_length and word != END:
        state, scores = next_scores(captioner, params, state, np.int32(word))
        scores = np.array(scores)
        scores[list(silent)] = -np.inf
        word = int(scores.argmax())
        tokens.append(word)
    return tokens + [PAD] * (max_length - len(tokens))


@pytest.mark.parametrize("captioner", CAPTIONERS, ids=lambda c: type(c).__name__)
def test_equals_a_plain_loop(captioner):
    params, features = example(captioner)
    tokens = np.asarray(greedy(captioner, params, features, max_length=6))
    assert tokens.shape == (24, 6)
    assert np.issubdtype(tokens.dtype, jnp.integer)
    expected = [plain_greedy(captioner, params, f, 6) for f in features]
    np.testing.assert_array_equal(tokens, expected)
    ended = (tokens == END).any(-1)
    assert 0 < ended.sum() < 24  # both kinds of caption are here
    assert len({tuple(t) for t in tokens.tolist()}) > 3
    assert not np.isin(tokens, [START, UNKNOWN]).any()


@pytest.mark.parametrize("captioner", CAPTIONERS, ids=lambda c: type(c).__name__)
def test_batch_axes_and_jit(captioner):
    params, features = example(captioner)
    expected = np.asarray(greedy(captioner, params, features, max_length=6))
    jitted = jax.jit(functools.partial(greedy, captioner, max_length=6))
    np.testing.assert_array_equal(jitted(params, features.reshape(2, 12, N, D)), expected.reshape(2, 12, 6))
    np.testing.assert_array_equal(greedy(captioner, params, features[3], max_length=6), expected[3])


def test_unknown_can_be_a_word():
    captioner = CAPTIONERS[1]
    params, features = example(captioner)
    params["params"]["fc"]["bias"] = params["params"]["fc"]["bias"].at[UNKNOWN].set(1e6)
    tokens = np.asarray(greedy(captioner, params, features, max_length=6, unknown=None))
    expected = [plain_greedy(captioner, params, f, 6, silent=(PAD, START)) for f in features]
    np.testing.assert_array_equal(tokens, expected)
    assert (tokens == UNKNOWN).all()
    assert not (np.asarray(greedy(captioner, params, features, max_length=6)) == UNKNOWN).any()


def test_float32_parameters_with_float64_features():
    captioner = CAPTIONERS[0]
    params, features = example(captioner)
    narrow = jax.tree.map(lambda x: np.asarray(x, np.float32), params)
    tokens = np.asarray(greedy(captioner, narrow, features, max_length=6))
    expected = np.asarray(greedy(captioner, params, features, max_length=6))
    assert (tokens == expected).all(-1).mean() > 0.9
