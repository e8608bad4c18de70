"""Explanations of a caption in the visual features and in the preceding words (section 4)."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrp_jax.core import GRADIENT, GRADIENT_X_INPUT, GUIDED_BACKPROP, PAPER, Composite, lrp
from lrp_jax.explain.explanation import Explanation
from lrp_jax.explain.seeds import pull_back
from lrp_jax.models import MHFC, Captioner, unroll
from lrp_jax.models.mh_fc import HEADS

METHODS = (
    "lrp",
    "gradient",
    "gradient_x_input",
    "guided_backprop",
    "grad_cam",
    "guided_grad_cam",
    "attention",
)


def composite_of(method: str, rules: Composite) -> Composite:
    """The table of rules behind a method; `rules` is that of "lrp"."""
    own = {"lrp": rules, "gradient_x_input": GRADIENT_X_INPUT, "guided_backprop": GUIDED_BACKPROP}
    return own.get(method, GRADIENT)


def explain_features(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "n_v d_raw"],
    tokens: Int[Array, " T1"],
    method: str = "lrp",
    head: int | None = None,
    *,
    rules: Composite = PAPER,
    words_per_chunk: int | None = None,
) -> Explanation:
    """Explains every word of a caption in the features of one image and in the preceding words.

    Args:
      captioner, params: the model and its variables.
      features: one image's raw visual features, unbatched.
      tokens: the caption, start token first; all others are explained, the end token too if it is there.
      method: "lrp" (Algorithm 1), "gradient" (of the logit, not times the input), "gradient_x_input",
        "guided_backprop", "grad_cam" (on the projected features I), "guided_grad_cam" (their product) or "attention".
      head: through this head of MH-FC only; the path through the LSTM stays in full.
      rules: the composite for "lrp".
      words_per_chunk: how many words share one backward pass; fewer take less memory.

    Returns:
      An `Explanation` without pixels. Its arrays are float32, or float64 where the features are.

    Raises:
      ValueError: an unknown method, tokens or features of a wrong shape, or a head that the model has not.
    """
    features, tokens = jnp.asarray(features), np.asarray(tokens)
    _check(captioner, features, tokens, method, head)
    inputs, targets = jnp.asarray(tokens[:-1]), jnp.asarray(tokens[1:])
    through = None if head is None else jnp.asarray(head)
    common = {"method": method, "tokens": tokens, "head": head}
    if method == "attention":
        logits, weights, betas = _attention(captioner, params, features, inputs, targets, through)
        return Explanation(logits=logits, regions=weights, betas=betas, **common)
    if method == "guided_grad_cam":
        cam, guided = (
            explain_features(captioner, params, features, tokens, part, head, words_per_chunk=words_per_chunk)
            for part in ("grad_cam", "guided_backprop")
        )
        product = cam.regions[..., None] * guided.features
        # The linguistic explanation of both Grad-CAMs is the gradient of the embeddings (section 4).
        return dataclasses.replace(cam, method=method, features=product, regions=product.sum(axis=-1))
    composite = composite_of(method, rules)
    # Grad-CAM needs the derivative with respect to I, the others with respect to the raw features.
    at_regions = method == "grad_cam"
    regions, logits, betas, pull = _forward(
        captioner, composite, at_regions, params, features, inputs, targets, through
    )
    image, embeddings = pull_back(pull, jnp.eye(len(targets), dtype=logits.dtype), words_per_chunk)
    words = embeddings.sum(axis=-1)
    if at_regions:
        weights = image.sum(axis=1)  # w_I [T, H]
        cam = jax.nn.relu(jnp.einsum("td,kd->tk", weights, regions))
        return Explanation(logits=logits, regions=cam, words=words, betas=betas, **common)
    return Explanation(logits=logits, features=image, regions=image.sum(axis=-1), words=words, betas=betas, **common)


@functools.partial(jax.jit, static_argnames=("captioner", "composite", "at_regions"))
def _forward(captioner, composite, at_regions, params, features, inputs, targets, head):
    """The logits of the targets, and the pullback to (features or I, embeddings)."""
    embeddings = captioner.apply(params, inputs, method="embed").astype(features.dtype)
    regions = captioner.apply(params, features, method="project")

    def logits(image, embeddings):
        where = {"features": features, "regions": image} if at_regions else {"features": image}
        trace = unroll(captioner, params, embeddings=embeddings, **where)
        return captioner.apply(params, trace.c, trace.h, targets, method="predict"), trace.attention.beta

    masks = {} if head is None else {HEADS: jax.nn.one_hot(head, captioner.heads, dtype=features.dtype)[:, None]}
    transformed = lrp(logits, composite, argnums=(0, 1), has_aux=True, masks=masks)
    image = regions if at_regions else features
    values, pull, betas = jax.vjp(transformed, image, embeddings, has_aux=True)
    return regions, values, betas, pull


@functools.partial(jax.jit, static_argnames=("captioner",))
def _attention(captioner, params, features, inputs, targets, head):
    trace = unroll(captioner, params, features, inputs)
    logits = captioner.apply(params, trace.c, trace.h, targets, method="predict")
    weights, beta = trace.attention
    if weights.ndim == 3:  # [T, heads, n_v]
        weights = weights.mean(axis=1) if head is None else weights[:, head]
    return logits, weights, beta


def _check(captioner: Captioner, features: Array, tokens: np.ndarray, method: str, head: int | None) -> None:
    if method not in METHODS:
        raise ValueError(f"got method={method!r}; wanted one of {', '.join(METHODS)}")
    if features.ndim != 2:
        raise ValueError(f"got features of shape {features.shape}; wanted one image's [n_v, d_raw]")
    if tokens.ndim != 1 or len(tokens) < 2:
        raise ValueError(f"got tokens of shape {tokens.shape}; wanted [T + 1], the start token and at least one word")
    if not np.issubdtype(tokens.dtype, np.integer):
        raise ValueError(f"got tokens of type {tokens.dtype}; wanted integers, ids of the vocabulary")
    outside = tokens[(tokens < 0) | (tokens >= captioner.vocabulary_size)]
    if outside.size:
        raise ValueError(f"got token {outside[0]}; wanted ids from 0 to {captioner.vocabulary_size - 1}")
    if head is not None:
        if not isinstance(captioner, MHFC):
            raise ValueError(f"got head={head} for {type(captioner).__name__}, which has no heads: leave it None")
        if not 0 <= head < captioner.heads:
            raise ValueError(f"got head={head}; wanted 0 to {captioner.heads - 1}")
