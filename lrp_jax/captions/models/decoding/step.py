"""One decoding step of several captions for each image."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lrp_jax.captions.models.captioner import Captioner
from lrp_jax.captions.models.decoding.wording import START

Predict = Callable[..., Float[Array, "*batch V"]]
"""predict(params, inputs) -> logits of all words: a replacement of a captioner's own last layer (Eq. 4)."""


class Captions(NamedTuple):
    """Decoded captions, n for each image, best (or first sampled) first.

    tokens: the words after the start token, the end token if there is one, then padding.
    scores: the log probability of each caption under the model, not normalised by length.
    """

    tokens: Int[Array, "*batch n L"]
    scores: Float[Array, "*batch n"]


def begin(captioner: Captioner, params: Any, features: Float[Array, "B n_v d_raw"], count: int):
    """The state before the first word, and its recurrent part for `count` captions of each image [B, count, ...]."""
    state = captioner.apply(params, features, method="start")
    recurrent = jax.tree.map(lambda x: jnp.repeat(x[:, None], count, axis=1), state.recurrent)
    return state, recurrent


def next_logits(
    captioner: Captioner,
    params: Any,
    state: Any,
    recurrent: Any,
    words: Int[Array, "B n"],
    predict: Predict | None = None,
) -> tuple[Any, Float[Array, "B n V"]]:
    """The recurrent state after `words`, and the logits of all words that may follow.

    The captions of an image share its regions, which are not copied.
    """

    def one(recurrent, words):
        embedding = captioner.apply(params, words, method="embed")
        embedding = embedding.astype(jax.tree.leaves(recurrent)[0].dtype)
        inputs, after, _ = captioner.apply(params, state._replace(recurrent=recurrent), embedding, method="step")
        return after.recurrent, inputs

    after, inputs = jax.vmap(one, in_axes=1, out_axes=1)(recurrent, words)
    if predict is not None:
        return after, predict(params, inputs)
    return after, captioner.apply(params, inputs, method="predict")


def first_words(features: Float[Array, "B n_v d_raw"], count: int) -> Int[Array, "B n"]:
    return jnp.full((len(features), count), START, jnp.int32)
