"""z+ for VGG16 written in torch: one forward pass for all words, then one backward pass for every few of them.

The denominators are computed once, with the positive kernels; the first layer, whose input has both signs, has two
convolutions forward and two backward. Nothing is recorded by autograd.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.peers.torch_vgg import answer, network, question


def ways(folder: str, chunks: list[int]) -> dict[str, Callable]:
    net = network(folder)
    image, relevance = question(folder)
    images = image.repeat(len(relevance), 1, 1, 1).contiguous(memory_format=torch.channels_last)
    kernels = [_signs(layer.weight.data) if isinstance(layer, nn.Conv2d) else None for layer in net]

    def forward(batch):
        with torch.inference_mode():
            return net(batch)

    def explain(chunk):
        with torch.inference_mode():
            saved = _open(net, kernels, image)
            return answer(torch.cat([_back(net, kernels, saved, part) for part in relevance.split(chunk)]))

    return {
        "forward": lambda: forward(image),
        f"forward of {len(relevance)} images": lambda: forward(images),
        **{f"{chunk} to a pass": lambda chunk=chunk: explain(chunk) for chunk in chunks},
    }


def _signs(kernel):
    return kernel.clamp(min=0), kernel.clamp(max=0)


def _open(net, kernels, x):
    """What the backward pass of each layer needs: the input and 1 / z of a convolution, the argmax of a max pool."""
    saved = []
    for number, (layer, signs) in enumerate(zip(net, kernels, strict=True)):
        if isinstance(layer, nn.Conv2d):
            z = F.conv2d(x if number else x.clamp(min=0), signs[0], padding=1)
            if number == 0:
                z += F.conv2d(x.clamp(max=0), signs[1], padding=1)
            saved.append((x, torch.where(z > 0, 1 / z, 0)))
            x = layer(x)
        elif isinstance(layer, nn.MaxPool2d):
            size = x.shape[-2:]
            x, winners = F.max_pool2d(x, 2, return_indices=True)
            saved.append((size, winners))
        else:
            x = F.relu_(x)
            saved.append(None)
    return saved


def _back(net, kernels, saved, relevance):
    for number in reversed(range(len(net))):
        if isinstance(net[number], nn.Conv2d):
            (x, inverse), (positive, negative) = saved[number], kernels[number]
            share = relevance * inverse
            if number:
                relevance = F.conv_transpose2d(share, positive, padding=1).mul_(x)
            else:
                relevance = x.clamp(min=0) * F.conv_transpose2d(share, positive, padding=1)
                relevance += x.clamp(max=0) * F.conv_transpose2d(share, negative, padding=1)
        elif isinstance(net[number], nn.MaxPool2d):
            size, winners = saved[number]
            relevance = F.max_unpool2d(relevance, winners.expand(len(relevance), -1, -1, -1), 2, output_size=size)
    return relevance
