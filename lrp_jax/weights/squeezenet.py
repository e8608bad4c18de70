"""SqueezeNet 1.1 from its 26 convolutions in the order of the network."""

from collections.abc import Mapping

import numpy as np

from lrp_jax.models.squeezenet import FIRES, SqueezeNet
from lrp_jax.weights.convolutions import convolutions


def _table() -> dict[str, tuple[str, str]]:
    """Name in the file -> our path and the shape; K is the number of classes."""
    layers, channels = [("conv1", "64 3 3 3")], 64
    for i, (squeezed, expanded) in enumerate(FIRES, 2):
        layers.append((f"fire{i}.squeeze", f"{squeezed} {channels} 1 1"))
        layers.append((f"fire{i}.expand1x1", f"{expanded} {squeezed} 1 1"))
        layers.append((f"fire{i}.expand3x3", f"{expanded} {squeezed} 3 3"))
        channels = 2 * expanded
    layers.append(("classifier", f"K {channels} 1 1"))
    table = {}
    for index, (path, shape) in enumerate(layers):
        table[f"conv{index}_weight"] = (f"{path}.kernel", shape)
        table[f"conv{index}_bias"] = (f"{path}.bias", shape.split()[0])
    return table


TABLE = _table()


def squeezenet_from_arrays(arrays: Mapping[str, np.ndarray]) -> tuple[SqueezeNet, dict]:
    """SqueezeNet 1.1 and its parameters from `conv0_weight` [64, 3, 3, 3], `conv0_bias` ... `conv25_bias`.

    Weights are [out, in, height, width], numbered as the network runs: each fire module's squeeze, expand
    1 x 1 and expand 3 x 3; the last one is the classifier. Names that begin with `test` (a reference
    input and its output) are not used. Images go through `lrp_jax.models.IMAGENET` first.

    Returns:
      The encoder, and {"params": ...} in float64 if any array is float64, in float32 otherwise.

    Raises:
      TypeError: an array holds no numbers.
      ValueError: one error that names everything missing, unexpected or of the wrong shape.
    """
    used = {name: a for name, a in arrays.items() if not name.startswith("test")}
    sizes, params = convolutions(used, TABLE, "a SqueezeNet 1.1")
    return SqueezeNet(classes=sizes["K"]), params
