"""Checkpoints in the layout of the paper's authors: the captioner that comes out computes what theirs does."""

import collections
import functools
import json
import struct

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from torch_writer import Call, Instance, Name, Stored, tensor, write_legacy

from lrp_jax.captions.models import MHFC, VGG16, AdaLSTM, ResNet, logits, unroll
from lrp_jax.captions.weights import (
    captioner_from_checkpoint,
    read_weights,
    resnet_from_state_dict,
    vgg16_from_state_dict,
)
from lrp_jax.captions.weights.resnet import _table as resnet_table
from lrp_jax.captions.weights.vgg import TABLE as VGG_TABLE
from lrp_jax.captions.words import Vocabulary
from lrp_jax.core import PAPER, lrp

KINDS = ("ada_cnn", "ada_bu", "mhfc_cnn", "mhfc_bu")
SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")


def load_golden(folder, kind):
    """A golden, and its weights as the authors' class for this kind names and shapes them."""
    golden = dict(np.load(folder / f"dec_{kind}_s0.npz", allow_pickle=False))
    arrays = {name.removeprefix("param."): a for name, a in golden.items() if name.startswith("param.")}
    if kind.endswith("cnn"):
        arrays["img_projector.weight"] = arrays["img_projector.weight"][:, :, None, None]
        arrays |= {f"img_encoder.encoder.{name.removeprefix('features.')}": a for name, a in vgg_arrays().items()}
    return golden, arrays


