"""zennit's z+ for VGG16: a copy of the image for each word."""

from collections.abc import Callable

import torch

from benchmarks.peers.stand_ins import torchvision_unless_installed
from benchmarks.peers.torch_vgg import answer, network, question


def ways(folder: str) -> dict[str, Callable]:
    torchvision_unless_installed()
    from zennit.attribution import Gradient
    from zennit.composites import LayerMapComposite
    from zennit.rules import Pass, ZPlus
    from zennit.types import Activation, Convolution

    net = network(folder)
    image, relevance = question(folder)
    composite = LayerMapComposite([(Activation, Pass()), (Convolution, ZPlus(zero_params="bias"))])

    def forward():
        with torch.inference_mode():
            return net(image)

    def explain():
        copies = image.repeat(len(relevance), 1, 1, 1).contiguous(memory_format=torch.channels_last)
        with Gradient(net, composite) as attributor:
            _, pixels = attributor(copies, relevance)
        return answer(pixels)

    return {"forward": forward, "z+ on copies": explain}
