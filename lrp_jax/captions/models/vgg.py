"""VGG16 up to block5_conv3, the paper's encoder."""

import flax.linen as nn
from jaxtyping import Array, Float

from lrp_jax.captions.models.images import check_images

BLOCKS = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))
"""For each block, the number of convolutions and their channels as a multiple of the width."""


class VGG16(nn.Module):
    """The convolutions and ReLUs of VGG16, up to and including block5_conv3.

    Images [..., H, W, 3] -> features [..., H // 16, W // 16, 8 * width]; 14 x 14 x 512 at 224 x 224.

    width: channels of the first block; 64 is VGG16, less is a narrower network.

    Kernels are initialised He-normal, biases at 0. Layers have the names of Keras.

    Reference: Simonyan and Zisserman, "Very deep convolutional networks" (2015), configuration D.
    """

    width: int = 64

    @nn.compact
    def __call__(self, images: Float[Array, "*batch H W 3"]) -> Float[Array, "*batch h w C"]:
        check_images(images, least=16)
        x = images
        for block, (layers, multiple) in enumerate(BLOCKS, 1):
            if block > 1:
                x = nn.max_pool(x, (2, 2), strides=(2, 2))
            for layer in range(1, layers + 1):
                conv = nn.Conv(
                    multiple * self.width,
                    (3, 3),
                    padding=1,
                    kernel_init=nn.initializers.he_normal(),
                    name=f"block{block}_conv{layer}",
                )
                x = nn.relu(conv(x))
        return x
