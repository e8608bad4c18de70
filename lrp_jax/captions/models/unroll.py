"""Runs a captioner over the words of a given caption (teacher forcing)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lrp_jax.captions.models.protocol import Trace


def unroll(
    captioner: nn.Module,
    params: Any,
    features: Float[Array, "*batch n_v d_raw"],
    words: Int[Array, "*batch T"] | None = None,
    *,
    regions: Float[Array, "*batch n_v H"] | None = None,
    embeddings: Float[Array, "*batch T E"] | None = None,
    dropout_rng: Array | None = None,
    remat: bool = False,
) -> Trace:
    """Runs a captioner over the input words of a caption (teacher forcing).

    Args:
      captioner: `AdaLSTM` or `MHFC`.
      params: its variables.
      features: raw visual features.
      words: the T input tokens, the start token first; not used if `embeddings` are given.
      regions: replace the projected features I wherever I is used, so that one can differentiate with respect to I.
      embeddings: replace the embedded words, so that one can differentiate with respect to them.
      dropout_rng: a key (a scalar array) enables dropout of the embeddings; None is inference.
      remat: store only the matrix products of each step for the backward pass and recompute the rest.

    Returns:
      The inputs of `predict` and the attention of every step, time axis first. Everything is computed in the widest
      dtype of features, regions, embeddings and parameters.

    Raises:
      ValueError: words or embeddings have other batch axes than the features.
    """
    if embeddings is None:
        if words is None:
            raise ValueError("unroll got neither words nor embeddings; pass one of them")
        embeddings = captioner.apply(params, words, dropout_rng is None, method="embed", rngs=_rngs(dropout_rng))
    image = features if regions is None else regions
    if embeddings.shape[:-2] != image.shape[:-2]:
        raise ValueError(
            f"the batch axes of captions {embeddings.shape[:-2]} and features {image.shape[:-2]} differ; "
            "repeat the features, one copy for each caption"
        )
    # One dtype for all, because the carry of a scan cannot be promoted.
    dtype = jnp.result_type(*jax.tree.leaves((params, features, regions, embeddings)))
    features, regions, embeddings = (x if x is None else jnp.asarray(x, dtype) for x in (features, regions, embeddings))
    return captioner.apply(params, features, embeddings, regions, remat, method="unroll")


def scan_steps(
    captioner: nn.Module,
    params: Any,
    features: Float[Array, "*batch n_v d_raw"],
    embeddings: Float[Array, "*batch T E"],
    regions: Float[Array, "*batch n_v H"] | None = None,
    remat: bool = False,
) -> Trace:
    """`unroll` of a captioner that goes word by word: `lax.scan` over its `step`."""
    state = captioner.apply(params, features, regions, method="start")

    def one_word(recurrent, embedding):
        # state.image is closed over: a constant of the loop, not copied at every step as a carry would be.
        before = state._replace(recurrent=recurrent)
        inputs, after, attention = captioner.apply(params, before, embedding, method="step")
        return after.recurrent, Trace(inputs, attention)

    if remat:
        # The attention activations of every region at every step take longer to store and read than to recompute.
        one_word = jax.checkpoint(one_word, policy=jax.checkpoint_policies.dots_saveable)
    _, trace = jax.lax.scan(one_word, state.recurrent, jnp.moveaxis(embeddings, -2, 0))
    return trace


def logits(
    captioner: nn.Module,
    params: Any,
    features: Float[Array, "*batch n_v d_raw"],
    words: Int[Array, "*batch T"],
    *,
    dropout_rng: Array | None = None,
) -> Float[Array, "*batch T V"]:
    """The logits of all words after each of the T input tokens, teacher-forced.

    Args:
      captioner, params: the model and its variables.
      features: raw visual features.
      words: the T input tokens, the start token first.
      dropout_rng: a key enables dropout; None is inference.

    Raises:
      ValueError: words and features have other batch axes.
    """
    trace = unroll(captioner, params, features, words, dropout_rng=dropout_rng, remat=True)
    inputs = jax.tree.map(lambda x: jnp.moveaxis(x, 0, -2), trace.inputs)
    return captioner.apply(params, inputs, deterministic=dropout_rng is None, method="predict", rngs=_rngs(dropout_rng))


def _rngs(key: Array | None) -> dict[str, Array] | None:
    return None if key is None else {"dropout": key}
