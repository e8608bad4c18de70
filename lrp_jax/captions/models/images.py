"""What every encoder asks of its images."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def check_images(images: Float[Array, "*batch H W 3"], least: int) -> None:
    """Raises where the images are no preprocessed RGB images, or smaller than `least` pixels on a side."""
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"the encoder got {images.dtype} images; pass preprocessing(images), which is float")
    if images.ndim < 3 or images.shape[-1] != 3:
        raise ValueError(f"the encoder got images of shape {images.shape}; pass [..., height, width, 3]")
    if min(images.shape[-3:-1]) < least:
        raise ValueError(f"the encoder got images of shape {images.shape}; it needs {least} pixels a side")
