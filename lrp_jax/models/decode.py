"""Captions from features."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lrp_jax.models.captioner import Captioner


def greedy(
    captioner: Captioner,
    params,
    features: Float[Array, "*batch n_v d_raw"],
    *,
    max_length: int,
    pad: int = 0,
    start: int = 1,
    end: int = 2,
    unknown: int | None = 3,
) -> Int[Array, "*batch max_length"]:
    """The most likely next word, again and again, until `end` or max_length words.

    Args:
      captioner: `AdaLSTM` or `MHFC`; static under jit, like max_length and the token ids.
      params: its variables.
      features: raw visual features, any batch axes.
      max_length: the most tokens to make, `end` included.
      pad, start, end, unknown: ids of the special tokens; `pad`, `start` and `unknown` are never said
        (unknown=None: the vocabulary has no such token).

    Returns:
      The tokens after the start token: words, `end` where it was reached, and `pad` from there on.
    """
    batch = features.shape[:-2]
    silent = jnp.array([pad, start] if unknown is None else [pad, start, unknown])
    state = captioner.apply(params, features, method="start")

    def unfinished(carry):
        t, done, *_ = carry
        return (t < max_length) & ~done.all()

    def one_word(carry):
        t, done, word, recurrent, tokens = carry
        embedding = captioner.apply(params, word, method="embed").astype(_dtype(recurrent))
        before = state._replace(recurrent=recurrent)
        (c, h), after, _ = captioner.apply(params, before, embedding, method="step")
        scores = captioner.apply(params, c, h, method="predict").at[..., silent].set(-jnp.inf)
        word = jnp.where(done, pad, scores.argmax(axis=-1).astype(jnp.int32))
        return t + 1, done | (word == end), word, after.recurrent, tokens.at[..., t].set(word)

    first = jnp.full(batch, start, jnp.int32)
    nothing = jnp.full((*batch, max_length), pad, jnp.int32)
    carry = (jnp.int32(0), jnp.zeros(batch, bool), first, state.recurrent, nothing)
    return jax.lax.while_loop(unfinished, one_word, carry)[-1]


def _dtype(recurrent):
    return jax.tree.leaves(recurrent)[0].dtype
