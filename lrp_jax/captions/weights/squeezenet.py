"""SqueezeNet 1.1 from torchvision's state dict, or from its 26 convolutions in the order of the network."""

from collections.abc import Mapping

import numpy as np

from lrp_jax.captions.models import SqueezeNet
from lrp_jax.captions.models.squeezenet import FIRES
from lrp_jax.captions.weights.convolutions import convolutions

# Indices of the fire modules in torchvision's `features`; the others are max pools.
_FIRES_AT = (3, 4, 6, 7, 9, 10, 11, 12)


def _layers() -> list[tuple[str, str, str]]:
    """(our path, torchvision's name, shape of the kernel) of each convolution; K is the number of classes."""
    layers, channels = [("conv1", "features.0", "64 3 3 3")], 64
    for i, (at, (squeezed, expanded)) in enumerate(zip(_FIRES_AT, FIRES, strict=True), 2):
        for part, shape in (
            ("squeeze", f"{squeezed} {channels} 1 1"),
            ("expand1x1", f"{expanded} {squeezed} 1 1"),
            ("expand3x3", f"{expanded} {squeezed} 3 3"),
        ):
            layers.append((f"fire{i}.{part}", f"features.{at}.{part}", shape))
        channels = 2 * expanded
    layers.append(("classifier", "classifier.1", f"K {channels} 1 1"))
    return layers


def _table(torchvision: bool) -> dict[str, tuple[str, str]]:
    """Name in the file -> our path and the shape."""
    table = {}
    for index, (path, name, shape) in enumerate(_layers()):
        prefix = f"{name}." if torchvision else f"conv{index}_"
        table[f"{prefix}weight"] = (f"{path}.kernel", shape)
        table[f"{prefix}bias"] = (f"{path}.bias", shape.split()[0])
    return table


def squeezenet_from_arrays(arrays: Mapping[str, np.ndarray]) -> tuple[SqueezeNet, dict]:
    """SqueezeNet 1.1 and its parameters, from named arrays.

    Names are torchvision's (`features.0.weight` [64, 3, 3, 3], `features.3.squeeze.weight` ... `classifier.1.bias`), or
    number the convolutions in the order of the network: `conv0_weight`, `conv0_bias` ... `conv25_bias`, with squeeze,
    expand 1 x 1 and expand 3 x 3 of each fire module, and the classifier last. Weights are [out, in, height, width].
    Names that begin with `test` (a reference input and its output) are not used. Images have to be preprocessed by
    `models.IMAGENET`.

    Returns:
      The encoder, and {"params": ...} in float64 if any array is float64, in float32 otherwise.

    Raises:
      TypeError: an array is not numeric.
      ValueError: one error that lists everything missing, unexpected or of the wrong shape.
    """
    used = {name: a for name, a in arrays.items() if not name.startswith("test")}
    table = _table(torchvision=any(name.startswith("features.") for name in used))
    sizes, params = convolutions(used, table, "a SqueezeNet 1.1")
    return SqueezeNet(classes=sizes["K"]), params
