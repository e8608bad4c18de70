"""Forward states and true gradients of the captioners against every decoder golden.

The goldens were computed in float64 by an independent implementation; more files, of other sizes, seeds and
head counts, may be dropped into the folder.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import MHFC, AdaLSTM, PredictorInputs, logits, unroll
from lrp_jax.captions.weights import captioner_from_state_dict

FILES = sorted((pathlib.Path(__file__).parents[2] / "goldens").glob("dec_*.npz"))
DTYPES = [jnp.float64, jnp.float32]
# Of float32 one file of each captioner when there is little time.
every_file = pytest.mark.parametrize(
    ("path", "dtype"),
    [
        pytest.param(
            path,
            dtype,
            id=f"{path.stem}-{dtype.__name__}",
            marks=[pytest.mark.slow] * (dtype == jnp.float32 and "_cnn_" in path.name),
        )
        for path in FILES
        for dtype in DTYPES
    ],
)

FORWARD = {
    AdaLSTM: "feat_proj_preact feat_proj feat_global logits alpha beta ctx_att ctx_c hid_h "
    "sentinel hid_h1 mem_m1 mem_m2",
    MHFC: "feat_proj_preact feat_proj feat_global logits head_alpha ctx_att ctx_c hid_h vhat mem_m",
}


def load(path, dtype, **options):
    """The arrays of a golden, and its captioner, parameters, features and caption."""
    golden = dict(np.load(path, allow_pickle=False))
    arrays = {name.removeprefix("param."): a for name, a in golden.items() if name.startswith("param.")}
    if "_ada_" in path.name:
        options["global_feature"] = "raw" if "_cnn_" in path.name else "projected"
    else:
        options["num_heads"] = int(golden["n_head"])
    captioner, params = captioner_from_state_dict(arrays, **options)
    return golden, captioner, params, jnp.asarray(golden["raw"], dtype), jnp.asarray(golden["caption"])


def assert_close(actual, expected, dtype, name):
    """Within 1e-9 (float64) or 1e-5 (float32) of the largest expected value, in the dtype asked for."""
    assert actual.dtype == dtype, f"{name} came as {actual.dtype}"
    bound = (1e-9 if dtype == jnp.float64 else 1e-5) * np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=bound, err_msg=name)


def inner_states(captioner, params, features, words):
    """Every state that a golden knows: a scan of `step` that records what its modules return."""

    def recorded(*args, method):
        value, record = captioner.apply(
            params, *args, method=method, capture_intermediates=True, mutable="intermediates"
        )
        return value, record["intermediates"]

    regions, record = recorded(features, method="project")
    once = {"feat_proj": regions, "feat_proj_preact": record["image_projection"]["__call__"][0]}
    state, _ = recorded(features, method="start")
    once["feat_global"] = state.image.global_feature

    def one_word(state, word):
        embedding = captioner.apply(params, word, method="embed").astype(features.dtype)
        ((c, h), state, attention), record = recorded(state, embedding, method="step")
        step = {"ctx_c": c, "hid_h": h, "logits": captioner.apply(params, PredictorInputs(c, h), method="predict")}
        if isinstance(captioner, AdaLSTM):
            decoder, language = state.recurrent
            step |= {"alpha": attention.weights, "beta": attention.beta}
            step |= {"hid_h1": decoder.h, "mem_m1": decoder.m, "mem_m2": language.m}
            step["sentinel"] = record["sentinel"]["__call__"][0]
            step["ctx_att"] = record["adaptive_attention"]["__call__"][0][0]
        else:
            assert attention.beta is None
            step |= {"head_alpha": attention.weights, "mem_m": state.recurrent.m}
            step["ctx_att"] = record["multi_head_attention"]["__call__"][0][0]
            step["vhat"] = record["context"]["__call__"][0]
        return state, step

    return once | jax.lax.scan(one_word, state, words)[1]


def test_goldens_are_here():
    kinds = {path.name.rsplit("_", 1)[0] for path in FILES}
    assert kinds >= {"dec_ada_bu", "dec_ada_cnn", "dec_mhfc_bu", "dec_mhfc_cnn"}


@every_file
def test_forward_states(path, dtype):
    golden, captioner, params, features, caption = load(path, dtype)
    states = jax.jit(inner_states, static_argnums=0)(captioner, params, features, caption[:-1])
    for name in FORWARD[type(captioner)].split():
        assert_close(states[name], golden[name], dtype, name)


@every_file
def test_unrolled(path, dtype):
    golden, captioner, params, features, caption = load(path, dtype)
    trace = unroll(captioner, params, features, caption[:-1])
    assert_close(trace.inputs.c, golden["ctx_c"], dtype, "ctx_c")
    assert_close(trace.inputs.h, golden["hid_h"], dtype, "hid_h")
    weights = "alpha" if isinstance(captioner, AdaLSTM) else "head_alpha"
    assert_close(trace.attention.weights, golden[weights], dtype, weights)
    if isinstance(captioner, AdaLSTM):
        assert_close(trace.attention.beta, golden["beta"], dtype, "beta")
    scores = logits(captioner, params, features, caption[:-1])
    assert_close(scores, golden["logits"], dtype, "logits")
    np.testing.assert_array_equal(scores.argmax(-1), golden["label_argmax"])


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("path", [p for p in FILES if "_ada_" in p.name], ids=lambda p: p.stem)
def test_attention_axis_position(path, dtype):
    golden, captioner, params, features, caption = load(path, dtype, attention_axis="position")
    scores = logits(captioner, params, features, caption[:-1])
    attention = unroll(captioner, params, features, caption[:-1]).attention
    assert_close(scores, golden["pixel.logits"], dtype, "pixel.logits")
    assert_close(attention.weights, golden["pixel.alpha"], dtype, "pixel.alpha")
    assert_close(attention.beta, golden["pixel.beta"], dtype, "pixel.beta")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_gradients(path):
    """Through raw features, through I, and through the embeddings of the words."""
    golden, captioner, params, features, caption = load(path, jnp.float64)
    regions = captioner.apply(params, features, method="project")
    embeddings = captioner.apply(params, caption[:-1], method="embed").astype(jnp.float64)

    def explained(features, regions, embeddings):
        trace = unroll(captioner, params, features, regions=regions, embeddings=embeddings)
        return captioner.apply(params, trace.inputs, caption[1:], method="predict")

    raw, words = jax.jit(jax.jacrev(explained, argnums=(0, 2)))(features, None, embeddings)
    projected = jax.jit(jax.jacrev(explained, argnums=1))(features, regions, embeddings)
    assert_close(raw, golden["grad_raw"], jnp.float64, "grad_raw")
    assert_close(projected, golden["grad_proj"], jnp.float64, "grad_proj")
    assert_close(words.sum(-1), golden["grad_words"], jnp.float64, "grad_words")
