"""Preprocessing of images for an encoder."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """Converts pixels 0..255 to encoder inputs: (pixel / 255 - mean) / std per channel.

    mean, std: red, green, blue, as fractions of 255.
    size: (height, width) that the images are resized to, without keeping the aspect ratio; None does not resize.

    Example:
      >>> IMAGENET(photographs)  # uint8 [B, 480, 640, 3] -> float32 [B, 224, 224, 3]
    """

    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    size: tuple[int, int] | None = None

    def __post_init__(self):
        # JSON gives lists; with tuples the record can be compared, hashed and passed to jit as a static argument.
        for name in ("mean", "std", "size"):
            value = getattr(self, name)
            object.__setattr__(self, name, value if value is None else tuple(value))

    def __call__(self, images: UInt8[Array, "*batch h w 3"]) -> Float[Array, "*batch H W 3"]:
        """Resizes if necessary (bilinear, with antialiasing) and normalises, in float32.

        Raises:
          TypeError: the images are not uint8; an image in 0..1 would otherwise be taken for an almost black one.
        """
        if images.dtype != jnp.uint8:
            raise TypeError(f"preprocessing got {images.dtype} images; pass uint8 pixels, 0 to 255")
        x = jnp.asarray(images, jnp.float32)
        if self.size is not None and images.shape[-3:-1] != self.size:
            shape = (*images.shape[:-3], *self.size, images.shape[-1])
            x = jax.image.resize(x, shape, "bilinear", antialias=True)
        return (x / 255 - jnp.array(self.mean, jnp.float32)) / jnp.array(self.std, jnp.float32)


IMAGENET = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), size=(224, 224))
"""The preprocessing of torchvision's ImageNet models, VGG16 and SqueezeNet among them."""
