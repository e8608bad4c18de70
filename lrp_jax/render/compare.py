"""The HTML page of one image explained by several methods; see `report` for what all pages have in common."""

from collections.abc import Mapping

import markupsafe
import numpy as np

from lrp_jax.render.case import Case
from lrp_jax.render.comparison import Comparison, leading
from lrp_jax.render.heatmaps import GROUND_WHITE, QUANTILE, RED_BLUE, Palette, common_scale
from lrp_jax.render.report import (
    beta_note,
    chips,
    coloured,
    drawn_maps,
    most_seen,
    number_note,
    photograph,
    ramp,
    render_template,
    score_parts,
    word_cells,
)
from lrp_jax.render.wording import wording_of
from lrp_jax.render.words import signed


def comparison_page(comparison: Comparison, facts: Mapping[str, str] | None = None, palette: Palette = RED_BLUE) -> str:
    """One image by several methods as a self-contained HTML document.

    The caption stands on top; choosing a word shows it by all methods beside each other, and a table below has every
    word in a row and every method in a column. Each method has one colour scale for all its words.

    Args:
        comparison: what to show.
        facts: what the reader may want to know of its making, name -> text.
        palette: colours of the two signs.

    Returns:
        The document; write it as UTF-8.
    """
    first = leading(comparison)
    image = np.asarray(first.image)
    values = [drawn_maps(case) for case in comparison.cases]
    scales = [common_scale(v) for v in values]
    drawn = list(zip(comparison.cases, values, scales, strict=True))
    methods = [_method(case, scale, palette) for case, _, scale in drawn]
    cells = [word_cells(*each, palette) for each in drawn]
    words = [
        {
            "position": row + 1,
            "word": first.words[row + 1],
            "score": score_parts(first, row),
            "cells": [cells[method][number] for method in range(len(methods))],
        }
        for number, row in enumerate(first.shown)
    ]
    chosen = words[first.shown.index(most_seen(first))]
    return render_template(
        "comparison.html.j2",
        scripts=("choosing.js", "strength.js", "comparison.js"),
        name=first.name,
        caption=" ".join(first.words[1:]),
        width=image.shape[1],
        height=image.shape[0],
        photograph=photograph(image),
        palette=palette,
        ground_white=GROUND_WHITE,
        methods=methods,
        chips=chips(first, chosen["position"], []),
        words=words,
        chosen=chosen,
        scale_reach=f"{100 * QUANTILE:g} % of a method's values lie within its scale",
        number_notes=list(
            dict.fromkeys(n for case in comparison.cases for n in (number_note(case), beta_note(case)) if n)
        ),
        notes=first.notes,
        facts=facts or {},
    )


def _method(case: Case, scale: float, palette: Palette) -> dict:
    wording = wording_of(case)
    return {
        "title": wording.title,
        "label": wording.label or wording.title,
        "noun": wording.noun,
        "meaning": markupsafe.Markup(coloured(wording)),
        "low": wording.low,
        "high": wording.high,
        "unit": wording.unit,
        "scale": scale,
        "scale_low": signed(-scale) if wording.low else "0",
        "scale_high": signed(scale),
        "ramp": ramp(palette, bool(wording.low)),
    }
