"""The captioners beyond the goldens: a second, slow implementation of each, batches, dropout, errors."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import MHFC, AdaLSTM, PredictorInputs, logits, unroll

V, H, E, N, D = 17, 6, 5, 4, 7

ADA = [
    AdaLSTM(V, H, E, attention=N, global_feature=feature, attention_axis=axis)
    for feature, axis in itertools.product(("mean", "projected", "raw"), ("attention", "position"))
]
MH = [MHFC(V, H, E, heads=heads, query_projection=query) for heads, query in ((1, False), (3, False), (2, True))]


def name_of(captioner):
    if isinstance(captioner, AdaLSTM):
        return f"ada-{captioner.global_feature}-{captioner.attention_axis}"
    return f"mh-{captioner.heads}{'-query' if captioner.query_projection else ''}"


every_captioner = pytest.mark.parametrize("captioner", ADA + MH, ids=name_of)
one_of_each = pytest.mark.parametrize("captioner", [ADA[0], MH[1]], ids=name_of)


def random_like(tree, seed=0):
    """Parameters that leave no term out: initial biases are zero, and the initial states small."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda x: jnp.asarray(rng.normal(0, 0.7, x.shape)), tree)


def example(captioner, batch=(), length=5, seed=1):
    rng = np.random.default_rng(seed)
    features = jnp.asarray(rng.uniform(0, 1, (*batch, N, D)))
    words = jnp.asarray(rng.integers(1, V, (*batch, length)))
    params = random_like(jax.eval_shape(captioner.init, jax.random.key(0), features, words))
    return params, features, words


# ------------------------------------------------------------------ the equations again, element by element


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - max(x))
    return e / sum(e)


def dense(p, x):
    out = [sum(p["kernel"][i, j] * x[i] for i in range(len(x))) for j in range(p["kernel"].shape[1])]
    return np.array(out) + p.get("bias", 0)


def lstm(p, x, h, m):
    i, f, g, o = np.split(dense(p["input"], x) + dense(p["recurrent"], h), 4)
    m = sigmoid(f) * m + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(m), m


def slow_ada(captioner, p, features, words):
    regions = [np.maximum(dense(p["image_projection"], f), 0) for f in features]
    if captioner.global_feature == "mean":
        global_feature = sum(regions) / N
    else:
        mean = sum(features if captioner.global_feature == "raw" else regions) / N
        global_feature = np.maximum(dense(p["global_projection"], mean), 0)
    h1 = m1 = h2 = m2 = np.zeros(H)
    attention = p["adaptive_attention"]
    for word in words:
        x1 = np.concatenate([p["word_embedding"]["embedding"][word], global_feature, h2])
        before = h1
        h1, m1 = lstm(p["decoder_lstm"], x1, h1, m1)
        gate = sigmoid(dense(p["sentinel"]["W_x"], x1) + dense(p["sentinel"]["W_h"], before))
        s = gate * np.tanh(m1)
        g = dense(attention["W_g"], h1)
        a = []
        for k in range(N):
            shift = g if captioner.attention_axis == "attention" else g[k]
            a.append(dense(attention["w_a"], np.tanh(dense(attention["W_I"], regions[k]) + shift))[0])
        b = dense(attention["w_a"], np.tanh(dense(attention["W_s"], s) + g))[0]
        alpha, beta = softmax(np.array(a)), softmax(np.array([*a, b]))[-1]
        c = (1 - beta) * sum(alpha[k] * regions[k] for k in range(N)) + beta * s
        h2, m2 = lstm(p["language_lstm"], np.concatenate([c, h1]), h2, m2)
        yield c, h2, alpha, beta, dense(p["fc"], c + h2)


