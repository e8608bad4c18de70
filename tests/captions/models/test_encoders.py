"""Encoders against goldens, a slow second implementation, and the real network's reference output."""

import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import VGG16, SqueezeNet
from lrp_jax.captions.weights import squeezenet_from_arrays, vgg16_from_state_dict

VGG_FILES = sorted((pathlib.Path(__file__).parents[2] / "goldens").glob("enc_vgg_*.npz"))


def channels_last(x):
    return jnp.moveaxis(jnp.asarray(x), -3, -1)


def load_vgg(path):
    golden = dict(np.load(path, allow_pickle=False))
    arrays = {name.removeprefix("param."): a for name, a in golden.items() if name.startswith("param.")}
    return golden, *vgg16_from_state_dict(arrays)


@functools.partial(jax.jit, static_argnums=0)
def features_and_gradient(encoder, params, image, seed):
    features, pullback = jax.vjp(lambda x: encoder.apply(params, x), image)
    return features, *pullback(seed)


def test_vgg_goldens_are_here():
    assert VGG_FILES


@pytest.mark.parametrize(("dtype", "bound"), [(jnp.float64, 1e-9), (jnp.float32, 1e-5)])
@pytest.mark.parametrize("path", VGG_FILES, ids=lambda p: p.stem)
def test_vgg_features_and_gradient(path, dtype, bound):
    golden, encoder, params = load_vgg(path)
    image, seed = (channels_last(golden[name]).astype(dtype) for name in ("image", "seed_rel"))
    features, gradient = features_and_gradient(encoder, params, image, seed)
    for name, actual in (("features", features), ("grad_pixels", gradient)):
        expected = channels_last(golden[name])
        assert actual.dtype == dtype
        np.testing.assert_allclose(actual, expected, rtol=0, atol=bound * jnp.abs(expected).max())


@pytest.mark.parametrize(
    ("encoder", "size", "grid"),
    [
        (VGG16(2), (224, 224), (14, 14, 16)),
        (VGG16(1), (50, 37), (3, 2, 8)),
        (VGG16(1), (16, 16), (1, 1, 8)),
        (SqueezeNet(), (224, 224), (13, 13, 512)),
        (SqueezeNet(), (144, 112), (8, 6, 512)),
        (SqueezeNet(), (25, 26), (1, 1, 512)),
    ],
    ids=str,
)
def test_shapes_at_any_size(encoder, size, grid):
    images = jax.ShapeDtypeStruct((2, *size, 3), jnp.float32)
    features, params = jax.eval_shape(lambda key, x: encoder.init_with_output(key, x), jax.random.key(0), images)
    assert features.shape == (2, *grid)
    assert {x.dtype for x in jax.tree.leaves(params)} == {jnp.dtype("float32")}


@pytest.mark.parametrize("encoder", [VGG16(2), SqueezeNet()], ids=lambda e: type(e).__name__)
def test_one_of_a_batch_is_as_alone_in_float64(encoder):
    rng = np.random.default_rng(0)
    images = jnp.asarray(rng.normal(size=(2, 3, 26, 32, 3)))
    shapes = jax.eval_shape(encoder.init, jax.random.key(0), images)
    params = jax.tree.map(lambda x: rng.normal(0, 1 / np.sqrt(x.size), x.shape).astype(x.dtype), shapes)
    apply = jax.jit(encoder.apply)
    together = apply(params, images)
    assert together.dtype == jnp.float64
    assert (together > 0).any()
    for i, j in np.ndindex(2, 3):
        np.testing.assert_allclose(apply(params, images[i, j]), together[i, j], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("encoder", [VGG16(1), SqueezeNet()], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (np.zeros((1, 64, 64, 3), np.uint8), TypeError, r"uint8 images; pass preprocessing\(images\)"),
        (np.zeros((1, 3, 64, 64), np.float32), ValueError, r"shape \(1, 3, 64, 64\); pass"),
        (np.zeros((64, 3), np.float32), ValueError, "pass .*height, width, 3"),
        (np.zeros((1, 64, 15, 3), np.float32), ValueError, "pixels a side"),
    ],
)
def test_images_that_cannot_be_encoded(encoder, images, error, message):
    with pytest.raises(error, match=message):
        encoder.init(jax.random.key(0), images)


