"""A narrow VGG for drawn scenes, small enough to be trained in minutes on a CPU."""

import flax.linen as nn
from jaxtyping import Array, Float

from lrp_jax.models.images import check_images


class SceneCNN(nn.Module):
    """Seven 3 x 3 convolutions with ReLUs and two max pools, the first convolution in steps of 2.

    Images [..., H, W, 3] -> features [..., H // 12, W // 12, 6 * width]; 8 x 8 x 96 at 96 x 96. `classify` goes on
    to what is seen in each cell; parameters of its two heads are made by `init(..., method="classify")` and are
    not needed to encode. Kernels start He-normal, biases at 0.

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
        w = self.width
        self.block1 = [_conv(w, strides=2), _conv(w)]
        self.block2 = [_conv(2 * w), _conv(3 * w)]
        self.block3 = [_conv(6 * w), _conv(6 * w), _conv(6 * w)]
        self.thing_head = nn.Conv(self.things, (1, 1))
        self.colour_head = nn.Conv(self.colours, (1, 1))

    def __call__(self, images: Float[Array, "*batch H W 3"]) -> Float[Array, "*batch h w C"]:
        check_images(images, least=24)
        x = _apply(self.block1, images)
        x = _apply(self.block2, nn.max_pool(x, (2, 2), strides=(2, 2)))
        return _apply(self.block3, nn.max_pool(x, (3, 3), strides=(3, 3)))

    def classify(
        self, images: Float[Array, "*batch H W 3"]
    ) -> tuple[Float[Array, "*batch h w things"], Float[Array, "*batch h w colours"]]:
        """The scores of what each cell shows, and of its colour."""
        features = self(images)
        return self.thing_head(features), self.colour_head(features)


def _conv(channels: int, strides: int = 1) -> nn.Conv:
    return nn.Conv(channels, (3, 3), strides, padding=1, kernel_init=nn.initializers.he_normal())


def _apply(layers: list[nn.Conv], x: Float[Array, "*batch H W C"]) -> Float[Array, "*batch h w D"]:
    for layer in layers:
        x = nn.relu(layer(x))
    return x
