"""Images and their encoder: features forwards, relevance of features back to pixels."""

import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrp_jax.captions.explain.seeds import Pullback, portable, pull_back
from lrp_jax.captions.models.encoding import encode
from lrp_jax.core import Composite, lrp
from lrp_jax.core.rules import divide

# More words of an image in one backward pass gain little on a CPU (docs/BENCHMARKS.md) and take more memory.
WORDS_PER_CHUNK = {"cpu": 4}


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A preprocessed image, or a batch B of them, and its encoder.

    encoder, params: images [B, H, W, 3] -> features [B, h, w, C] of a grid, or [B, n_v, C] of regions.
    image: [*B, H, W, 3], preprocessed.
    rows: [R, *B], the words to explain in the pixels; None for all. The pixels of the others are NaN.
    rules: the composite of a backward pass that will follow; the features then come from its forward pass, which runs
      only once.
    """

    encoder: nn.Module
    params: Any
    image: Float[Array, "*B H W 3"]
    rows: Int[np.ndarray, "R *B"] | None = None
    rules: Composite | None = None

    def encode(self, image: Float[Array, "*B H W 3"] | None = None) -> Float[Array, "*B n_v C"]:
        """The features of the images, or of `image` in their place."""
        features = self._features if image is None else encode(self.encoder, self.params, image)
        return features if self.grid is None else features.reshape(*self.image.shape[:-3], -1, features.shape[-1])

    def only(self, rows: Int[np.ndarray, "R *B"]) -> "View":
        """The same view with these `rows`; what it has computed is kept."""
        view = dataclasses.replace(self, rows=rows)
        view.__dict__.update({name: self.__dict__[name] for name in ("_features", "_opened") if name in self.__dict__})
        return view

    @property
    def grid(self) -> tuple[int, int] | None:
        """(h, w) if the features are the cells of a grid."""
        return self._features.shape[-3:-1] if self._features.ndim == self.image.ndim else None

    @property
    def boxes(self) -> Float[Array, "n_v 4"] | None:
        """(x0, y0, x1, y1) in [0, 1] of each feature, if the features are those of regions."""
        return None if self.grid else self.params["regions"]["boxes"]

    @functools.cached_property
    def _features(self) -> Float[Array, "*B h w C"] | Float[Array, "*B n_v C"]:
        return encode(self.encoder, self.params, self.image) if self.rules is None else self._opened[0]

    @functools.cached_property
    def _opened(self) -> tuple[Array, Pullback]:
        return _open(self.encoder, self.rules, self.params, self.image)

    def pull_back(
        self,
        rules: Composite,
        relevance: Float[Array, "T *B n_v C"],
        per_chunk: int | None = None,
        image: Float[Array, "*B H W 3"] | None = None,
    ) -> Float[Array, "T *B H W 3"]:
        """Propagates each word's relevance of the features to the pixels of the images, or of `image` in their place.

        Without `per_chunk`, words run in chunks of 4 on a CPU, and all together elsewhere.
        """
        per_chunk = per_chunk or WORDS_PER_CHUNK.get(jax.default_backend())
        if image is None and rules == self.rules:
            features, pull = self._opened
        else:
            features, pull = _open(self.encoder, rules, self.params, self.image if image is None else image)
        seeds = _seeds(rules.times_input, relevance, features)
        (pixels,) = pull_back(pull, self.params, seeds, per_chunk, self.rows)
        return pixels if self.rows is None else _in_their_rows(pixels, self.rows, len(relevance))

    def enlarge(self, maps: Float[Array, "T *B n_v"]) -> Float[Array, "T *B H W 3"]:
        """Maps of the regions at the size of the image, the same in all three channels.

        Cells of a grid are interpolated bilinearly; the value of a box is spread evenly over its pixels.
        """
        size = self.image.shape[-3:-1]
        if self.grid:
            grids = maps.reshape(*maps.shape[:-1], *self.grid)
            enlarged = jax.image.resize(grids, (*maps.shape[:-1], *size), "bilinear")
        else:
            x0, y0, x1, y1 = jnp.asarray(self.boxes, maps.dtype).T
            rows, columns = _inside(y0, y1, size[0]), _inside(x0, x1, size[1])
            enlarged = jnp.einsum("...k,kh,kw->...hw", maps, rows, columns)
        return jnp.repeat(enlarged[..., None], 3, axis=-1)


def _inside(low: Float[Array, " n_v"], high: Float[Array, " n_v"], size: int) -> Float[Array, "n_v size"]:
    """The share of each interval that lies in each pixel of a side."""
    pixels = jnp.arange(size)
    overlap = jnp.minimum(high[:, None] * size, pixels + 1) - jnp.maximum(low[:, None] * size, pixels)
    overlap = jnp.maximum(overlap, 0)
    return divide(overlap, overlap.sum(axis=1, keepdims=True))


def _batched(image: Array) -> Array:
    """[*B, H, W, 3] with a batch axis, of size one if there was none."""
    return image.reshape(-1, *image.shape[-3:])


@functools.partial(jax.jit, static_argnames=("encoder", "composite"))
def _open(encoder, composite, params, image):
    """The features, and the pullback from them to the images."""

    def encode(image):
        features = encoder.apply(params, _batched(image))
        return features.reshape(*image.shape[:-3], *features.shape[1:])

    features, pull = jax.vjp(lrp(encode, composite), image)
    return features, portable(pull, params, jax.typeof(features))


@functools.partial(jax.jit, static_argnames=("times_input",))
def _seeds(times_input, relevance, features):
    """The densities of the relevance [T, *B, n_v, C] of the features."""
    relevance = relevance.reshape(-1, *features.shape)
    # Relevance of a feature is its density times the feature; a feature that is 0 has received none.
    return divide(relevance, features) if times_input else relevance


@functools.partial(jax.jit, static_argnames=("count",))
def _in_their_rows(pixels, rows, count):
    """[R, *B, ...] -> [T, *B, ...], NaN for the words not in `rows`."""
    empty = jnp.full((count, *pixels.shape[1:]), jnp.nan, pixels.dtype)
    return empty.at[(rows, *np.indices(rows.shape[1:], sparse=True))].set(pixels)
