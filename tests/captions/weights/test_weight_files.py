"""Weights of the encoders in the files that people have."""

import chex
import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from lrp_jax.captions.models import VGG16, ResNet
from lrp_jax.captions.weights import (
    encoder_kind,
    read_weights,
    resnet_from_state_dict,
    squeezenet,
    squeezenet_from_arrays,
    vgg16_from_keras,
    vgg16_from_state_dict,
)
from lrp_jax.captions.weights.vgg import KERAS, TABLE


def vgg_arrays(width=1):
    """Random weights under torchvision's names."""
    rng = np.random.default_rng(0)
    sizes = {"1W": 1, "2W": 2, "4W": 4, "8W": 8}

    def shape(symbols):
        return tuple(sizes[s] * width if s in sizes else int(s) for s in symbols.split())

    return {name: rng.normal(size=shape(symbols)).astype(np.float32) for name, (_, symbols) in TABLE.items()}


def write_keras(path, arrays, top, style):
    """A Keras file; `style` is how the version that wrote it named things."""
    layers = {}
    for name, (path_of, _) in TABLE.items():
        layer, variable = path_of.split(".")
        array = arrays[name]
        array = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
        layers.setdefault(layer, {})[variable] = array[:, :, ::-1] if path_of == "block1_conv1.kernel" else array
    if top:
        layers["predictions"] = {"kernel": np.zeros((4, 3), np.float32), "bias": np.zeros(3, np.float32)}
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if style == "model" else file
        for layer, variables in layers.items():
            for variable, array in variables.items():
                old = {"kernel": "W", "bias": "b"}[variable]
                names = {"old": f"{layer}/{layer}_{old}_1:0", "new": f"{layer}/{layer}/{variable}:0"}
                root[names["old" if style == "old" else "new"]] = array


@pytest.mark.parametrize("style", ["old", "new", "model"])
@pytest.mark.parametrize("top", [False, True])
def test_keras_vgg(tmp_path, style, top):
    arrays, path = vgg_arrays(), tmp_path / "vgg16.h5"
    write_keras(path, arrays, top, style)
    encoder, params = vgg16_from_keras(read_weights(path))
    wanted_encoder, wanted = vgg16_from_state_dict(arrays)
    assert encoder == wanted_encoder == VGG16(width=1)
    chex.assert_trees_all_equal(params, wanted)


def test_keras_preprocessing_is_what_keras_does():
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype(np.uint8)
    seen = image[..., ::-1].astype(np.float64) - [103.939, 116.779, 123.68]  # blue, green, red
    np.testing.assert_allclose(KERAS(jnp.asarray(image)), seen[..., ::-1], atol=1e-3)


