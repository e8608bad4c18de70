"""Teacher forcing: log probabilities of given captions, compiled once for captions of all lengths."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from lrp_jax.captions.models import Captioner, unroll
from lrp_jax.captions.words import PAD, START, check_ids, check_index


def log_probabilities(
    captioner: Captioner,
    params: Any,
    features: Float[np.ndarray, "n_v C"],
    captions: Sequence[Int[np.ndarray, " T"]],
    *,
    length: int,
    batch_size: int = 8,
) -> list[tuple[Float[np.ndarray, "T1 V"], Float[np.ndarray, " L"] | None]]:
    """log p of every word after each prefix of several captions of one image, and the sentinel's share.

    Args:
      captioner, params: the model.
      features: of the image.
      captions: the word ids, without start and end token, at most `length` each.
      length: captions are padded to this length.
      batch_size: captions per batch.

    Returns:
      For each caption of T words: T + 1 rows, row t the distribution of word t given the words before it, the last that
      of what follows the caption; and beta of each step, None for a model without a sentinel.

    Raises:
      ValueError: a caption of more words than `length`, or of ids that are not in the vocabulary.
    """
    found = []
    for batch, count in batches(_inputs(captions, length, captioner.vocabulary_size), batch_size):
        log_p, betas = _log_probabilities(captioner, params, features, batch)
        log_p, betas = np.asarray(log_p), None if betas is None else np.asarray(betas)
        found += [(log_p[row], None if betas is None else betas[row]) for row in range(count)]
    return [(p[: len(caption) + 1], beta) for (p, beta), caption in zip(found, captions, strict=True)]


def log_p_next(
    captioner: Captioner,
    params: Any,
    features: Float[np.ndarray, "n_v C"] | Float[np.ndarray, "B n_v C"],
    beginnings: Sequence[Int[np.ndarray, " T"]],
    words: Sequence[int],
    *,
    length: int,
    batch_size: int = 64,
) -> Float[np.ndarray, " B"]:
    """log p of one word after each of several prefixes, cheaper than all words at all positions.

    Args:
      captioner, params: the model.
      features: of one image for all beginnings, or of one for each.
      beginnings: the ids of the words so far, without start token, at most `length` each.
      words: the id of the word that follows each of them.
      length: that beginnings are padded to.
      batch_size: beginnings that are computed at once.

    Raises:
      ValueError: other numbers of beginnings, words and features; a beginning of more words than `length`, or of ids
        that are not in the vocabulary; a word that is not; -1 is the last of the vocabulary.
    """
    lengths = np.array([len(beginning) for beginning in beginnings], np.int32)
    words = check_index("word", words, captioner.vocabulary_size).astype(np.int32)
    features = np.asarray(features)
    shared = features.ndim == 2
    counts = {len(beginnings), len(words), len(beginnings) if shared else len(features)}
    if len(counts) > 1:
        raise ValueError(
            f"got {len(beginnings)} beginnings, {len(words)} words and features {features.shape}; "
            "wanted a word for each beginning, and features of one image or of as many"
        )
    of_each = [_inputs(beginnings, length, captioner.vocabulary_size), lengths, words, *([] if shared else [features])]
    found = [np.zeros(0, np.float32)]
    for parts in zip(*(batches(part, batch_size) for part in of_each), strict=True):
        (rows, count), (places, _), (targets, _) = parts[:3]
        images = features if shared else parts[3][0]
        found.append(np.asarray(_log_p_next(captioner, params, images, rows, places, targets))[:count])
    return np.concatenate(found)


def batches(items: Sequence | np.ndarray, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """The items, `size` at a time, and how many they are; zeros fill the last batch, so that XLA compiles once.

    Raises:
      ValueError: batches of no items.
    """
    if size < 1:
        raise ValueError(f"got batch_size={size}; wanted at least 1")
    for first in range(0, len(items), size):
        batch = np.asarray(items[first : first + size])
        yield np.pad(batch, ((0, size - len(batch)), *[(0, 0)] * (batch.ndim - 1))), len(batch)


def _inputs(captions: Sequence[Int[np.ndarray, " T"]], length: int, size: int) -> Int[np.ndarray, "B L"]:
    inputs = np.full((len(captions), length + 1), PAD, np.int32)
    inputs[:, 0] = START
    for row, caption in zip(inputs, captions, strict=True):
        if len(caption) > length:
            raise ValueError(f"got a caption of {len(caption)} words; wanted at most {length}, the model's longest")
        check_ids("word", caption, size)
        row[1 : 1 + len(caption)] = caption
    return inputs


@functools.partial(jax.jit, static_argnames="captioner")
def _log_p_next(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "n_v C"] | Float[Array, "B n_v C"],
    inputs: Int[Array, "B L"],
    places: Int[Array, " B"],
    words: Int[Array, " B"],
) -> Float[Array, " B"]:
    def one(features, inputs, place, word):
        trace = unroll(captioner, params, features, inputs)
        read = jax.tree.map(lambda x: x[place], trace.inputs)
        return jax.nn.log_softmax(captioner.apply(params, read, method="predict"))[word]

    return jax.vmap(one, (None if features.ndim == 2 else 0, 0, 0, 0))(features, inputs, places, words)


@functools.partial(jax.jit, static_argnames="captioner")
def _log_probabilities(
    captioner: Captioner, params: Any, features: Float[Array, "n_v C"], inputs: Int[Array, "B L"]
) -> tuple[Float[Array, "B L V"], Float[Array, "B L"] | None]:
    def one(words):
        trace = unroll(captioner, params, features, words)
        return jax.nn.log_softmax(captioner.apply(params, trace.inputs, method="predict")), trace.attention.beta

    return jax.vmap(one)(inputs)
