"""From a photograph to its pixels: every method, one record, and identities between them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lrp_jax
from lrp_jax import PAPER, Composite, Epsilon, On
from lrp_jax.captions.explain import (
    METHODS,
    IntegratedGradients,
    Occlusion,
    SmoothGrad,
    View,
    decode,
    explain_features,
    explain_image,
    explain_view,
)
from lrp_jax.captions.models import MHFC, VGG16, AdaLSTM, Preprocessing

IMAGE = np.asarray(jax.random.randint(jax.random.key(0), (32, 48, 3), 0, 256), np.uint8)
ENCODER = VGG16(width=2)
SEEN = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), size=(64, 80))
TOKENS = np.array([1, 5, 9, 4, 2])


def random_params(module, *args):
    """As large as initial ones, without compiling the initialisers, which would take longer than the tests."""
    rng = np.random.default_rng(0)

    def leaf(shape):
        fan_in = np.prod(shape.shape[:-1])
        return jnp.asarray(rng.normal(0, (2 / fan_in) ** 0.5, shape.shape) * (len(shape.shape) > 1), shape.dtype)

    return jax.tree.map(leaf, jax.eval_shape(module.init, jax.random.key(0), *args))


@functools.cache
def make(captioner):
    image = SEEN(IMAGE)[None]
    encoder_params = random_params(ENCODER, image)
    features = jax.jit(ENCODER.apply)(encoder_params, image).reshape(-1, 16)
    return captioner, random_params(captioner, features, TOKENS), encoder_params, features


MODELS = {
    "ada": AdaLSTM(12, hidden=8, embedding=6, attention=5),
    "mhfc": MHFC(12, hidden=8, embedding=6, heads=2),
}


@pytest.fixture(scope="module", params=["mhfc", pytest.param("ada", marks=pytest.mark.slow)])
def model(request):
    return make(MODELS[request.param])


def explain(model, method, **options):
    captioner, params, encoder_params, _ = model
    return explain_image(
        captioner, params, IMAGE, encoder=ENCODER, encoder_params=encoder_params, preprocessing=SEEN,
        method=method, **({"tokens": TOKENS} | options),
    )  # fmt: skip


# VGG16 is run anew for every point, copy or patch: a few of them show the shapes.
FEWER = {
    "integrated_gradients": IntegratedGradients(steps=2),
    "smooth_grad": SmoothGrad(samples=2),
    "occlusion": Occlusion(patch=1 / 2, stride=1 / 2, per_chunk=10),
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_fills_the_same_record(model, method):
    if method == "visual_attention" and isinstance(model[0], MHFC):
        with pytest.raises(ValueError, match="MHFC, which has no sentinel and no beta: use 'attention'"):
            explain(model, method)
        return
    explanation = explain(model, FEWER.get(method, method))
    words = len(TOKENS) - 1
    assert explanation.method == method
    assert explanation.grid == (4, 5)
    assert explanation.pixels.shape == (words, 64, 80, 3)
    assert explanation.regions.shape == (words, 20)
    assert explanation.logits.shape == (words,)
    assert jnp.isfinite(explanation.pixels).all()
    assert explanation.enlarged == (method in ("attention", "visual_attention", "grad_cam"))
    if "attention" not in method:
        assert explanation.words.shape == (words, words)
        assert not np.triu(explanation.words, 1).any()  # nothing to do with words that come later
    assert (explanation.betas is None) == isinstance(model[0], MHFC)


def test_one_pass_through_both_parts_is_the_same(model):
    """Explaining the features and then the pixels equals one `lrp` of the whole."""
    captioner, params, encoder_params, _ = model
    x = SEEN(IMAGE)

    def last_logit(x):
        features = ENCODER.apply(encoder_params, x[None]).reshape(-1, 16)
        return lrp_jax_logit(captioner, params, features)

    wanted = jax.jit(jax.grad(lrp_jax.lrp(last_logit)))(x)
    got = explain(model, "lrp").pixels[-1]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-5 * jnp.abs(wanted).max())
    gradient = jax.jit(jax.grad(last_logit))(x)
    np.testing.assert_allclose(explain(model, "gradient").pixels[-1], gradient, atol=2e-5 * jnp.abs(gradient).max())
    times = explain(model, "gradient_x_input").pixels[-1]
    np.testing.assert_allclose(times, x * gradient, atol=2e-5 * jnp.abs(x * gradient).max())


def lrp_jax_logit(captioner, params, features):
    return captioner.apply(params, features, TOKENS[:-1])[-1, TOKENS[-1]]


def test_guided_grad_cam_is_the_product(model):
    cam, guided, both = (explain(model, m) for m in ("grad_cam", "guided_backprop", "guided_grad_cam"))
    np.testing.assert_allclose(both.pixels, cam.pixels * guided.pixels, rtol=1e-6)
    np.testing.assert_allclose(both.features, cam.regions[..., None] * guided.features, rtol=1e-6)
    np.testing.assert_array_equal(both.words, cam.words)
    assert (cam.regions >= 0).all()


def test_a_caption_is_decoded_if_none_is_given(model):
    captioner, params, _, features = model
    explanation = explain(model, "attention", tokens=None, max_length=6)
    np.testing.assert_array_equal(explanation.tokens, decode(captioner, params, features, 6))
    assert explanation.tokens[0] == 1


@pytest.mark.parametrize("method", ["lrp", "grad_cam", "guided_backprop"])
def test_an_image_that_was_encoded_before_is_explained_the_same(model, method):
    """Whether the view was made for the method's rules or for those of another one."""
    captioner, params, encoder_params, _ = model
    view = View(ENCODER, encoder_params, SEEN(IMAGE), rules=METHODS["lrp"].backward_rules)
    view.encode()
    found = explain_view(captioner, params, view, TOKENS, method=method, rows=[2])
    wanted = explain(model, method, rows=[2])
    np.testing.assert_array_equal(found.pixels, wanted.pixels)
    assert found.grid == wanted.grid and found.method == wanted.method


def test_chunks_and_rules_are_passed_on(model):
    whole, parts = explain(model, "lrp"), explain(model, "lrp", words_per_chunk=3)
    np.testing.assert_allclose(parts.pixels, whole.pixels, atol=1e-5 * jnp.abs(whole.pixels).max())
    other = Composite("OTHER", (On("*", Epsilon(1.0)), *PAPER.lines))
    assert jnp.abs(explain(model, "lrp", rules=other).pixels - whole.pixels).max() > 0


def test_one_head_at_a_time():
    model = make(MODELS["mhfc"])
    features = model[3].astype(float)
    whole = explain_features(model[0], model[1], features, TOKENS)
    heads = [explain_features(model[0], model[1], features, TOKENS, head=i) for i in range(2)]
    assert jnp.abs(heads[0].features - heads[1].features).max() > 0
    for head in heads:  # words before it speak through the LSTM, whichever head is looked through
        np.testing.assert_allclose(head.words, whole.words, atol=1e-12)


def test_errors():
    captioner, params, encoder_params, _ = make(MODELS["ada"])
    common = {"encoder": ENCODER, "encoder_params": encoder_params}
    with pytest.raises(TypeError, match="got an image of type uint8 without preprocessing"):
        explain_image(captioner, params, IMAGE, TOKENS, **common)
    with pytest.raises(ValueError, match=r"got an image of shape \(32, 48\); wanted one RGB image"):
        explain_image(captioner, params, IMAGE[..., 0], TOKENS, **common)
