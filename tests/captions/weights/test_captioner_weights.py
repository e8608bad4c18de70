"""Captioners from state dicts: what is read from the arrays, and what the error says."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import MHFC, AdaLSTM, logits
from lrp_jax.captions.weights import captioner_from_state_dict

V, H, E, A, D = 11, 8, 6, 5, 7


def random_arrays(shapes, dtype=np.float32):
    rng = np.random.default_rng(0)
    return {name: rng.normal(0, 0.5, shape).astype(dtype) for name, shape in shapes.items()}


def ada_arrays(hidden=H, raw=D, global_reads=D, dtype=np.float32):
    """An Ada-LSTM's; global_reads is the input size of the global projection, None where there is none."""
    x1 = hidden + (hidden if global_reads is None else E) + E
    shapes = {
        "img_projector.weight": (hidden, raw),
        "img_projector.bias": (hidden,),
        "embedding.weight": (V, E),
        "fc.weight": (V, hidden),
        "fc.bias": (V,),
        "AdaLSTM.x_gate.weight": (hidden, x1),
        "AdaLSTM.x_gate.bias": (hidden,),
        "AdaLSTM.h_gate.weight": (hidden, hidden),
        "AdaLSTM.h_gate.bias": (hidden,),
        "AdaAttention.W_v_proj.weight": (A, hidden),
        "AdaAttention.W_v_proj.bias": (A,),
        "AdaAttention.W_s_proj.weight": (A, hidden),
        "AdaAttention.W_s_proj.bias": (A,),
        "AdaAttention.W_g_proj.weight": (A, hidden),
        "AdaAttention.w_h.weight": (1, A),
    }
    for cell, size in (("AdaLSTM.lstm_cell", x1), ("LanguageLSTM", 2 * hidden)):
        shapes |= {f"{cell}.weight_ih": (4 * hidden, size), f"{cell}.weight_hh": (4 * hidden, hidden)}
        shapes |= {f"{cell}.bias_ih": (4 * hidden,), f"{cell}.bias_hh": (4 * hidden,)}
    if global_reads is not None:
        shapes |= {"global_img_feature_proj.weight": (E, global_reads), "global_img_feature_proj.bias": (E,)}
    return random_arrays(shapes, dtype)


def mh_arrays(query=False, dtype=np.float32):
    layers = ["decoder_k_proj", "decoder_v_proj", "decoder_aoa_linear", "decoder_aoa_linear_gate"]
    layers += ["decoder_multihead_attention.q_proj"] * query
    shapes = {
        "img_projector.weight": (H, D),
        "img_projector.bias": (H,),
        "embedding.weight": (V, E),
        "fc.weight": (V, H),
        "fc.bias": (V,),
        "LanguageLSTM.weight_ih": (4 * H, E + H),
        "LanguageLSTM.weight_hh": (4 * H, H),
        "LanguageLSTM.bias_ih": (4 * H,),
        "LanguageLSTM.bias_hh": (4 * H,),
    }
    for layer in layers:
        shapes |= {f"{layer}.weight": (H, H), f"{layer}.bias": (H,)}
    return random_arrays(shapes, dtype)


CASES = {
    "ada-mean": (ada_arrays(global_reads=None), AdaLSTM(V, H, E, attention=A)),
    "ada-raw": (ada_arrays(), AdaLSTM(V, H, E, attention=A, global_feature="raw")),
    "ada-projected": (ada_arrays(global_reads=H), AdaLSTM(V, H, E, attention=A, global_feature="projected")),
    "mh": (mh_arrays(), MHFC(V, H, E, heads=8)),
    "mh-query": (mh_arrays(query=True), MHFC(V, H, E, heads=8, query_projection=True)),
}
every_case = pytest.mark.parametrize(("arrays", "expected"), CASES.values(), ids=CASES)
FEATURES, WORDS = jnp.ones((A, D), jnp.float32), jnp.array([1, 4])


@every_case
def test_reads_kind_and_sizes(arrays, expected):
    captioner, params = captioner_from_state_dict(arrays)
    assert captioner == expected
    made_by_init = jax.eval_shape(captioner.init, jax.random.key(0), FEATURES, WORDS)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), params) == jax.tree.map(
        lambda x: (x.shape, x.dtype), made_by_init
    )


@every_case
def test_projector_may_be_a_convolution(arrays, expected):
    as_convolution = {**arrays, "img_projector.weight": arrays["img_projector.weight"][:, :, None, None]}
    _, params = captioner_from_state_dict(as_convolution)
    _, plain = captioner_from_state_dict(arrays)
    chex.assert_trees_all_equal(params, plain)


@every_case
def test_dtype(arrays, expected):
    def dtypes(arrays):
        return {x.dtype for x in jax.tree.leaves(captioner_from_state_dict(arrays)[1])}

    assert dtypes(arrays) == {jnp.dtype("float32")}
    assert dtypes({**arrays, "fc.bias": arrays["fc.bias"].astype(np.float64)}) == {jnp.dtype("float64")}
    assert dtypes({name: a.astype(np.float16) for name, a in arrays.items()}) == {jnp.dtype("float32")}
    assert dtypes({name: jnp.asarray(a, jnp.bfloat16) for name, a in arrays.items()}) == {jnp.dtype("float32")}


