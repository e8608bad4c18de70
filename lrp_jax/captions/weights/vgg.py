"""VGG16 from the arrays of torchvision, timm and Keras."""

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

    The width is read from the arrays: 64 for the published weights. The layers after the features, torchvision's
    `classifier.*` and timm's `pre_logits.*` and `head.*`, are not used. Images have to be preprocessed by
    `models.IMAGENET`.

    Returns:
      The encoder, and {"params": ...} in float64 if any array is float64, in float32 otherwise.

    Raises:
      TypeError: an array is not numeric.
      ValueError: one error that lists everything missing, unexpected or of the wrong shape.
    """
    used = {name: a for name, a in arrays.items() if not name.startswith(("classifier.", "pre_logits.", "head."))}
    sizes, params = convolutions(used, TABLE, "a VGG16")
    return VGG16(width=sizes["W"]), params


KERAS = Preprocessing(
    mean=tuple(m / 255 for m in (123.68, 116.779, 103.939)), std=(1 / 255, 1 / 255, 1 / 255), size=(224, 224)
)
"""The preprocessing of Keras' VGG16: 0 to 255 minus the mean of ImageNet, without a division."""


def vgg16_from_keras(arrays: Mapping[str, np.ndarray]) -> tuple[VGG16, dict]:
    """VGG16 up to block5_conv3 and its parameters from the arrays of Keras' file, `block1_conv1/kernel` and so on.

    The top (`fc1`, `fc2`, `predictions`) may be in the file and is not used. Kernels are already
    [height, width, in, out]. Keras' network expects the colours in the order blue, green, red; the first kernel is
    reversed here, so that images are red, green, blue. They have to be preprocessed by `weights.vgg.KERAS`.

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
