"""The HTML report of one image: one self-contained file, by one method or several.

A page loads nothing from elsewhere, and its Content-Security-Policy forbids it; the hash of the script is in
the policy, so that no other script can run. Captions and file names are external text and are escaped.
"""

import unicodedata
from collections.abc import Mapping, Sequence

import markupsafe
import numpy as np

from lrp_jax.captions.render.arrays import embedded
from lrp_jax.captions.render.case import Case
from lrp_jax.captions.render.cells import chips, drawn_maps, most_seen, number_note, photograph, score_parts, word_cells
from lrp_jax.captions.render.comparison import Comparison, leading
from lrp_jax.captions.render.heatmaps import GROUND_WHITE, LEVELS, QUANTILE, common_scale
from lrp_jax.captions.render.palettes import PALETTES, RED_BLUE, Palette
from lrp_jax.captions.render.templating import render_template
from lrp_jax.captions.render.wording import wording_of
from lrp_jax.captions.render.words import signed

SCRIPTS = ("choosing.js", "maps.js", "arrays.js", "controls.js", "report.js")


def page(
    shown: Case | Comparison,
    facts: Mapping[str, str] | None = None,
    palette: Palette = RED_BLUE,
    links: Mapping[str, str] | None = None,
) -> str:
    """One image as a self-contained HTML document.

    The caption is at the top; choosing a word (hover, tap, arrow keys) shows its relevance over the image and
    colours the words before it. With several methods, the main view shows one of them, or two side by side, and a table
    below has a row for every word and a column for every method. Each method has one symmetric colour scale for all
    its words.

    Without JavaScript the page shows the word with the most support from the image, by the first method, and below
    it every word by every method.

    Args:
        shown: the case or comparison to show.
        facts: details of how it was made, name -> text.
        palette: initial colours of the two signs; the user of the page may choose any of PALETTES.
        links: method -> address, relative to the page, of a file with the exact arrays.

    Returns:
        The document; write it as UTF-8.
    """
    cases = shown.cases if isinstance(shown, Comparison) else [shown]
    first = leading(shown)
    image = np.asarray(first.image)
    values = [drawn_maps(case) for case in cases]
    scales = [common_scale(v) for v in values]
    columns = [word_cells(*each, palette) for each in zip(cases, values, scales, strict=True)]
    words = [
        {
            "position": row + 1,
            "word": first.words[row + 1],
            "score": score_parts(first, row),
            "cells": [column[number] for column in columns],
        }
        for number, row in enumerate(first.shown)
    ]
    chosen = words[first.shown.index(most_seen(first))]
    return render_template(
        "report.html.j2",
        scripts=SCRIPTS,
        name=first.name,
        caption=" ".join(first.words[1:]),
        width=image.shape[1],
        height=image.shape[0],
        photograph=photograph(image),
        palette=palette,
        palettes=_offered(palette),
        separation=_separation(palette),
        ground_white=GROUND_WHITE,
        methods=[_method(case, scale, palette) for case, scale in zip(cases, scales, strict=True)],
        chips=chips(first, chosen["position"], chosen["cells"][0]["context"]),
        right_to_left=_right_to_left(first.words[1:]),
        words=words,
        chosen=chosen,
        scale_reach=f"{100 * QUANTILE:g} % of all values lie within it",
        levels=LEVELS,
        notes=first.notes,
        facts=facts or {},
        links=links or {},
        data=markupsafe.Markup(embedded(cases, scales, palette, links)),
    )


def _right_to_left(words: Sequence[str]) -> bool:
    """Whether a caption is read from the right, by its first letter that says it: Arabic, Hebrew, Persian."""
    kinds = map(unicodedata.bidirectional, "".join(words))
    return next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L"


def _method(case: Case, scale: float, palette: Palette) -> dict:
    """The texts and the scale of a method."""
    wording = wording_of(case)
    return {
        "key": case.explanation.method,
        "title": wording.title,
        "label": wording.label or wording.title,
        "noun": wording.noun,
        "meaning": markupsafe.Markup(_coloured(wording.meaning, palette)),
        "low": wording.low,
        "high": wording.high,
        "unit": wording.unit,
        "scale": scale,
        "scale_low": signed(-scale) if wording.low else "0",
        "scale_high": signed(scale),
        "note": number_note(case),
        "has_context": case.explanation.words is not None,
    }


def _coloured(meaning: str, palette: Palette) -> str:
    """The meaning of a method's colours as HTML, with each colour's name on that colour."""
    support, oppose = (
        f'<span class="name {side}">{markupsafe.escape(name)}</span>'
        for side, name in zip(("support", "oppose"), palette.names, strict=True)
    )
    return meaning.format(support=support, oppose=oppose)


def _offered(palette: Palette) -> dict[str, Palette]:
    """The palettes to choose from, the initial one first."""
    key = next((name for name, known in PALETTES.items() if known == palette), "own")
    return {key: palette} | {name: known for name, known in PALETTES.items() if name != key}


def _separation(palette: Palette) -> Sequence[Sequence[float]]:
    """Rows of an feColorMatrix that maps a palette's supporting colour to red and its opposing one to green.

    With s and o the two colours and d = s - o, the red of a mixture c is (c - o) . d / d . d and its green is 1 minus
    that; blue is 0 and the opacity is unchanged.
    """
    support, oppose = np.array(palette.support) / 255, np.array(palette.oppose) / 255
    d = support - oppose
    red = np.array([*(d / (d @ d)), 0, -oppose @ d / (d @ d)])
    return [[float(f"{v:.6g}") for v in row] for row in (red, [0, 0, 0, 0, 1] - red, np.zeros(5), [0, 0, 0, 1, 0])]
