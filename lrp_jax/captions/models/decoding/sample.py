"""Greedy decoding and sampling."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrp_jax.captions.models.captioner import Captioner
from lrp_jax.captions.models.decoding.step import Captions, Predict, begin, first_words, next_logits
from lrp_jax.captions.models.decoding.wording import END, FREE, PAD, Wording, at_least_one, is_whole


@dataclasses.dataclass(frozen=True, kw_only=True)
class Greedy:
    """Greedy decoding: the most likely word at each step; one caption for each image.

    Attributes:
      max_length: the maximum number of tokens, the end token included.
      wording: restrictions on the words.
    """

    max_length: int = 20
    wording: Wording = FREE

    def __post_init__(self):
        at_least_one(self, "max_length")

    def __call__(
        self,
        captioner: Captioner,
        params: Any,
        features: Float[Array, "B n_v d_raw"],
        key: Array | None = None,
        predict: Predict | None = None,
    ) -> Captions:
        """Captions of a batch of images; greedy decoding is deterministic and needs no key."""
        del key

        def choose(logits, t):
            return logits.argmax(axis=-1)

        return _unroll(captioner, params, features, 1, self.max_length, self.wording, choose, predict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """Captions sampled word by word from the model (by the Gumbel-max trick).

    The options apply in this order: temperature, top-k, nucleus.

    Attributes:
      count: captions for each image, sampled independently.
      temperature: logits are divided by it; below 1 favours likely words, above 1 unlikely ones.
      top_k: sample from the k most likely words only; None for all.
      top_p: sample from the nucleus only, the smallest set of most likely words whose total probability reaches this
        value; None for all.
      max_length: the maximum number of tokens, the end token included.
      wording: restrictions on the words.

    Reference: Holtzman et al., "The curious case of neural text degeneration" (2020), for the nucleus.
    """

    count: int = 1
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    max_length: int = 20
    wording: Wording = FREE

    def __post_init__(self):
        at_least_one(self, "count", "max_length")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"got temperature={self.temperature}; wanted more than 0 (Greedy is the limit)")
        if self.top_k is not None and not is_whole(self.top_k, 1):
            raise ValueError(f"got top_k={self.top_k}; wanted at least 1, or None")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"got top_p={self.top_p}; wanted more than 0 and at most 1, or None")

    def __call__(
        self,
        captioner: Captioner,
        params: Any,
        features: Float[Array, "B n_v d_raw"],
        key: Array | None = None,
        predict: Predict | None = None,
    ) -> Captions:
        """Captions of a batch of images, sampled with `key`; independently of the other images of the batch."""
        if key is None:
            raise ValueError("got no key; Sample draws words: pass key=jax.random.key(seed)")
        keys = jax.vmap(lambda image: jax.random.fold_in(key, image))(jnp.arange(len(features)))

        def choose(logits, t):
            scores = self.restrict(logits / self.temperature)

            def draw(key, scores):
                return jax.random.categorical(jax.random.fold_in(key, t), scores, axis=-1)

            return jax.vmap(draw)(keys, scores)

        return _unroll(captioner, params, features, self.count, self.max_length, self.wording, choose, predict)

    def restrict(self, scores: Float[Array, "*batch V"]) -> Float[Array, "*batch V"]:
        """The scores, with -inf for words outside the top k or the nucleus."""
        if self.top_k is not None and self.top_k < scores.shape[-1]:
            least = jax.lax.top_k(scores, self.top_k)[0][..., -1:]
            scores = jnp.where(scores < least, -jnp.inf, scores)
        if self.top_p is not None and self.top_p < 1:
            ordered = jnp.sort(scores, axis=-1, descending=True)
            p = jax.nn.softmax(ordered)
            inside = jnp.cumsum(p, axis=-1) - p < self.top_p
            least = jnp.where(inside, ordered, jnp.inf).min(axis=-1, keepdims=True)
            scores = jnp.where(scores < least, -jnp.inf, scores)
        return scores


def _unroll(captioner, params, features, count, longest, wording, choose, predict) -> Captions:
    """Decodes captions word by word, by `choose(logits [B, n, V], t) -> words [B, n]`."""
    state, recurrent = begin(captioner, params, features, count)
    words = first_words(features, count)
    tokens = jnp.full((*words.shape, longest), PAD, jnp.int32)
    scores = jnp.zeros(words.shape, jax.tree.leaves(recurrent)[0].dtype)

    def unfinished(carry):
        t, done, *_ = carry
        return (t < longest) & ~done.all()

    def one_word(carry):
        t, done, words, recurrent, tokens, scores = carry
        recurrent, logits = next_logits(captioner, params, state, recurrent, words, predict)
        allowed = jnp.where(wording.forbidden(tokens, t, captioner.vocabulary_size), -jnp.inf, logits)
        words = jnp.where(done, PAD, choose(allowed, t).astype(jnp.int32))
        said = jnp.take_along_axis(logits, words[..., None], axis=-1)[..., 0]
        scores = scores + jnp.where(done, 0, said - jax.nn.logsumexp(logits, axis=-1))
        return t + 1, done | (words == END), words, recurrent, tokens.at[..., t].set(words), scores

    carry = (jnp.int32(0), jnp.zeros(words.shape, bool), words, recurrent, tokens, scores)
    *_, tokens, scores = jax.lax.while_loop(unfinished, one_word, carry)
    return Captions(tokens, scores)