# ------------------------------------------------------------------------- SqueezeNet again, window by window


def slow_conv(x, weight, bias, stride=1, padding=0):
    """x [C, h, w], weight [out, C, size, size]."""
    x = np.pad(x, [(0, 0), (padding, padding), (padding, padding)])
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[-2:], axis=(1, 2))
    out = np.tensordot(weight, windows[:, ::stride, ::stride], axes=([1, 2, 3], [0, 3, 4]))
    return out + bias[:, None, None]


def slow_pool(x):
    """Windows start at 0, 2, 4, ... and may hang over, as long as the one before does not reach the end."""
    starts = [range(0, size - 1, 2)[: -(-(size - 3) // 2) + 1] for size in x.shape[1:]]
    return np.array([[[c[i : i + 3, j : j + 3].max() for j in starts[1]] for i in starts[0]] for c in x])


def slow_squeezenet(arrays, x):
    def conv(index, x, **options):
        return np.maximum(slow_conv(x, arrays[f"conv{index}_weight"], arrays[f"conv{index}_bias"], **options), 0)

    x = conv(0, x, stride=2)
    for fire in range(8):
        if fire in (0, 2, 4):
            x = slow_pool(x)
        squeezed = conv(3 * fire + 1, x)
        x = np.concatenate([conv(3 * fire + 2, squeezed), conv(3 * fire + 3, squeezed, padding=1)])
    return x, conv(25, x).mean((1, 2))


def squeezenet_arrays(classes=10):
    """Random weights under the names of the published file."""
    rng = np.random.default_rng(0)
    sizes, channels = [(64, 3, 3)], 64
    for squeezed in (16, 16, 32, 32, 48, 48, 64, 64):
        expanded = 4 * squeezed
        sizes += [(squeezed, channels, 1), (expanded, squeezed, 1), (expanded, squeezed, 3)]
        channels = 2 * expanded
    arrays = {}
    for index, (out, into, size) in enumerate([*sizes, (classes, channels, 1)]):
        scale = np.sqrt(2 / (into * size * size))
        arrays[f"conv{index}_weight"] = rng.normal(0, scale, (out, into, size, size))
        arrays[f"conv{index}_bias"] = rng.normal(0, 0.1, out)
    return arrays


@pytest.mark.parametrize("size", [(45, 38), (34, 31)])
def test_squeezenet_again_slowly(size):
    arrays = squeezenet_arrays()
    encoder, params = squeezenet_from_arrays(arrays)
    image = np.random.default_rng(1).normal(size=(3, *size))
    features, classes = slow_squeezenet(arrays, image)
    x = channels_last(image)
    ours, scores = jax.jit(lambda p, x: (encoder.apply(p, x), encoder.apply(p, x, method="classify")))(params, x)
    np.testing.assert_allclose(ours, channels_last(features), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(scores, classes, rtol=1e-9, atol=1e-9)


def test_squeezenet_classifier_is_made_on_demand():
    encoder, image = SqueezeNet(classes=4), jnp.zeros((32, 32, 3), jnp.float32)
    features_only = jax.eval_shape(encoder.init, jax.random.key(0), image)["params"]
    everything = jax.eval_shape(lambda k: encoder.init(k, image, method="classify"), jax.random.key(0))
    assert set(everything["params"]) - set(features_only) == {"classifier"}


@pytest.mark.realdata
def test_squeezenet_reference_output(realdata):
    arrays = np.load(realdata / "weights" / "squeezenet1_1_oihw.npz", allow_pickle=False)
    encoder, params = squeezenet_from_arrays(arrays)
    image = channels_last(arrays["test0_input"])
    scores = jax.jit(lambda p, x: encoder.apply(p, x, method="classify"))(params, image)
    np.testing.assert_allclose(scores, arrays["test0_output"], rtol=0, atol=1e-3)
