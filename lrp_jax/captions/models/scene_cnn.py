"""A narrow VGG for drawn scenes, small enough to be trained in minutes on a CPU."""

import flax.linen as nn
from jaxtyping import Array, Float

from lrp_jax.captions.models.images import check_images

BLOCKS = ((1, 1), (2, 3), (6, 6, 6))
"""Channels of the convolutions of each block as multiples of the width; the very first one has stride 2."""

POOLS = (None, 2, 3)
"""Window and stride of the max pool before each block."""


class SceneCNN(nn.Module):
    """Seven 3 x 3 convolutions with ReLUs and two max pools; the first convolution has stride 2.

    Images [..., H, W, 3] -> features [..., H // 12, W // 12, 6 * width]; 8 x 8 x 96 at 96 x 96. `classify` predicts the
    object in each cell; the parameters of its two heads are initialised by `init(..., method="classify")` and are not
    needed to encode. Kernels are initialised He-normal, biases at 0.

    The network has only convolutions, ReLUs and max pools, so that the paper's rules for encoders apply unchanged. The
    last pool has 3 x 3 windows: 64 regions keep a captioner cheap (the cost of attention is proportional to them, and
    12 x 12 would be 144), while the smallest object of a scene, 0.8 % of the image, still fills half a cell (of
    6 x 6 cells it would fill a quarter).

    width: channels of the first block.
    things, colours: number of object classes and of colours that `classify` predicts for each cell.
    """

    width: int = 16
    things: int = 50
    colours: int = 12

    def setup(self):
        self.convs = [
            nn.Conv(
                multiple * self.width,
                (3, 3),
                strides=2 if i == j == 0 else 1,
                padding=1,
                kernel_init=nn.initializers.he_normal(),
                name=f"block{i + 1}_conv{j + 1}",
            )
            for i, block in enumerate(BLOCKS)
            for j, multiple in enumerate(block)
        ]
        self.thing_head = nn.Conv(self.things, (1, 1))
        self.colour_head = nn.Conv(self.colours, (1, 1))

    def __call__(self, images: Float[Array, "*batch H W 3"]) -> Float[Array, "*batch h w C"]:
        check_images(images, least=24)
        x, convs = images, iter(self.convs)
        for block, pool in zip(BLOCKS, POOLS, strict=True):
            if pool:
                x = nn.max_pool(x, (pool, pool), strides=(pool, pool))
            for _ in block:
                x = nn.relu(next(convs)(x))
        return x

    def classify(
        self, images: Float[Array, "*batch H W 3"]
    ) -> tuple[Float[Array, "*batch h w things"], Float[Array, "*batch h w colours"]]:
        """The scores of the object in each cell, and of its colour."""
        features = self(images)
        return self.thing_head(features), self.colour_head(features)
