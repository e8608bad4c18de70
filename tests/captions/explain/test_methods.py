"""Every method against a slower and plainer way to its numbers, and under jit, in a batch, padded and in chunks."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lrp_jax
from lrp_jax import EpsilonPlus
from lrp_jax.captions.explain import (
    LRP,
    METHODS,
    Attention,
    Gradient,
    IntegratedGradients,
    Method,
    Occlusion,
    SmoothGrad,
    explain_features,
    explain_image,
    explain_images,
)
from lrp_jax.captions.explain.methods.smooth_grad import noisy, noisy_tokens
from lrp_jax.captions.models import MHFC, AdaLSTM, unroll

V = 12
NO_WORD = 11  # its embedding is zero
TOKENS = np.array([1, 5, 9, 4])
WORDS = len(TOKENS) - 1
FIELDS = ("logits", "features", "regions", "words", "betas", "pixels")
# Few points, copies and patches, so that compiling them under one jit does not take long.
SETTINGS = METHODS | {
    "integrated_gradients": IntegratedGradients(steps=2),
    "smooth_grad": SmoothGrad(samples=2),
    "occlusion": Occlusion(patch=3, stride=0.25, per_chunk=8),
}
ONE_POINT = {"integrated_gradients": IntegratedGradients(steps=1), "smooth_grad": SmoothGrad(samples=1)}
# Gradient times input takes the way of LRP with another table, guided Grad-CAM those of its two factors.
ONE_OF_EACH_KIND = [
    pytest.param(name, marks=[pytest.mark.slow] * (name in ("gradient_x_input", "guided_grad_cam")))
    for name in SETTINGS
]

HAVE_BETAS = ("lrp", "attention", "visual_attention")  # of the Ada-LSTM, in whose other methods there is no more


class Encoder(nn.Module):
    """Two convolutions without biases: images [B, 12, 8, 3] -> [B, 3, 2, 5]."""

    @nn.compact
    def __call__(self, images):
        for _ in range(2):
            images = nn.relu(nn.Conv(5, (3, 3), strides=(2, 2), use_bias=False)(images))
        return images


def random_params(module, *args, seed=0):
    """Random weights in float64; biases are zero, as trained ones start."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(module.init, jax.random.key(0), *args)

    def leaf(path, shape):
        return jnp.asarray(rng.normal(0, 0.4, shape.shape) * ("bias" not in jax.tree_util.keystr(path)))

    return jax.tree_util.tree_map_with_path(leaf, shapes)


ENCODER = Encoder()
IMAGES = np.random.default_rng(3).normal(size=(2, 12, 8, 3))
ENCODER_PARAMS = random_params(ENCODER, IMAGES)
MODELS = {
    "ada": AdaLSTM(V, hidden=6, embedding=6, attention=5),
    "mhfc": MHFC(V, hidden=6, embedding=6, heads=2),
}
FEATURES = np.asarray(jax.jit(ENCODER.apply)(ENCODER_PARAMS, IMAGES)).reshape(2, 6, 5)


@functools.cache
def parameters(captioner):
    params = random_params(captioner, FEATURES[0], TOKENS, seed=1)
    table = params["params"]["word_embedding"]["embedding"]
    params["params"]["word_embedding"]["embedding"] = table.at[NO_WORD].set(0)
    return params


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param], parameters(MODELS[request.param])


@pytest.fixture(scope="module")
def ada():
    return MODELS["ada"], parameters(MODELS["ada"])


@pytest.fixture(scope="module")
def mhfc():
    """The one of which most programs are half as large."""
    return MODELS["mhfc"], parameters(MODELS["mhfc"])


def of_image(model, method, image=IMAGES[0], tokens=TOKENS, **options):
    return explain_image(
        *model, image, tokens, encoder=ENCODER, encoder_params=ENCODER_PARAMS, method=method, **options
    )


def arrays(explanation):
    return {name: value for name in FIELDS if (value := getattr(explanation, name)) is not None}


def assert_same(got, wanted, atol=1e-11):
    assert got.keys() == wanted.keys()
    for name, array in wanted.items():
        array = np.asarray(array)
        np.testing.assert_allclose(got[name], array, rtol=0, atol=atol * max(1, abs(array).max()), err_msg=name)


# --- the second, slow way -----------------------------------------------------------------------------------


