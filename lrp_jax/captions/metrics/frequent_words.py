"""The precision of a captioner on the most frequent object words."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from lrp_jax.captions.words.objects import mentions


class Means(NamedTuple):
    """The precision of several words in one number.

    Attributes:
      of_all: the mean over all words, 0 for words that are never said; the paper calls it mAP.
      of_said: the mean over the words that are said; nan if none is.
      pooled: TP / (TP + FP) of all words together; nan if none is said.
    """

    of_all: float
    of_said: float
    pooled: float


@dataclasses.dataclass(frozen=True, eq=False)
class WordPrecision:
    """Which captions say which words, and which of those words are true; one row per caption.

    A word that a caption repeats counts once. The methods take a weight for each caption, 1 by default.

    Attributes:
      said: whether the caption says the word.
      right: whether the caption says the word and the word is true.
    """

    said: Bool[np.ndarray, "captions words"]
    right: Bool[np.ndarray, "captions words"]

    def of_words(self, weights: Float[np.ndarray, " captions"] | None = None) -> Float[np.ndarray, " words"]:
        """TP / (TP + FP) of each word; nan for a word that is never said."""
        said, right = self._counts(weights)
        return np.divide(right, said, out=np.full(len(said), np.nan), where=said > 0)

    def means(self, weights: Float[np.ndarray, " captions"] | None = None) -> Means:
        """The three means."""
        said, right = self._counts(weights)
        found, total = said > 0, said.sum()
        if not total:
            return Means(0.0, float("nan"), float("nan"))
        precisions = right[found] / said[found]
        return Means(float(precisions.sum() / len(said)), float(precisions.mean()), float(right.sum() / total))

    @functools.cached_property
    def _both(self) -> Float[np.ndarray, "captions 2*words"]:
        return np.hstack([self.said, self.right]).astype(np.float64)

    def _counts(self, weights) -> tuple[Float[np.ndarray, " words"], Float[np.ndarray, " words"]]:
        counts = self._both.sum(axis=0) if weights is None else np.asarray(weights, np.float64) @ self._both
        return counts[: self.said.shape[1]], counts[self.said.shape[1] :]


def word_precision(
    said: Sequence[frozenset[str]], true: Sequence[frozenset[str]], words: Sequence[str]
) -> WordPrecision:
    """The precision of words, from the words of captions and the words that are true of their images.

    Args:
      said: the words of each caption, see `names_said`.
      true: the words that count as true for each image, such as those of its references.
      words: the words to score. Forms are not merged: "dogs" is not "dog".

    Raises:
      ValueError: the numbers of captions and images differ.
    """
    if len(said) != len(true):
        raise ValueError(f"wanted one caption per image: got {len(said)} for {len(true)} images")
    says = np.array([[word in names for word in words] for names in said], bool).reshape(len(said), len(words))
    holds = np.array([[word in names for word in words] for names in true], bool).reshape(len(true), len(words))
    return WordPrecision(says, says & holds)


def names_said(tokens: Sequence[str], categories: Mapping[str, str | None]) -> frozenset[str]:
    """The words of a caption, where a name of several words is one word: "a hot dog" has "hot dog" but not "dog".

    Args:
      tokens: the tokens of the caption.
      categories: name -> category, as for `lrp_jax.captions.words.objects.mentions`.
    """
    left = list(tokens)
    names = set()
    for mention in mentions(tokens, categories):
        names.add(" ".join(mention.words))
        left[mention.position : mention.position + len(mention.words)] = [None] * len(mention.words)
    return frozenset(names.union(token for token in left if token is not None))
