"""The frequency in training of the rarest word of a reference caption (Eq. 33), and a permutation test for it."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from lrp_jax.captions.words import words_of


def rarest_word_count(caption: str, counts: Mapping[str, int], stop_words: Collection[str]) -> float:
    """c(S), the number of times that the rarest word of a caption, stop words excluded, occurs in training (Eq. 33).

    Args:
      caption: a reference caption.
      counts: how often each word occurs in the training captions, before rare words become `<unk>`; a missing word
        has count 0.
      stop_words: words that do not count, such as `lrp_jax.captions.words.stop_words.STOP_WORDS`.

    Returns:
      The count; nan for a caption of stop words only.
    """
    words = [word for word in words_of(caption) if word not in stop_words]
    return float(min(counts.get(word, 0) for word in words)) if words else float("nan")


def permutation_test(
    values: Float[np.ndarray, " n"], share: Float[np.ndarray, " n"], *, draws: int = 10_000, seed: int = 0
) -> float:
    """The two-sided p-value of a difference of two means, by permutation.

    Args:
      values: one value for each image.
      share: the coefficient of each image's value in the difference, which is sum(values * share):
        1 / (size of the first group) for an image of the first group, -1 / (size of the second) for one of the second.
        An image that is in both groups, with captions of several models, has the sum of both.
      draws: the number of random permutations of the values over the images.
      seed: of the permutations.

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
    # Permutations of equal values give the same difference up to rounding, and have to count as equal.
    least = found - 1e-9 * (np.abs(values) @ np.abs(share))
    extreme = sum(abs(rng.permutation(values) @ share) >= least for _ in range(draws))
    return float((1 + extreme) / (1 + draws))


def over_references(
    captions: Sequence[str], counts: Mapping[str, int], stop_words: Collection[str]
) -> tuple[float, float]:
    """The minimum and the mean c(S) of the references of an image; nan if they hold stop words only."""
    found = np.array([rarest_word_count(text, counts, stop_words) for text in captions])
    found = found[~np.isnan(found)]
    return (float(found.min()), float(found.mean())) if len(found) else (float("nan"), float("nan"))
