"""How well captions agree with reference captions."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from pycocoevalcap.cider.cider import Cider

from lrp_jax.data.vocabulary import tokenize


def cider(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[float, Float[np.ndarray, " images"]]:
    """CIDEr-D of a set of captions, with document frequencies from the references given.

    The score of an image depends on all the others through the document frequencies: scores from different
    sets are not comparable, and a set of one image always scores 0.

    Args:
      candidates: one caption per image.
      references: the reference captions of each image, at least one.

    Returns:
      The mean over the images, as the field reports it (1.0, not 100), and the score of each image.

    Raises:
      ValueError: the numbers of candidates and references differ, or an image has no reference.

    Reference:
      Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, CVPR 2015. Computed by
      pycocoevalcap on the tokens of `lrp_jax.data.tokenize`.
    """
    if len(candidates) != len(references):
        raise ValueError(
            f"CIDEr wants one candidate per image: got {len(candidates)} candidates and references for "
            f"{len(references)} images"
        )
    if not candidates:
        raise ValueError("CIDEr wants at least one image, got none")
    alone = [index for index, texts in enumerate(references) if isinstance(texts, str) or not texts]
    if alone:
        raise ValueError(f"CIDEr wants a list of at least one reference per image: see image {alone[0]}")
    result = {index: [_normalise(text)] for index, text in enumerate(candidates)}
    truth = {index: [_normalise(text) for text in texts] for index, texts in enumerate(references)}
    mean, scores = Cider().compute_score(truth, result)
    return float(mean), np.asarray(scores, np.float64)


def _normalise(text: str) -> str:
    return " ".join(tokenize(text))
