"""The HTML report of one image: one file that holds everything it shows, by one method or several.

A page asks for nothing from elsewhere, and its Content-Security-Policy forbids it to; the script's hash is in
the policy, so that no other script would run. Captions and file names are text from outside and are escaped.
"""

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

    The caption stands on top; choosing a word (hover, tap, arrow keys) shows its relevance over the picture and
    colours the words before it. Of several methods one is on the stage, or two beside each other, and a table below
    has every word in a row and every method in a column. Each method has one symmetric colour scale for all its words.

    Without a script the page shows the word with the most support from the picture, by the first method, and below
    it every word by every method.

    Args:
        shown: what to show.
        facts: what the reader may want to know of its making, name -> text.
        palette: colours of the two signs that the page opens with; its reader may choose any of PALETTES.
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
        words=words,
        chosen=chosen,
        scale_reach=f"{100 * QUANTILE:g} % of all values lie within it",
        levels=LEVELS,
        notes=first.notes,
        facts=facts or {},
        links=links or {},
        data=markupsafe.Markup(embedded(cases, scales, palette, links)),
    )


def _method(case: Case, scale: float, palette: Palette) -> dict:
    """How a method is spoken of, and its scale."""
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
    """The meaning of a method's colours as HTML, the colours' names on their colours."""
    support, oppose = (
        f'<span class="name {side}">{markupsafe.escape(name)}</span>'
        for side, name in zip(("support", "oppose"), palette.names, strict=True)
    )
    return meaning.format(support=support, oppose=oppose)


def _offered(palette: Palette) -> dict[str, Palette]:
    """The palettes to choose from, the one that the page opens with first."""
    key = next((name for name, known in PALETTES.items() if known == palette), "own")
    return {key: palette} | {name: known for name, known in PALETTES.items() if name != key}


def _separation(palette: Palette) -> Sequence[Sequence[float]]:
    """Rows of an feColorMatrix that makes red of a palette's supporting colour and green of its opposing one.

    With s and o the two colours and d = s - o, the red of a mixture c is (c - o) . d / d . d and its green what is
    missing to 1; blue is nothing and the opacity stays.
    """
    support, oppose = np.array(palette.support) / 255, np.array(palette.oppose) / 255
    d = support - oppose
    red = np.array([*(d / (d @ d)), 0, -oppose @ d / (d @ d)])
    return [[float(f"{v:.6g}") for v in row] for row in (red, [0, 0, 0, 0, 1] - red, np.zeros(5), [0, 0, 0, 1, 0])]
