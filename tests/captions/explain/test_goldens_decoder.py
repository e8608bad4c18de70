"""The relevance goldens of the captioners: every file that lies in the folder, whatever its sizes and seeds."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lrp_jax
from lrp_jax import PAPER, Composite, Epsilon, On
from lrp_jax.captions.explain import explain_features
from lrp_jax.captions.models import PredictorInputs, unroll
from lrp_jax.captions.models.mh_fc import HEADS
from lrp_jax.captions.weights import captioner_from_state_dict

FILES = sorted((pathlib.Path(__file__).parents[2] / "goldens").glob("dec_*.npz"))
BOUNDS = {"float64": 1e-9, "float32": 1e-5}
CASES = [
    pytest.param(
        path,
        dtype,
        id=f"{path.stem}-{dtype}",
        marks=[pytest.mark.slow] * (dtype == "float32" and "_mhfc_cnn_" not in path.name),
    )
    for path in FILES
    for dtype in BOUNDS
]


def load(path, dtype, **options):
    """The arrays of a golden file and its model."""
    with np.load(path, allow_pickle=False) as file:
        golden = dict(file)
    state = {k.removeprefix("param."): v for k, v in golden.items() if k.startswith("param.")}
    if "AdaLSTM.x_gate.weight" in state and "global_feature" not in options:
        sizes = state["global_img_feature_proj.weight"].shape[1], state["img_projector.weight"].shape
        if sizes[1][0] == sizes[1][1]:
            options["global_feature"] = "raw" if "_cnn_" in path.name else "projected"
    captioner, params = captioner_from_state_dict(state, num_heads=int(golden["n_head"]) or 8, **options)
    return golden, captioner, params, jnp.asarray(golden["raw"], dtype)


def assert_close(got, wanted, dtype, name):
    assert got.shape == wanted.shape, name
    assert np.abs(np.asarray(got) - wanted).max() <= BOUNDS[dtype] * np.abs(wanted).max(), name


def of(golden, prefix="", suffix=""):
    """The expected arrays of one explanation: method -> field -> array, as far as the file has them."""
    names = {
        "lrp": {"features": "rel_raw", "words": "rel_words"},
        "gradient": {"features": "grad_raw", "words": "grad_words"},
        "grad_cam": {"regions": "gradcam_proj", "words": "grad_words"},
    }
    found = {}
    for method, fields in names.items():
        for field, name in fields.items():
            full = prefix + name + suffix
            if full not in golden and name == "rel_words":
                full = name  # a word's relevance does not depend on the head
            if full in golden:
                found.setdefault(method, {})[field] = golden[full]
    return found


@pytest.mark.parametrize(("path", "dtype"), CASES)
def test_relevance_gradient_and_grad_cam(path, dtype):
    golden, captioner, params, features = load(path, dtype)
    heads = range(int(golden["n_head"])) if dtype == "float64" else ()  # another program for the sake of one
    for head in (None, *heads):
        expected = of(golden, suffix="" if head is None else f"_head{head}")
        assert head is None or "lrp" in expected
        for method, fields in expected.items():
            explanation = explain_features(captioner, params, features, golden["caption"], method, head)
            assert explanation.logits.dtype == dtype
            for field, wanted in fields.items():
                assert_close(getattr(explanation, field), wanted, dtype, f"{method} {field} head={head}")
            if method != "grad_cam":
                assert_close(explanation.regions, fields["features"].sum(-1), dtype, f"{method} regions")
            target = np.take_along_axis(golden["logits"], golden["caption"][1:, None], axis=1)[:, 0]
            assert_close(explanation.logits, target, dtype, "logits")


@pytest.mark.parametrize(("path", "dtype"), [case for case in CASES if "_ada_" in case.id])
def test_attention_per_position(path, dtype):
    golden, captioner, params, features = load(path, dtype, attention_axis="position")
    explanation = explain_features(captioner, params, features, golden["caption"])
    assert_close(explanation.features, golden["pixel.rel_raw"], dtype, "rel_raw")
    assert_close(explanation.words, golden["pixel.rel_words"], dtype, "rel_words")
    assert_close(explanation.betas, golden["pixel.beta"], dtype, "beta")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_attention(path):
    golden, captioner, params, features = load(path, "float64")
    explanation = explain_features(captioner, params, features, golden["caption"], "attention")
    if "alpha" in golden:
        assert_close(explanation.regions, golden["alpha"], "float64", "alpha")
        assert_close(explanation.betas, golden["beta"], "float64", "beta")
    else:
        assert_close(explanation.regions, golden["head_alpha"].mean(1), "float64", "mean of heads")
        one = explain_features(captioner, params, features, golden["caption"], "attention", head=1)
        assert_close(one.regions, golden["head_alpha"][:, 1], "float64", "head 1")
        assert explanation.betas is None
    assert explanation.features is None
    assert explanation.words is None


@pytest.mark.parametrize(("path", "dtype"), CASES)
def test_relevance_inside(path, dtype):
    """At the projected features I, the global feature I_g and the embeddings."""
    golden, captioner, params, features = load(path, dtype)
    inputs, targets = golden["caption"][:-1], golden["caption"][1:]

    @jax.jit
    def points(params, features):
        regions = captioner.apply(params, features, method="project")
        start = captioner.apply(params, features, regions, method="start")
        return regions, start.image.global_feature, captioner.apply(params, inputs, method="embed").astype(dtype)

    regions, global_feature, embeddings = points(params, features)

    def logits(regions, global_feature, embeddings):
        # The global feature is an input of its own here: I is explained through attention only.
        state = captioner.apply(params, features, regions, method="start")
        image = state.image._replace(global_feature=global_feature)

        def one_word(recurrent, embedding):
            before = state._replace(image=image, recurrent=recurrent)
            (c, h), after, _ = captioner.apply(params, before, embedding, method="step")
            return after.recurrent, (c, h)

        _, (c, h) = jax.lax.scan(one_word, state.recurrent, embeddings)
        return captioner.apply(params, PredictorInputs(c, h), targets, method="predict")

    seeds = np.eye(len(targets), dtype=dtype)

    @jax.jit
    def inside(*args):
        _, pull = jax.vjp(lrp_jax.lrp(logits, argnums=(0, 1, 2)), *args)
        return jax.vmap(pull)(seeds)

    _, at_global, at_embeddings = inside(regions, global_feature, embeddings)
    assert_close(at_global, golden["rel_glob"], dtype, "rel_glob")
    assert_close(at_embeddings, golden["rel_emb"], dtype, "rel_emb")

    def by_regions(regions, embeddings):
        trace = unroll(captioner, params, features, regions=regions, embeddings=embeddings)
        return captioner.apply(params, trace.inputs, targets, method="predict")

    @jax.jit
    def at_regions(masks):
        _, pull = jax.vjp(lrp_jax.lrp(by_regions, masks=masks), regions, embeddings)
        return jax.vmap(pull)(seeds)[0]

    if not int(golden["n_head"]):
        assert_close(at_regions({}), golden["rel_proj"], dtype, "rel_proj")
        return
    # All heads and each alone, by one program.
    masks = {"rel_proj": np.ones(captioner.heads)}
    masks |= {f"rel_proj_head{head}": one for head, one in enumerate(np.eye(captioner.heads))}
    for name, mask in masks.items():
        assert_close(at_regions({HEADS: mask[:, None].astype(dtype)}), golden[name], dtype, name)


@pytest.mark.parametrize("path", [p for p in FILES if "_ada_" in p.name], ids=lambda p: p.stem)
def test_one_epsilon_for_the_context(path):
    """Algorithm 1, line 5, read as one sum: no epsilon of its own for the attended features."""
    golden, captioner, params, features = load(path, "float64")
    flat = Composite("FLAT", (On("attention", Epsilon(0.0)), *PAPER.lines))
    explanation = explain_features(captioner, params, features, golden["caption"], rules=flat)
    assert_close(explanation.features, golden["flat.rel_raw"], "float64", "flat.rel_raw")
    assert_close(explanation.words, golden["flat.rel_words"], "float64", "flat.rel_words")


@pytest.mark.parametrize("path", FILES[-1:], ids=lambda p: p.stem)
def test_chunks_and_jit_change_nothing(path):
    golden, captioner, params, features = load(path, "float64")
    whole = explain_features(captioner, params, features, golden["caption"])
    for size in (1, 4, 6, 100):
        part = explain_features(captioner, params, features, golden["caption"], words_per_chunk=size)
        np.testing.assert_allclose(part.features, whole.features, rtol=0, atol=1e-13)
        np.testing.assert_allclose(part.words, whole.words, rtol=0, atol=1e-13)
    with jax.disable_jit():
        eager = explain_features(captioner, params, features, golden["caption"])
    np.testing.assert_allclose(eager.features, whole.features, rtol=0, atol=1e-13)


@pytest.mark.parametrize("path", FILES[:1] + FILES[-1:], ids=lambda p: p.stem)
def test_a_padded_batch_explains_as_one_caption(path):
    golden, captioner, params, features = load(path, "float64")
    caption = golden["caption"]
    alone = explain_features(captioner, params, features, caption)
    padded = np.stack([np.pad(caption, (0, 3)), np.roll(np.pad(caption, (0, 3), constant_values=5), 1)])
    batch = np.stack([features, features[::-1] + 0.1])
    steps = np.arange(len(caption) - 1)

    @jax.jit
    def explain(params, batch):
        embeddings = captioner.apply(params, padded[:, :-1], method="embed").astype(batch.dtype)

        def logits(features, embeddings):
            trace = unroll(captioner, params, features, embeddings=embeddings)
            return captioner.apply(params, trace.inputs, padded[:, 1:].T, method="predict")

        values, pull = jax.vjp(lrp_jax.lrp(logits, argnums=(0, 1)), batch, embeddings)
        return jax.vmap(pull)(jnp.zeros((len(steps), *values.shape)).at[steps, steps, 0].set(1))

    relevance, words = map(np.asarray, explain(params, batch))
    np.testing.assert_allclose(relevance[:, 0], alone.features, rtol=0, atol=1e-13)
    np.testing.assert_allclose(words[:, 0].sum(-1)[:, : len(steps)], alone.words, rtol=0, atol=1e-13)
    assert not relevance[:, 1].any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "magic"}, "got method='magic'; wanted one of lrp"),
        ({"tokens": np.array([1])}, r"got tokens of shape \(1,\)"),
        ({"tokens": np.array([1, 999])}, "got token 999; wanted ids from 0 to"),
        ({"tokens": np.array([1.0, 2.0])}, "got tokens of type float64"),
        ({"features": jnp.ones((1, 2, 3))}, r"got features of shape \(1, 2, 3\)"),
        ({"head": 99}, "got head=99; wanted 0 to 3"),
        ({"tokens": np.array([7, 4, 5])}, "wanted the start token 1 first"),
        ({"words_per_chunk": 0}, "got words_per_chunk=0"),
    ],
)
def test_errors_say_what_was_wanted(wrong, message):
    golden, captioner, params, features = load(FILES[-1], "float64")
    with pytest.raises(ValueError, match=message):
        explain_features(captioner, params, **({"features": features, "tokens": golden["caption"]} | wrong))
