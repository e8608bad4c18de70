"""VGG16 from torchvision's state dict."""

from collections.abc import Mapping

import numpy as np

from lrp_jax.models.vgg import BLOCKS, VGG16
from lrp_jax.weights.convolutions import convolutions


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

    The width is read from the arrays: 64 for the published weights. `classifier.*` is not used. Images go
    through `lrp_jax.models.IMAGENET` first.

    Returns:
      The encoder, and {"params": ...} in float64 if any array is float64, in float32 otherwise.

    Raises:
      TypeError: an array holds no numbers.
      ValueError: one error that names everything missing, unexpected or of the wrong shape.
    """
    used = {name: a for name, a in arrays.items() if not name.startswith("classifier.")}
    sizes, params = convolutions(used, TABLE, "a VGG16")
    return VGG16(width=sizes["W"]), params
