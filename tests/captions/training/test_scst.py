"""Self-critical training: unbiased by enumeration of all captions, and a captioner that learns from its reward."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lrp_jax.captions.data.batches import pad_references
from lrp_jax.captions.metrics.cider_tokens import cider_d, document_frequencies
from lrp_jax.captions.models import MHFC, AdaLSTM, PredictorInputs
from lrp_jax.captions.models.decoding import Beam, Captions, Greedy, Sample, Wording, decode
from lrp_jax.captions.training import scst
from lrp_jax.captions.training.scst import caption_log_p, self_critical_loss

PAD, START, END, UNKNOWN = range(4)
V, H, E, N, D, LONGEST = 6, 4, 3, 2, 5, 2
CAPTIONER = MHFC(V, H, E, heads=2, dropout=0.3)
REFERENCES = [[[4, 5], [4]], [[5], [5, 5]]]
FREQUENCIES = document_frequencies([*REFERENCES, [[4]], [[5, 4]]], V)


def example(captioner=CAPTIONER, images=1, scale=0.8, seed=0):
    rng = np.random.default_rng(seed)
    features = jnp.asarray(rng.uniform(0, 2, (images, N, D)))
    shapes = jax.eval_shape(captioner.init, jax.random.key(0), features, jnp.zeros((images, 1), int))
    return jax.tree.map(lambda x: jnp.asarray(rng.normal(0, scale, x.shape)), shapes), features


def sharper(params, inputs):
    """A prediction that is not the captioner's own."""
    return 1.5 * CAPTIONER.apply(params, PredictorInputs(1.2 * inputs.c, 0.7 * inputs.h), method="predict")


def all_captions(words, length):
    found = [list(c) for c in itertools.product(words, repeat=length)]
    for shorter in range(length):
        found += [[*c, END] + [PAD] * (length - shorter - 1) for c in itertools.product(words, repeat=shorter)]
    return np.array(found)


class Drawn:
    """In the place of `Sample`: it has drawn what it is told."""

    def __init__(self, tokens):
        self.tokens = tokens

    def __call__(self, captioner, params, features, key, predict):
        return Captions(self.tokens, None)


