"""Hallucinated words with their maps and causes: Figure 8 as an HTML page."""

import base64
import io
from collections.abc import Mapping

import jinja2
import numpy as np
import pandas as pd
from jaxtyping import Float
from PIL import Image

from lrp_jax.captions import render
from lrp_jax.captions.images import load_image
from lrp_jax.captions.metrics.cells import cell_sums

GRID = (16, 16)
"""Cells of a map that is stored for display."""


def pack_signed(E: Float[np.ndarray, "H W"]) -> str:
    """A map as a short string: its cells, linearly quantised in 254 steps around zero; the scale is dropped."""
    cells = cell_sums(np.maximum(E, 0), GRID) - cell_sums(np.maximum(-E, 0), GRID)
    largest = np.abs(cells).max()
    steps = np.rint(127 * cells / largest) if largest > 0 else np.zeros(GRID)
    return base64.b64encode(steps.astype(np.int8).tobytes()).decode("ascii")


def unpack_signed(text: str) -> Float[np.ndarray, "16 16"]:
    """The cells of a packed map, from -1 to 1."""
    return np.frombuffer(base64.b64decode(text), np.int8).reshape(GRID) / 127.0


def page(examples: pd.DataFrame, pictures: Mapping[int, object], meaning: Mapping[str, str]) -> str:
    """The examples as a self-contained HTML page.

    Args:
      examples: rows of `Causes`, with `image`.
      pictures: index of an image -> an image for `load_image`.
      meaning: explanations of the causes.
    """
    rows = []
    for row in examples.to_dict("records"):
        image = np.asarray(load_image(pictures[row["image"]]))
        E = unpack_signed(row["map"])
        shown = render.overlay(image, E, render.common_scale(E))
        words = row["caption"].split()
        said = row["word"].split()
        first = int(row["place"]) - len(said)
        rows.append(
            {
                "pictures": [_png(image), _png(shown)],
                "before": " ".join(words[:first]),
                "word": row["word"],
                "after": " ".join(words[first + len(said) :]),
                "cause": row["cause"],
                "of": row["of"],
                "effects": [
                    (name, row[f"effect_{name}"])
                    for name in ("object", "background", "word")
                    if pd.notna(row[f"effect_{name}"])
                ],
            }
        )
    return jinja2.Environment(autoescape=True).from_string(_PAGE).render(rows=rows, meaning=meaning)


def _png(image: np.ndarray, side: int = 224) -> str:
    written = io.BytesIO()
    Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS).save(written, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What hallucinated words rest on</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #111;
       background: #fff }
article { display: flex; flex-wrap: wrap; gap: 1rem; border-top: 1px solid #ddd; padding: 1rem 0 }
article div { flex: 1 1 16rem }
img { width: 11rem; height: 11rem }
mark { background: #fde3d3; padding: 0 .2em }
.faint { color: #555; font-size: .85rem }
</style>
<h1>What hallucinated words rest on</h1>
<p>Marked: a word for something that is not in the picture. Red speaks for it, blue against it. What it rests on is the
one change that takes most of its log p: an object drawn away, another background, another word in the place of one.</p>
{% for row in rows %}<article>
{% for picture in row.pictures %}<img src="{{ picture }}" alt="{{ 'map' if loop.index0 else 'picture' }}">{% endfor %}
<div><p>{{ row.before }} <mark>{{ row.word }}</mark> {{ row.after }}</p>
<p>rests on {{ row.cause }}{% if row.of %}: <b>{{ row.of }}</b>{% endif %}</p>
<p class="faint">{{ meaning[row.cause] }}. log p loses{% for name, effect in row.effects %}
{{ "%.2f"|format(effect) }} by the {{ name }}{{ "" if loop.last else "," }}{% endfor %}.</p></div>
</article>
{% endfor %}</html>
"""