@functools.partial(jax.jit, static_argnums=0)
def _all_logits(captioner, params, features, embeddings):
    trace = unroll(captioner, params, features, embeddings=embeddings)
    return captioner.apply(params, trace.inputs, method="predict")


def all_logits(model, features, embeddings):
    """[T, V] of the plain model."""
    return _all_logits(*model, features, embeddings)


@functools.partial(jax.jit, static_argnums=0)
def _apply(captioner, params, features, tokens):
    return captioner.apply(params, features, tokens)


def own_logits(model, features, tokens=TOKENS):
    """[T], the logits of the caption's words from its tokens."""
    return np.asarray(_apply(*model, features, tokens[:-1]))[np.arange(WORDS), TOKENS[1:]]


def embedded(model):
    return model[1]["params"]["word_embedding"]["embedding"][TOKENS[:-1]]


@jax.jit
def encoded(image):
    return ENCODER.apply(ENCODER_PARAMS, image[None]).reshape(6, 5)


def words_logits(model, features, embeddings):
    return all_logits(model, features, embeddings)[np.arange(WORDS), TOKENS[1:]]


@functools.partial(jax.jit, static_argnums=0)
def _gradients(captioner, params, features, embeddings):
    return jax.jacrev(lambda f, e: words_logits((captioner, params), f, e), argnums=(0, 1))(features, embeddings)


def slow_gradients(model, features, embeddings):
    """The gradients of the words' logits: ([T, n_v, d], [T, T, E])."""
    return _gradients(*model, features, embeddings)


@functools.partial(jax.jit, static_argnums=0)
def _pixel_gradients(captioner, params, image):
    model = captioner, params
    return jax.jacrev(lambda image: words_logits(model, encoded(image), embedded(model)))(image)


def slow_pixel_gradients(model, image):
    """The gradients of the words' logits in the pixels, through encoder and captioner in one: [T, H, W, 3]."""
    return _pixel_gradients(*model, image)


@functools.partial(jax.jit, static_argnums=(0, 2))
def every_word(captioner, params, rules, features, embeddings):
    """The logits [T, V], and what each of them gives to features and embeddings: ([T, V, n_v, d], [T, V, T, E])."""
    transformed = lrp_jax.lrp(lambda f, e: all_logits((captioner, params), f, e), rules, argnums=(0, 1))
    values, pull = jax.vjp(transformed, features, embeddings)
    return values, jax.vmap(jax.vmap(pull))(jnp.eye(WORDS * V).reshape(WORDS, V, WORDS, V))


# --- integrated gradients -----------------------------------------------------------------------------------