CASES = {
    "greedy": {"wording": Wording(unknown=True, least=1)},
    "leave_one_out": {"baseline": "leave_one_out", "samples": 2, "predict": sharper},
}


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_the_gradient_is_that_of_the_expected_reward(options, monkeypatch):
    params, features = example()
    references = pad_references(REFERENCES[:1], 3)
    shared = {"wording": options.get("wording", Wording()), "predict": options.get("predict")}
    captions = all_captions([UNKNOWN, 4, 5] if shared["wording"].unknown else [4, 5], LONGEST)
    captions = captions[captions[:, 0] != END] if shared["wording"].least else captions

    def probabilities(params):
        return jnp.exp(caption_log_p(CAPTIONER, params, features, captions[None], **shared)[0].sum(axis=-1))

    @jax.jit
    def both(params):
        rewards = cider_d(captions, references, FREQUENCIES)
        truth = jax.grad(lambda params: -(probabilities(params) * rewards).sum())(params)

        def gradient(drawn):
            monkeypatch.setattr(scst, "Sample", lambda **_: Drawn(drawn[None]))
            return jax.grad(
                lambda params: self_critical_loss(
                    CAPTIONER,
                    params,
                    features,
                    references,
                    FREQUENCIES,
                    jax.random.key(0),
                    max_length=LONGEST,
                    dropout=False,
                    mean_over="captions",
                    **options,
                )[0]
            )(params)

        p = probabilities(params)
        choices = np.array(list(itertools.product(range(len(captions)), repeat=options.get("samples", 1))))
        weights = p[choices].prod(axis=1)
        each = jax.vmap(gradient)(jnp.asarray(captions)[choices])
        return truth, jax.tree.map(lambda g: jnp.tensordot(weights, g, axes=1), each), rewards, p.sum()

    truth, mean, rewards, total = both(params)
    assert total == pytest.approx(1)  # the words that may be said have all the probability
    assert len(np.unique(rewards)) > 2
    assert max(jnp.abs(g).max() for g in jax.tree.leaves(truth)) > 1e-3
    for a, b in zip(jax.tree.leaves(mean), jax.tree.leaves(truth), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("captioner", [CAPTIONER, AdaLSTM(V, H, E, attention=N)], ids=["mhfc", "ada"])
def test_log_p_is_that_of_what_was_drawn_also_with_dropout(captioner):
    params, features = example(captioner, images=2)
    never = jnp.where(jnp.isin(jnp.arange(V), jnp.array([PAD, START, UNKNOWN])), -1e9, 0)

    def without_them(params, inputs, dropout_rng=None):  # so that the decoder's score is of what may be said
        return scst.predict_words(captioner, params, inputs, dropout_rng) + never

    @functools.partial(jax.jit, static_argnums=2)
    def run(params, key, dropout):
        predict = functools.partial(without_them, dropout_rng=jax.random.key(5)) if dropout else without_them
        tokens, scores = Sample(count=40, max_length=4)(captioner, params, features, key, predict)
        return tokens, scores, caption_log_p(captioner, params, features, tokens, predict=predict)

    for dropout in (False, True):
        tokens, scores, log_p = run(params, jax.random.key(1), dropout)
        np.testing.assert_allclose(log_p.sum(axis=-1), scores, rtol=1e-10)
        assert ((log_p == 0) == (tokens == PAD)).all() and (tokens == PAD).any()
        same = (tokens[0, :, None] == tokens[0, None]).all(axis=-1) & ~np.eye(40, dtype=bool)
        difference = np.abs(scores[0, :, None] - scores[0, None])[same]
        assert len(difference) and (difference.max() > 1e-3) == dropout  # each caption has a mask of its own


def test_the_loss_part_by_part():
    params, features = example(images=2)
    references = pad_references(REFERENCES, 3)
    key = jax.random.key(3)

    @jax.jit
    def whole(params, features, references, frequencies, key):
        options = {"samples": 6, "max_length": 3, "dropout": False, "baseline": "leave_one_out"}
        return self_critical_loss(CAPTIONER, params, features, references, frequencies, key, **options)

    @jax.jit
    def parts(params, features, references, frequencies, key):
        key, _ = jax.random.split(key)
        tokens = Sample(count=6, max_length=3)(CAPTIONER, params, features, key).tokens
        log_p = caption_log_p(CAPTIONER, params, features, tokens).sum(axis=-1)
        return tokens, log_p, cider_d(tokens, references[:, None], frequencies)

    loss, figures = whole(params, features, references, FREQUENCIES, key)
    tokens, log_p, rewards = map(np.array, parts(params, features, references, FREQUENCIES, key))
    others = np.array([[np.delete(row, i).mean() for i in range(6)] for row in rewards])
    total = -((rewards - others) * log_p).sum()
    assert abs(total) > 1e-3
    np.testing.assert_allclose(loss, total / (tokens != PAD).sum(), rtol=1e-10)
    np.testing.assert_allclose(figures["reward"], rewards.mean(), rtol=1e-10)
    np.testing.assert_allclose(figures["baseline"], rewards.mean(), rtol=1e-10)
    np.testing.assert_allclose(figures["length"], (tokens != PAD).sum(axis=-1).mean(), rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": "leave_one_out"}, "got samples=1; wanted at least 2"),
        ({"samples": 0}, "got samples=0; wanted at least 1"),
        ({"baseline": "mean"}, "got baseline='mean'; wanted one of greedy, leave_one_out"),
        ({"mean_over": "tokens"}, "got mean_over='tokens'; wanted words or captions"),
    ],
)
def test_errors(options, message):
    params, features = example()
    with pytest.raises(ValueError, match=message):
        self_critical_loss(CAPTIONER, params, features, None, None, jax.random.key(0), **options)


def test_decoding_with_another_prediction():
    params, features = example(images=5, scale=1.5)

    def only_four(params, inputs):
        return CAPTIONER.apply(params, inputs, method="predict") + 100 * jax.nn.one_hot(4, V)

    for decoder in (Greedy(max_length=3), Beam(width=1, max_length=3), Sample(count=2, max_length=3)):
        found = decode(decoder, CAPTIONER, params, features, jax.random.key(0), predict=only_four)
        assert (found.tokens[:, 0, 0] == 4).all()
    own = decode(Greedy(max_length=3), CAPTIONER, params, features).tokens[:, 0]
    assert not (own[:, 0] == 4).all()


def test_a_captioner_learns_from_its_reward():
    """Two images, two captions each, and nothing but the reward to tell which belongs where."""
    captioner = MHFC(9, 16, 8, heads=2, dropout=0.1)
    texts = [[[4, 5, 6], [4, 5]], [[7, 8], [7, 8, 6]]]
    frequencies = document_frequencies([*texts, [[4, 8]], [[5, 7]]], 9)
    references = jnp.asarray(pad_references(texts, 5))
    features = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 7)))
    optimiser = optax.adam(0.02)

    @jax.jit
    def train(key):
        params = captioner.init(jax.random.key(0), features, jnp.zeros((2, 1), int))

        def step(carry, key):
            params, state = carry

            def loss(params):
                return self_critical_loss(
                    captioner, params, features, references, frequencies, key, samples=4, max_length=4
                )

            gradient, figures = jax.grad(loss, has_aux=True)(params)
            updates, state = optimiser.update(gradient, state)
            return (optax.apply_updates(params, updates), state), figures["reward"]

        (params, _), rewards = jax.lax.scan(step, (params, optimiser.init(params)), jax.random.split(key, 200))
        best = Greedy(max_length=4)(captioner, params, features).tokens[:, 0]
        return rewards, cider_d(best, references, frequencies)

    rewards, best = train(jax.random.key(0))
    assert rewards[:20].mean() < 2
    assert rewards[-20:].mean() > rewards[:20].mean() + 1.5
    assert best.mean() > 3