def test_options():
    arrays = ada_arrays()
    assert captioner_from_state_dict(arrays, attention_axis="position")[0].attention_axis == "position"
    assert captioner_from_state_dict(mh_arrays(), num_heads=2)[0].heads == 2
    assert captioner_from_state_dict(mh_arrays(), num_heads=np.array(4))[0].heads == 4


def test_open_global_feature():
    arrays = ada_arrays(hidden=D, global_reads=D)
    with pytest.raises(ValueError, match=r'both have size 7.*pass global_feature="raw" or "projected"'):
        captioner_from_state_dict(arrays)
    scores = []
    for kind in ("raw", "projected"):
        captioner, params = captioner_from_state_dict(arrays, global_feature=kind)
        assert captioner.global_feature == kind
        scores.append(logits(captioner, params, FEATURES, WORDS))
    assert jnp.abs(scores[0] - scores[1]).max() > 1e-3


@every_case
def test_each_missing_array_is_named(arrays, expected):
    for name in arrays:
        with pytest.raises(ValueError) as error:
            captioner_from_state_dict({other: a for other, a in arrays.items() if other != name})
        said = str(error.value)
        assert f"missing: {name} [" in said
        assert "unexpected" not in said and "wrong shape" not in said, said
        assert "\n" not in said


@every_case
@pytest.mark.parametrize("spoil", [lambda a: np.concatenate([a, a[:1]]), lambda a: a[..., None]])
def test_each_wrong_shape_is_named(arrays, expected, spoil):
    for name, array in arrays.items():
        with pytest.raises(ValueError) as error:
            captioner_from_state_dict({**arrays, name: spoil(array)})
        said = str(error.value)
        assert f"wrong shape: {name} is [" in said
        assert "missing" not in said and said.count("wanted") == 1, said


def test_one_error_names_everything():
    arrays = ada_arrays()
    del arrays["fc.bias"], arrays["AdaLSTM.h_gate.weight"]
    arrays["fc.weight"] = arrays["fc.weight"].T
    arrays["AdaAttention.w_h.weight"] = arrays["AdaAttention.w_h.weight"][0]
    arrays["novel.weight"] = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError) as error:
        captioner_from_state_dict(arrays, attention_axis="pixel")
    said = str(error.value)
    assert said.startswith("not the weights of an Ada-LSTM (sizes read: A=5, D=7, E=6, F=7, G=6, H=8, V=11)")
    for part in (
        'attention_axis=\'pixel\' is unknown: pass "attention" or "position"',
        "missing: fc.bias [11], AdaLSTM.h_gate.weight [8, 8]",
        "unexpected: novel.weight [2, 3]",
        "fc.weight is [8, 11], wanted [11, 8]",
        "AdaAttention.w_h.weight is [5], wanted [1, 5]",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        (mh_arrays(), {"num_heads": 3}, "num_heads=3 does not divide H=8"),
        (mh_arrays(), {"num_heads": 0}, "num_heads=0 does not divide H=8"),
        (mh_arrays(), {"global_feature": "raw"}, "an MH-FC supports only .mean."),
        (mh_arrays(), {"attention_axis": "position"}, "an MH-FC has no such option"),
        (ada_arrays(), {"global_feature": "max"}, "global_feature='max' is unknown"),
        (ada_arrays(), {"global_feature": "mean"}, r"unexpected: global_img_feature_proj.weight \[6, 7\]"),
        (ada_arrays(), {"global_feature": "projected"}, r"_proj.weight is \[6, 7\], wanted \[6, 8\]"),
        (ada_arrays(global_reads=9), {}, r"size 9, wanted 7 \(raw\) or 8 \(projected\)"),
        (ada_arrays(global_reads=None), {"global_feature": "raw"}, r"missing: global_img_feature_proj.weight"),
        ({**ada_arrays(), "img_encoder.encoder.0.bias": np.zeros(64)}, {}, "use captioner_from_checkpoint"),
        ({**ada_arrays(), **mh_arrays()}, {}, "unexpected: decoder_k_proj.weight"),
        ({}, {}, "neither those of an Ada-LSTM .* nor of an MH-FC .*, got nothing"),
        ({"fc.bias": np.zeros(3)}, {}, "got fc.bias; pass the state dict"),
    ],
)
def test_what_cannot_be_imported(arrays, options, message):
    with pytest.raises(ValueError, match=message):
        captioner_from_state_dict(arrays, **options)


def test_arrays_without_numbers():
    with pytest.raises(TypeError, match=r"are not numeric: fc.bias \(<U1\)"):
        captioner_from_state_dict({**mh_arrays(), "fc.bias": np.array(["a"])})
