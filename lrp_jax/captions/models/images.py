"""The check of an encoder's input images."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def check_images(images: Float[Array, "*batch H W 3"], least: int) -> None:
    """Raises if the images are not preprocessed RGB images, or have a side of fewer than `least` pixels."""
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"the encoder got {images.dtype} images; pass preprocessing(images), which is float")
    if images.ndim < 3 or images.shape[-1] != 3:
        raise ValueError(f"the encoder got images of shape {images.shape}; pass [..., height, width, 3]")
    if min(images.shape[-3:-1]) < least:
        raise ValueError(f"the encoder got images of shape {images.shape}; it needs {least} pixels a side")