def slow_mh(captioner, p, features, words):
    regions = [np.maximum(dense(p["image_projection"], f), 0) for f in features]
    attention, size = p["multi_head_attention"], H // captioner.heads
    h = m = np.zeros(H)
    for word in words:
        x = np.concatenate([p["word_embedding"]["embedding"][word], sum(regions) / N])
        h, m = lstm(p["lstm"], x, h, m)
        query = dense(attention["W_q"], h) if captioner.query_projection else h
        alphas, attended = [], []
        for head in range(captioner.heads):
            of_head = slice(head * size, (head + 1) * size)
            keys = [dense(attention["W_k"], r)[of_head] for r in regions]
            values = [dense(attention["W_v"], r)[of_head] for r in regions]
            alpha = softmax(np.array([query[of_head] @ key / np.sqrt(H / captioner.heads) for key in keys]))
            alphas.append(alpha)
            attended.append(sum(alpha[k] * values[k] for k in range(N)))
        c = sigmoid(dense(p["context_gate"], h)) * dense(p["context"], np.concatenate(attended))
        yield c, h, np.array(alphas), None, dense(p["fc"], c + h)


@every_captioner
def test_equals_the_equations(captioner):
    params, features, words = example(captioner)
    slow = slow_ada if isinstance(captioner, AdaLSTM) else slow_mh
    plain = jax.tree.map(np.asarray, params["params"])
    c, h, weights, beta, scores = zip(*slow(captioner, plain, features, words), strict=True)
    trace = unroll(captioner, params, features, words)
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(trace.inputs.c, np.array(c), **close)
    np.testing.assert_allclose(trace.inputs.h, np.array(h), **close)
    np.testing.assert_allclose(trace.attention.weights, np.array(weights), **close)
    if isinstance(captioner, AdaLSTM):
        np.testing.assert_allclose(trace.attention.beta, np.array(beta), **close)
    np.testing.assert_allclose(logits(captioner, params, features, words), np.array(scores), **close)


# --------------------------------------------------------------------------------------- shapes and batches


@every_captioner
def test_one_of_a_batch_is_as_alone(captioner):
    params, features, words = example(captioner, batch=(2, 3))
    together = logits(captioner, params, features, words)
    assert together.shape == (2, 3, 5, V)
    trace = unroll(captioner, params, features, words)
    assert trace.inputs.c.shape == trace.inputs.h.shape == (5, 2, 3, H)
    assert trace.attention.weights.shape[:3] == (5, 2, 3)
    for i, j in np.ndindex(2, 3):
        alone = logits(captioner, params, features[i, j], words[i, j])
        np.testing.assert_allclose(together[i, j], alone, rtol=0, atol=1e-13)


@one_of_each
def test_padding_changes_nothing_before_it(captioner):
    params, features, words = example(captioner)
    padded = jnp.concatenate([words, jnp.zeros(4, words.dtype)])
    np.testing.assert_array_equal(
        logits(captioner, params, features, padded)[:5], logits(captioner, params, features, words)
    )


@every_captioner
def test_predict_gathers_words(captioner):
    params, features, words = example(captioner, batch=(2,))
    trace = unroll(captioner, params, features, words)
    every = captioner.apply(params, trace.inputs, method="predict")
    asked = words.T
    some = captioner.apply(params, trace.inputs, asked, method="predict")
    assert some.shape == asked.shape
    np.testing.assert_allclose(some, jnp.take_along_axis(every, asked[..., None], -1)[..., 0], atol=1e-13)


def test_logit_of_no_word_is_nan():
    params, _, _ = example(MH[0])
    one = jnp.ones(H)
    assert jnp.isnan(MH[0].apply(params, PredictorInputs(one, one), jnp.int32(V), method="predict"))


@every_captioner
def test_call_is_logits(captioner):
    params, features, words = example(captioner, batch=(2,))
    np.testing.assert_array_equal(captioner.apply(params, features, words), logits(captioner, params, features, words))


