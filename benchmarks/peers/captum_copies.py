"""captum's alpha1-beta0 for VGG16: a copy of the image for each word.

The rule uses only the positive kernels, also for negative inputs of the first layer, so its pixels differ from those of
z+ (Eq. 21 uses the positive products, which include products of two negative factors).
"""

from collections.abc import Callable

import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule
from torch import nn

from benchmarks.peers.torch_vgg import answer, network, question


class _Asked(nn.Module):
    """One number for each word, whose gradient with respect to the features is the given relevance."""

    def __init__(self, net, relevance):
        super().__init__()
        self.net, self.relevance = net, relevance

    def forward(self, images):
        return (self.net(images) * self.relevance).sum((1, 2, 3))


def ways(folder: str) -> dict[str, Callable]:
    net = network(folder)
    image, relevance = question(folder)
    asked = _Asked(net, relevance)
    copies = image.repeat(len(relevance), 1, 1, 1).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        scale = asked(image)  # captum multiplies by the number

    def forward():
        with torch.inference_mode():
            return net(image)

    def explain():
        for layer in net:  # captum removes the rules after each attribution
            if isinstance(layer, nn.Conv2d):
                layer.rule = Alpha1_Beta0_Rule(set_bias_to_zero=True)
        return answer(LRP(asked).attribute(copies) / scale[:, None, None, None])

    return {"forward": forward, "alpha1-beta0 on copies": explain}
