"""Linguistic relevance: the relevance of each preceding token for a word."""

import dataclasses

import numpy as np

from lrp_jax.captions.render.case import Case
from lrp_jax.captions.render.heatmaps import common_scale

_FUNCTION_WORDS = """
<unk> a an and are as at be been being by for from has have he her his in into is it its of off on onto or out over
she some that the their there these they this to two up was were while who with
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that say little about an image; a page does not open with one of them."""


@dataclasses.dataclass(frozen=True)
class Token:
    """An input token with its relevance for one word.

    Attributes:
        text: the token.
        index: its position in the input, 0 for the start token.
        value: its relevance in the unit of the logit.
        strength: value divided by the `words_scale` of the case, in [-1, 1].
    """

    text: str
    index: int
    value: float
    strength: float


def words_scale(case: Case) -> float:
    """The largest |relevance| of a token over all shown words; 0 if there is none."""
    words = case.explanation.words
    return 0.0 if words is None else common_scale(np.asarray(words)[list(case.shown)], quantile=1)


def context(case: Case, row: int) -> list[Token]:
    """The tokens before the word of `row`, start token first, with their relevance for it.

    Args:
        case: an explained caption.
        row: of the word, 0 for the first word after the start token.

    Returns:
        row + 1 tokens; an empty list for methods without relevance of words (attention).
    """
    if case.explanation.words is None:
        return []
    values = np.asarray(case.explanation.words)[row, : row + 1].astype(np.float64)
    scale = words_scale(case)
    strengths = values / scale if scale > 0 else np.zeros_like(values)
    return [
        Token(text, index, float(value), float(strength))
        for index, (text, value, strength) in enumerate(zip(case.words[: row + 1], values, strengths, strict=True))
    ]


def signed(value: float, digits: int = 3) -> str:
    """The number `value` with its sign and `digits` significant digits, for display: +0.312, −4.57, 0."""
    if value == 0:
        return "0"
    if abs(value) < 1e-3 or abs(value) >= 1e5:
        mantissa, exponent = f"{abs(value):.{digits - 1}e}".split("e")
        text = f"{mantissa}e{int(exponent)}".replace("-", "−")
    else:
        decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(value)))))
        text = f"{abs(value):.{decimals}f}"
    return ("+" if value > 0 else "−") + text