@pytest.mark.parametrize("captioner", [ADA[0], ADA[2], MH[2]], ids=name_of)
def test_every_parameter_is_used(captioner):
    params, features, words = example(captioner)
    gradient = jax.jit(jax.grad(lambda p: (logits(captioner, p, features, words) ** 2).sum()))(params)
    for path, g in jax.tree_util.tree_leaves_with_path(gradient):
        # A shift of all keys shifts all scores of a head alike, which its softmax ignores.
        if jax.tree_util.keystr(path).endswith("['W_k']['bias']"):
            continue
        assert jnp.abs(g).max() > 0, jax.tree_util.keystr(path)


@one_of_each
def test_initial_parameters(captioner):
    _, features, words = example(captioner)
    params = jax.jit(captioner.init)(jax.random.key(0), features, words)["params"]
    assert {x.dtype for x in jax.tree.leaves(params)} == {jnp.dtype("float32")}
    cell = params["decoder_lstm" if isinstance(captioner, AdaLSTM) else "lstm"]
    np.testing.assert_array_equal(cell["recurrent"]["bias"], 0)
    np.testing.assert_array_equal(cell["input"]["bias"], np.repeat([0.0, 1.0, 0.0, 0.0], H))  # i, f, g, o
    for gate in np.split(np.asarray(cell["recurrent"]["kernel"]), 4, axis=1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(H), atol=1e-5)
    assert 0.05 < jnp.abs(params["fc"]["kernel"]).max() <= 0.1


@pytest.mark.parametrize(
    "captioner", [pytest.param(ADA[0], marks=pytest.mark.slow), ADA[2], ADA[4], MH[2]], ids=name_of
)
@pytest.mark.parametrize("wide", ["features", "params", "embeddings"])
def test_computes_in_the_widest_dtype(captioner, wide):
    params, features, words = example(captioner)
    narrow = jax.tree.map(lambda x: x.astype(jnp.float32), params)
    inputs = {"features": features.astype(jnp.float32), "params": narrow}
    inputs["embeddings"] = captioner.apply(narrow, words, method="embed")
    assert inputs["embeddings"].dtype == jnp.float32
    assert unroll(captioner, narrow, inputs["features"], words).inputs.c.dtype == jnp.float32
    inputs[wide] = jax.tree.map(lambda x: x.astype(jnp.float64), inputs[wide])
    trace = unroll(captioner, inputs["params"], inputs["features"], embeddings=inputs["embeddings"])
    assert {x.dtype for x in jax.tree.leaves(trace)} == {jnp.dtype("float64")}
    exact = jax.tree.map(lambda x: x.astype(jnp.float64), inputs)
    expected = unroll(captioner, exact["params"], exact["features"], embeddings=exact["embeddings"])
    np.testing.assert_allclose(trace.inputs.h, expected.inputs.h, rtol=0, atol=1e-14)


@one_of_each
def test_jit_is_no_jit(captioner):
    params, features, words = example(captioner, length=2)
    jitted = jax.jit(logits, static_argnums=0)(captioner, params, features, words)
    with jax.disable_jit():
        plain = logits(captioner, params, features, words)
    np.testing.assert_allclose(jitted, plain, rtol=0, atol=1e-13)


# ----------------------------------------------------------------------------------------- regions and loops


@every_captioner
def test_given_regions_stand_for_the_projected_ones(captioner):
    params, features, words = example(captioner)
    regions = captioner.apply(params, features, method="project")
    as_given = unroll(captioner, params, features, words, regions=regions)
    np.testing.assert_array_equal(as_given.inputs.c, unroll(captioner, params, features, words).inputs.c)
    other = regions[::-1] + 1
    state = captioner.apply(params, features, other, method="start")
    np.testing.assert_array_equal(state.image.regions, other)
    before = captioner.apply(params, features, method="start").image.global_feature
    from_raw = isinstance(captioner, AdaLSTM) and captioner.global_feature == "raw"
    assert bool((state.image.global_feature == before).all()) == from_raw


@every_captioner
def test_loop_carries_the_recurrent_state_only(captioner):
    params, features, words = example(captioner)
    jaxpr = jax.make_jaxpr(lambda f: unroll(captioner, params, f, words))(features)
    (scan,) = [e for e in jaxpr.eqns if e.primitive.name == "scan"]
    carried = scan.outvars[: scan.params["num_carry"]]
    assert [v.aval.shape for v in carried] == [(H,)] * (4 if isinstance(captioner, AdaLSTM) else 2)


