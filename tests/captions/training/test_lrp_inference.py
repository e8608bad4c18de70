"""LRP inference against the goldens, against Algorithm 2 written out, and in its variants."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import MHFC, AdaLSTM, PredictorInputs
from lrp_jax.captions.runs.arms import Arm
from lrp_jax.captions.training import lrp_inference, predictor_relevance, reweight, reweighted_predict
from lrp_jax.captions.weights import captioner_from_state_dict

FILES = sorted((pathlib.Path(__file__).parents[2] / "goldens").glob("dec_*.npz"))
BOUNDS = {"float64": 1e-9, "float32": 1e-5}


def load(path, dtype):
    """The arrays of a golden, its captioner, parameters and features."""
    with np.load(path, allow_pickle=False) as file:
        golden = dict(file)
    state = {name.removeprefix("param."): a for name, a in golden.items() if name.startswith("param.")}
    options = {"num_heads": int(golden["n_head"]) or 8}
    if "_ada_" in path.name:
        options["global_feature"] = "raw" if "_cnn_" in path.name else "projected"
    captioner, params = captioner_from_state_dict(state, **options)
    return golden, captioner, params, jnp.asarray(golden["raw"], dtype)


def assert_close(got, wanted, dtype, name):
    assert got.shape == wanted.shape and got.dtype == dtype, name
    assert np.abs(np.asarray(got) - wanted).max() <= BOUNDS[dtype] * np.abs(wanted).max(), name


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_goldens(path, dtype):
    golden, captioner, params, features = load(path, dtype)

    target, stop_ids = golden["caption"][1:], tuple(golden["stop_ids"].tolist())

    @jax.jit
    def everything(features):
        c, h = (jnp.asarray(golden[name], dtype) for name in ("ctx_c", "hid_h"))
        relevances = [
            predictor_relevance(captioner, params, PredictorInputs(c, h), labels)
            for labels in (golden["label_argmax"], target)
        ]
        return relevances, [
            lrp_inference(captioner, params, features, golden["caption"]),
            reweight(captioner, params, PredictorInputs(c, h), target),
            reweight(captioner, params, PredictorInputs(c, h), stop_ids=stop_ids),
        ]

    relevances, (ours, target, stopped) = everything(features)
    for suffix, (rel_c, rel_h), inference in zip(("", "_target"), relevances, (ours, target), strict=True):
        logits, reweighted, omega_c, omega_h = inference
        assert_close(logits, golden["logits"], dtype, "logits")
        assert_close(rel_c, golden["rel_c" + suffix], dtype, "rel_c" + suffix)
        assert_close(rel_h, golden["rel_h" + suffix], dtype, "rel_h" + suffix)
        assert_close(omega_c, golden["omega_c" + suffix], dtype, "omega_c" + suffix)
        assert_close(omega_h, golden["omega_h" + suffix], dtype, "omega_h" + suffix)
        assert_close(reweighted, golden["logits_rw" + suffix], dtype, "logits_rw" + suffix)
    assert_close(stopped.reweighted_logits, golden["logits_rw_stop"], dtype, "logits_rw_stop")
    # A stop word keeps its prediction to the last bit; the others are what they are without stop words.
    kept = np.isin(golden["label_argmax"], golden["stop_ids"])
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_array_equal(stopped.reweighted_logits[kept], stopped.logits[kept])
    assert (stopped.omega_c[kept] == 1).all() and (stopped.omega_h[kept] == 1).all()
    np.testing.assert_allclose(stopped.omega_h[~kept], ours.omega_h[~kept], rtol=0, atol=BOUNDS[dtype])


@pytest.fixture(scope="module")
def some():
    """A captioner of random weights, and c and h of a few words; some of their elements are 0."""
    captioner = AdaLSTM(20, hidden=12, embedding=6, attention=5)
    rng = np.random.default_rng(0)
    # `predict` reads the last layer only.
    params = {"params": {"fc": {"kernel": jnp.asarray(rng.normal(size=(12, 20))), "bias": rng.normal(size=20)}}}
    c, h = rng.normal(size=(2, 4, 5, 12))
    c[..., 3] = 0
    return captioner, params, jnp.asarray(c), jnp.asarray(h)


def by_hand(params, c, h, label, epsilon=0.01):
    """Line 3 of Algorithm 2 for one word: Eq. 20 message by message, through fc and then through c + h."""
    kernel, bias = (np.asarray(params["params"]["fc"][name]) for name in ("kernel", "bias"))

    def message(y_w, z, relevance):
        return relevance * y_w / (z + epsilon * (1 if z >= 0 else -1))

    x = c + h
    z = x @ kernel[:, label] + bias[label]
    r_x = [message(x[i] * kernel[i, label], z, relevance=z) for i in range(len(x))]
    r_c = [message(c[i], x[i], r_x[i]) for i in range(len(x))]
    r_h = [message(h[i], x[i], r_x[i]) for i in range(len(x))]
    return np.array(r_c), np.array(r_h)


def test_relevance_is_algorithm_2_in_closed_form(some):
    captioner, params, c, h = some
    labels = np.random.default_rng(1).integers(0, 20, c.shape[:-1])
    rel_c, rel_h = predictor_relevance(captioner, params, PredictorInputs(c, h), labels)
    logits, _, omega_c, omega_h = reweight(captioner, params, PredictorInputs(c, h), labels)
    chosen = np.take_along_axis(np.asarray(logits), labels[..., None], -1)
    assert (chosen > 0).any() and (chosen < 0).any()
    for index in np.ndindex(labels.shape):
        wanted_c, wanted_h = by_hand(params, np.asarray(c)[index], np.asarray(h)[index], labels[index])
        np.testing.assert_allclose(rel_c[index], wanted_c, rtol=1e-12)
        np.testing.assert_allclose(rel_h[index], wanted_h, rtol=1e-12)
        np.testing.assert_allclose(omega_c[index], wanted_c / np.abs(wanted_c).max() + 1, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(omega_h[index], wanted_h / np.abs(wanted_h).max() + 1, rtol=1e-12, atol=1e-15)


def test_features_without_relevance_have_weights_of_one(some):
    captioner, params, c, h = some
    logits, reweighted, omega_c, omega_h = reweight(captioner, params, PredictorInputs(0 * c, 0 * h))
    assert (omega_c == 1).all() and (omega_h == 1).all()
    np.testing.assert_array_equal(reweighted, logits)


def test_batches_vmap_and_single_captions_agree():
    captioner = MHFC(15, hidden=8, embedding=6)
    rng = np.random.default_rng(2)
    features, tokens = jnp.asarray(rng.random((3, 4, 5))), rng.integers(0, 8, (3, 6))
    shapes = jax.eval_shape(captioner.init, jax.random.key(0), features, tokens)
    params = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), shapes)

    @jax.jit
    def three_ways(features, tokens):
        def inference(features, tokens):
            return lrp_inference(captioner, params, features, tokens, (3, 5), arm=Arm(label="target"))

        return inference(features, tokens), jax.vmap(inference)(features, tokens), inference(features[1], tokens[1])

    batch, mapped, alone = three_ways(features, tokens)
    np.testing.assert_array_equal((alone.omega_c == 1).all(-1), np.isin(tokens[1, 1:], (3, 5)))
    assert [x.shape for x in alone] == [(5, 15), (5, 15), (5, 8), (5, 8)]
    for together, one_by_one, single in zip(batch, mapped, alone, strict=True):
        np.testing.assert_allclose(together, one_by_one, rtol=0, atol=1e-12)
        np.testing.assert_allclose(together[1], single, rtol=0, atol=1e-12)


def test_the_logit_of_the_label_rises_and_uniform_raises_it_alone(some):
    captioner, params, c, h = some
    ours = reweight(captioner, params, PredictorInputs(c, h), stop_ids=(7,))
    labels = np.asarray(ours.logits.argmax(-1))
    kept = labels == 7
    assert kept.any() and not kept.all()
    rise = np.asarray(ours.reweighted_logits - ours.logits)
    chosen = np.take_along_axis(rise, labels[..., None], -1)[..., 0]
    assert (chosen[~kept] > 0).all() and (chosen[kept] == 0).all()
    assert (np.abs(rise[~kept]) > 0).all()  # the other words' logits move as well
    uniform = reweight(captioner, params, PredictorInputs(c, h), stop_ids=(7,), arm=Arm(omega="uniform"))
    expected = np.where(labels[..., None] == np.arange(20), chosen[..., None], 0)
    np.testing.assert_allclose(uniform.reweighted_logits - uniform.logits, expected, atol=1e-12)
    assert (uniform.omega_c == 1).all() and (uniform.omega_h == 1).all()


def test_one_part_only(some):
    captioner, params, c, h = some
    both, only_c, only_h = (
        reweight(captioner, params, PredictorInputs(c, h), arm=Arm(parts=parts)) for parts in ("both", "c", "h")
    )
    np.testing.assert_array_equal(only_c.omega_c, both.omega_c)
    np.testing.assert_array_equal(only_h.omega_h, both.omega_h)
    assert (only_c.omega_h == 1).all() and (only_h.omega_c == 1).all()
    kernel = params["params"]["fc"]["kernel"]
    np.testing.assert_allclose(
        only_c.reweighted_logits - only_c.logits, ((both.omega_c - 1) * c) @ kernel, rtol=0, atol=1e-12
    )


def test_shuffled_has_the_same_weights_in_another_order(some):
    captioner, params, c, h = some
    ours = reweight(captioner, params, PredictorInputs(c, h))

    def shuffled(key=None, seed=0):
        return reweight(captioner, params, PredictorInputs(c, h), arm=Arm(omega="shuffled", seed=seed), key=key)

    for name in ("omega_c", "omega_h"):
        there, here = np.asarray(getattr(shuffled(), name)), np.asarray(getattr(ours, name))
        np.testing.assert_array_equal(np.sort(there), np.sort(here))
        orders = np.argsort(np.argsort(there)).reshape(-1, 12)
        assert (there != here).any(-1).all() and len(np.unique(orders, axis=0)) == len(orders)
        np.testing.assert_array_equal(there, getattr(shuffled(), name))
        assert (there != getattr(shuffled(seed=1), name)).any()
        assert (there != getattr(shuffled(jax.random.key(9)), name)).any()


def test_gradient_x_input(some):
    captioner, params, c, h = some
    inference = reweight(captioner, params, PredictorInputs(c, h), arm=Arm(omega="gradient_x_input"))
    column = np.asarray(params["params"]["fc"]["kernel"]).T[np.asarray(inference.logits.argmax(-1))]
    for x, omega in ((c, inference.omega_c), (h, inference.omega_h)):
        product = np.asarray(x) * column
        np.testing.assert_allclose(omega, product / np.abs(product).max(-1, keepdims=True) + 1, rtol=0, atol=1e-12)


def test_reweighted_predict(some):
    captioner, params, c, h = some
    predict = reweighted_predict(captioner, Arm(), np.array([3, 7]))
    assert predict == reweighted_predict(captioner, Arm(), (3, 7)) and hash(predict) == hash(
        reweighted_predict(captioner, Arm(), (3, 7))
    )
    assert predict != reweighted_predict(captioner, Arm(parts="c"), (3, 7))
    static = jax.jit(lambda predict, *args: predict(*args), static_argnums=0)
    wanted = reweight(captioner, params, PredictorInputs(c, h), stop_ids=(3, 7)).reweighted_logits
    np.testing.assert_allclose(static(predict, params, PredictorInputs(c, h)), wanted, rtol=0, atol=1e-12)
    plain = captioner.apply(params, PredictorInputs(c, h), method="predict")
    np.testing.assert_array_equal(
        reweighted_predict(captioner, Arm(ce_share=1.0))(params, PredictorInputs(c, h)), plain
    )
    with pytest.raises(ValueError, match="decoding has no target: wanted label='argmax'"):
        reweighted_predict(captioner, Arm(label="target"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"omega": "magic"}, "got omega='magic'; wanted one of lrp, shuffled"),
        ({"parts": "none"}, "got parts='none'; wanted one of both, c, h"),
        ({"label": "next"}, "got label='next'; wanted one of argmax, target"),
        ({"inputs": "own"}, "got inputs='own'; wanted one of teacher_forced, self_decoded"),
        ({"ce_share": 1.5}, "got ce_share=1.5; wanted lambda of Eq. 31, from 0 to 1"),
        ({"focal_gamma": -1.0}, "got focal_gamma=-1.0; wanted 0"),
    ],
)
def test_an_unknown_arm_is_an_error(wrong, message):
    with pytest.raises(ValueError, match=message):
        Arm(**wrong)
