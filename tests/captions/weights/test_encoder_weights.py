"""Encoders from state dicts: sizes, layout, and what the error says. Values are checked in tests/models."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import VGG16, SqueezeNet
from lrp_jax.captions.weights import squeezenet_from_arrays, vgg16_from_state_dict

INDICES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
CHANNELS = (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8)


def vgg_arrays(width=2):
    rng, arrays, before = np.random.default_rng(0), {}, 3
    for index, multiple in zip(INDICES, CHANNELS, strict=True):
        out = multiple * width
        arrays[f"features.{index}.weight"] = rng.normal(0, 0.3, (out, before, 3, 3)).astype(np.float32)
        arrays[f"features.{index}.bias"] = rng.normal(0, 0.3, out).astype(np.float32)
        before = out
    return arrays


def squeezenet_arrays(classes=5):
    shapes, channels = [(64, 3, 3, 3)], 64
    for squeezed in (16, 16, 32, 32, 48, 48, 64, 64):
        shapes += [(squeezed, channels, 1, 1), (4 * squeezed, squeezed, 1, 1), (4 * squeezed, squeezed, 3, 3)]
        channels = 8 * squeezed
    shapes.append((classes, channels, 1, 1))
    arrays = {f"conv{i}_weight": np.ones(shape, np.float32) for i, shape in enumerate(shapes)}
    return arrays | {f"conv{i}_bias": np.full(shape[0], i, np.float32) for i, shape in enumerate(shapes)}


CASES = [
    (vgg16_from_state_dict, vgg_arrays(), VGG16(2), "__call__"),
    (squeezenet_from_arrays, squeezenet_arrays(), SqueezeNet(classes=5), "classify"),
]
each_encoder = pytest.mark.parametrize(("load", "arrays", "expected", "method"), CASES, ids=["vgg", "squeeze"])


@each_encoder
def test_parameters_are_those_of_init(load, arrays, expected, method):
    encoder, params = load(arrays)
    assert encoder == expected
    image = jnp.zeros((32, 32, 3), jnp.float32)
    made_by_init = jax.eval_shape(lambda key: encoder.init(key, image, method=method), jax.random.key(0))
    shapes = [jax.tree.map(lambda x: (x.shape, x.dtype), tree) for tree in (params, made_by_init)]
    assert shapes[0] == shapes[1]
    _, wide = load({name: a.astype(np.float64) for name, a in arrays.items()})
    assert {x.dtype for x in jax.tree.leaves(wide)} == {jnp.dtype("float64")}


@each_encoder
def test_one_error_names_everything(load, arrays, expected, method):
    first, second, third = sorted(name for name in arrays if name.endswith("weight"))[:3]
    spoiled = {**arrays, second: arrays[second][..., :1, :1, None], "novel": np.zeros(3, np.float32)}
    del spoiled[first]
    spoiled[third] = arrays[third][:, :-1]
    with pytest.raises(ValueError) as error:
        load(spoiled)
    said = str(error.value)
    assert f"missing: {first} [" in said
    assert "unexpected: novel [3]" in said
    for name in (second, third):
        assert f"{name} is [" in said
    assert "\n" not in said


@each_encoder
def test_each_missing_array_is_named(load, arrays, expected, method):
    for name in arrays:
        with pytest.raises(ValueError, match=f"missing: {name} "):
            load({other: a for other, a in arrays.items() if other != name})


def test_vgg_ignores_the_classifier():
    arrays = vgg_arrays()
    _, params = vgg16_from_state_dict({**arrays, "classifier.0.weight": np.zeros((4, 4), np.float32)})
    kernel = params["params"]["block3_conv2"]["kernel"]
    np.testing.assert_array_equal(kernel, np.moveaxis(arrays["features.12.weight"], (0, 1), (3, 2)))
    np.testing.assert_array_equal(params["params"]["block5_conv3"]["bias"], arrays["features.28.bias"])


def test_squeezenet_order_of_layers():
    _, params = squeezenet_from_arrays({**squeezenet_arrays(), "test0_input": np.zeros(2)})
    bias = {path: layer["bias"][0] for path, layer in params["params"]["fire5"].items()}
    assert bias == {"squeeze": 10, "expand1x1": 11, "expand3x3": 12}
    assert params["params"]["classifier"]["bias"][0] == 25
