"""Explanations of a caption in the pixels of an image."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from lrp_jax.core import Composite
from lrp_jax.explain.explanation import Explanation
from lrp_jax.explain.features import resolve
from lrp_jax.explain.methods import Method
from lrp_jax.explain.question import Against, ask
from lrp_jax.explain.view import View
from lrp_jax.models import Captioner, Preprocessing, greedy
from lrp_jax.models.decoding import END, START


def explain_image(
    captioner: Captioner,
    params: Any,
    image: UInt8[Array, "H W 3"] | Float[Array, "H W 3"],
    tokens: Int[Array, " T1"] | None = None,
    *,
    encoder: nn.Module,
    encoder_params: Any,
    preprocessing: Preprocessing | None = None,
    method: str | Method = "lrp",
    head: int | None = None,
    against: Against = None,
    rules: Composite | None = None,
    max_length: int = 20,
    words_per_chunk: int | None = None,
) -> Explanation:
    """Captions one image, or takes a caption for it, and explains every word down to the pixels.

    The relevance of the features becomes the seed of the encoder's own explanation, all words in one pass.

    Args:
      captioner, params: the model and its variables.
      image: 8-bit RGB, preprocessed here; or a float image that already is.
      tokens: the caption, start token first. None decodes it greedily.
      encoder, encoder_params: images [B, H, W, 3] -> features [B, h, w, C], or [B, n_v, C] of a `RegionEncoder`, whose
        boxes are among its variables.
      preprocessing: for 8-bit images, the one that belongs to the encoder's weights.
      method, head, against, rules, words_per_chunk: as for `explain_features`.
      max_length: of a decoded caption, its end token included.

    Returns:
      An `Explanation` with `pixels` [T, H, W, 3], and with `grid` or `boxes`. For Grad-CAM and attention the pixels
      are the map of the regions, the same in all three channels: a grid is enlarged bilinearly, and the value of a box
      is spread evenly over it. For Guided Grad-CAM they are that map times guided backpropagation. Integrated
      gradients, SmoothGrad and occlusion ask the encoder and the captioner together, at other images and the same
      words.

    Raises:
      ValueError, TypeError: an image of another shape or type, or what `explain_features` raises.
    """
    method = resolve(method, rules, against)
    view = View(encoder, encoder_params, preprocess(image, preprocessing))
    features = view.encode()
    if tokens is None:
        tokens = decode(captioner, params, features, max_length)
    asked = ask(captioner, params, features, tokens, head, against, words_per_chunk)
    explanation = dataclasses.replace(method.explain(asked), grid=view.grid, boxes=view.boxes)
    pixels = method.to_pixels(asked, view, explanation)
    return dataclasses.replace(explanation, pixels=pixels, enlarged=method.enlarges)


def preprocess(image: Array, preprocessing: Preprocessing | None) -> Float[Array, "H W 3"]:
    """One image as the encoder wants it; floats pass as they are.

    Args:
      image: [H, W, 3], 8-bit or float.
      preprocessing: the one that belongs to the encoder's weights; not needed for a float image.

    Raises:
      ValueError: the image has another shape.
      TypeError: an 8-bit image without preprocessing.
    """
    image = jnp.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(f"got an image of shape {image.shape}; wanted one RGB image [H, W, 3]")
    if jnp.issubdtype(image.dtype, jnp.floating):
        return image
    if preprocessing is None:
        raise TypeError(f"got an image of type {image.dtype} without preprocessing; pass the encoder's `preprocessing`")
    return preprocessing(image)


def decode(captioner: Captioner, params: Any, features: Float[Array, "n_v d_raw"], max_length: int) -> np.ndarray:
    """The greedy caption as tokens [T + 1]: start token, words, and the end token if it came.

    Args:
      captioner, params: the model and its variables.
      features: one image's raw visual features.
      max_length: the most words, the end token included.
    """
    words = np.asarray(greedy(captioner, params, features, max_length=max_length))
    ended = np.flatnonzero(words == END)
    return np.concatenate([[START], words[: ended[0] + 1] if ended.size else words])
