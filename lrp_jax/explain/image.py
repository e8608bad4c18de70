"""Explanations of a caption in the pixels of an image."""

import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from lrp_jax.core import PAPER, Composite, lrp
from lrp_jax.explain.explanation import Explanation
from lrp_jax.explain.features import composite_of, explain_features
from lrp_jax.explain.seeds import pull_back
from lrp_jax.models import Captioner, Preprocessing, greedy

START, END = 1, 2


def explain_image(
    captioner: Captioner,
    params: Any,
    image: UInt8[Array, "H W 3"] | Float[Array, "H W 3"],
    tokens: Int[Array, " T1"] | None = None,
    *,
    encoder: nn.Module,
    encoder_params: Any,
    preprocessing: Preprocessing | None = None,
    method: str = "lrp",
    head: int | None = None,
    rules: Composite = PAPER,
    max_length: int = 20,
    words_per_chunk: int | None = None,
) -> Explanation:
    """Captions one image, or takes a caption for it, and explains every word down to the pixels.

    The relevance of the features becomes the seed of the encoder's own explanation, all words in one pass.

    Args:
      captioner, params: the model and its variables.
      image: 8-bit RGB, preprocessed here; or a float image that already is.
      tokens: the caption, start token first. None decodes it greedily.
      encoder, encoder_params: images [B, H, W, 3] -> features [B, h, w, C].
      preprocessing: for 8-bit images, the one that belongs to the encoder's weights.
      method, head, rules, words_per_chunk: as for `explain_features`.
      max_length: of a decoded caption, its end token included.

    Returns:
      An `Explanation` with `pixels` [T, H, W, 3] and `grid`. For Grad-CAM and attention the pixels are the map
      of the regions, enlarged bilinearly, the same in all three channels; for Guided Grad-CAM that map times
      guided backpropagation.

    Raises:
      ValueError, TypeError: an image of another shape or type, or what `explain_features` raises.
    """
    x = preprocess(image, preprocessing)
    grid_features = _encode(encoder, encoder_params, x[None])[0]
    h, w, channels = grid_features.shape
    features = grid_features.reshape(h * w, channels)
    if tokens is None:
        tokens = decode(captioner, params, features, max_length)

    def of_features(method):
        return explain_features(
            captioner, params, features, tokens, method, head, rules=rules, words_per_chunk=words_per_chunk
        )

    def to_pixels(explanation, method):
        composite = composite_of(method, rules)
        seeds = explanation.features.reshape(-1, 1, h, w, channels)
        pull, densities = _encoder_forward(encoder, composite, encoder_params, x[None], seeds)
        (pixels,) = pull_back(pull, densities, words_per_chunk)
        return pixels[:, 0]

    def enlarge(maps):
        grids = maps.reshape(-1, h, w)
        enlarged = jax.image.resize(grids, (len(grids), *x.shape[:2]), "bilinear")
        return jnp.repeat(enlarged[..., None], 3, axis=-1)

    explanation = of_features(method)
    if method == "guided_grad_cam":
        pixels = enlarge(of_features("grad_cam").regions) * to_pixels(of_features("guided_backprop"), "guided_backprop")
    elif explanation.features is None:
        pixels = enlarge(explanation.regions)
    else:
        pixels = to_pixels(explanation, method)
    return dataclasses.replace(explanation, pixels=pixels, grid=(h, w))


def preprocess(image: Array, preprocessing: Preprocessing | None) -> Float[Array, "H W 3"]:
    """One image as the encoder wants it; floats pass as they are."""
    image = jnp.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(f"got an image of shape {image.shape}; wanted one RGB image [H, W, 3]")
    if jnp.issubdtype(image.dtype, jnp.floating):
        return image
    if preprocessing is None:
        raise TypeError(f"got an image of type {image.dtype} without preprocessing; pass the encoder's `preprocessing`")
    return preprocessing(image)


def decode(captioner: Captioner, params: Any, features: Float[Array, "n_v d_raw"], max_length: int) -> np.ndarray:
    """The greedy caption as tokens [T + 1]: start token, words, and the end token if it came."""
    words = np.asarray(_greedy(captioner, max_length, params, features))
    ended = np.flatnonzero(words == END)
    return np.concatenate([[START], words[: ended[0] + 1] if ended.size else words])


@functools.partial(jax.jit, static_argnames=("captioner", "max_length"))
def _greedy(captioner, max_length, params, features):
    return greedy(captioner, params, features, max_length=max_length)


@functools.partial(jax.jit, static_argnames=("encoder",))
def _encode(encoder, params, images):
    return encoder.apply(params, images)


@functools.partial(jax.jit, static_argnames=("encoder", "composite"))
def _encoder_forward(encoder, composite, params, images, seeds):
    """The pullback to the images, and the densities that the seeds are at the features."""
    transformed = lrp(lambda x: encoder.apply(params, x), composite)
    features, pull = jax.vjp(transformed, images)
    if not composite.times_input:
        return pull, seeds
    # Relevance of a feature is its density times the feature; a feature that is 0 has received none.
    zero = features == 0
    return pull, jnp.where(zero, 0, seeds / jnp.where(zero, 1, features))
