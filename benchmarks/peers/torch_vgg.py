"""VGG16 in torch with the weights of a file, and the inputs that the peers explain."""

import pathlib

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

BLOCKS = (2, 2, 3, 3, 3)  # convolutions before each pooling; no pooling after the last block


def network(folder: str) -> nn.Sequential:
    """torchvision's `features` up to the last ReLU, with the weights of encoder.safetensors in the folder."""
    arrays = load_file(pathlib.Path(folder) / "encoder.safetensors")
    layers, index = [], 0
    for block, count in enumerate(BLOCKS):
        if block:
            layers.append(nn.MaxPool2d(2))
            index += 1
        for _ in range(count):
            weight, bias = (arrays[f"features.{index}.{name}"] for name in ("weight", "bias"))
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            conv.weight.data, conv.bias.data = weight, bias
            layers += [conv, nn.ReLU()]
            index += 2
    # Channels last is faster than the default in every stage measured here.
    return nn.Sequential(*layers).eval().to(memory_format=torch.channels_last)


def question(folder: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The image [1, 3, H, W] and the relevance of the features [words, C, h, w]."""
    image, relevance = (np.load(pathlib.Path(folder) / f"{name}.npy") for name in ("image", "relevance"))
    return _channels_first(image[None]), _channels_first(relevance)


def answer(pixels: torch.Tensor) -> np.ndarray:
    """[words, 3, H, W] -> [words, H, W, 3]."""
    return pixels.permute(0, 2, 3, 1).detach().numpy()


def _channels_first(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
