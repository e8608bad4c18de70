"""JAX models under Quantus' metrics; skipped where Quantus is not installed."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import lrp_jax

quantus = pytest.importorskip("quantus", reason="needs Quantus: pip install quantus")

from lrp_jax.captions.experiments.quantus_adapter import JaxModel, for_jax, quantus_explain_func

IMAGES = np.random.default_rng(0).random((6, 8, 8, 2)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])
GRAY = IMAGES[..., :1]
WEIGHTS = np.random.default_rng(1).normal(size=(8 * 8 * 2, 3)).astype(np.float32)

GRADIENT_X_INPUT = quantus_explain_func(lambda f, x, t: x * jax.grad(lambda x: f(x)[t])(x))
LRP = quantus_explain_func(lambda f, x, t: jax.grad(lrp_jax.lrp(lambda x: f(x)[t]))(x))
CALL = {"a_batch": None, "s_batch": None, "channel_first": False, "softmax": False}


@pytest.fixture(autouse=True)
def quiet():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Quantus warns of every default
        yield


def linear(weights=WEIGHTS):
    return JaxModel(lambda params, x: x.reshape(len(x), -1) @ params["dense"]["kernel"], {"dense": {"kernel": weights}})


@functools.cache
def network():
    class CNN(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.relu(nn.Conv(4, (3, 3))(x))
            return nn.Dense(3)(x.mean(axis=(1, 2)))

    net = CNN()
    params = net.init(jax.random.key(0), IMAGES)
    hidden = lambda params, x: nn.relu(nn.Conv(4, (3, 3)).apply({"params": params["params"]["Conv_0"]}, x))  # noqa: E731
    return JaxModel(net.apply, params, layers=["params/Conv_0", "params/Dense_0"], hidden=hidden)


def test_what_quantus_predicts_is_what_the_function_gives_in_either_layout():
    model = linear()
    wanted = IMAGES.reshape(6, -1) @ WEIGHTS
    first = np.moveaxis(IMAGES, -1, 1)
    for x, is_first in ((first, True), (IMAGES, False)):
        seen = model.shape_input(x, x.shape, channel_first=is_first, batched=True)
        np.testing.assert_array_equal(seen, first)
    np.testing.assert_allclose(model.predict(seen), wanted, rtol=1e-5)
    np.testing.assert_array_equal(model.shape_input(first[0], first[0].shape, channel_first=True), first[:1])
    probabilities = model.replace(softmax=True).predict(first)
    np.testing.assert_allclose(probabilities, jax.nn.softmax(jnp.asarray(wanted)), rtol=1e-4)
    other = JaxModel(lambda params, x: x.sum(axis=(2, 3)), {}, channels_last=False)
    np.testing.assert_allclose(other.predict(first), IMAGES.sum((1, 2)), rtol=1e-5)
    table = JaxModel(lambda params, x: x[:, :3], {})
    np.testing.assert_array_equal(table.predict(table.shape_input(WEIGHTS.T, (3, 128), None, True)), WEIGHTS.T[:, :3])


def test_an_explanation_is_summed_over_channels():
    maps = GRADIENT_X_INPUT(linear(), np.moveaxis(IMAGES, -1, 1), LABELS, device="cpu")
    kernels = WEIGHTS.reshape(8, 8, 2, 3)
    wanted = np.stack([(x * kernels[..., t]).sum(-1) for x, t in zip(IMAGES, LABELS, strict=True)])
    np.testing.assert_allclose(maps, wanted, rtol=1e-5, atol=1e-6)
    with pytest.raises(TypeError, match="wanted a JaxModel"):
        LRP(lambda x: x, IMAGES, LABELS)


def test_gradient_x_input_explains_a_linear_model_perfectly():
    # Of a linear model the sum of gradient x input over what is deleted is what the score loses, exactly.
    metric = for_jax(quantus.FaithfulnessCorrelation)(
        nr_runs=20, subset_size=16, perturb_baseline=0.0, abs=False, normalise=False, return_aggregate=False
    )
    model = linear(WEIGHTS[::2])
    scores = metric(model=model, x_batch=GRAY, y_batch=LABELS, explain_func=GRADIENT_X_INPUT, **CALL)
    np.testing.assert_allclose(scores, 1, atol=1e-3)
    random = np.random.default_rng(2).normal(size=(6, 8, 8))
    other = metric(model=model, x_batch=GRAY, y_batch=LABELS, **(CALL | {"a_batch": random}))
    assert np.mean(other) < 0.6


@pytest.mark.parametrize("softmax", [False, True])
def test_pixel_flipping_deletes_from_the_score_that_was_asked_for_to_that_of_nothing(softmax):
    metric = for_jax(quantus.PixelFlipping)(features_in_step=8, perturb_baseline=0.0, abs=False, normalise=False)
    asked = CALL | {"softmax": softmax}
    curves = metric(model=linear(WEIGHTS[::2]), x_batch=GRAY, y_batch=LABELS, explain_func=GRADIENT_X_INPUT, **asked)
    scores = GRAY.reshape(6, -1) @ WEIGHTS[::2]
    scores = np.asarray(jax.nn.softmax(scores) if softmax else scores)[np.arange(6), LABELS]
    assert len(curves) == 6 and len(curves[0]) == 8
    np.testing.assert_allclose([curve[-1] for curve in curves], 1 / 3 if softmax else 0, atol=1e-5)
    assert all(curve[0] < score for curve, score in zip(curves, scores, strict=True))


def test_metrics_that_explain_again_and_that_localise():
    masks = np.zeros((6, 1, 8, 8), bool)
    masks[:, :, :4] = True
    pointing = for_jax(quantus.PointingGame)(abs=False, normalise=False)
    half = np.concatenate([np.ones((6, 4, 8)), np.zeros((6, 4, 8))], axis=1)
    asked = CALL | {"a_batch": half, "s_batch": masks}
    assert all(pointing(model=network(), x_batch=IMAGES, y_batch=LABELS, **asked))
    stable = for_jax(quantus.AvgSensitivity)(nr_samples=2)
    scores = stable(model=network(), x_batch=IMAGES, y_batch=LABELS, explain_func=LRP, **CALL)
    assert np.isfinite(scores).all() and min(scores) > 0
    inner = for_jax(quantus.RelativeRepresentationStability)(nr_samples=2, return_aggregate=False)
    assert len(inner(model=network(), x_batch=IMAGES, y_batch=LABELS, explain_func=LRP, **CALL)) == 6
    with pytest.raises(ValueError, match="without hidden="):
        network().replace(hidden=None).get_hidden_representations(np.moveaxis(IMAGES, -1, 1))


def test_layers_are_randomised_one_after_the_other():
    model = network()
    names, models = zip(*model.get_random_layer_generator("top_down", seed=1), strict=True)
    assert list(names) == ["params/Dense_0", "params/Conv_0"] and model.random_layer_generator_length == 2
    before, first, both = (m.params["params"] for m in (model, *models))
    same = lambda a, b: bool((a["kernel"] == b["kernel"]).all())  # noqa: E731
    assert same(before["Conv_0"], first["Conv_0"]) and not same(before["Dense_0"], first["Dense_0"])
    assert same(first["Dense_0"], both["Dense_0"]) and not same(before["Conv_0"], both["Conv_0"])
    assert sorted(first["Dense_0"]["kernel"].ravel()) == sorted(before["Dense_0"]["kernel"].ravel())
    alone = dict(model.get_random_layer_generator("independent"))["params/Dense_0"].params["params"]
    assert same(alone["Conv_0"], before["Conv_0"])
    metric = for_jax(quantus.MPRT)(similarity_func=quantus.correlation_pearson, layer_order="top_down")
    scores = metric(model=model, x_batch=IMAGES, y_batch=LABELS, explain_func=LRP, **CALL)
    assert np.mean(scores["original"]) == pytest.approx(1, abs=1e-5)
    assert set(names) <= set(scores) and np.mean(scores["params/Conv_0"]) < 0.99


def test_a_shifted_model_takes_shifted_inputs():
    shifted = linear().add_mean_shift_to_first_layer(0.25, (8, 8, 2))
    first = np.moveaxis(IMAGES, -1, 1)
    np.testing.assert_allclose(shifted.predict(first + 0.25), linear().predict(first), atol=1e-4)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="got layer 'lstm'; wanted some of dense"):
        linear().replace(layers=["lstm"])
    with pytest.raises(ValueError, match="got order='sideways'"):
        next(linear().get_random_layer_generator("sideways"))
    metric = for_jax(quantus.PointingGame)()
    with pytest.raises(TypeError, match="wanted a JaxModel"):
        metric(model=lambda x: x, x_batch=IMAGES, y_batch=LABELS, explain_func=LRP, **CALL)