def vgg_arrays():
    rng, sizes = np.random.default_rng(0), {"1W": 1, "2W": 2, "4W": 4, "8W": 8}
    shapes = {name: [sizes.get(s) or int(s) for s in symbols.split()] for name, (_, symbols) in VGG_TABLE.items()}
    return {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def write_checkpoint(path, arrays):
    """What `torch.save` of PyTorch 1.4 made of the authors' dictionary: legacy format, and a whole Adam beside."""
    storages = {str(i): np.ascontiguousarray(a) for i, a in enumerate(arrays.values())}

    def tensor_of(key):
        array = storages[key]
        strides = tuple(stride // array.itemsize for stride in array.strides)
        return tensor(Stored(key, array, legacy=True), array.shape, strides)

    def parameter(key):
        return Call(Name("torch._utils", "_rebuild_parameter"), tensor_of(key), True, collections.OrderedDict())

    def number(value):
        """A NumPy scalar, which is what CIDEr is."""
        dtype = Call(Name("numpy", "dtype"), "f8", 0, 1)
        data = Call(Name("_codecs", "encode"), struct.pack("<d", value).decode("latin1"), "latin1")
        return Call(Name("numpy.core.multiarray", "scalar"), dtype, data)

    moments = [(parameter(key), {"step": 7, "exp_avg": tensor_of(key)}) for key in storages]
    state = Call(Name("collections", "defaultdict"), Name("builtins", "dict"), items=moments)
    groups = [{"params": [parameter(key) for key in storages], "lr": 5e-4, "betas": (0.8, 0.999)}]
    saved = {
        "epoch": 28,
        "epochs_since_improvement": 0,
        "bleu-4": 0.25,
        "cider": number(0.54),
        "state_dict": collections.OrderedDict(zip(arrays, map(tensor_of, storages), strict=True)),
        "optimizer": Instance(
            Name("torch.optim.adam", "Adam"), {"defaults": {}, "state": state, "param_groups": groups}
        ),
    }
    write_legacy(path, saved, storages)


@functools.partial(jax.jit, static_argnums=0)
def _logits(captioner, params, features, words):
    return logits(captioner, params, features, words)


def scores(checkpoint, golden, words=None):
    words = golden["caption"][:-1] if words is None else words
    return np.asarray(_logits(checkpoint.captioner, checkpoint.params, golden["raw"].astype(np.float64), words))


def assert_close(actual, wanted, name):
    np.testing.assert_allclose(actual, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max(), err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_the_four_kinds_as_the_authors_trained_them(goldens, tmp_path, kind):
    golden, arrays = load_golden(goldens, kind)
    path = tmp_path / "BEST_checkpoint_flickr30k_epoch28_cider_0.54.pth"
    write_checkpoint(path, arrays)
    checkpoint = captioner_from_checkpoint(read_weights(path), num_heads=int(golden["n_head"]))
    assert checkpoint.bottom_up == kind.endswith("bu")
    if kind.startswith("ada"):
        source = "raw" if kind.endswith("cnn") else "projected"
        regions = len(golden["raw"])
        assert checkpoint.captioner == AdaLSTM(
            30, 16, 12, attention=regions, attention_axis="position", global_feature=source
        )
    else:
        assert checkpoint.captioner == MHFC(30, 16, 12, heads=int(golden["n_head"]), query_projection=True)
    prefix = "pixel." if kind.startswith("ada") else ""
    assert_close(scores(checkpoint, golden), golden[f"{prefix}logits"], "logits")
    if checkpoint.bottom_up:
        assert checkpoint.encoder is None and checkpoint.encoder_params is None
    else:
        wanted_encoder, wanted = vgg16_from_state_dict(vgg_arrays())
        assert checkpoint.encoder == wanted_encoder == VGG16(width=1)
        chex.assert_trees_all_equal(checkpoint.encoder_params, wanted)


@pytest.mark.parametrize("kind", ["ada_cnn", "ada_bu"])
def test_attention_and_relevance_per_position(goldens, kind):
    golden, arrays = load_golden(goldens, kind)
    captioner, params, *_ = captioner_from_checkpoint(arrays)
    raw, caption = golden["raw"].astype(np.float64), golden["caption"]
    embeddings = np.asarray(params["params"]["word_embedding"]["embedding"], np.float64)[caption[:-1]]

    def explained(raw, embeddings):
        trace = unroll(captioner, params, raw, embeddings=embeddings)
        return captioner.apply(params, trace.inputs, caption[1:], method="predict")

    @jax.jit
    def look_and_explain(raw, embeddings):
        attention = unroll(captioner, params, raw, caption[:-1]).attention
        return attention, jax.jacrev(lrp(explained, PAPER, argnums=(0, 1)), argnums=(0, 1))(raw, embeddings)

    attention, (features, words) = look_and_explain(raw, embeddings)
    assert_close(attention.weights, golden["pixel.alpha"], "alpha")
    assert_close(attention.beta, golden["pixel.beta"], "beta")
    assert_close(features, golden["pixel.rel_raw"], "rel_raw")
    assert_close(np.asarray(words).sum(-1), golden["pixel.rel_words"], "rel_words")


def test_the_axis_can_be_said(goldens):
    golden, arrays = load_golden(goldens, "ada_cnn")
    checkpoint = captioner_from_checkpoint(arrays, attention_axis="attention")
    assert_close(scores(checkpoint, golden), golden["logits"], "logits")
    with pytest.raises(ValueError, match="an MH-FC has no such option"):
        captioner_from_checkpoint(load_golden(goldens, "mhfc_bu")[1], attention_axis="position", num_heads=4)


@pytest.mark.parametrize("kind", ["ada_cnn", "mhfc_bu"])
def test_logits_of_the_same_words_agree(goldens, tmp_path, kind):
    """In a word map padding is 0, the words follow, and the other special tokens are last."""
    golden, arrays = load_golden(goldens, kind)
    theirs = ["<pad>", *(f"word{i}" for i in range(26)), "<unk>", "<start>", "<end>"]
    path = tmp_path / "wordmap.json"
    path.write_text(json.dumps({word: i for i, word in enumerate(theirs)}))
    vocabulary, rows = Vocabulary.from_word_map(path)
    assert vocabulary.words[:6] == (*SPECIAL, "word0", "word1")
    said = ["<start>", "word3", "word20", "word0"]
    plain = captioner_from_checkpoint(arrays, num_heads=4)
    sorted_ = captioner_from_checkpoint(arrays, num_heads=4, rows=rows)
    assert sorted_.captioner == plain.captioner
    wanted = scores(plain, golden, np.array([theirs.index(word) for word in said]))
    found = scores(sorted_, golden, np.array([vocabulary.ids[word] for word in said]))
    for i, word in enumerate(theirs):
        np.testing.assert_array_equal(found[:, vocabulary.ids[word]], wanted[:, i], err_msg=word)
    assert np.ptp(wanted, axis=-1).min() > 0.1


def test_words_and_weights_of_different_models(goldens):
    _, arrays = load_golden(goldens, "mhfc_bu")
    with pytest.raises(
        ValueError, match=r"embedding.weight has 30 words, but the vocabulary has 29; pass the word map"
    ):
        captioner_from_checkpoint(arrays, num_heads=4, rows=range(29))
    with pytest.raises(ValueError, match=r"rows do not name each of 30 words once"):
        captioner_from_checkpoint(arrays, num_heads=4, rows=[0, *range(29)])
    del arrays["fc.weight"]
    with pytest.raises(ValueError, match=r"missing: fc.weight \[30, 16\]"):
        captioner_from_checkpoint(arrays, num_heads=4, rows=range(30))


@pytest.mark.parametrize("grid", [True, False])
def test_what_the_shapes_leave_open_the_layout_tells(goldens, grid):
    """At the paper's sizes raw features, hidden state and embedding have 512 numbers each."""
    _, arrays = load_golden(goldens, "ada_cnn")
    arrays["img_projector.weight"] = arrays["img_projector.weight"][:, :16]
    arrays["global_img_feature_proj.weight"] = arrays["global_img_feature_proj.weight"][:, :16]
    if not grid:
        arrays = {name: a for name, a in arrays.items() if not name.startswith("img_encoder.")}
        arrays["img_projector.weight"] = arrays["img_projector.weight"][:, :, 0, 0]
    captioner = captioner_from_checkpoint(arrays).captioner
    assert captioner.global_feature == ("raw" if grid else "projected")


def test_an_encoder_that_is_a_resnet(goldens):
    _, arrays = load_golden(goldens, "mhfc_cnn")
    arrays = {name: a for name, a in arrays.items() if not name.startswith("img_encoder.")}
    rng = np.random.default_rng(0)
    sizes = {f"{k}W": k for k in (1, 2, 4, 8, 16, 32)} | {"W": 1, "K": 3}
    table = resnet_table((3, 4, 6, 3)).items()
    shapes = {name: [sizes.get(s) or int(s) for s in symbols.split()] for name, (_, symbols) in table}
    encoder = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    checkpoint = captioner_from_checkpoint(
        arrays | {f"img_encoder.encoder.{name}": a for name, a in encoder.items()}, num_heads=4
    )
    assert checkpoint.encoder == ResNet(width=1, classes=3)
    chex.assert_trees_all_equal(checkpoint.encoder_params, resnet_from_state_dict(encoder)[1])


def test_data_parallel_names(tmp_path):
    arrays = {f"module.{name}": a for name, a in vgg_arrays().items()}
    np.savez(tmp_path / "vgg.npz", **arrays)
    assert list(read_weights(tmp_path / "vgg.npz")) == list(vgg_arrays())


@pytest.mark.parametrize(("grid", "words"), [(True, 9586), (False, 11027)])
@pytest.mark.parametrize("kind", ["ada", "mhfc"])
def test_sizes_of_the_published_models(goldens, kind, grid, words):
    """Shapes alone: nothing of this size is computed."""
    golden, small = load_golden(goldens, f"{kind}_{'cnn' if grid else 'bu'}")
    hidden, raw, regions = (512, 512, 196) if grid else (1024, 2048, 36)
    before = {16: hidden, 12: 512, 30: words, 20: raw, len(golden["raw"]): regions, 64: 4 * hidden}
    before |= {32: 2 * hidden, 28: 512 + hidden, 40: 1024 + hidden, 1: 1}
    arrays = {
        name: np.broadcast_to(np.float32(0), [before[size] for size in a.shape])
        for name, a in small.items()
        if not name.startswith("img_encoder.")
    }
    captioner, params, *_ = captioner_from_checkpoint(arrays)
    if kind == "ada":
        source = "raw" if grid else "projected"
        wanted = AdaLSTM(words, hidden, 512, attention=regions, attention_axis="position", global_feature=source)
    else:
        wanted = MHFC(words, hidden, 512, heads=8, query_projection=True)
    assert captioner == wanted
    features = jax.ShapeDtypeStruct((regions, raw), jnp.float32)
    caption = jax.ShapeDtypeStruct((3,), jnp.int32)
    made_by_init = jax.eval_shape(captioner.init, jax.random.key(0), features, caption)
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, made_by_init)
