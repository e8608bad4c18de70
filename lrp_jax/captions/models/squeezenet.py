"""SqueezeNet 1.1: an ImageNet encoder with a fiftieth of VGG16's cost."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrp_jax.captions.models.images import check_images

FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""For each fire module, the channels of its squeeze layer and of each of its two expand layers."""

POOLED = (0, 2, 4)
"""The fire modules after a max pool."""


class Fire(nn.Module):
    """A 1 x 1 convolution that reduces the channels, then a 1 x 1 and a 3 x 3 convolution in parallel."""

    squeezed: int
    expanded: int

    @nn.compact
    def __call__(self, x: Float[Array, "*batch h w C"]) -> Float[Array, "*batch h w 2*expanded"]:
        x = nn.relu(_conv(self.squeezed, 1, "squeeze")(x))
        parts = [_conv(self.expanded, 1, "expand1x1")(x), _conv(self.expanded, 3, "expand3x3", padding=1)(x)]
        return nn.relu(jnp.concatenate(parts, axis=-1))


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1: `encoder.apply(params, images)` is the output of the last fire module.

    Images [..., H, W, 3] -> features [..., h, w, 512]; 13 x 13 x 512 at 224 x 224. `classify` returns class scores;
    the parameters of the classifier are initialised by `init(..., method="classify")` and are not needed to encode.
    Kernels are initialised He-normal, biases at 0.

    classes: number of classes of `classify`.

    Reference: Iandola et al., "SqueezeNet" (2016); version 1.1 of the authors' release.
    """

    classes: int = 1000

    def setup(self):
        self.conv1 = _conv(64, 3, None, strides=2)
        self.fires = [Fire(*channels, name=f"fire{i}") for i, channels in enumerate(FIRES, 2)]
        self.classifier = _conv(self.classes, 1, None)

    def __call__(self, images: Float[Array, "*batch H W 3"]) -> Float[Array, "*batch h w 512"]:
        check_images(images, least=25)
        x = nn.relu(self.conv1(images))
        for i, fire in enumerate(self.fires):
            x = fire(_pool(x) if i in POOLED else x)
        return x

    def classify(self, images: Float[Array, "*batch H W 3"]) -> Float[Array, "*batch classes"]:
        """The score of each class: the mean of its rectified map."""
        return nn.relu(self.classifier(self(images))).mean(axis=(-3, -2))


def _conv(channels: int, size: int, name: str | None, strides: int = 1, padding: int = 0) -> nn.Conv:
    init = nn.initializers.he_normal()
    return nn.Conv(channels, (size, size), strides, padding, kernel_init=init, name=name)


def _pool(x: Float[Array, "*batch h w C"]) -> Float[Array, "*batch h2 w2 C"]:
    """3 x 3 windows with stride 2; windows that extend over the edge are included, as in the original."""
    batch = ((1, 1, (0, 0)),) * (x.ndim - 3)
    axes = [(3, 2, (0, (size - 3) % 2)) for size in x.shape[-3:-1]]
    window, strides, padding = zip(*batch, *axes, (1, 1, (0, 0)), strict=True)
    # flax's max_pool supports padding with a single batch axis only.
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, padding)
