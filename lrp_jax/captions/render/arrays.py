"""The arrays of a page as JSON, so that they can be exported from the page alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lrp_jax.captions.render.case import Case, regions_are_boxes
from lrp_jax.captions.render.heatmaps import LEVELS
from lrp_jax.captions.render.palettes import Palette

DIGITS = 7  # significant digits, the precision of float32


def embedded(
    cases: Sequence[Case], scales: Sequence[float], palette: Palette, links: Mapping[str, str] | None = None
) -> str:
    """The numbers of a page, for a script element of type application/json.

    Maps are not included: the page has them as images, from which its script reads integers between -LEVELS and LEVELS,
    in units of scale / LEVELS.

    Args:
        cases: one for each method, of the same words.
        scales: of their maps, the |E| of full colour.
        palette: the colours of the maps.
        links: method -> address of the file with its exact arrays.

    Returns:
        JSON in which "<" is escaped, so that no text can close the script element. Each method has logits [rows],
        betas [rows], words (for each row the relevance of the tokens before it), regions [rows, n_v], grid and boxes
        [n_v, 4]; null for those that the method does not have.
    """
    first = cases[0]
    value = {
        "name": str(first.name),
        "caption": " ".join(first.words[1:]),
        "inputs": [str(word) for word in first.words],
        "positions": [row + 1 for row in first.shown],
        "levels": LEVELS,
        "colours": [list(palette.support), list(palette.oppose)],
        "methods": [
            {"method": case.explanation.method, **_numbers(case), "unit": scale / LEVELS, "exact": exact}
            for case, scale in zip(cases, scales, strict=True)
            for exact in [(links or {}).get(case.explanation.method)]
        ],
    }
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _numbers(case: Case) -> dict[str, Any]:
    explanation, rows = case.explanation, list(case.shown)
    words = explanation.words
    return {
        "head": explanation.head,
        "logits": _rounded(explanation.logits, rows),
        "betas": _rounded(explanation.betas, rows),
        "words": None if words is None else [_list(np.asarray(words)[row, : row + 1]) for row in rows],
        "regions": _rounded(explanation.regions, rows),
        "grid": None if explanation.grid is None else [int(side) for side in explanation.grid],
        "boxes": None if case.boxes is None else _list(case.boxes),
        "has_map": not regions_are_boxes(case),
    }


def _rounded(values: Any, rows: list[int]) -> list | None:
    return None if values is None else _list(np.asarray(values)[rows])


def _list(values: np.ndarray) -> list:
    values = np.asarray(values, np.float64)
    if values.ndim > 1:
        return [_list(row) for row in values]
    return [float(f"{value:.{DIGITS}g}") for value in values]
