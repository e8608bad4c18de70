"""The input of a method: captions of images, checked, and the scores to explain.

Everything here is for one image, or for a batch B of them. Arrays with a value for each word have the time axis first,
then the batch: `*B` stands for the one axis of a batch, or for none.
"""

import dataclasses
import functools
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrp_jax.captions.explain.explanation import Explanation
from lrp_jax.captions.explain.seeds import portable, pull_back
from lrp_jax.captions.models import MHFC, Attention, Captioner, unroll
from lrp_jax.captions.models.mh_fc import HEADS
from lrp_jax.captions.words import check_caption, check_index
from lrp_jax.core import Composite, lrp
from lrp_jax.core.contrast import contrast

Against = int | Int[Array, " T"] | Literal["rest"] | None


@dataclasses.dataclass(frozen=True, eq=False)
class Question:
    """A captioner, the features of one or several images, and the captions to explain. Made by `ask`.

    Attributes:
      captioner, params: the model and its variables.
      features: [*B, n_v, d_raw], raw visual features.
      tokens: [*B, T + 1], the start token first.
      head: the one head of MH-FC that relevance passes through, or None for all.
      against: see `Explanation.against`; ids are [*B, T].
      contrast: [T, *B, V]; the score of word t is contrast[t] . logits[t]. None for the logit of the word alone, which
        needs one row of the last layer and not all.
      words_per_chunk: how many words of an image share a backward pass.
    """

    captioner: Captioner
    params: Any
    features: Float[Array, "*B n_v d_raw"]
    tokens: Int[np.ndarray, "*B T1"]
    head: int | None = None
    against: Int[np.ndarray, "*B T"] | Literal["rest"] | None = None
    contrast: Float[Array, "T *B V"] | None = None
    words_per_chunk: int | None = None

    @functools.cached_property
    def targets(self) -> Int[np.ndarray, "T *B"]:
        """The explained words."""
        return np.moveaxis(self.tokens[..., 1:], -1, 0)

    @functools.cached_property
    def embeddings(self) -> Float[Array, "*B T E"]:
        """The embeddings of the input tokens, start token first."""
        return _embed(self.captioner, self.params, self.tokens[..., :-1], self.features.dtype)

    def answer(self, method: str, **arrays: Any) -> Explanation:
        """The record for this question."""
        return Explanation(method=method, tokens=self.tokens, head=self.head, against=self.against, **arrays)

    def scores(self) -> tuple[Float[Array, "T *B"], Attention]:
        """The explained scores and the attention, time axis first."""
        return score_words(self.captioner, self.params, self.features, self.embeddings, self.targets, self.contrast)


def ask(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "*B n_v d_raw"],
    tokens: Int[Array, "*B T1"],
    head: int | None = None,
    against: Against = None,
    words_per_chunk: int | None = None,
) -> Question:
    """Checks the arguments (see `explain_features`) and makes the question.

    Raises:
      ValueError: features of a wrong shape, tokens that are no caption (see `check_caption`), a head that the model has
        not, or an unknown contrast.
    """
    features, tokens = jnp.asarray(features), np.asarray(tokens)
    batch = features.shape[:-2]
    if features.ndim not in (2, 3):
        raise ValueError(f"got features of shape {features.shape}; wanted [n_v, d_raw] of one image, or of a batch")
    if tokens.shape[:-1] != batch or tokens.ndim < 1 or tokens.shape[-1] < 2:
        wanted = ", ".join(map(str, (*batch, "T + 1")))
        raise ValueError(
            f"got tokens of shape {tokens.shape}; wanted [{wanted}], the start token and at least one word"
        )
    check_caption(tokens, captioner.vocabulary_size)
    if head is not None:
        if not isinstance(captioner, MHFC):
            raise ValueError(f"got head={head} for {type(captioner).__name__}, which has no heads: leave it None")
        head = int(check_index("head", head, captioner.heads))
    if words_per_chunk is not None and words_per_chunk < 1:
        raise ValueError(f"got words_per_chunk={words_per_chunk}; wanted at least 1, or None for all words at once")
    asked = Question(captioner, params, features, tokens, head, words_per_chunk=words_per_chunk)
    if against is None:
        return asked
    if isinstance(against, str):
        if against != "rest":
            raise ValueError(f'got against={against!r}; wanted "rest", the id of a word, or one id for each word')
        weights = _against_rest(captioner, params, features, asked.embeddings, asked.targets)
        return dataclasses.replace(asked, against=against, contrast=weights)
    others, count = np.asarray(against), tokens.shape[-1] - 1
    if others.shape not in ((), (count,), (*batch, count)):
        raise ValueError(f"got against of shape {others.shape}; wanted one id, or [{count}], one for each word")
    others = np.broadcast_to(check_index("against", others, captioner.vocabulary_size), (*batch, count))
    zeros = jnp.zeros((*asked.targets.shape, captioner.vocabulary_size), features.dtype)
    weights = contrast(zeros, asked.targets, np.moveaxis(others, -1, 0))
    return dataclasses.replace(asked, against=others, contrast=weights)


