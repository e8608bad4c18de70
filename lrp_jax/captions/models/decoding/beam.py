"""Beam search and diverse beam search."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from lrp_jax.captions.models.captioner import Captioner
from lrp_jax.captions.models.decoding.step import Captions, Predict, begin, first_words, next_logits
from lrp_jax.captions.models.decoding.top import top_k
from lrp_jax.captions.models.decoding.wording import END, FREE, PAD, Wording, at_least_one


@dataclasses.dataclass(frozen=True, kw_only=True)
class Beam:
    """Beam search for the `width` best captions.

    At each step the beam holds the `width` most probable prefixes. A prefix that produces the end token while it is
    among them is a finished caption; the search stops when `width` captions are finished or `max_length` is reached,
    and unfinished prefixes then count as captions.

    Attributes:
      width: of the beam, and the number of captions returned. 1 is greedy decoding.
      length_power: captions are ranked by log p / length ** length_power, where length includes the end token.
      max_length: the maximum number of tokens, the end token included.
      wording: restrictions on the words.
    """

    width: int = 3
    length_power: float = 0.0
    max_length: int = 20
    wording: Wording = FREE

    def __post_init__(self):
        at_least_one(self, "width", "max_length")

    def __call__(
        self,
        captioner: Captioner,
        params: Any,
        features: Float[Array, "B n_v d_raw"],
        key: Array | None = None,
        predict: Predict | None = None,
    ) -> Captions:
        """Captions of a batch of images; a beam needs no key."""
        del key
        groups = [_Group(self.width, 0.0)]
        return _search(captioner, params, features, groups, self.length_power, self.max_length, self.wording, predict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DiverseBeam:
    """Diverse beam search: several beams (groups), each penalised for the words of the earlier ones.

    At each step the groups are extended one after the other; a word costs `penalty` for every caption of an earlier
    group that has it at the same position (Hamming diversity). The penalty only affects the choice, not the scores.

    Attributes:
      groups: the number of beams.
      width: of each beam; groups * width captions are returned, the best first.
      penalty: the cost of one earlier use of a word, in log p.
      length_power, max_length, wording: as for `Beam`.

    Reference: Vijayakumar et al., "Diverse beam search" (2018).
    """

    groups: int = 3
    width: int = 1
    penalty: float = 0.5
    length_power: float = 0.0
    max_length: int = 20
    wording: Wording = FREE

    def __post_init__(self):
        at_least_one(self, "groups", "width", "max_length")

    def __call__(
        self,
        captioner: Captioner,
        params: Any,
        features: Float[Array, "B n_v d_raw"],
        key: Array | None = None,
        predict: Predict | None = None,
    ) -> Captions:
        """Captions of a batch of images; a beam needs no key."""
        del key
        groups = [_Group(self.width, self.penalty)] * self.groups
        return _search(captioner, params, features, groups, self.length_power, self.max_length, self.wording, predict)


class _Group(NamedTuple):
    width: int
    penalty: float


class _Live(NamedTuple):
    """The prefixes of one group: tokens, log probability, last words, and the state after them."""

    tokens: Int[Array, "B w L"]
    scores: Float[Array, "B w"]
    words: Int[Array, "B w"]
    recurrent: Any


class _Ended(NamedTuple):
    """The finished captions of one group, best first; a score of -inf marks an empty entry."""

    tokens: Int[Array, "B w L"]
    scores: Float[Array, "B w"]
    ranks: Float[Array, "B w"]
    count: Int[Array, " B"]


def _search(captioner, params, features, groups, power, longest, wording, predict) -> Captions:
    images = len(features)
    state, _ = begin(captioner, params, features, 1)

    def empty(group: _Group) -> tuple[_Live, _Ended]:
        _, recurrent = begin(captioner, params, features, group.width)
        dtype = jax.tree.leaves(recurrent)[0].dtype
        nothing = jnp.full((images, group.width, longest), PAD, jnp.int32)
        never = jnp.full((images, group.width), -jnp.inf, dtype)
        # All prefixes are the same at first, so only one of them counts.
        live = _Live(nothing, never.at[:, 0].set(0), first_words(features, group.width), recurrent)
        return live, _Ended(nothing, never, never, jnp.zeros(images, jnp.int32))

    def unfinished(carry):
        t, beams = carry
        return (t < longest) & ~jnp.stack(
            [_is_over(group, beam[1]).all() for group, beam in zip(groups, beams, strict=True)]
        ).all()

    def one_word(carry):
        t, beams = carry
        said = jnp.zeros((images, captioner.vocabulary_size))
        moved = []
        for group, (live, ended) in zip(groups, beams, strict=True):
            after, logits = next_logits(captioner, params, state, live.recurrent, live.words, predict)
            forbidden = wording.forbidden(live.tokens, t, captioner.vocabulary_size)
            costs = group.penalty * said[:, None].astype(logits.dtype) if len(groups) > 1 else None
            new_live, new_ended = _advance(group, live, ended, after, logits, forbidden, costs, t, power)
            over = _is_over(group, ended)
            moved.append((_keep(over, live, new_live), _keep(over, ended, new_ended)))
            if costs is None:
                continue
            counted = ~over[:, None] & jnp.isfinite(new_live.scores)
            said = said + (jax.nn.one_hot(new_live.words, said.shape[-1]) * counted[..., None]).sum(axis=1)
        return t + 1, tuple(moved)

    _, beams = jax.lax.while_loop(unfinished, one_word, (jnp.int32(0), tuple(map(empty, groups))))
    ended = [_with_open_ones(group, live, ended, power) for group, (live, ended) in zip(groups, beams, strict=True)]
    everything = _Ended(*(jnp.concatenate(parts, axis=1) for parts in zip(*(e[:3] for e in ended), strict=True)), None)
    tokens, scores, _ = _best(everything, sum(group.width for group in groups))
    return Captions(tokens, scores)


def _advance(group, live, ended, after, logits, forbidden, costs, t, power) -> tuple[_Live, _Ended]:
    """Extends the prefixes of a group by one word."""
    size = logits.shape[-1]
    # Twice as many candidates as needed: at most `width` of them end, so at least `width` continue.
    count = min(2 * group.width, group.width * size)
    # Within a prefix, logits and probabilities have the same order, so log p is computed for the top few only.
    allowed = jnp.where(forbidden, -jnp.inf, logits)
    _, words = top_k(allowed if costs is None else allowed - costs, min(count, size))
    log_p = jnp.take_along_axis(allowed, words, axis=-1) - jax.nn.logsumexp(logits, axis=-1, keepdims=True)
    scores = (live.scores[..., None] + log_p).reshape(len(words), -1)
    chosen = scores
    if costs is not None:
        at_words = jnp.take_along_axis(jnp.broadcast_to(costs, logits.shape), words, axis=-1)
        chosen = scores - at_words.reshape(scores.shape)
    _, best = jax.lax.top_k(chosen, count)
    parents = best // words.shape[-1]
    words = jnp.take_along_axis(words.reshape(scores.shape), best, axis=1)
    scores = jnp.take_along_axis(scores, best, axis=1)
    tokens = _rows(live.tokens, parents).at[..., t].set(words)

    ends = words == END
    place = jnp.arange(count)
    ranks = jnp.where(ends & (place < group.width), scores / (t + 1.0) ** power, -jnp.inf)
    joined = _Ended(
        jnp.concatenate([ended.tokens, tokens], axis=1),
        jnp.concatenate([ended.scores, scores], axis=1),
        jnp.concatenate([ended.ranks, ranks], axis=1),
        None,
    )
    new_ended = _Ended(*_best(joined, group.width), ended.count + jnp.isfinite(ranks).sum(axis=1, dtype=jnp.int32))

    # The candidates that continue, in their order.
    order = jnp.argsort(jnp.where(ends, count, 0) + place, axis=1)[:, : group.width]
    going = jnp.take_along_axis(jnp.where(ends, -jnp.inf, scores), order, axis=1)
    parents = jnp.take_along_axis(parents, order, axis=1)
    recurrent = jax.tree.map(lambda x: _rows(x, parents), after)
    return _Live(_rows(tokens, order), going, jnp.take_along_axis(words, order, axis=1), recurrent), new_ended


def _with_open_ones(group: _Group, live: _Live, ended: _Ended, power: float) -> _Ended:
    """The captions of a group, including those that reached the maximum length without an end token."""
    is_open = ~_is_over(group, ended)[:, None]
    ranks = jnp.where(is_open, live.scores / live.tokens.shape[-1] ** power, -jnp.inf)
    joined = _Ended(
        jnp.concatenate([ended.tokens, live.tokens], axis=1),
        jnp.concatenate([ended.scores, live.scores], axis=1),
        jnp.concatenate([ended.ranks, ranks], axis=1),
        None,
    )
    return _Ended(*_best(joined, group.width), None)


def _best(captions: _Ended, count: int) -> tuple[Array, Array, Array]:
    ranks, order = jax.lax.top_k(captions.ranks, count)
    return _rows(captions.tokens, order), jnp.take_along_axis(captions.scores, order, axis=1), ranks


def _is_over(group: _Group, ended: _Ended) -> Bool[Array, " B"]:
    return ended.count >= group.width


def _keep(over: Bool[Array, " B"], old: Any, new: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(over.reshape(-1, *[1] * (a.ndim - 1)), a, b), old, new)


def _rows(x: Array, order: Int[Array, "B n"]) -> Array:
    """The rows `order` of x [B, m, ...], for each image."""
    return jnp.take_along_axis(x, order.reshape(*order.shape, *[1] * (x.ndim - 2)), axis=1)
