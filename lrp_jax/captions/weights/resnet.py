"""ResNets from the state dicts of torchvision, timm and Hugging Face transformers."""

import re
from collections.abc import Mapping

import numpy as np

from lrp_jax.captions.models import ResNet
from lrp_jax.captions.models.resnet import EXPANSION
from lrp_jax.captions.weights.named import as_numpy, nested, problems_with, raise_any, read_sizes

_BLOCKS = {16: (3, 4, 6, 3), 33: (3, 4, 23, 3)}
"""The number of blocks in each stage, by their total number: ResNet-50 and -101."""


def _table(blocks: tuple[int, ...]) -> dict[str, tuple[str, str]]:
    """torchvision's name -> our path and the shape; W is the width, K the number of classes."""
    table: dict[str, tuple[str, str]] = {}

    def conv(name, path, shape):
        table[f"{name}.weight"] = (f"params.{path}.kernel", shape)

    def norm(name, path, channels):
        table[f"{name}.weight"] = (f"params.{path}.scale", channels)
        table[f"{name}.bias"] = (f"params.{path}.bias", channels)
        table[f"{name}.running_mean"] = (f"batch_stats.{path}.mean", channels)
        table[f"{name}.running_var"] = (f"batch_stats.{path}.var", channels)

    conv("conv1", "conv1", "W 3 7 7")
    norm("bn1", "bn1", "W")
    before = "W"
    for stage, count in enumerate(blocks):
        inside, after = f"{2**stage}W", f"{EXPANSION * 2**stage}W"
        for i in range(count):
            name, path = f"layer{stage + 1}.{i}", f"layer{stage + 1}_{i}"
            for j, shape in enumerate((f"{inside} {before} 1 1", f"{inside} {inside} 3 3", f"{after} {inside} 1 1"), 1):
                conv(f"{name}.conv{j}", f"{path}.conv{j}", shape)
                norm(f"{name}.bn{j}", f"{path}.bn{j}", after if j == 3 else inside)
            if not i:
                conv(f"{name}.downsample.0", f"{path}.shortcut", f"{after} {before} 1 1")
                norm(f"{name}.downsample.1", f"{path}.bn_shortcut", after)
            before = after
    table["fc.weight"] = ("params.classifier.kernel", f"K {before}")
    table["fc.bias"] = ("params.classifier.bias", "K")
    return table


_TRANSFORMERS = {
    "embedder.embedder.convolution": "conv1",
    "embedder.embedder.normalization": "bn1",
    "classifier.1": "fc",
}
_TRANSFORMERS_BLOCK = re.compile(
    r"encoder\.stages\.(\d+)\.layers\.(\d+)\.(?:layer\.(\d+)|shortcut)\.(convolution|normalization)"
)


def _translated(name: str) -> str:
    """The torchvision name for a name of transformers; any other name is returned unchanged."""
    layer, _, leaf = name.removeprefix("resnet.").rpartition(".")
    if layer in _TRANSFORMERS:
        return f"{_TRANSFORMERS[layer]}.{leaf}"
    match = _TRANSFORMERS_BLOCK.fullmatch(layer)
    if match is None:
        return name
    stage, block, index, kind = match.groups()
    convolution = kind == "convolution"
    if index is None:
        inside = f"downsample.{0 if convolution else 1}"
    else:
        inside = f"{'conv' if convolution else 'bn'}{int(index) + 1}"
    return f"layer{int(stage) + 1}.{block}.{inside}.{leaf}"


def resnet_from_state_dict(arrays: Mapping[str, np.ndarray], stages: int = 4) -> tuple[ResNet, dict]:
    """ResNet-50 or -101 and its variables from torchvision's names, `layer1.0.conv1.weight` and so on.

    timm has the same names; those of transformers, `resnet.encoder.stages.0.layers.0.layer.0.convolution.weight` and so
    on, are translated. The depth is read from the names, the width from the shapes. `num_batches_tracked` is not used.
    Images have to be preprocessed by `lrp_jax.captions.models.IMAGENET`.

    Args:
      arrays: the state dict; without `fc.*` the encoder cannot classify.
      stages: the number of stages of the encoder; the weights of later stages are dropped.

    Returns:
      The encoder, and {"params": ..., "batch_stats": ...} in float64 if any array is float64, in float32 otherwise.

    Raises:
      TypeError: an array is not numeric.
      ValueError: one error that lists everything missing, unexpected or of the wrong shape.
    """
    used = {_translated(name): a for name, a in arrays.items() if not name.endswith("num_batches_tracked")}
    count = len({name.rsplit(".conv1", 1)[0] for name in used if name.startswith("layer") and ".conv1." in name})
    blocks = _BLOCKS.get(count) or min(_BLOCKS.values(), key=lambda b: abs(sum(b) - count))
    used = as_numpy(used)
    table = _table(blocks)
    if not any(name.startswith("fc.") for name in used):
        table = {name: row for name, row in table.items() if not name.startswith("fc.")}
    shapes = {name: shape for name, (_, shape) in table.items()}
    sizes = read_sizes(used, shapes)
    raise_any(problems_with(used, shapes, sizes), f"a ResNet-{50 if sum(blocks) == 16 else 101}", sizes)
    leaves = {}
    for name, (path, _) in table.items():
        stage = path.split(".")[1]
        if stage.startswith("layer") and int(stage[5]) > stages:
            continue
        if stages < len(blocks) and stage == "classifier":
            continue
        array = used[name]
        leaves[path] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T if array.ndim == 2 else array
    classes = sizes.get("K", 1000)
    return ResNet(blocks=blocks, width=sizes["W"], stages=stages, classes=classes), nested(leaves)