def test_heads_are_named():
    params, features, words = example(MH[1])
    jaxpr = jax.make_jaxpr(lambda f: unroll(MH[1], params, f, words))(features)
    (scan,) = [e for e in jaxpr.eqns if e.primitive.name == "scan"]
    (named,) = [e for e in scan.params["jaxpr"].jaxpr.eqns if e.primitive.name == "name"]
    assert named.params["name"] == "heads"
    assert named.outvars[0].aval.shape == (3, H // 3)


# --------------------------------------------------------------------------------------------------- dropout


@one_of_each
def test_dropout(captioner):
    captioner = captioner.clone(dropout=0.5, embedding_dropout=0.25)
    params, features, words = example(captioner)
    still = logits(captioner, params, features, words)
    np.testing.assert_array_equal(still, logits(captioner.clone(dropout=0.0), params, features, words))
    one, same, other = (
        logits(captioner, params, features, words, dropout_rng=jax.random.key(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert jnp.abs(one - other).max() > 1e-3
    assert jnp.abs(one - still).max() > 1e-3
    rngs = {"dropout": jax.random.key(0)}
    assert jnp.isfinite(captioner.apply(params, features, words, deterministic=False, rngs=rngs)).all()


def test_dropout_acts_on_output_and_on_embeddings():
    captioner = MH[0].clone(dropout=0.5, embedding_dropout=0.25)
    params, _, _ = example(captioner)
    rngs = {"dropout": jax.random.key(0)}
    words = jnp.ones(400, int)
    clean = captioner.apply(params, words, method="embed")
    noisy = captioner.apply(params, words, deterministic=False, method="embed", rngs=rngs)
    kept = noisy != 0
    assert 0.7 < kept.mean() < 0.8
    np.testing.assert_allclose(noisy[kept], clean[kept] / 0.75)
    # With fc the identity, the logits are what fc is given.
    fc = {"kernel": jnp.eye(H), "bias": jnp.zeros(H)}
    identity = {"params": {**params["params"], "fc": fc}}
    captioner = captioner.clone(vocabulary_size=H)
    c = jnp.ones((400, H))
    out = captioner.apply(identity, PredictorInputs(c, 2 * c), deterministic=False, method="predict", rngs=rngs)
    assert set(np.unique(out)) == {0.0, 6.0}
    assert 0.45 < (out == 0).mean() < 0.55


def test_published_dropout_rates():
    assert (AdaLSTM(V).dropout, MHFC(V).dropout) == (0.5, 0.3)
    assert (AdaLSTM(V).embedding_dropout, MHFC(V).embedding_dropout) == (0.0, 0.0)


# ---------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("captioner", "message"),
    [
        (AdaLSTM(V, H, E, attention=N, global_feature="max"), "global_feature is 'max'; choose one of"),
        (AdaLSTM(V, H, E, attention=N, attention_axis="pixel"), "attention_axis is 'pixel'; choose one of"),
        (AdaLSTM(V, H, E, attention=9, attention_axis="position"), "as many regions .* got 4 and 9"),
        (MHFC(V, H, E, heads=4), "4 heads do not divide hidden = 6"),
        (MHFC(V, H, E, heads=0), "0 heads do not divide hidden = 6"),
    ],
)
def test_impossible_captioners(captioner, message):
    with pytest.raises(ValueError, match=message):
        example(captioner)


@one_of_each
def test_impossible_unrolling(captioner):
    params, features, words = example(captioner)
    with pytest.raises(ValueError, match="neither words nor embeddings"):
        unroll(captioner, params, features)
    with pytest.raises(ValueError, match=r"batch axes of captions \(2,\) and features \(\) differ"):
        unroll(captioner, params, features, jnp.stack([words, words]))
