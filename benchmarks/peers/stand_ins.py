"""Empty modules in place of packages that zennit imports but does not need here."""

import importlib.util
import sys
import types


def torchvision_unless_installed() -> None:
    import torch

    if importlib.util.find_spec("torchvision") is None:
        blocks = types.ModuleType("torchvision.models.resnet")
        blocks.Bottleneck, blocks.BasicBlock = (type(n, (torch.nn.Module,), {}) for n in ("Bottleneck", "BasicBlock"))
        sys.modules["torchvision"] = types.ModuleType("torchvision")
        sys.modules["torchvision.models"] = types.ModuleType("torchvision.models")
        sys.modules["torchvision.models.resnet"] = blocks
