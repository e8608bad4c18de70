"""VGG16 from torchvision's, timm's and Keras' arrays."""

from collections.abc import Mapping

import numpy as np

from lrp_jax.captions.models import VGG16, Preprocessing
from lrp_jax.captions.models.vgg import BLOCKS
from lrp_jax.captions.weights.convolutions import convolutions


def _table() -> dict[str, tuple[str, str]]:
    """torchvision's name -> our path and the shape; W is the width."""
    table, index, before = {}, 0, "3"
    for block, (layers, multiple) in enumerate(BLOCKS, 1):
        for layer in range(1, layers + 1):
            name, path, after = f"features.{index}", f"block{block}_conv{layer}", f"{multiple}W"
            table[f"{name}.weight"] = (f"{path}.kernel", f"{after} {before} 3 3")
            table[f"{name}.bias"] = (f"{path}.bias", after)
            index, before = index + 2, after  # a convolution and its ReLU
        index += 1  # the max pool
    return table


TABLE = _table()


def vgg16_from_state_dict(arrays: Mapping[str, np.ndarray]) -> tuple[VGG16, dict]:
    """VGG16 up to block5_conv3 and its parameters from torchvision's names, `features.0.weight` and so on.

    The width is read from the arrays: 64 for the published weights. What comes after the features, torchvision's
    `classifier.*` and timm's `pre_logits.*` and `head.*`, is not used. Images go through `models.IMAGENET`
    first.

    Returns:
      The encoder, and {"params": ...} in float64 if any array is float64, in float32 otherwise.

    Raises:
      TypeError: an array holds no numbers.
      ValueError: one error that names everything missing, unexpected or of the wrong shape.
    """
    used = {name: a for name, a in arrays.items() if not name.startswith(("classifier.", "pre_logits.", "head."))}
    sizes, params = convolutions(used, TABLE, "a VGG16")
    return VGG16(width=sizes["W"]), params


KERAS = Preprocessing(
    mean=tuple(m / 255 for m in (123.68, 116.779, 103.939)), std=(1 / 255, 1 / 255, 1 / 255), size=(224, 224)
)
"""What Keras' VGG16 expects: 0 to 255 less the mean of ImageNet, not divided by anything."""


def vgg16_from_keras(arrays: Mapping[str, np.ndarray]) -> tuple[VGG16, dict]:
    """VGG16 up to block5_conv3 and its parameters from the arrays of Keras' file, `block1_conv1/kernel` and so on.

    The file with or without its top (`fc1`, `fc2`, `predictions`, not used). Kernels are [height, width, in, out]
    already. Keras feeds the colours in the order blue, green, red: the first kernel is turned round here, so that
    images come as red, green, blue and go through `weights.vgg.KERAS`.

    Returns, raises: as for `vgg16_from_state_dict`.
    """
    names = {path: name for name, (path, _) in TABLE.items()}
    top = ("fc1/", "fc2/", "predictions/", "flatten/")
    renamed = {}
    for name, array in arrays.items():
        if name.startswith(top):
            continue
        array = np.asarray(array)
        if name == "block1_conv1/kernel" and array.ndim == 4:
            array = array[:, :, ::-1]
        array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
        renamed[names.get(name.replace("/", "."), name)] = array
    return vgg16_from_state_dict(renamed)