def resnet_arrays(blocks=(3, 4, 6, 3), width=1, classes=4):
    """Random weights under torchvision's names, as torchvision nests them."""
    rng = np.random.default_rng(0)
    arrays = {}

    def norm(name, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{name}.{part}"] = rng.uniform(0.5, 1.5, channels).astype(np.float32)
        arrays[f"{name}.num_batches_tracked"] = np.array(7)

    def conv(name, *shape):
        arrays[f"{name}.weight"] = rng.normal(size=shape).astype(np.float32)

    conv("conv1", width, 3, 7, 7)
    norm("bn1", width)
    before = width
    for stage, count in enumerate(blocks, 1):
        inside = width * 2 ** (stage - 1)
        for i in range(count):
            name = f"layer{stage}.{i}"
            for j, (out, into, size) in enumerate(
                [(inside, before, 1), (inside, inside, 3), (4 * inside, inside, 1)], 1
            ):
                conv(f"{name}.conv{j}", out, into, size, size)
                norm(f"{name}.bn{j}", out)
            if i == 0:
                conv(f"{name}.downsample.0", 4 * inside, before, 1, 1)
                norm(f"{name}.downsample.1", 4 * inside)
            before = 4 * inside
    conv("fc", classes, before)
    arrays["fc.bias"] = rng.normal(size=classes).astype(np.float32)
    return arrays


@pytest.mark.parametrize("blocks", [(3, 4, 6, 3), (3, 4, 23, 3)], ids=["50", "101"])
def test_resnet_has_every_variable_in_its_place(tmp_path, blocks):
    arrays, path = resnet_arrays(blocks), tmp_path / "model.safetensors"
    save_file(arrays, path)
    encoder, variables = resnet_from_state_dict(read_weights(path))
    assert encoder == ResNet(blocks=blocks, width=1, classes=4)
    image = jnp.zeros((1, 32, 32, 3))
    shapes = jax.eval_shape(lambda k: encoder.init(k, image, method="classify"), jax.random.key(0))
    jax.tree.map(lambda a, b: np.testing.assert_equal(a.shape, b.shape), variables, shapes)
    block = variables["params"]["layer2_0"]
    np.testing.assert_array_equal(
        block["shortcut"]["kernel"][0, 0].T, arrays["layer2.0.downsample.0.weight"][..., 0, 0]
    )
    np.testing.assert_array_equal(
        variables["batch_stats"]["layer3_1"]["bn2"]["var"], arrays["layer3.1.bn2.running_var"]
    )


def test_resnet_up_to_a_stage_and_without_classes():
    arrays = {name: a for name, a in resnet_arrays().items() if not name.startswith("fc.")}
    encoder, variables = resnet_from_state_dict(arrays, stages=3)
    assert encoder.stages == 3
    shapes = jax.eval_shape(encoder.init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    assert jax.tree.structure(variables) == jax.tree.structure(shapes)


def as_transformers(name):
    """A name of torchvision's as Hugging Face transformers has it, read off a ResNet of theirs."""
    if name.startswith(("conv1.", "bn1.")):
        kind = "convolution" if name.startswith("conv") else "normalization"
        return f"resnet.embedder.embedder.{kind}.{name.rpartition('.')[2]}"
    if name.startswith("fc."):
        return name.replace("fc.", "classifier.1.")
    stage, block, *inside, leaf = name.removeprefix("layer").split(".")
    place = f"resnet.encoder.stages.{int(stage) - 1}.layers.{block}"
    if inside[0] == "downsample":
        return f"{place}.shortcut.{('convolution', 'normalization')[int(inside[1])]}.{leaf}"
    kind = "convolution" if inside[0].startswith("conv") else "normalization"
    return f"{place}.layer.{int(inside[0][-1]) - 1}.{kind}.{leaf}"


@pytest.mark.parametrize("prefix", ["resnet.", ""])
def test_resnet_under_the_names_of_transformers(prefix):
    arrays = resnet_arrays()
    theirs = {as_transformers(name).replace("resnet.", prefix): a for name, a in arrays.items()}
    assert f"{prefix}encoder.stages.1.layers.0.shortcut.convolution.weight" in theirs
    assert f"{prefix}encoder.stages.3.layers.2.layer.2.normalization.running_var" in theirs
    encoder, variables = resnet_from_state_dict(theirs)
    wanted_encoder, wanted = resnet_from_state_dict(arrays)
    assert encoder == wanted_encoder and encoder_kind(theirs) == encoder_kind(arrays) == "resnet"
    chex.assert_trees_all_equal(variables, wanted)


def test_vgg_of_timm(tmp_path):
    """The same features; the layers after them are convolutions under other names."""
    arrays, path = vgg_arrays(), tmp_path / "model.safetensors"
    after = {"pre_logits.fc1.weight": (4, 8, 7, 7), "pre_logits.fc1.bias": (4,), "head.fc.weight": (3, 4)}
    save_file(arrays | {name: np.zeros(shape, np.float32) for name, shape in after.items()}, path)
    read = read_weights(path)
    assert encoder_kind(read) == "vgg16"
    chex.assert_trees_all_equal(vgg16_from_state_dict(read)[1], vgg16_from_state_dict(arrays)[1])


def test_squeezenet_of_torchvision():
    rng, torchvision, numbered = np.random.default_rng(0), {}, {}
    for index, (_, name, symbols) in enumerate(squeezenet._layers()):
        shape = [int(s) if s.isdecimal() else 5 for s in symbols.split()]
        for part, array in (("weight", rng.normal(size=shape)), ("bias", rng.normal(size=shape[0]))):
            torchvision[f"{name}.{part}"] = numbered[f"conv{index}_{part}"] = array
    # Fire modules of version 1.1 stand at these places of `features`; the classifier has dropout before it.
    places = {name.split(".")[1] for name in torchvision if "squeeze" in name}
    assert places == {"3", "4", "6", "7", "9", "10", "11", "12"} and "classifier.1.bias" in torchvision
    encoder, params = squeezenet_from_arrays(torchvision)
    wanted_encoder, wanted = squeezenet_from_arrays(numbered)
    assert encoder == wanted_encoder and encoder_kind(torchvision) == encoder_kind(numbered) == "squeezenet"
    chex.assert_trees_all_equal(params, wanted)
    del torchvision["features.9.expand3x3.weight"]
    with pytest.raises(ValueError, match=r"a SqueezeNet 1.1 .*missing: features.9.expand3x3.weight \[192, 48, 3, 3\]"):
        squeezenet_from_arrays(torchvision)


def test_arrays_of_no_known_encoder():
    assert encoder_kind(["block5_conv3/kernel", "fc1/kernel"]) == "vgg16"
    with pytest.raises(ValueError, match=r"got arrays a, b, c, \.\.\.; wanted those of squeezenet, resnet, vgg16"):
        encoder_kind("abcd")


def test_weights_that_do_not_fit():
    arrays = resnet_arrays()
    del arrays["layer1.0.bn1.weight"]
    arrays["layer4.2.conv3.weight"] = arrays["layer4.2.conv3.weight"][:5]
    with pytest.raises(
        ValueError, match=r"a ResNet-50 .*missing: layer1.0.bn1.weight \[1\]; wrong shape: layer4.2.conv3"
    ):
        resnet_from_state_dict(arrays)
    with pytest.raises(ValueError, match=r"a VGG16 .*missing: features.0.weight"):
        vgg16_from_keras({"dense/kernel": np.zeros((2, 2), np.float32)})


def test_files_that_are_not_what_they_are_called(tmp_path):
    for name, message in (
        ("a.h5", "not an HDF5 file"),
        ("a.safetensors", "not a safetensors file"),
        ("a.npz", "not an npz"),
    ):
        (tmp_path / name).write_bytes(b"<html>404</html>")
        with pytest.raises(ValueError, match=f"{name}: {message}"):
            read_weights(tmp_path / name)
    np.savez(tmp_path / "p.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="plain arrays"):
        read_weights(tmp_path / "p.npz")
