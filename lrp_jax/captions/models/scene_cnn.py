"""A narrow VGG for drawn scenes, small enough to be trained in minutes on a CPU."""

import flax.linen as nn
from jaxtyping import Array, Float

from lrp_jax.captions.models.images import check_images

BLOCKS = ((1, 1), (2, 3), (6, 6, 6))
"""Channels of each block's convolutions as multiples of the width; the very first one goes in steps of 2."""

POOLS = (None, 2, 3)
"""Window and step of the max pool that precedes each block."""


class SceneCNN(nn.Module):
    """Seven 3 x 3 convolutions with ReLUs and two max pools, the first convolution in steps of 2.

    Images [..., H, W, 3] -> features [..., H // 12, W // 12, 6 * width]; 8 x 8 x 96 at 96 x 96. `classify` goes on to
    what is seen in each cell; parameters of its two heads are made by `init(..., method="classify")` and are not
    needed to encode. Kernels start He-normal, biases at 0.

    There are only convolutions, ReLUs and max pools, so that the paper's rules for encoders apply as they are. The
    last pool takes 3 x 3 windows: 64 regions keep a captioner cheap (attention costs in proportion to them, and 12 x
    12 would be 144), while the smallest object of a scene, 0.8 % of the image, still fills half a cell (in 6 x 6 it
    would be a quarter).

    width: channels of the first block.
    things, colours: what `classify` tells apart in each cell.
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
        """The scores of what each cell shows, and of its colour."""
        features = self(images)
        return self.thing_head(features), self.colour_head(features)
