"""ResNet against a slow second implementation, window by window, and its shapes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import ResNet

NARROW = ResNet(blocks=(2, 1, 1, 1), width=2, classes=5)


def random_variables(module, *inputs, **options):
    rng = np.random.default_rng(0)

    def leaf(path, shape):
        values = rng.normal(0, 0.5, shape.shape)
        return np.abs(values) + 0.5 if path[-1].key == "var" else values

    shapes = jax.eval_shape(lambda k, *x: module.init(k, *x, **options), jax.random.key(0), *inputs)
    return jax.tree_util.tree_map_with_path(leaf, shapes)


def slow_conv(x, kernel, stride):
    """x [h, w, C], kernel [size, size, C, out], padded by half the kernel."""
    pad = kernel.shape[0] // 2
    x = np.pad(x, [(pad, pad), (pad, pad), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))[::stride, ::stride]
    return np.einsum("hwcij,ijco->hwo", windows, kernel)


def slow_norm(x, variables, name):
    params, seen = variables["params"][name], variables["batch_stats"][name]
    return (x - seen["mean"]) / np.sqrt(seen["var"] + 1e-5) * params["scale"] + params["bias"]


def slow_resnet(variables, x, blocks):
    p = variables["params"]
    x = np.maximum(slow_norm(slow_conv(x, p["conv1"]["kernel"], 2), variables, "bn1"), 0)
    padded = np.pad(x, [(1, 1), (1, 1), (0, 0)], constant_values=-np.inf)
    x = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::2, ::2].max((-1, -2))
    for stage, count in enumerate(blocks):
        for i in range(count):
            inner = {key: part[f"layer{stage + 1}_{i}"] for key, part in variables.items()}
            stride = 2 if stage and not i else 1

            def conv(x, name, stride=1, inner=inner):
                return slow_conv(x, inner["params"][name]["kernel"], stride)

            y = np.maximum(slow_norm(conv(x, "conv1"), inner, "bn1"), 0)
            y = np.maximum(slow_norm(conv(y, "conv2", stride), inner, "bn2"), 0)
            y = slow_norm(conv(y, "conv3"), inner, "bn3")
            if not i:
                x = slow_norm(conv(x, "shortcut", stride), inner, "bn_shortcut")
            x = np.maximum(x + y, 0)
    return x, x.mean((0, 1)) @ p["classifier"]["kernel"] + p["classifier"]["bias"]


def test_again_slowly():
    image = np.random.default_rng(1).normal(size=(45, 38, 3))
    variables = random_variables(NARROW, image, method="classify")
    features, scores = slow_resnet(variables, image, NARROW.blocks)

    @jax.jit
    def both(variables, image):
        return NARROW.apply(variables, image), NARROW.apply(variables, image, method="classify")

    ours, classes = both(variables, jnp.asarray(image)[None])
    np.testing.assert_allclose(ours[0], features, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(classes[0], scores, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("encoder", "grid"),
    [
        (ResNet(), (7, 7, 2048)),
        (ResNet(stages=3), (14, 14, 1024)),
        (ResNet(blocks=(3, 4, 23, 3)), (7, 7, 2048)),
        (ResNet(width=2, stages=1), (56, 56, 8)),
    ],
    ids=["50", "50 to stage 3", "101", "narrow"],
)
def test_shapes(encoder, grid):
    images = jax.ShapeDtypeStruct((2, 224, 224, 3), jnp.float32)
    features, _ = jax.eval_shape(lambda key, x: encoder.init_with_output(key, x), jax.random.key(0), images)
    assert features.shape == (2, *grid)


def test_its_size_is_that_of_the_published_network():
    image = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    shapes = jax.eval_shape(lambda k, x: ResNet().init(k, x, method="classify"), jax.random.key(0), image)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes["params"])) == 25_557_032


@pytest.mark.parametrize("stages", [0, 5])
def test_stages_that_it_does_not_have(stages):
    with pytest.raises(ValueError, match=f"got stages={stages}; wanted 1 to 4"):
        jax.eval_shape(ResNet(stages=stages).init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))