class Propagated(NamedTuple):
    """The result of `propagate`, for each of the T scores.

    scores: [T, *B]. betas: [T, *B] or None. regions: the projected features I [*B, n_v, H].
    image: [T, *B, n_v, d], the derivative with respect to the raw features, or to I. embeddings: [T, *B, T, E], that
    with respect to the embeddings.
    """

    scores: Float[Array, "T *B"]
    betas: Float[Array, "T *B"] | None
    regions: Float[Array, "*B n_v H"]
    image: Float[Array, "T *B n_v d"]
    embeddings: Float[Array, "T *B T E"]


def propagate(
    asked: Question,
    rules: Composite,
    *,
    features: Float[Array, "*B n_v d_raw"] | None = None,
    embeddings: Float[Array, "*B T E"] | None = None,
    at_regions: bool = False,
) -> Propagated:
    """Propagates every score back to the image features and to the embeddings under the rules.

    Args:
      asked: the question.
      rules: the composite.
      features, embeddings: where the derivative is taken; None for those of the question.
      at_regions: take the derivative with respect to the projected features I.
    """
    features = asked.features if features is None else features
    embeddings = asked.embeddings if embeddings is None else embeddings
    regions, scores, betas, pull, seeds = _forward(
        asked.captioner,
        rules,
        at_regions,
        asked.params,
        features,
        embeddings,
        asked.targets,
        asked.contrast,
        asked.head,
    )
    image, words = pull_back(pull, asked.params, seeds, asked.words_per_chunk)
    return Propagated(scores, betas, regions, image, words)


@functools.partial(jax.jit, static_argnames=("captioner", "composite", "at_regions"))
def _forward(captioner, composite, at_regions, params, features, embeddings, targets, contrast, head):
    """The scores, and the pullback to (features or I, embeddings) with its seeds."""
    regions = captioner.apply(params, features, method="project")

    def logits(image, embeddings):
        """The logits of the targets, or of all words."""
        where = {"features": features, "regions": image} if at_regions else {"features": image}
        trace = unroll(captioner, params, embeddings=embeddings, **where)
        words = targets if contrast is None else None
        return captioner.apply(params, trace.inputs, words, method="predict"), trace.attention.beta

    masks = {} if head is None else {HEADS: jax.nn.one_hot(head, captioner.heads, dtype=features.dtype)[:, None]}
    transformed = lrp(logits, composite, argnums=(0, 1), has_aux=True, masks=masks)
    image = regions if at_regions else features
    values, pull, betas = jax.vjp(transformed, image, embeddings, has_aux=True)
    # Word t of every image of the batch has seed t.
    own = jnp.eye(len(targets), dtype=values.dtype).reshape(len(targets), len(targets), *[1] * (targets.ndim - 1))
    if contrast is None:
        scores, seeds = values, jnp.broadcast_to(own, (len(targets), *values.shape))
    else:
        scores, seeds = (values * contrast).sum(axis=-1), own[..., None] * contrast[None]
    return regions, scores, betas, portable(pull, params, jax.typeof(values)), seeds


@functools.partial(jax.jit, static_argnames=("captioner", "dtype"))
def _embed(captioner, params, tokens, dtype):
    return captioner.apply(params, tokens, method="embed").astype(dtype)


@functools.partial(jax.jit, static_argnames=("captioner",))
def score_words(captioner, params, features, embeddings, targets, contrast):
    """The scores [T] of the words (see `Question.contrast`) and the attention of every step: forward pass only."""
    trace = unroll(captioner, params, features, embeddings=embeddings)
    if contrast is None:
        return captioner.apply(params, trace.inputs, targets, method="predict"), trace.attention
    logits = captioner.apply(params, trace.inputs, method="predict")
    return (logits * contrast).sum(axis=-1), trace.attention


@functools.partial(jax.jit, static_argnames=("captioner",))
def _against_rest(captioner, params, features, embeddings, targets):
    """The weights of `contrast` for every word, from the model's logits."""
    trace = unroll(captioner, params, features, embeddings=embeddings)
    return contrast(captioner.apply(params, trace.inputs, method="predict"), targets)
