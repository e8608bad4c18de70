"""How rare the words of reference captions are in training: Eq. 33, and a test of what it goes with."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from lrp_jax.captions.words import tokenize


def rarest_word_count(caption: str, counts: Mapping[str, int], stop_words: Collection[str]) -> float:
    """c(S), how often the rarest word of a caption that is no stop word occurs in training (Eq. 33).

    Args:
      caption: a reference caption.
      counts: how often each word occurs in the training captions, before any of them becomes `<unk>`; a word that is
        not in it never does.
      stop_words: words that do not count, such as `lrp_jax.captions.words.stop_words.STOP_WORDS`.

    Returns:
      The count; nan for a caption of stop words alone.
    """
    words = [word for word in tokenize(caption) if word not in stop_words]
    return float(min(counts.get(word, 0) for word in words)) if words else float("nan")


def permutation_test(
    values: Float[np.ndarray, " n"], share: Float[np.ndarray, " n"], *, draws: int = 10_000, seed: int = 0
) -> float:
    """How often chance alone gives as large a difference of two means, in either direction.

    Args:
      values: one for each image.
      share: what each image's value counts for in the difference, which is their product's sum: 1 / (number in the
        first group) for an image of the first, -1 / (number in the second) for one of the second. An image that is in
        both groups, with captions of several models, has the sum of its shares.
      draws: permutations of the values over the images.
      seed: of the draws.

    Returns:
      p = (1 + number of draws at least as large) / (1 + draws).

    Reference:
      Phipson and Smyth, Permutation P-values Should Never Be Zero, 2010.
    """
    values, share = np.asarray(values, np.float64), np.asarray(share, np.float64)
    if values.shape != share.shape or values.ndim != 1 or not len(values):
        raise ValueError(f"wanted a value and a share for each of some images, got {values.shape} and {share.shape}")
    rng = np.random.default_rng(seed)
    found = abs(values @ share)
    # A permutation of equal values gives the same difference but for rounding.
    least = found - 1e-9 * (np.abs(values) @ np.abs(share))
    extreme = sum(abs(rng.permutation(values) @ share) >= least for _ in range(draws))
    return float((1 + extreme) / (1 + draws))


def over_references(
    captions: Sequence[str], counts: Mapping[str, int], stop_words: Collection[str]
) -> tuple[float, float]:
    """The least and the mean c(S) of the references of an image; nan if none has a word that is no stop word."""
    found = np.array([rarest_word_count(text, counts, stop_words) for text in captions])
    found = found[~np.isnan(found)]
    return (float(found.min()), float(found.mean())) if len(found) else (float("nan"), float("nan"))
