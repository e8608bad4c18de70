"""Explanations of a caption in the pixels of an image."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from lrp_jax.captions.explain.explanation import Explanation
from lrp_jax.captions.explain.features import resolve
from lrp_jax.captions.explain.methods import Method
from lrp_jax.captions.explain.question import Against, Question, ask
from lrp_jax.captions.explain.view import WORDS_PER_CHUNK, View
from lrp_jax.captions.models import Captioner, Preprocessing, greedy
from lrp_jax.captions.models.decoding import END, PAD, START
from lrp_jax.captions.words import check_index
from lrp_jax.core import Composite


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
    rows: Sequence[int] | None = None,
    words_per_chunk: int | None = None,
) -> Explanation:
    """Captions one image, or takes a given caption, and explains every word in the pixels.

    The relevance of the features is the seed of the backward pass through the encoder, several words in one pass.

    Args:
      captioner, params: the model and its variables.
      image: 8-bit RGB, which is preprocessed here, or a float image that is preprocessed already.
      tokens: the caption, start token first. None decodes it greedily.
      encoder, encoder_params: images [B, H, W, 3] -> features [B, h, w, C], or [B, n_v, C] of a `RegionEncoder`, whose
        boxes are among its variables.
      preprocessing: for 8-bit images, the one that belongs to the encoder's weights.
      method, head, against, rules: as for `explain_features`.
      max_length: of a decoded caption, its end token included.
      rows: the words that go down to the pixels, 0 being the first after the start token, -1 the last; None for all.
        The pixels of the others are NaN, and cost nothing where every word has a backward pass of its own through the
        encoder.
      words_per_chunk: how many words share one backward pass; fewer take less memory. None is 4 through the encoder on
        a CPU, all elsewhere.

    Returns:
      An `Explanation` with `pixels` [T, H, W, 3], and with `grid` or `boxes`. For Grad-CAM and attention the pixels
      are the map of the regions, the same in all three channels: a grid is enlarged bilinearly, and the value of a box
      is spread evenly over its pixels. For Guided Grad-CAM they are that map times guided backpropagation. Integrated
      gradients, SmoothGrad and occlusion run the encoder and the captioner together, on modified images and the same
      words.

    Raises:
      ValueError, TypeError: an image of another shape or type, rows outside the caption, or what `explain_features`
        raises.
    """
    method = resolve(method, rules, against)
    view = View(encoder, encoder_params, preprocess(image, preprocessing), rules=method.backward_rules)
    if tokens is None:
        tokens = decode(captioner, params, view.encode(), max_length)
    how = {"method": method, "head": head, "against": against, "rows": rows, "words_per_chunk": words_per_chunk}
    return explain_view(captioner, params, view, tokens, **how)


def explain_view(
    captioner: Captioner,
    params: Any,
    view: View,
    tokens: Int[Array, " T1"],
    *,
    method: str | Method = "lrp",
    head: int | None = None,
    against: Against = None,
    rules: Composite | None = None,
    rows: Sequence[int] | None = None,
    words_per_chunk: int | None = None,
) -> Explanation:
    """`explain_image` of a `View`, for an image that is encoded already: what the view has computed is reused.

    Args:
      view: of one image. If its `rules` are those of the method (`Method.backward_rules`), the forward pass that gave
        the features is reused for the relevance.
      captioner, params, tokens, method, head, against, rules, rows, words_per_chunk: as for `explain_image`.

    Returns, raises: as `explain_image`.
    """
    method = resolve(method, rules, against)
    asked = ask(captioner, params, view.encode(), tokens, head, against, words_per_chunk)
    if rows is not None:
        view = view.only(_filled(rows, len(asked.targets), words_per_chunk))
    return _explain(method, asked, view)


def explain_images(
    captioner: Captioner,
    params: Any,
    images: Sequence[Array],
    tokens: Sequence[Int[Array, " T1"]],
    *,
    encoder: nn.Module,
    encoder_params: Any,
    preprocessing: Preprocessing | None = None,
    method: str | Method = "lrp",
    head: int | None = None,
    against: Against = None,
    rules: Composite | None = None,
    rows: Sequence[Sequence[int]] | None = None,
    words_per_chunk: int | None = None,
) -> list[Explanation]:
    """`explain_image` of several images of one size and their captions, in passes that all images share.

    It is meant for devices that one caption does not keep busy. On two CPU cores it was no faster than one image after
    the other, and it needs the memory of all images. Methods that are not `batched` (occlusion) run image by image.

    Args:
      images: B of them, each as for `explain_image`.
      tokens: the caption of each, start token first; the lengths may differ.
      rows: for each image, as for `explain_image`.
      words_per_chunk: how many words of each image share one backward pass.
      captioner, params, encoder, encoder_params, preprocessing, method, head, against, rules: as for `explain_image`.

    Returns:
      B explanations, equal to those of `explain_image`.

    Raises:
      ValueError, TypeError: as `explain_image`; numbers of images, captions and rows that differ.
    """
    method = resolve(method, rules, against)
    counts = {len(images), len(tokens), len(images if rows is None else rows)}
    if counts == {0}:
        return []
    if len(counts) > 1:
        got = f"{len(images)} images, {len(tokens)} captions" + ("" if rows is None else f" and {len(rows)} rows")
        raise ValueError(f"got {got}; wanted one caption, and one list of rows if rows are given, for each image")
    models = {"encoder": encoder, "encoder_params": encoder_params, "preprocessing": preprocessing}
    how = {"method": method, "head": head, "against": against, "words_per_chunk": words_per_chunk}
    if not method.batched:
        chosen = [None] * len(images) if rows is None else rows
        return [
            explain_image(captioner, params, image, caption, rows=wanted, **models, **how)
            for image, caption, wanted in zip(images, tokens, chosen, strict=True)
        ]
    images = _stacked([preprocess(image, preprocessing) for image in images])
    view = View(encoder, encoder_params, images, rules=method.backward_rules)
    lengths = [len(caption) - 1 for caption in tokens]
    padded = np.stack(
        [np.pad(caption, (0, max(lengths) + 1 - len(caption)), constant_values=PAD) for caption in tokens]
    )
    asked = ask(captioner, params, view.encode(), padded, head, against, words_per_chunk)
    if rows is not None:
        most = max(map(len, rows))
        columns = [_filled(wanted, n, words_per_chunk, most) for wanted, n in zip(rows, lengths, strict=True)]
        view = view.only(np.stack(columns, axis=1))
    together = _explain(method, asked, view)
    return [together.of(b).first(n) if n < max(lengths) else together.of(b) for b, n in enumerate(lengths)]


def _explain(method: Method, asked: Question, view: View) -> Explanation:
    explanation = dataclasses.replace(method.explain(asked), grid=view.grid, boxes=view.boxes)
    pixels = method.to_pixels(asked, view, explanation)
    return dataclasses.replace(explanation, pixels=pixels, enlarged=method.enlarges)


def _stacked(images: Sequence[Array]) -> Array:
    sizes = {image.shape for image in images}
    if len(sizes) > 1:
        raise ValueError(f"got images of shapes {', '.join(map(str, sorted(sizes)))}; wanted all of one size")
    return jnp.stack(images)


def _filled(rows: Sequence[int], count: int, per_chunk: int | None, least: int = 1) -> Int[np.ndarray, " R"]:
    """The rows, and the last of them again until their number is one of few: each number is compiled for itself."""
    rows = np.asarray(rows)
    if rows.ndim != 1 or not rows.size or rows.min() < -count or rows.max() >= count:
        raise ValueError(
            f"got rows {rows.tolist()}; wanted at least one, each from 0 to {count - 1}, or from -1 to {-count}"
        )
    rows = check_index("rows", rows, count)
    per_chunk = per_chunk or WORDS_PER_CHUNK["cpu"]
    wanted = max(len(rows), least)
    return np.pad(rows, (0, wanted + -wanted % per_chunk - len(rows)), mode="edge")


def preprocess(image: Array, preprocessing: Preprocessing | None) -> Float[Array, "H W 3"]:
    """One image, preprocessed for the encoder; a float image is returned unchanged.

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
    """The greedy caption as tokens [T + 1]: start token, words, and the end token if the model produced it.

    Args:
      captioner, params: the model and its variables.
      features: one image's raw visual features.
      max_length: the maximum number of tokens, the end token included.
    """
    words = np.asarray(greedy(captioner, params, features, max_length=max_length))
    ended = np.flatnonzero(words == END)
    return np.concatenate([[START], words[: ended[0] + 1] if ended.size else words])
