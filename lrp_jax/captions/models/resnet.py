"""Residual networks with bottleneck blocks, up to any stage."""

import flax.linen as nn
from jaxtyping import Array, Float

from lrp_jax.captions.models.images import check_images

EXPANSION = 4
"""Channels of a block's output as a multiple of its width."""


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions, each with a batch norm, and a shortcut that adds the input.

    width: channels of the inner convolutions. strides: of the 3 x 3 convolution, as in torchvision ("version 1.5").
    projects: whether the shortcut has a convolution that maps the input to the shape of the output.
    """

    width: int
    strides: int
    projects: bool

    @nn.compact
    def __call__(self, x: Float[Array, "*batch h w C"]) -> Float[Array, "*batch h2 w2 C2"]:
        y = nn.relu(_norm("bn1")(_conv(self.width, 1, "conv1")(x)))
        y = nn.relu(_norm("bn2")(_conv(self.width, 3, "conv2", self.strides)(y)))
        y = _norm("bn3")(_conv(EXPANSION * self.width, 1, "conv3")(y))
        if self.projects:
            x = _norm("bn_shortcut")(_conv(EXPANSION * self.width, 1, "shortcut", self.strides)(x))
        return nn.relu(x + y)


class ResNet(nn.Module):
    """ResNet-50, or -101 with `blocks=(3, 4, 23, 3)`: `encoder.apply(variables, images)` is the last stage's output.

    Images [..., H, W, 3] -> features [..., H / 32, W / 32, 2048]; 7 x 7 x 2048 at 224 x 224. `classify` returns class
    scores; its layer is initialised by `init(..., method="classify")` and is not needed to encode. Batch norms run in
    inference mode: their means and variances are variables of the collection "batch_stats". Kernels are initialised
    He-normal.

    blocks: number of blocks in each stage. width: inner channels of the blocks of the first stage; 64 is ResNet, less
    is a narrower network. stages: how many of the four are used; three give 14 x 14 x 1024. classes: number of classes
    of `classify`.

    Reference: He et al., "Deep residual learning for image recognition" (2016); strides as in torchvision.
    """

    blocks: tuple[int, ...] = (3, 4, 6, 3)
    width: int = 64
    stages: int = 4
    classes: int = 1000

    def setup(self):
        if not 1 <= self.stages <= len(self.blocks):
            raise ValueError(f"got stages={self.stages}; wanted 1 to {len(self.blocks)}")
        self.conv1 = _conv(self.width, 7, None, 2)
        self.bn1 = _norm(None)
        self.layers = [
            Bottleneck(self.width * 2**stage, 2 if stage and not i else 1, projects=not i, name=f"layer{stage + 1}_{i}")
            for stage, count in enumerate(self.blocks[: self.stages])
            for i in range(count)
        ]
        self.classifier = nn.Dense(self.classes)

    def __call__(self, images: Float[Array, "*batch H W 3"]) -> Float[Array, "*batch h w C"]:
        check_images(images, least=32)
        x = nn.relu(self.bn1(self.conv1(images)))
        x = nn.max_pool(x, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
        for layer in self.layers:
            x = layer(x)
        return x

    def classify(self, images: Float[Array, "*batch H W 3"]) -> Float[Array, "*batch classes"]:
        """The score of each class, from the mean of the features over the image."""
        return self.classifier(self(images).mean(axis=(-3, -2)))


def _conv(channels: int, size: int, name: str | None, strides: int = 1) -> nn.Conv:
    init = nn.initializers.he_normal()
    return nn.Conv(channels, (size, size), strides, (size - 1) // 2, use_bias=False, kernel_init=init, name=name)


def _norm(name: str | None) -> nn.BatchNorm:
    return nn.BatchNorm(use_running_average=True, epsilon=1e-5, name=name)
