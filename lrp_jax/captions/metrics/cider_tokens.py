"""CIDEr-D of token sequences on the device: the reward of self-critical training.

The n-grams of the training captions are stored in a trie: a node for each n-gram, whose children are the n-grams that
are one word longer and begin with it. An n-gram is looked up by the node of its first n - 1 words and a search for its
last word among the children of that node. This is exact and needs only 32-bit integers; a hash could collide, and a key
of four words would not fit. N-grams of a candidate and a reference are compared pairwise, word by word.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from lrp_jax.captions.words import END, PAD

LONGEST = 4
SIGMA = 6.0


class Frequencies(NamedTuple):
    """The idf of each n-gram: log(images) - log(images whose references contain it), for n = 1, 2, 3, 4.

    The n-grams of one length are numbered in the order of their words; single words by their ids. The last number of
    each length stands for all n-grams that occur in no reference. An n-gram takes 12 bytes on the device in float32:
    those of 570,000 captions take about 50 MB. Transfer it once (`jax.device_put`) and pass it to jitted functions as
    an argument; if it is closed over, it is copied into the program.

    Attributes:
      idf: for each n, the idf of its n-grams; the last element is log(images).
      words: for n = 2, 3, 4, the last word of each n-gram; the last element is -1.
      begins: for n = 2, 3, 4 and each (n - 1)-gram, the index of the first n-gram that begins with it. The range ends
        at the next entry.
    """

    idf: tuple[Float[Array, "..."], ...]
    words: tuple[Int[Array, "..."], ...]
    begins: tuple[Int[Array, "..."], ...]


def document_frequencies(references: Sequence[Sequence[Sequence[int]]], vocabulary_size: int) -> Frequencies:
    """The frequencies of a set of images, on the host.

    Args:
      references: the reference captions of each image as token ids, without start and end tokens. The end token is
        added and counts as a word: a reward without it teaches captions to stop in mid-sentence.
      vocabulary_size: V.

    Returns:
      `Frequencies` of NumPy arrays, float64 and int32.

    Raises:
      ValueError: there is no image, or a token is outside the vocabulary.
    """
    images = len(references)
    if not images:
        raise ValueError("document frequencies want at least one image, got none")
    captions = [[*caption, END] for texts in references for caption in texts]
    lengths = np.array([len(caption) for caption in captions], np.int64)
    tokens = np.fromiter(chain.from_iterable(captions), np.int64, int(lengths.sum()))
    if tokens.size and not PAD < tokens.min() <= tokens.max() < vocabulary_size:
        raise ValueError(f"got tokens {tokens.min()} to {tokens.max()}; wanted {PAD + 1} to {vocabulary_size - 1}")
    image = np.repeat(np.repeat(np.arange(images), [len(texts) for texts in references]), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(tokens.size)  # words from here to the caption's end

    # At every position, the number of the n-gram that begins there; n = 1 first.
    grams, count = tokens, vocabulary_size
    idf, words, begins = [_idf(tokens, image, count, images)], [], []
    for n in range(2, LONGEST + 1):
        here = np.flatnonzero(left >= n)
        keys, numbers = np.unique(grams[here] * vocabulary_size + tokens[here + n - 1], return_inverse=True)
        # Two more entries: one for the unknown (n - 1)-gram, one for the end of its (empty) range of children.
        begins.append(np.searchsorted(keys // vocabulary_size, np.arange(count + 2)).astype(np.int32))
        words.append(np.append(keys % vocabulary_size, -1).astype(np.int32))
        grams, count = np.full_like(tokens, -1), len(keys)
        grams[here] = numbers
        idf.append(_idf(numbers, image[here], count, images))
    return Frequencies(tuple(idf), tuple(words), tuple(begins))


def cider_d(
    candidates: Int[Array, "*batch L"], references: Int[Array, "*batch R M"], frequencies: Frequencies
) -> Float[Array, "*batch"]:
    """CIDEr-D of captions; 10 for a caption that is identical to all its references.

    For each reference and each n from 1 to 4: the cosine of the two tf-idf vectors, with the candidate's counts clipped
    to the reference's, times exp(-(difference of lengths)^2 / (2 sigma^2)) with sigma = 6. The score is the mean over n
    and over the references, times 10. Meant to be jitted; memory is a few booleans for each pair of words of a
    candidate and a reference.

    Args:
      candidates: the words of a caption, its end token if it has one, then `PAD`; no start token.
      references: likewise, R for each candidate; batch axes of size 1 are broadcast over the candidates. A
        reference that is all padding does not count.
      frequencies: see `document_frequencies`; their dtype is that of the scores.

    Returns:
      The score of each candidate, 0 where there is no reference. Words outside the vocabulary are in no n-gram of the
      training captions, but may occur in both sequences.

    Reference:
      Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015. The same numbers as
      pycocoevalcap's `Cider`, whose lengths count pairs of words: an empty caption is as long as one of one word.
    """
    candidates, references, frequencies = jax.tree.map(jnp.asarray, (candidates, references, frequencies))
    dtype = frequencies.idf[0].dtype
    candidates = candidates[..., None, :]  # broadcast over the R references
    pairs = _same_grams(candidates, references)
    within = _same_grams(candidates, candidates), _same_grams(references, references)
    weights = _weights(candidates, frequencies), _weights(references, frequencies)

    cosines = 0
    for n in range(LONGEST):
        # For each position, how often its n-gram occurs in its own sequence, and, for a reference, in the candidate.
        # A sum over positions visits an n-gram as often as it occurs, which already supplies one factor of the count.
        own, own_of_references = (same[n].sum(axis=-1, dtype=dtype) for same in within)
        in_candidate = pairs[n].sum(axis=-2, dtype=dtype)
        weight, weight_of_references = (w[n] ** 2 for w in weights)
        shared = (jnp.minimum(in_candidate, own_of_references) * weight_of_references).sum(axis=-1)
        squares = (own * weight).sum(axis=-1) * (own_of_references * weight_of_references).sum(axis=-1)
        cosines += jnp.where(squares > 0, shared / jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)

    lengths, lengths_of_references = (
        jnp.maximum((tokens != PAD).sum(axis=-1, dtype=dtype) - 1, 0) for tokens in (candidates, references)
    )
    scores = cosines / LONGEST * jnp.exp(-((lengths - lengths_of_references) ** 2) / (2 * SIGMA**2))
    counts = (references != PAD).any(axis=-1)
    return 10 * jnp.where(counts, scores, 0).sum(axis=-1) / jnp.maximum(counts.sum(axis=-1, dtype=dtype), 1)


def _idf(numbers: np.ndarray, image: np.ndarray, count: int, images: int) -> np.ndarray:
    """log(images) - log(images that have it) for the n-grams 0 ... count - 1; the last element is for all others."""
    occurrences = np.unique(image * count + numbers)
    frequency = np.bincount(occurrences % count, minlength=count + 1) if count else np.zeros(1)
    return np.log(float(images)) - np.log(np.maximum(frequency, 1))


def _same_grams(a: Int[Array, "*batch L"], b: Int[Array, "*batch M"]) -> list[Bool[Array, "*batch l m"]]:
    """For each n, whether the n-grams at i in `a` and at j in `b` are the same; l = L - n + 1, m = M - n + 1."""
    words = (a[..., :, None] == b[..., None, :]) & (a != PAD)[..., :, None]
    same = [words]
    for n in range(1, LONGEST):
        same.append(same[-1][..., :-1, :-1] & words[..., n:, n:])
    return same


def _weights(tokens: Int[Array, "*batch L"], frequencies: Frequencies) -> list[Float[Array, "*batch l"]]:
    """For each n, the idf of the n-gram that begins at each of the l = L - n + 1 positions; padding is not masked."""
    none = len(frequencies.idf[0]) - 1
    grams = jnp.where((tokens >= 0) & (tokens < none), tokens, none)
    weights = [frequencies.idf[0][grams]]
    for n, (words, begins) in enumerate(zip(frequencies.words, frequencies.begins, strict=True), start=1):
        grams = grams[..., :-1]
        # A range of children holds at most one entry per word of the vocabulary, which bounds the bisection.
        grams = _find(words, begins[grams], begins[grams + 1], tokens[..., n:], steps=none.bit_length())
        weights.append(frequencies.idf[n][grams])
    return weights


def _find(words, low, high, wanted, *, steps: int):
    """The index of `wanted` in the sorted words[low:high]; the last index of `words` if it is not among them."""
    end = high

    def halve(_, bounds):
        low, high = bounds
        middle = (low + high) // 2
        further = (low < high) & (words[middle] < wanted)
        return jnp.where(further, middle + 1, low), jnp.where(further, high, middle)

    low, _ = jax.lax.fori_loop(0, steps, halve, (low, high))
    return jnp.where((low < end) & (words[low] == wanted), low, len(words) - 1)
