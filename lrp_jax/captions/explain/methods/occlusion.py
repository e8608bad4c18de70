"""Occlusion: the drop of the score when a part of the input is removed."""

import dataclasses
import functools
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrp_jax.captions.explain.chunks import in_chunks
from lrp_jax.captions.explain.methods.base import Method, at_least
from lrp_jax.captions.explain.question import score_words


@dataclasses.dataclass(frozen=True, kw_only=True)
class Occlusion(Method):
    """The score of the word minus its score without one region, one preceding word, or one patch of the image.

    A region's features are replaced, and a token's embedding becomes zero. A patch becomes the preprocessed zero, which
    is the mean colour of the encoder's training images, and the encoder runs again; the drop for a patch is spread
    evenly over its pixels, and a pixel gets the mean over the patches that cover it. No gradients are used.

    replacement: "zero", or "mean" for the mean feature of the image's regions.
    patch, stride: side of a patch and distance to the next, in pixels (int) or as a fraction of each side (float).
      The last patch of a row ends at the edge of the image.
    per_chunk: occluded inputs per forward pass.

    Reference: Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014).
    """

    name: ClassVar[str] = "occlusion"
    replacement: Literal["zero", "mean"] = "zero"
    patch: int | float = 1 / 8
    stride: int | float = 1 / 16
    per_chunk: int = 16

    def __post_init__(self):
        at_least(self, "per_chunk", 1)
        if self.replacement not in ("zero", "mean"):
            raise ValueError(f"got replacement={self.replacement!r} for {self.name}; wanted 'zero' or 'mean'")
        for name in ("patch", "stride"):
            value = getattr(self, name)
            if value <= 0 or (isinstance(value, float) and value > 1):
                raise ValueError(f"got {name}={value} for {self.name}; wanted pixels (int), or a fraction of the side")

    def explain(self, asked):
        self.refuse_head(asked)
        scores, attention = asked.scores()
        features, embeddings = asked.features, asked.embeddings
        fill = features.mean(axis=0) if self.replacement == "mean" else jnp.zeros_like(features[0])
        model = asked.captioner, asked.params, features, embeddings, asked.targets, asked.contrast
        regions = in_chunks(lambda k: _without_regions(*model, fill, k), np.arange(len(features)), self.per_chunk)
        words = in_chunks(lambda i: _without_words(*model, i), np.arange(len(embeddings)), self.per_chunk)
        return asked.answer(
            self.name,
            logits=scores,
            regions=(scores[None] - regions).T,
            # A word does not depend on later ones; what is nonzero there is rounding.
            words=jnp.tril((scores[None] - words).T),
            betas=attention.beta,
        )

    def to_pixels(self, asked, view, explanation):
        height, width = view.image.shape[:2]
        sides = _pixels(self.patch, height), _pixels(self.patch, width)
        steps = _pixels(self.stride, height), _pixels(self.stride, width)
        if steps[0] > sides[0] or steps[1] > sides[1]:
            raise ValueError(
                f"got stride={self.stride} and patch={self.patch} for {self.name}, which leave pixels of an image "
                f"{height} x {width} uncovered; wanted a stride no longer than the patch"
            )
        tops, lefts = _starts(height, sides[0], steps[0]), _starts(width, sides[1], steps[1])
        corners = np.stack(np.meshgrid(tops, lefts, indexing="ij"), axis=-1).reshape(-1, 2)
        model = asked.captioner, view.encoder, asked.params, view.params, view.image, asked.embeddings
        without = in_chunks(
            lambda c: _without_patches(*model, asked.targets, asked.contrast, sides, c), corners, self.per_chunk
        )
        losses = (explanation.logits[None] - without).T.reshape(-1, len(tops), len(lefts))
        rows, columns = (
            jnp.asarray(_covers(*axis), losses.dtype) for axis in ((tops, sides[0], height), (lefts, sides[1], width))
        )
        total = jnp.einsum("tij,ih,jw->thw", losses, rows, columns)
        patches = jnp.einsum("ih,jw->hw", rows, columns)
        share = total / (patches * sides[0] * sides[1] * 3)[None]
        return jnp.repeat(share[..., None], 3, axis=-1)


def _pixels(length: int | float, side: int) -> int:
    pixels = length if isinstance(length, int) else round(length * side)
    return min(max(pixels, 1), side)


def _starts(side: int, patch: int, stride: int) -> list[int]:
    starts = list(range(0, side - patch + 1, stride))
    return starts if starts[-1] + patch == side else [*starts, side - patch]


def _covers(starts: list[int], patch: int, side: int) -> Int[np.ndarray, "n side"]:
    """1 at the pixels of the patch that begins at each start, else 0."""
    distance = np.arange(side)[None] - np.array(starts)[:, None]
    return ((distance >= 0) & (distance < patch)).astype(int)


@functools.partial(jax.jit, static_argnames=("captioner",))
def _without_regions(captioner, params, features, embeddings, targets, contrast, fill, regions) -> Float[Array, "n T"]:
    def one(k):
        return score_words(captioner, params, features.at[k].set(fill), embeddings, targets, contrast)[0]

    return jax.vmap(one)(regions)


@functools.partial(jax.jit, static_argnames=("captioner",))
def _without_words(captioner, params, features, embeddings, targets, contrast, words) -> Float[Array, "n T"]:
    def one(i):
        return score_words(captioner, params, features, embeddings.at[i].set(0), targets, contrast)[0]

    return jax.vmap(one)(words)


@functools.partial(jax.jit, static_argnames=("captioner", "encoder", "sides"))
def _without_patches(
    captioner, encoder, params, encoder_params, image, embeddings, targets, contrast, sides, corners
) -> Float[Array, "n T"]:
    height, width, _ = image.shape
    inside_rows, inside_columns = (
        (jnp.arange(length)[None] >= start[:, None]) & (jnp.arange(length)[None] < start[:, None] + side)
        for length, start, side in ((height, corners[:, 0], sides[0]), (width, corners[:, 1], sides[1]))
    )
    patch = inside_rows[:, :, None, None] & inside_columns[:, None, :, None]
    features = encoder.apply(encoder_params, jnp.where(patch, 0, image[None]))
    features = features.reshape(len(features), -1, features.shape[-1])
    return jax.vmap(lambda f: score_words(captioner, params, f, embeddings, targets, contrast)[0])(features)
