"""One image before its encoder: the way from features to pixels."""

import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrp_jax.core import Composite, lrp
from lrp_jax.core.rules import divide
from lrp_jax.explain.seeds import pull_back


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """One preprocessed image and the encoder that sees it.

    encoder, params: images [B, H, W, 3] -> features [B, h, w, C] of a grid, or [B, n_v, C] of regions.
    image: [H, W, 3], preprocessed.
    """

    encoder: nn.Module
    params: Any
    image: Float[Array, "H W 3"]

    def encode(self, image: Float[Array, "H W 3"] | None = None) -> Float[Array, "n_v C"]:
        """The features of the image, or of another in its place."""
        features = self._features if image is None else self._encode(image)
        return features.reshape(-1, features.shape[-1])

    @property
    def grid(self) -> tuple[int, int] | None:
        """(h, w) if the features are the cells of a grid."""
        return self._features.shape[:2] if self._features.ndim == 3 else None

    @property
    def boxes(self) -> Float[Array, "n_v 4"] | None:
        """(x0, y0, x1, y1) in [0, 1] of each feature, if they are those of regions."""
        return None if self.grid else self.params["regions"]["boxes"]

    @functools.cached_property
    def _features(self) -> Float[Array, "h w C"] | Float[Array, "n_v C"]:
        return self._encode(self.image)

    def _encode(self, image):
        return _encode(self.encoder, self.params, image[None])[0]

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

    def enlarge(self, maps: Float[Array, "T n_v"]) -> Float[Array, "T H W 3"]:
        """Maps of the regions at the size of the image, the same in all three channels.

        Cells of a grid are interpolated bilinearly; the value of a box is spread evenly over its pixels.
        """
        size = self.image.shape[:2]
        if self.grid:
            grids = maps.reshape(-1, *self.grid)
            enlarged = jax.image.resize(grids, (len(grids), *size), "bilinear")
        else:
            x0, y0, x1, y1 = jnp.asarray(self.boxes, maps.dtype).T
            rows, columns = _inside(y0, y1, size[0]), _inside(x0, x1, size[1])
            enlarged = jnp.einsum("tk,kh,kw->thw", maps, rows, columns)
        return jnp.repeat(enlarged[..., None], 3, axis=-1)


def _inside(low: Float[Array, " n_v"], high: Float[Array, " n_v"], size: int) -> Float[Array, "n_v size"]:
    """The share of each interval that lies in each pixel of a side."""
    pixels = jnp.arange(size)
    overlap = jnp.minimum(high[:, None] * size, pixels + 1) - jnp.maximum(low[:, None] * size, pixels)
    overlap = jnp.maximum(overlap, 0)
    return divide(overlap, overlap.sum(axis=1, keepdims=True))


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
    return pull, divide(seeds, features)
