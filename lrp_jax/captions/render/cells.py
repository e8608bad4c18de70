"""The cell of a page for one word and one method: the map, the preceding words, and the decomposed score."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from lrp_jax.captions.render.case import Case, Sums, regions_are_boxes, sums
from lrp_jax.captions.render.heatmaps import maps, outlines, resize, transparent
from lrp_jax.captions.render.palettes import Palette
from lrp_jax.captions.render.templating import data_uri
from lrp_jax.captions.render.words import FUNCTION_WORDS, context, signed

PHOTOGRAPH_SIDE = 640
OVERLAY_SIDE = 256
BETA_NOTE = "β is the share of attention on the preceding text instead of the picture."


def most_seen(case: Case) -> int:
    """The row of the shown word with the most support from the image; function words only if there is no other."""
    content = [row for row in case.shown if case.words[row + 1] not in FUNCTION_WORDS]
    return max(content or case.shown, key=lambda row: sums(case, row).support)


def photograph(image: np.ndarray, side: int = PHOTOGRAPH_SIDE) -> str:
    """The image as a data URI: JPEG, with sides of at most `side` pixels."""
    picture = Image.fromarray(image)
    picture.thumbnail((side, side))
    return data_uri(picture, "JPEG", "image/jpeg", quality=85, optimize=True)


def drawn_maps(case: Case) -> np.ndarray:
    """The maps at the size of the page's overlays."""
    return maps(case, size=_bounded(_map_size(case), OVERLAY_SIDE))


def word_cells(case: Case, values: np.ndarray, scale: float, palette: Palette) -> list[dict]:
    """The cells of all shown words: map, preceding words, and numbers.

    Args:
        case: an explained caption.
        values: its `drawn_maps`.
        scale: their `common_scale`.
        palette: colours of the two signs.
    """
    totals = {row: sums(case, row) for row in case.shown}
    longest = _longest_part(totals.values())
    return [
        {
            "overlay": _overlay_uri(case, row, relevance, scale, palette),
            "context": _context_of(case, row),
            "parts": _shared_parts(totals[row], longest) + score_parts(case, row),
        }
        for row, relevance in zip(case.shown, values, strict=True)
    ]


def score_parts(case: Case, row: int) -> list[dict]:
    """The score of a word and, if the model has a sentinel, its share."""
    label = "score" if case.explanation.against is None else "lead"
    lines = [_part(label, sums(case, row).logit, is_total=True)]
    if case.explanation.betas is None:
        return lines
    beta = float(np.asarray(case.explanation.betas)[row])
    return [*lines, _part("β", beta, text=f"{beta:.2f}")]


def number_note(case: Case) -> str:
    """A note on the meaning of the numbers of a word; "" if none is needed."""
    notes = []
    if sums(case, case.shown[0]).rest is not None:
        score = (
            "score of a word (its logit)"
            if case.explanation.against is None
            else "lead of a word (a difference of logits)"
        )
        notes.append(
            f"The {score} is decomposed into the relevance of the picture, of the preceding words, and of the model's "
            "constants (biases, epsilon)."
        )
    if case.explanation.betas is not None:
        notes.append(BETA_NOTE)
    return " ".join(notes)


def chips(case: Case, chosen: int, tokens: list[dict]) -> list[dict]:
    """The words of the caption, coloured by their relevance for the chosen word."""
    result = []
    for position, text in enumerate(case.words):
        token = tokens[position] if position < len(tokens) else None
        if position == chosen:
            state = "chosen"
        else:
            state = "later" if position > chosen else token["side"] if token else ""
        result.append(
            {
                "text": text,
                "linked": position - 1 in case.shown,
                "state": state,
                "share": token["share"] if token else "0",
                "value": token["number"] if token else "",
            }
        )
    return result


def _overlay_uri(case: Case, row: int, relevance: np.ndarray, scale: float, palette: Palette) -> str:
    """The map of one word, as a transparent overlay for the image."""
    if not regions_are_boxes(case):
        # A third of the time of the default compression, for 1 % more bytes.
        return data_uri(transparent(relevance, scale, palette), "PNG", "image/png", compress_level=4)
    # Thin outlines need a higher resolution than the map.
    size = _bounded(np.asarray(case.image).shape[:2], PHOTOGRAPH_SIDE)
    picture = transparent(resize(relevance, size), scale, palette).convert("RGBA")
    picture = outlines(picture, np.asarray(case.explanation.regions)[row], case.boxes, palette)
    return data_uri(picture, "PNG", "image/png", optimize=True)


def _map_size(case: Case) -> tuple[int, int]:
    if case.explanation.pixels is not None:
        return tuple(np.asarray(case.explanation.pixels).shape[1:3])
    return tuple(np.asarray(case.image).shape[:2])


def _bounded(size: tuple[int, int], side: int) -> tuple[int, int]:
    factor = min(1.0, side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _context_of(case: Case, row: int) -> list[dict]:
    """The tokens before a word, in the form that the template uses."""
    return [
        {
            "text": token.text,
            "side": _side(token.value),
            "share": f"{abs(token.strength):.3f}",
            "number": signed(token.value, 2),
        }
        for token in context(case, row)
    ]


def _side(value: float) -> str:
    return "for" if value > 0 else "against" if value < 0 else ""


def _longest_part(totals: Iterable[Sums]) -> float:
    """The largest absolute value that is shown as a bar."""
    return max((abs(v) for s in totals for v in (s.picture, s.words, s.rest) if v), default=0.0)


def _part(label: str, value: float, longest: float | None = None, *, text: str = "", is_total: bool = False) -> dict:
    """A row of the table of numbers of a word, with a bar if `longest` is given."""
    width = f"{50 * abs(value) / longest:.1f}" if longest else None
    return {"label": label, "text": text or signed(value), "width": width, "side": _side(value), "total": is_total}


def _shared_parts(total: Sums, longest: float) -> list[dict]:
    """The parts of the score, for methods that decompose it."""
    if total.rest is None:
        return []
    shares = (("picture", total.picture), ("words before", total.words), ("constants", total.rest))
    return [_part(label, value, longest) for label, value in shares]
