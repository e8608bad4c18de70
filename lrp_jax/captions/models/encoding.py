"""Images to features: the one place where an encoder is compiled."""

import functools
from typing import Any, NamedTuple

import flax.linen as nn
import jax
from jaxtyping import Array, Float, UInt8

from lrp_jax.captions.models.preprocessing import Preprocessing


class Encoder(NamedTuple):
    """An encoder: `module.apply(params, preprocessing(images))` are its features, of a grid or of regions."""

    module: nn.Module
    params: Any
    preprocessing: Preprocessing


@functools.partial(jax.jit, static_argnames=("encoder", "preprocessing"))
def encode(
    encoder: nn.Module,
    params: Any,
    images: Float[Array, "*batch H W 3"] | UInt8[Array, "*batch H W 3"],
    preprocessing: Preprocessing | None = None,
) -> Float[Array, "*batch h w C"] | Float[Array, "*batch n_v C"]:
    """The features of images, of a grid or of regions.

    Args:
      encoder, params: the module and its variables.
      images: with any batch axes; preprocessed, or 8-bit with `preprocessing`.
      preprocessing: what 8-bit images undergo; None for preprocessed ones.
    """
    if preprocessing is not None:
        images = preprocessing(images)
    features = encoder.apply(params, images.reshape(-1, *images.shape[-3:]))
    return features.reshape(*images.shape[:-3], *features.shape[1:])