def test_integrated_gradients_slowly(model):
    """The three points of Gauss and Legendre by hand: 1/2 and 1/2 +- sqrt(3/20), weights 4/9 and 5/18."""
    image, words, pixels = 0, 0, 0
    for a, weight in ((0.5, 4 / 9), (0.5 - 0.15**0.5, 5 / 18), (0.5 + 0.15**0.5, 5 / 18)):
        at_features, at_words = slow_gradients(model, a * FEATURES[0], a * embedded(model))
        image, words = image + weight * np.asarray(at_features), words + weight * np.asarray(at_words)
        pixels = pixels + weight * np.asarray(slow_pixel_gradients(model, a * IMAGES[0]))
    got = of_image(model, IntegratedGradients(steps=3))
    np.testing.assert_allclose(got.features, image * FEATURES[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(got.words, (words * embedded(model)).sum(-1), rtol=0, atol=1e-13)
    np.testing.assert_allclose(got.pixels, pixels * IMAGES[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(got.logits, own_logits(model, FEATURES[0]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("against", [None, 7, "rest"])
def test_integrated_gradients_are_complete(mhfc, against):
    """They sum to what was gained on the way, from nothing and from the mean colour."""
    got = of_image(mhfc, IntegratedGradients(steps=24), against=against)
    contrast = weights(mhfc, against)

    def score(features, embeddings):
        return (np.asarray(all_logits(mhfc, features, embeddings)) * contrast).sum(-1)

    e = embedded(mhfc)
    gained = score(FEATURES[0], e) - score(0 * FEATURES[0], 0 * e)
    regions, words, pixels = map(np.asarray, (got.regions, got.words, got.pixels))
    np.testing.assert_allclose(regions.sum(1) + words.sum(1), gained, rtol=0, atol=1e-11)
    by_image = score(FEATURES[0], e) - score(encoded(0 * IMAGES[0]), e)
    np.testing.assert_allclose(pixels.sum((1, 2, 3)), by_image, rtol=0, atol=1e-11)
    assert abs(gained).min() > 1e-3 and abs(by_image).min() > 1e-4


# --- SmoothGrad ---------------------------------------------------------------------------------------------


def test_smooth_grad_slowly(model):
    """The same noisy copies, one gradient after another."""
    method = SmoothGrad(samples=3, noise=0.3, seed=5)
    image, words, pixels = [], [], []
    for sample in range(3):
        keys = jax.random.split(jax.random.fold_in(jax.random.key(5), sample), 3)
        features = noisy(keys[0], FEATURES[0], 0.3)
        at_features, at_words = slow_gradients(model, features, noisy_tokens(keys[1], embedded(model), 0.3))
        image.append(at_features)
        words.append(np.asarray(at_words).sum(-1))
        pixels.append(slow_pixel_gradients(model, noisy(keys[2], IMAGES[0], 0.3)))
    got = of_image(model, method)
    np.testing.assert_allclose(got.features, np.mean(image, 0), rtol=0, atol=1e-13)
    np.testing.assert_allclose(got.words, np.mean(words, 0), rtol=0, atol=1e-13)
    np.testing.assert_allclose(got.pixels, np.mean(pixels, 0), rtol=0, atol=1e-13)


def test_smooth_grad_without_noise_is_the_gradient(mhfc):
    still = of_image(mhfc, SmoothGrad(samples=2, noise=0.0))
    assert_same(arrays(still), arrays(of_image(mhfc, "gradient")))
    other = explain_features(*mhfc, FEATURES[0], TOKENS, SmoothGrad(samples=2, seed=1))
    first = explain_features(*mhfc, FEATURES[0], TOKENS, SmoothGrad(samples=2))
    assert abs(other.features - first.features).max() > 1e-6


def test_noise_is_a_fraction_of_the_range():
    x = jnp.linspace(-1.0, 3.0, 20_000)
    noise = noisy(jax.random.key(0), x, 0.1) - x
    np.testing.assert_allclose([noise.mean(), noise.std()], [0, 0.4], atol=0.01)
    tokens = jnp.stack([x, 10 * x])
    noise = noisy_tokens(jax.random.key(0), tokens, 0.1) - tokens
    np.testing.assert_allclose(noise.std(axis=1), [0.4, 4], rtol=0.02)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.03


# --- occlusion ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replacement", ["zero", "mean"])
def test_occlusion_of_regions_and_words_slowly(model, replacement):
    """Region by region, and token by token with a word in its place whose embedding is zero."""
    got = explain_features(*model, FEATURES[0], TOKENS, Occlusion(replacement=replacement, per_chunk=4))
    whole = own_logits(model, FEATURES[0])
    fill = FEATURES[0].mean(0) if replacement == "mean" else 0.0
    for k in range(6):
        features = FEATURES[0].copy()
        features[k] = fill
        loss = whole - own_logits(model, features)
        np.testing.assert_allclose(got.regions[:, k], loss, rtol=0, atol=1e-13)
    for i in range(WORDS):
        tokens = TOKENS.copy()
        tokens[i] = NO_WORD
        loss = whole - own_logits(model, FEATURES[0], tokens)
        np.testing.assert_allclose(got.words[:, i], loss, rtol=0, atol=1e-13)
    words = np.asarray(got.words)
    assert abs(words[-1]).min() > 1e-4 and not np.triu(words, 1).any()
    assert got.features is None


def test_occlusion_of_patches_slowly(model):
    """12 x 8 pixels, patches of 5 x 5 every 3 x 2: from rows 0, 3, 6 and last 7, and columns 0, 2 and last 3."""
    got = of_image(model, Occlusion(patch=5, stride=0.25, per_chunk=7))
    whole = own_logits(model, FEATURES[0])
    total, count = np.zeros((WORDS, 12, 8)), np.zeros((12, 8))
    for top in (0, 3, 6, 7):
        for left in (0, 2, 3):
            image = IMAGES[0].copy()
            image[top : top + 5, left : left + 5] = 0
            loss = whole - own_logits(model, encoded(image))
            total[:, top : top + 5, left : left + 5] += loss[:, None, None] / (5 * 5 * 3)
            count[top : top + 5, left : left + 5] += 1
    assert count.min() == 1
    np.testing.assert_allclose(got.pixels, np.repeat((total / count)[..., None], 3, -1), rtol=0, atol=1e-14)
    assert abs(got.pixels).max() > 1e-5 and not got.enlarged


# --- attention ----------------------------------------------------------------------------------------------


def test_visual_attention_is_what_a_region_has_in_the_context(ada):
    """Eq. 10: (1 - beta) alpha_k of region k, beta of the sentinel; together 1."""
    plain, visual = (
        explain_features(*ada, FEATURES[0], TOKENS, m) for m in ("attention", Attention(visual_share=True))
    )
    assert visual.method == "visual_attention"
    np.testing.assert_allclose(visual.regions, (1 - plain.betas)[:, None] * plain.regions, rtol=1e-14)
    np.testing.assert_allclose(visual.regions.sum(1) + visual.betas, np.ones(WORDS), rtol=1e-14)
    np.testing.assert_allclose(plain.regions.sum(1), np.ones(WORDS), rtol=1e-14)


# --- contrast -----------------------------------------------------------------------------------------------


def weights(model, against):
    """[T, V]: what each logit counts, from the probabilities themselves."""
    logits = np.asarray(all_logits(model, FEATURES[0], embedded(model)))
    result = np.zeros((WORDS, V))
    for t, word in enumerate(TOKENS[1:]):
        if isinstance(against, str):
            p = np.exp(logits[t]) / np.exp(logits[t]).sum()
            result[t] = -p / (1 - p[word])
            result[t, word] = 1
        else:
            result[t, word] = 1
            if against is not None:
                result[t, np.broadcast_to(against, WORDS)[t]] -= 1
    return result


@pytest.mark.parametrize("against", [7, np.array([7, 2, 4]), "rest"], ids=["word", "words", "rest"])
@pytest.mark.parametrize("method", ["lrp", pytest.param("gradient_x_input", marks=pytest.mark.slow)])
def test_contrast_is_the_weighted_sum_of_the_words_explained_alone(model, method, against):
    """Word by word of the vocabulary; words=[7, 2, 4] has the last word against itself, which is nothing."""
    values, (image, words) = every_word(*model, METHODS[method].rules, FEATURES[0], embedded(model))
    contrast = weights(model, against)
    got = explain_features(*model, FEATURES[0], TOKENS, method, against=against)
    np.testing.assert_allclose(got.features, np.einsum("tv,tv...->t...", contrast, image), rtol=0, atol=1e-13)
    np.testing.assert_allclose(got.words, np.einsum("tv,tvie->ti", contrast, words), rtol=0, atol=1e-13)
    np.testing.assert_allclose(got.logits, (contrast * values).sum(-1), rtol=0, atol=1e-13)
    if not isinstance(against, str) and np.ndim(against):
        assert not got.features[2].any() and got.features[1].any()


def test_against_the_rest_is_the_derivative_of_the_log_odds(ada):
    def log_odds(features):
        p = jax.nn.softmax(all_logits(ada, features, embedded(ada)))[np.arange(WORDS), TOKENS[1:]]
        return jnp.log(p / (1 - p))

    got = explain_features(*ada, FEATURES[0], TOKENS, "gradient", against="rest")
    np.testing.assert_allclose(got.features, jax.jit(jax.jacrev(log_odds))(FEATURES[0]), rtol=0, atol=1e-13)
    assert got.against == "rest"


def test_contrast_reaches_pixels_grad_cam_and_occlusion(mhfc):
    """What is linear in the score is the difference of two explanations; Grad-CAM is only before its ReLU."""
    as_if = np.array([*TOKENS[:-1], 7])
    for method in ("lrp", SETTINGS["occlusion"]):
        own, other, both = (
            of_image(mhfc, method),
            of_image(mhfc, method, tokens=as_if),
            of_image(mhfc, method, against=7),
        )
        for name in ("pixels", "regions"):
            wanted = getattr(own, name)[-1] - getattr(other, name)[-1]
            np.testing.assert_allclose(getattr(both, name)[-1], wanted, rtol=0, atol=1e-12)
            assert abs(wanted).max() > 1e-5
    cam, plain = (explain_features(*mhfc, FEATURES[0], TOKENS, "grad_cam", against=a) for a in (7, None))
    assert (cam.regions >= 0).all() and abs(cam.regions - plain.regions).max() > 1e-3
    np.testing.assert_array_equal(cam.against, [7, 7, 7])


def test_attention_cannot_contrast(ada):
    for method in ("attention", "visual_attention"):
        with pytest.raises(
            ValueError, match=f"got against='rest' for {method}, which does not depend on the explained word"
        ):
            explain_features(*ada, FEATURES[0], TOKENS, method, against="rest")


# --- every method -------------------------------------------------------------------------------------------


def test_the_registry_has_every_method_by_its_name():
    assert set(METHODS) == {
        "lrp", "gradient", "gradient_x_input", "guided_backprop", "grad_cam", "guided_grad_cam", "attention",
        "visual_attention", "integrated_gradients", "smooth_grad", "occlusion",
    }  # fmt: skip
    for name, method in METHODS.items():
        assert isinstance(method, Method) and method.name == name
        assert hash(method) == hash(dataclasses.replace(method))
        with pytest.raises(dataclasses.FrozenInstanceError):
            method.steps = 1


@pytest.mark.parametrize("method", ONE_OF_EACH_KIND)
def test_jit_of_the_whole_and_a_batch_change_nothing(ada, mhfc, method):
    """One compiled function for two images at a time, against each alone and uncompiled from outside."""
    model = ada if method in HAVE_BETAS else mhfc
    settings = ONE_POINT.get(method, SETTINGS[method])
    batch = jax.device_get(jax.jit(jax.vmap(lambda image: arrays(of_image(model, settings, image))))(IMAGES))
    for index, image in enumerate(IMAGES):
        alone = arrays(of_image(model, settings, image))
        assert_same({name: array[index] for name, array in batch.items()}, alone)


@pytest.mark.parametrize("method", ONE_OF_EACH_KIND)
def test_a_padded_caption_in_chunks_is_explained_as_it_is_alone(ada, mhfc, method):
    """Six words, four at a time, of which the first three are the caption."""
    model = ada if method in HAVE_BETAS else mhfc
    alone = of_image(model, SETTINGS[method])
    chunks = SETTINGS[method]
    if method == "occlusion":
        chunks = dataclasses.replace(chunks, per_chunk=100)
    padded = of_image(model, chunks, tokens=np.pad(TOKENS, (0, 3)), words_per_chunk=4).first(WORDS)
    assert_same(arrays(padded), arrays(alone))
    np.testing.assert_array_equal(padded.tokens, TOKENS)


CAPTIONS = [TOKENS, np.array([1, 7, 8, 9, 3, 6])]


def of_images(model, method, tokens=CAPTIONS, images=IMAGES, **options):
    return explain_images(
        *model, images, tokens, encoder=ENCODER, encoder_params=ENCODER_PARAMS, method=method, **options
    )


@pytest.mark.parametrize("method", ONE_OF_EACH_KIND)
def test_images_together_are_explained_as_each_alone(ada, mhfc, method):
    """Captions of three and five words; of the second image three words go down to the pixels, of the first one."""
    model = ada if method in HAVE_BETAS else mhfc
    settings, rows = ONE_POINT.get(method, SETTINGS[method]), [[1], [4, 0, 2]]
    together = of_images(model, settings, rows=rows, words_per_chunk=2)
    for image, tokens, wanted, found in zip(IMAGES, CAPTIONS, rows, together, strict=True):
        alone = of_image(model, settings, image, tokens)
        found, alone = arrays(found), arrays(alone)
        pixels, whole = (np.asarray(found_.pop("pixels")) for found_ in (found, alone))
        assert_same(found, alone)
        assert_same({"pixels": pixels[wanted]}, {"pixels": whole[wanted]})
        if not SETTINGS[method].enlarges and method != "occlusion":
            assert np.isnan(np.delete(pixels, wanted, axis=0)).all()


def test_images_together_are_explained_against_other_words_and_through_one_head(mhfc):
    for options in ({"against": 3}, {"against": "rest"}, {"head": 1}):
        together = of_images(mhfc, "lrp", **options)
        for image, tokens, found in zip(IMAGES, CAPTIONS, together, strict=True):
            alone = of_image(mhfc, "lrp", image, tokens, **options)
            assert_same(arrays(found), arrays(alone))
            np.testing.assert_array_equal(found.tokens, tokens)
            np.testing.assert_array_equal(found.against, alone.against)
            assert found.grid == alone.grid and found.head == alone.head


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tokens": [TOKENS]}, "got 2 images, 1 captions; wanted one caption"),
        ({"rows": [[0], [0], [0]]}, "got 2 images, 2 captions and 3 rows; wanted"),
        ({"rows": [[0], [5]]}, r"got rows \[5\]; wanted at least one, each from 0 to 4"),
        ({"rows": [[], [1]]}, r"got rows \[\]; wanted at least one"),
        ({"images": [IMAGES[0], IMAGES[1][:9]]}, r"got images of shapes \(9, 8, 3\), \(12, 8, 3\); wanted all of one"),
        ({"images": [IMAGES[0], IMAGES[1][0]]}, r"got an image of shape \(8, 3\)"),
    ],
)
def test_images_that_cannot_be_explained_together(mhfc, wrong, message):
    with pytest.raises(ValueError, match=message):
        of_images(mhfc, "lrp", **wrong)


def test_no_images_have_no_explanations(mhfc):
    assert of_images(mhfc, "lrp", images=[], tokens=[]) == []


def test_what_leaves_a_compiled_pass_is_what_the_way_back_reads():
    """No copy of a parameter, and no array that the pullback does not read."""
    from lrp_jax.captions.explain.view import _open

    features, pull = _open(ENCODER, lrp_jax.PAPER, ENCODER_PARAMS, IMAGES[:1])
    sizes = sorted(array.size for array in pull.kept)
    kernels = [leaf.size for leaf in jax.tree.leaves(ENCODER_PARAMS) if leaf.ndim == 4]
    assert not set(kernels) & set(sizes)
    # Of each layer the factor of its rule and that of its rectifier; of the first the image, at which it is multiplied.
    wanted = [6 * 4 * 5] * 2 + [3 * 2 * 5] * 2 + [12 * 8 * 3]
    assert [size for size in sizes if size > 1] == sorted(wanted)
    assert features.shape == (1, 3, 2, 5)


@pytest.mark.parametrize("method", ONE_OF_EACH_KIND)
def test_one_head_or_a_clear_refusal(mhfc, method):
    if method == "visual_attention":
        return  # needs a sentinel, which MH-FC has not
    if method in ("integrated_gradients", "occlusion"):
        with pytest.raises(ValueError, match=f"got head=1 for {method}, which compares runs of the whole model"):
            explain_features(*mhfc, FEATURES[0], TOKENS, method, head=1)
        return
    first, second = (explain_features(*mhfc, FEATURES[0], TOKENS, SETTINGS[method], head=head) for head in (0, 1))
    assert second.head == 1 and np.abs(np.asarray(second.regions) - np.asarray(first.regions)).max() > 1e-5


def test_a_method_with_settings_stands_for_its_name(ada):
    named = explain_features(*ada, FEATURES[0], TOKENS, "lrp", rules=EpsilonPlus)
    instance = explain_features(*ada, FEATURES[0], TOKENS, LRP(rules=EpsilonPlus))
    assert_same(arrays(instance), arrays(named), 0)
    assert abs(named.features - explain_features(*ada, FEATURES[0], TOKENS).features).max() > 1e-5
    assert_same(
        arrays(explain_features(*ada, FEATURES[0], TOKENS, Gradient())),
        arrays(explain_features(*ada, FEATURES[0], TOKENS, "gradient")),
        0,
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IntegratedGradients(steps=0), "got steps=0 for integrated_gradients; wanted an integer, at least 1"),
        (lambda: SmoothGrad(samples=2.5), "got samples=2.5"),
        (lambda: SmoothGrad(noise=-1.0), "got noise=-1.0"),
        (lambda: Occlusion(replacement="grey"), "got replacement='grey'"),
        (lambda: Occlusion(patch=1.5), "got patch=1.5"),
        (lambda: Occlusion(stride=0), "got stride=0"),
    ],
)
def test_wrong_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"against": "best"}, "got against='best'; wanted \"rest\""),
        ({"against": 99}, "got against=99; wanted 0 to 11, or -1 to -12"),
        ({"against": 1.0}, "got against of type float64"),
        ({"against": np.array([1, 2])}, r"got against of shape \(2,\); wanted one id, or \[3\]"),
        ({"method": Occlusion(patch=2, stride=3)}, "which leave pixels of an image 12 x 8 uncovered"),
    ],
)
def test_what_cannot_be_asked_is_refused(ada, wrong, message):
    with pytest.raises(ValueError, match=message):
        of_image(ada, **({"method": "lrp"} | wrong))
    with pytest.raises(TypeError, match="got method=3; wanted a name"):
        of_image(ada, 3)
