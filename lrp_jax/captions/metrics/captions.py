"""Agreement of captions with reference captions: CIDEr, ROUGE-L and BLEU, in pure Python.

Captions are strings, in any case and with any punctuation. METEOR and SPICE, which run under Java, and BERTScore are
in files of their own.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

from lrp_jax.captions.words import composed, words_of

Tokenizer = Callable[[Sequence[str]], list[str]]
"""Maps captions to their tokens, joined by single spaces."""


def our_tokens(captions: Sequence[str]) -> list[str]:
    """The tokens of `lrp_jax.captions.words.words_of`: Penn Treebank tokens, without Java."""
    return [" ".join(words_of(text)) for text in captions]


def as_given(captions: Sequence[str]) -> list[str]:
    """A `Tokenizer` for captions that are already tokens joined by spaces; their letters are composed."""
    return [" ".join(composed(text).split()) for text in captions]


def cider(
    candidates: Sequence[str], references: Sequence[Sequence[str]], tokenizer: Tokenizer = our_tokens
) -> tuple[float, Float[np.ndarray, " images"]]:
    """CIDEr-D of a set of captions, with document frequencies from the given references.

    The score of an image depends on all other images through the document frequencies: scores from different
    sets are not comparable, and a set of one image always scores 0.

    Args:
      candidates: one caption per image.
      references: the reference captions of each image, at least one.
      tokenizer: splits captions into words.

    Returns:
      The mean over the images, as the field reports it (1.0, not 100), and the score of each image.

    Raises:
      ValueError: the numbers of candidates and references differ, or an image has no reference.

    Reference:
      Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015. Computed by pycocoevalcap.
    """
    result, truth = tokenized("CIDEr", candidates, references, tokenizer)
    if not any(text for texts in truth for text in texts):  # all references empty: pycocoevalcap fails
        return 0.0, np.zeros(len(result))
    mean, scores = Cider().compute_score(dict(enumerate(truth)), {index: [text] for index, text in enumerate(result)})
    return float(mean), np.asarray(scores, np.float64)


def rouge_l(
    candidates: Sequence[str], references: Sequence[Sequence[str]], tokenizer: Tokenizer = our_tokens
) -> tuple[float, Float[np.ndarray, " images"]]:
    """ROUGE-L: the F-measure (beta = 1.2) of the longest common subsequence, from the best precision and the best
    recall over all references.

    Args, Returns and Raises are those of `cider`; the score of an image does not depend on other images.

    Reference:
      Lin, ROUGE: A Package for Automatic Evaluation of Summaries, 2004. Computed by pycocoevalcap.
    """
    result, truth = tokenized("ROUGE-L", candidates, references, tokenizer)
    score = Rouge().calc_score
    scores = np.array([score([text], texts) for text, texts in zip(result, truth, strict=True)], np.float64)
    return float(scores.mean()), scores


@dataclasses.dataclass(frozen=True, eq=False)
class Bleu:
    """The counts that BLEU is computed from, per image, so that any resampling of the images can be scored.

    Attributes:
      matches: the number of n-grams of the caption that occur in a reference, for n = 1, 2, 3, 4; a repeated n-gram
        counts at most as often as it occurs in one reference.
      possible: the number of n-grams of the caption.
      length: the number of words of the caption.
      reference_length: the number of words of the reference that is closest in length.
    """

    matches: Float[np.ndarray, "images 4"]
    possible: Float[np.ndarray, "images 4"]
    length: Float[np.ndarray, " images"]
    reference_length: Float[np.ndarray, " images"]

    def scores(self, weights: Float[np.ndarray, " images"] | None = None) -> Float[np.ndarray, "4"]:
        """BLEU-1 to BLEU-4 of the whole set; `weights`: how often each image counts."""
        weights = np.ones(len(self.length)) if weights is None else np.asarray(weights, np.float64)
        matches, possible = weights @ self.matches, weights @ self.possible
        length, wanted = weights @ self.length, weights @ self.reference_length
        if not length:
            return np.zeros(4)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(np.where(possible > 0, matches / possible, 0))  # no match gives -inf, a score of 0
        brevity = min(0.0, 1 - wanted / length)
        return np.exp(np.cumsum(logs) / np.arange(1, 5) + brevity)


def bleu(candidates: Sequence[str], references: Sequence[Sequence[str]], tokenizer: Tokenizer = our_tokens) -> Bleu:
    """BLEU of a set of captions: `bleu(...).scores()` are BLEU-1, BLEU-2, BLEU-3 and BLEU-4.

    Args and Raises are those of `cider`.

    Reference:
      Papineni et al., BLEU: a Method for Automatic Evaluation of Machine Translation, ACL 2002, with the length of the
      closest reference. Counted by pycocoevalcap.
    """
    result, truth = tokenized("BLEU", candidates, references, tokenizer)
    scorer = BleuScorer(n=4)
    for text, texts in zip(result, truth, strict=True):
        scorer += (text, texts)
    found = scorer.ctest
    closest = [min((abs(n - counts["testlen"]), n) for n in counts["reflen"])[1] for counts in found]
    return Bleu(
        np.array([counts["correct"] for counts in found], np.float64),
        np.array([counts["guess"] for counts in found], np.float64),
        np.array([counts["testlen"] for counts in found], np.float64),
        np.array(closest, np.float64),
    )


def tokenized(
    measure: str, candidates: Sequence[str], references: Sequence[Sequence[str]], tokenizer: Tokenizer
) -> tuple[list[str], list[list[str]]]:
    """Checks the arguments of a measure and splits all captions into words, in one call of the tokenizer.

    Raises:
      ValueError: the numbers of candidates and references differ, there are none, or an image has no reference.
    """
    if len(candidates) != len(references):
        raise ValueError(
            f"{measure} wants one candidate per image: got {len(candidates)} candidates and references for "
            f"{len(references)} images"
        )
    if not len(candidates):
        raise ValueError(f"{measure} wants at least one image, got none")
    alone = [index for index, texts in enumerate(references) if isinstance(texts, str) or not len(texts)]
    if alone:
        raise ValueError(f"{measure} wants a list of at least one reference per image: see image {alone[0]}")
    words = iter(tokenizer([*candidates, *(text for texts in references for text in texts)]))
    return [next(words) for _ in candidates], [[next(words) for _ in texts] for texts in references]
