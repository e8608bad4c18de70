"""One image before its encoder: the way from features to pixels."""

import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrp_jax.core import Composite, lrp
from lrp_jax.explain.seeds import pull_back


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """One preprocessed image and the encoder that sees it.

    encoder, params: images [B, H, W, 3] -> features [B, h, w, C].
    image: [H, W, 3], preprocessed.
    """

    encoder: nn.Module
    params: Any
    image: Float[Array, "H W 3"]

    def encode(self, image: Float[Array, "H W 3"] | None = None) -> Float[Array, "h w C"]:
        """The features of the image, or of another in its place."""
        return _encode(self.encoder, self.params, (self.image if image is None else image)[None])[0]

    def pull_back(
        self,
        rules: Composite,
        relevance: Float[Array, "T n_v C"],
        per_chunk: int | None = None,
        image: Float[Array, "H W 3"] | None = None,
    ) -> Float[Array, "T H W 3"]:
        """Takes what every word gave to the features on to the pixels of the image, or of another in its place."""
        images = (self.image if image is None else image)[None]
        pull, densities = _forward(self.encoder, rules, self.params, images, relevance)
        (pixels,) = pull_back(pull, densities, per_chunk)
        return pixels[:, 0]

    def enlarge(self, maps: Float[Array, "T n_v"], grid: tuple[int, int]) -> Float[Array, "T H W 3"]:
        """Maps of the regions at the size of the image, bilinearly, the same in all three channels."""
        grids = maps.reshape(-1, *grid)
        enlarged = jax.image.resize(grids, (len(grids), *self.image.shape[:2]), "bilinear")
        return jnp.repeat(enlarged[..., None], 3, axis=-1)


@functools.partial(jax.jit, static_argnames=("encoder",))
def _encode(encoder, params, images):
    return encoder.apply(params, images)


@functools.partial(jax.jit, static_argnames=("encoder", "composite"))
def _forward(encoder, composite, params, images, relevance):
    """The pullback to the images, and the densities that the relevance of the features stands for."""
    transformed = lrp(lambda x: encoder.apply(params, x), composite)
    features, pull = jax.vjp(transformed, images)
    seeds = relevance.reshape(-1, *features.shape)
    if not composite.times_input:
        return pull, seeds
    # Relevance of a feature is its density times the feature; a feature that is 0 has received none.
    zero = features == 0
    return pull, jnp.where(zero, 0, seeds / jnp.where(zero, 1, features))
