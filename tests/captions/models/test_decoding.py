"""Beams against exhaustive and plain searches, samples against probabilities, and what may not be said."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import MHFC, AdaLSTM, greedy, unroll
from lrp_jax.captions.models.decoding import Beam, DiverseBeam, Greedy, Sample, Wording, decode

V, H, E, N, D = 9, 6, 5, 4, 7
CAPTIONERS = [AdaLSTM(V, H, E, attention=N), MHFC(V, H, E, heads=2)]
PAD, START, END, UNKNOWN = range(4)
IDS = {"ids": lambda c: type(c).__name__}


def example(captioner, images=6, seed=7, scale=1.5):
    rng = np.random.default_rng(seed)
    features = rng.uniform(0, 2, (images, N, D))
    shapes = jax.eval_shape(captioner.init, jax.random.key(0), features, jnp.zeros((images, 1), int))
    return jax.tree.map(lambda x: jnp.asarray(rng.normal(0, scale, x.shape)), shapes), features


@functools.partial(jax.jit, static_argnums=0)
def _log_p(captioner, params, features, inputs):
    """log p of every word after each of the inputs [count, L] of one image, [L, count, V]."""
    trace = unroll(captioner, params, jnp.broadcast_to(features, (len(inputs), *features.shape)), inputs)
    return jax.nn.log_softmax(captioner.apply(params, trace.inputs, method="predict"))


def log_p_of(captioner, params, features, captions):
    """log p of each word of many captions of one image, [count, L]; 0 after the end."""
    captions = np.asarray(captions)
    inputs = np.concatenate([np.full((len(captions), 1), START), captions[:, :-1]], axis=1)
    log_p = np.asarray(_log_p(captioner, params, features, inputs)).swapaxes(0, 1)
    said = np.take_along_axis(log_p, captions[..., None], axis=-1)[..., 0]
    before_end = np.cumsum(captions == END, axis=1) - (captions == END) == 0
    return np.where(before_end, said, 0)


def all_captions(length):
    """Every caption of at most `length` tokens, end included, padded."""
    words = [w for w in range(V) if w not in (PAD, START, UNKNOWN, END)]
    found = [list(c) for c in itertools.product(words, repeat=length)]
    for shorter in range(length):
        found += [[*c, END] + [PAD] * (length - shorter - 1) for c in itertools.product(words, repeat=shorter)]
    return np.array(found)


@pytest.mark.parametrize(("captioner", "power"), list(zip(CAPTIONERS, (0.0, 1.0), strict=True)))
def test_a_beam_as_wide_as_it_takes_is_an_exhaustive_search(captioner, power):
    params, features = example(captioner, images=4, scale=0.7)
    everything = all_captions(3)
    width = 5 * 5  # beginnings of two words
    found = decode(Beam(width=width, length_power=power, max_length=3), captioner, params, features)
    for image in range(4):
        each = log_p_of(captioner, params, features[image], everything)
        lengths = ((everything == END).cumsum(1) == 0).sum(1) + (everything == END).any(1)
        ranks = each.sum(1) / lengths**power
        best = ranks.argmax()
        np.testing.assert_array_equal(found.tokens[image, 0], everything[best])
        np.testing.assert_allclose(found.scores[image, 0], each[best].sum(), rtol=1e-9)


def test_width_of_the_vocabulary_on_captions_of_two_words():
    captioner = CAPTIONERS[0]
    params, features = example(captioner, scale=0.7)
    found = decode(Beam(width=V, max_length=2), captioner, params, features)
    everything = all_captions(2)
    for image, x in enumerate(features):
        each = log_p_of(captioner, params, x, everything).sum(1)
        order = np.argsort(-each)[:3]
        np.testing.assert_array_equal(found.tokens[image, :3], everything[order])


@pytest.mark.parametrize("captioner", CAPTIONERS, **IDS)
def test_width_one_is_greedy(captioner):
    params, features = example(captioner, images=16, seed=35)
    wanted = greedy(captioner, params, features, max_length=6)
    decoders = [Greedy(max_length=6), Beam(width=1, length_power=0.7, max_length=6)]
    if isinstance(captioner, MHFC):
        decoders += [
            DiverseBeam(groups=1, width=1, max_length=6),
            Sample(top_k=1, max_length=6),
            Sample(temperature=1e-6, max_length=6),
        ]
    for decoder in decoders:
        found = decode(decoder, captioner, params, features, jax.random.key(0))
        np.testing.assert_array_equal(found.tokens[:, 0], wanted, err_msg=str(decoder))
    assert 0 < (wanted == END).any(-1).sum() < 16  # both kinds of caption are here


@functools.partial(jax.jit, static_argnums=0)
def log_p_after(captioner, params, features, inputs):
    """log p of the words that may follow each of the inputs of one image, [L, V]."""
    trace = unroll(captioner, params, features, inputs)
    return jax.nn.log_softmax(captioner.apply(params, trace.inputs, method="predict"))


def plain_beam(captioner, params, features, width, power, longest):
    """One image, one hypothesis at a time, in Python."""
    live, ended = [((), 0.0)], []
    for t in range(longest):
        candidates = []
        for said, score in live:
            inputs = np.array([START, *said, *[PAD] * (longest - 1 - t)])
            log_p = np.array(log_p_after(captioner, params, features, inputs))[t]
            log_p[[PAD, START, UNKNOWN]] = -np.inf
            candidates += [((*said, w), score + log_p[w]) for w in range(V) if np.isfinite(log_p[w])]
        candidates.sort(key=lambda c: -c[1])
        ended += [c for c in candidates[:width] if c[0][-1] == END]
        if len(ended) >= width:
            break
        live = [c for c in candidates if c[0][-1] != END][:width]
    else:
        ended += live
    ended.sort(key=lambda c: -c[1] / len(c[0]) ** power)
    return [(*c, *[PAD] * (longest - len(c))) for c, _ in ended[:width]]


@pytest.mark.parametrize("power", [0.0, 0.8])
def test_beam_against_a_plain_one(power):
    captioner = CAPTIONERS[1]
    params, features = example(captioner, images=3, scale=1.0)
    found = decode(Beam(width=3, length_power=power, max_length=4), captioner, params, features)
    for image, x in enumerate(features):
        wanted = plain_beam(captioner, params, x, 3, power, 4)
        np.testing.assert_array_equal(found.tokens[image], wanted)


DECODERS = [
    Beam(width=3, max_length=5),
    DiverseBeam(groups=2, width=2, penalty=1.0, max_length=5),
    Sample(count=3, max_length=5),
]


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda d: type(d).__name__)
def test_the_batch_does_not_change_the_result(decoder):
    captioner = CAPTIONERS[1]
    params, features = example(captioner)
    key = jax.random.key(3)
    together = jax.device_get(decode(decoder, captioner, params, features, key))
    fewer = decode(decoder, captioner, params, features[:4].reshape(2, 2, N, D), key)
    np.testing.assert_array_equal(fewer.tokens, together.tokens[:4].reshape(fewer.tokens.shape))
    # The scores are the model's own, and the best stands in front.
    for image in range(2):
        each = log_p_of(captioner, params, features[image], together.tokens[image]).sum(1)
        np.testing.assert_allclose(together.scores[image], each, rtol=1e-8)
    if not isinstance(decoder, Sample):
        assert (np.diff(together.scores, axis=1) <= 1e-12).all()


def test_diverse_groups_differ_more_than_a_beam():
    captioner = CAPTIONERS[1]
    params, features = example(captioner, images=8, scale=0.7)

    def different_words(tokens):
        return np.mean([len(set(column)) for image in np.asarray(tokens) for column in image.T])

    full = Wording(least=5)
    decoders = [
        Beam(width=3, max_length=5, wording=full),
        DiverseBeam(groups=3, width=1, penalty=3.0, max_length=5, wording=full),
        DiverseBeam(groups=2, width=1, penalty=0.0, max_length=5, wording=full),
        Greedy(max_length=5, wording=full),
    ]
    beam, diverse, free, wanted = (np.asarray(decode(d, captioner, params, features).tokens) for d in decoders)
    assert different_words(diverse) > different_words(beam)
    np.testing.assert_array_equal(free, np.repeat(wanted, 2, axis=1))
    assert (diverse == wanted).all(-1).any(-1).all()  # the first group knows of no other


def test_samples_follow_the_probabilities():
    captioner = CAPTIONERS[1]
    params, features = example(captioner, images=1, scale=0.5)
    drawn = decode(Sample(count=4000, max_length=1), captioner, params, features, jax.random.key(0)).tokens
    p = np.exp(log_p_of(captioner, params, features[0], np.arange(V)[:, None])[:, 0])
    p[[PAD, START, UNKNOWN]] = 0
    p /= p.sum()
    np.testing.assert_allclose(np.bincount(np.ravel(drawn), minlength=V) / 4000, p, atol=4 * np.sqrt(0.25 / 4000))


def test_temperature_top_k_and_nucleus():
    scores = jnp.log(jnp.array([0.5, 0.3, 0.15, 0.05]))
    kept = lambda **options: np.isfinite(Sample(**options).restrict(scores)).tolist()  # noqa: E731
    assert kept(top_k=2) == [True, True, False, False]
    assert kept(top_p=0.5) == [True, False, False, False]
    assert kept(top_p=0.51) == [True, True, False, False]
    assert kept(top_p=0.95) == [True, True, True, False]
    assert kept(top_k=3, top_p=0.9) == [True, True, True, False]  # of the three, 0.526, 0.316 and 0.158
    assert kept() == [True] * 4


def test_what_may_not_be_said():
    @functools.partial(jax.jit, static_argnums=0)
    def forbidden(wording, said, t):
        return wording.forbidden(said, t, V)

    def allowed(wording, said, t):
        return np.flatnonzero(~np.asarray(forbidden(wording, np.array(said), t))).tolist()

    wording = Wording(repeat=2, endings=(4, 5), least=2)
    said = [6, 4, 6, PAD, PAD]
    assert allowed(wording, said, 3) == [END, 5, 6, 7, 8]  # "6 4" would be said twice
    assert allowed(wording, said, 1) == [4, 5, 6, 7, 8]  # too early to end
    assert allowed(wording, said, 2) == [4, 5, 6, 7, 8]  # 4 is no ending
    assert allowed(wording, [6, 7, 8, 6, PAD], 4) == [END, 6, 8]  # nor are 4, 5 in the last place
    assert UNKNOWN in allowed(Wording(unknown=True), said, 0)
    assert allowed(Wording(repeat=1), [4, 5, 6, 7, 8, PAD], 5) == [END]


@pytest.mark.parametrize(
    "kind",
    [Greedy, Beam, functools.partial(DiverseBeam, groups=2), Sample],
    ids=["Greedy", "Beam", "DiverseBeam", "Sample"],
)
def test_every_decoder_obeys(kind):
    captioner = CAPTIONERS[1]
    params, features = example(captioner, images=12)
    wording = Wording(repeat=2, endings=(4, 5), least=2)
    tokens = np.asarray(
        decode(kind(max_length=7, wording=wording), captioner, params, features, jax.random.key(1)).tokens
    )
    for caption in tokens.reshape(-1, 7).tolist():
        words = caption[: caption.index(END)] if END in caption else [w for w in caption if w != PAD]
        assert len(words) >= 2 and words[-1] not in (4, 5)
        pairs = list(itertools.pairwise(words))
        assert len(set(pairs)) == len(pairs)
        assert not set(words) & {PAD, START, UNKNOWN, END}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Beam(width=0), "got width=0"),
        (lambda: DiverseBeam(groups=0), "got groups=0"),
        (lambda: Greedy(max_length=0), "got max_length=0"),
        (lambda: Beam(width=2.5), r"got width=2\.5; wanted at least 1, a whole number"),
        (lambda: Sample(count=0), "got count=0"),
        (lambda: Sample(temperature=float("nan")), "got temperature=nan"),
        (lambda: Wording(endings=(-1,)), r"got endings=\(-1,\)"),
        (lambda: Sample(temperature=0.0), "got temperature=0.0"),
        (lambda: Sample(top_k=0), "got top_k=0"),
        (lambda: Sample(top_p=1.5), "got top_p=1.5"),
        (lambda: Wording(repeat=0), "got repeat=0"),
        (lambda: decode(Sample(), CAPTIONERS[0], *example(CAPTIONERS[0])), "got no key"),
    ],
)
def test_errors_say_what_was_wanted(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
