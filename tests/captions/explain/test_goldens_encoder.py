"""The encoder's goldens: pixels of a narrow VGG16 under the alpha rule."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lrp_jax
from lrp_jax.captions.weights import vgg16_from_state_dict

FILES = sorted((pathlib.Path(__file__).parents[2] / "goldens").glob("enc_vgg_*.npz"))
BOUNDS = {"float64": 1e-9, "float32": 1e-5}


def load(path, dtype):
    with np.load(path, allow_pickle=False) as file:
        golden = dict(file)
    state = {k.removeprefix("param."): v for k, v in golden.items() if k.startswith("param.")}
    encoder, params = vgg16_from_state_dict(state)
    image = jnp.asarray(golden["image"].transpose(1, 2, 0), dtype)
    return golden, lambda x: encoder.apply(params, x[None])[0], image


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
@pytest.mark.parametrize("compiled", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_pixels(path, dtype, compiled):
    golden, encode, image = load(path, dtype)
    seed = jnp.asarray(golden["seed_rel_masked"].transpose(1, 2, 0), dtype)
    explain = lrp_jax.relevance(encode)
    features, relevance = (jax.jit(explain) if compiled else explain)(image, seed=seed)
    assert relevance.dtype == dtype
    for got, name in ((features, "features"), (relevance, "rel_pixels_masked")):
        wanted = golden[name].transpose(1, 2, 0)
        assert np.abs(got - wanted).max() <= BOUNDS[dtype] * np.abs(wanted).max(), name


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_dead_features_pass_nothing_on(path):
    """A seed on features that are 0 is dropped: a density cannot carry it."""
    golden, encode, image = load(path, "float64")
    seeds = (golden[name].transpose(1, 2, 0) for name in ("seed_rel", "seed_rel_masked"))
    explain = jax.jit(lrp_jax.relevance(encode))
    dense, masked = (explain(image, seed=seed)[1] for seed in seeds)
    np.testing.assert_array_equal(dense, masked)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_gradient_is_a_composite(path, dtype):
    golden, encode, image = load(path, dtype)
    seed = jnp.asarray(golden["seed_rel"].transpose(1, 2, 0), dtype)
    pixels = jax.jit(lambda x, seed: jax.vjp(lrp_jax.lrp(encode, lrp_jax.GRADIENT), x)[1](seed)[0])(image, seed)
    wanted = golden["grad_pixels"].transpose(1, 2, 0)
    assert np.abs(pixels - wanted).max() <= BOUNDS[dtype] * np.abs(wanted).max()
