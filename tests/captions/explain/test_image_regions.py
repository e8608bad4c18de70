"""From a photograph to its pixels through regions instead of a grid."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lrp_jax
from lrp_jax.captions.explain import IntegratedGradients, Occlusion, SmoothGrad, explain_image
from lrp_jax.captions.models import MHFC, Preprocessing, RegionEncoder, region_variables, with_boxes

TOKENS = np.array([1, 5, 9, 4, 2])
BOXES = [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.5, 0.5], [0.6, 0.5, 0.8, 1.0]]
SEEN = Preprocessing(size=(32, 40))


class Trunk(nn.Module):
    @nn.compact
    def __call__(self, images):
        return nn.max_pool(nn.relu(nn.Conv(4, (3, 3), strides=2, padding=1)(images)), (2, 2), strides=(2, 2))


@pytest.fixture(scope="module")
def model():
    keys = jax.random.split(jax.random.key(1), 3)
    image = np.asarray(jax.random.randint(keys[0], (20, 30, 3), 0, 256), np.uint8)
    encoder = RegionEncoder(Trunk(), bins=2)
    variables = region_variables(jax.jit(encoder.trunk.init)(keys[1], SEEN(image)), BOXES)
    captioner = MHFC(12, hidden=8, embedding=6, heads=2)
    features = jax.jit(lambda image: encoder.apply(variables, SEEN(image)))(image)
    rng, shapes = np.random.default_rng(2), jax.eval_shape(captioner.init, keys[2], features, TOKENS)
    params = jax.tree.map(lambda x: jnp.asarray(rng.normal(0, 0.3, x.shape), x.dtype), shapes)
    return captioner, params, image, {"encoder": encoder, "encoder_params": variables, "preprocessing": SEEN}


FEWER = [IntegratedGradients(steps=2), SmoothGrad(samples=2), Occlusion(patch=1 / 2, stride=1 / 2)]


@pytest.mark.parametrize("method", ["lrp", "grad_cam", "guided_grad_cam", "attention", *FEWER], ids=str)
def test_every_method_goes_through_regions(model, method):
    captioner, params, image, encoder = model
    explanation = explain_image(captioner, params, image, TOKENS, method=method, **encoder)
    assert explanation.grid is None
    np.testing.assert_allclose(explanation.boxes, BOXES)
    assert explanation.regions.shape == (4, 3) and explanation.pixels.shape == (4, 32, 40, 3)
    assert jnp.isfinite(explanation.pixels).all()


def test_one_pass_through_both_parts_is_the_same(model):
    captioner, params, image, encoder = model

    def last_logit(x):
        features = encoder["encoder"].apply(encoder["encoder_params"], x)
        return captioner.apply(params, features, TOKENS[:-1])[-1, TOKENS[-1]]

    wanted = jax.jit(jax.grad(lrp_jax.lrp(last_logit)))(SEEN(image))
    got = explain_image(captioner, params, image, TOKENS, **encoder).pixels[-1]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-5 * jnp.abs(wanted).max())


def test_the_value_of_a_box_is_spread_over_its_pixels(model):
    captioner, params, image, encoder = model
    explanation = explain_image(captioner, params, image, TOKENS, method="attention", **encoder)
    expected = np.zeros((4, 32, 40))
    for k, (x0, y0, x1, y1) in enumerate(BOXES):
        rows, columns = slice(int(y0 * 32), int(y1 * 32)), slice(int(x0 * 40), int(x1 * 40))
        pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
        expected[:, rows, columns] += np.asarray(explanation.regions[:, k, None, None]) / pixels
    np.testing.assert_allclose(explanation.pixels[..., 0], expected, rtol=2e-5)
    np.testing.assert_allclose(explanation.pixels[..., 0].sum(axis=(1, 2)), 1, rtol=1e-5)


def test_other_boxes_are_another_explanation(model):
    captioner, params, image, encoder = model
    here = [[0.5, 0.0, 1.0, 0.5]]
    encoder = encoder | {"encoder_params": with_boxes(encoder["encoder_params"], here)}
    explanation = explain_image(captioner, params, image, TOKENS, **encoder)
    assert explanation.regions.shape == (4, 1)
    elsewhere = explanation.pixels[:, 24:, :12]  # further away than the kernels reach
    assert float(jnp.abs(elsewhere).max()) == 0 < float(jnp.abs(explanation.pixels).max())
