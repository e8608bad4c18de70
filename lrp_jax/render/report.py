"""The HTML report: one file per image that holds everything it shows, and an index over many.

A page asks for nothing from elsewhere, and its Content-Security-Policy forbids it to; the script's hash is in
the policy, so that no other script would run. Captions and file names are text from outside and are escaped.
"""

import base64
import dataclasses
import functools
import hashlib
import io
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jinja2
import markupsafe
import numpy as np
from PIL import Image

from lrp_jax.render.case import Case, Sums, sums
from lrp_jax.render.heatmaps import (
    GROUND_WHITE,
    QUANTILE,
    RED_BLUE,
    Palette,
    colours,
    common_scale,
    maps,
    outlines,
    resize,
    transparent,
)
from lrp_jax.render.wording import Wording, wording_of
from lrp_jax.render.words import FUNCTION_WORDS, context, signed

_RED, _BLUE = ('<span class="red">red</span>', '<span class="blue">blue</span>')
PHOTOGRAPH_SIDE = 640
OVERLAY_SIDE = 256
BETA_NOTE = "β is the share of attention that goes to the text so far instead of the picture."


def page(case: Case, facts: Mapping[str, str] | None = None, palette: Palette = RED_BLUE) -> str:
    """One image as a self-contained HTML document.

    The caption stands on top; choosing a word (hover, tap, arrow keys) shows its relevance over the picture
    and colours the words before it. Without a script the page shows the word with the most support from the
    picture, and every word below.

    Args:
        case: what to show.
        facts: what the reader may want to know of its making, name -> text.
        palette: colours of the two signs.

    Returns:
        The document; write it as UTF-8.
    """
    wording = wording_of(case)
    image = np.asarray(case.image)
    values = drawn_maps(case)
    scale = common_scale(values)
    words = [
        {"position": row + 1, "word": case.words[row + 1], **cell, "parts": cell["parts"] + score_parts(case, row)}
        for row, cell in zip(case.shown, word_cells(case, values, scale, palette), strict=True)
    ]
    chosen = words[case.shown.index(most_seen(case))]
    return render_template(
        "report.html.j2",
        scripts=("choosing.js", "strength.js", "report.js"),
        name=case.name,
        caption=" ".join(case.words[1:]),
        width=image.shape[1],
        height=image.shape[0],
        photograph=photograph(image),
        palette=palette,
        ground_white=GROUND_WHITE,
        wording=wording,
        title=wording.title,
        meaning=markupsafe.Markup(coloured(wording)),
        has_context=case.explanation.words is not None,
        chips=chips(case, chosen["position"], chosen["context"]),
        words=words,
        chosen=chosen,
        scale=scale,
        scale_low=signed(-scale) if wording.low else "0",
        scale_high=signed(scale),
        scale_note=f"{wording.unit}, one scale for all words",
        scale_reach=f"{100 * QUANTILE:g} % of all values lie within it",
        ramp=ramp(palette, bool(wording.low)),
        number_note=" ".join(filter(None, [number_note(case), beta_note(case)])),
        notes=case.notes,
        facts=facts or {},
    )


@dataclasses.dataclass(frozen=True)
class Entry:
    """One image in the index.

    Attributes:
        name: what the reader knows the image by.
        caption: its caption.
        link: address of its page, relative to the index and already percent-encoded.
        thumbnail: address of its small picture, likewise.
        width, height: size of the small picture in pixels.
        word: the word whose map the small picture shows.
    """

    name: str
    caption: str
    link: str
    thumbnail: str
    width: int
    height: int
    word: str = ""


def index(entries: Iterable[Entry], title: str = "Explained captions") -> str:
    """A page of small pictures that leads to the pages of many images; they load as they come into view."""
    entries = list(entries)
    summary = f"{len(entries)} image{'' if len(entries) == 1 else 's'}"
    return _environment().get_template("index.html.j2").render(title=title, summary=summary, entries=entries)


def most_seen(case: Case) -> int:
    """The row of the shown word that the picture supports most, function words only where there is no other."""
    content = [row for row in case.shown if case.words[row + 1] not in FUNCTION_WORDS]
    return max(content or case.shown, key=lambda row: sums(case, row).support)


def photograph(image: np.ndarray, side: int = PHOTOGRAPH_SIDE) -> str:
    """The picture as a data URI: JPEG, at most `side` pixels long."""
    picture = Image.fromarray(image)
    picture.thumbnail((side, side))
    return _data_uri(picture, "JPEG", "image/jpeg", quality=85, optimize=True)


def drawn_maps(case: Case) -> np.ndarray:
    """The maps at the size of the page's overlays."""
    return maps(case, size=_bounded(_map_size(case), OVERLAY_SIDE))


def word_cells(case: Case, values: np.ndarray, scale: float, palette: Palette) -> list[dict]:
    """What each shown word looks like: its map, the words before it, and what its score is shared out to.

    Args:
        case: the picture.
        values: its `drawn_maps`, and `scale`, their `common_scale`.
        palette: colours of the two signs.
    """
    totals = {row: sums(case, row) for row in case.shown}
    longest = _longest_part(totals.values())
    return [
        {
            "overlay": _overlay_uri(case, row, relevance, scale, palette),
            "context": _context_of(case, row),
            "parts": _shared_parts(totals[row], longest),
        }
        for row, relevance in zip(case.shown, values, strict=True)
    ]


def _overlay_uri(case: Case, row: int, relevance: np.ndarray, scale: float, palette: Palette) -> str:
    """One word's map, to lie over the picture."""
    if not _regions_are_boxes(case):
        return _data_uri(transparent(relevance, scale, palette), "PNG", "image/png", optimize=True)
    # The thin outlines need more pixels than the map.
    size = _bounded(np.asarray(case.image).shape[:2], PHOTOGRAPH_SIDE)
    picture = transparent(resize(relevance, size), scale, palette).convert("RGBA")
    picture = outlines(picture, np.asarray(case.explanation.regions)[row], case.boxes, palette)
    return _data_uri(picture, "PNG", "image/png", optimize=True)


def _data_uri(picture: Image.Image, form: str, mime: str, **options) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return f"data:{mime};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _regions_are_boxes(case: Case) -> bool:
    return case.explanation.pixels is None and case.explanation.grid is None


def _map_size(case: Case) -> tuple[int, int]:
    if case.explanation.pixels is not None:
        return tuple(np.asarray(case.explanation.pixels).shape[1:3])
    return tuple(np.asarray(case.image).shape[:2])


def _bounded(size: tuple[int, int], side: int) -> tuple[int, int]:
    factor = min(1.0, side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _context_of(case: Case, row: int) -> list[dict]:
    """The tokens read before a word, as a template wants them."""
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
    """The largest number that a bar stands for."""
    return max((abs(v) for s in totals for v in (s.picture, s.words, s.rest) if v), default=0.0)


def _part(label: str, value: float, longest: float | None = None, *, text: str = "", is_total: bool = False) -> dict:
    """A line of a word's little table of numbers, with a bar if `longest` is given."""
    width = f"{50 * abs(value) / longest:.1f}" if longest else None
    return {"label": label, "text": text or signed(value), "width": width, "side": _side(value), "total": is_total}


def _shared_parts(total: Sums, longest: float) -> list[dict]:
    """How a score is shared out, for methods that share it out."""
    if total.rest is None:
        return []
    shares = (("picture", total.picture), ("words before", total.words), ("constants", total.rest))
    return [_part(label, value, longest) for label, value in shares]


def score_parts(case: Case, row: int) -> list[dict]:
    """The word's score and, where the model has one, the share of its sentinel."""
    label = "score" if case.explanation.against is None else "lead"
    lines = [_part(label, sums(case, row).logit, is_total=True)]
    beta = beta_of(case, row)
    return lines if beta is None else [*lines, _part("β", beta, text=f"{beta:.2f}")]


def beta_of(case: Case, row: int) -> float | None:
    return None if case.explanation.betas is None else float(np.asarray(case.explanation.betas)[row])


def number_note(case: Case) -> str:
    """What the shares are, "" for methods that share nothing out."""
    if sums(case, case.shown[0]).rest is None:
        return ""
    score = "score of a word (its logit)" if case.explanation.against is None else "lead of a word"
    return (
        f"The {score} is shared out: what the picture gave, what the words before it gave, and what the model's own "
        "constants (biases, epsilon) keep."
    )


def beta_note(case: Case) -> str:
    return "" if case.explanation.betas is None else BETA_NOTE


def coloured(wording: Wording) -> str:
    """The meaning of a method's colours as HTML, the colours' names on their colours."""
    return wording.meaning.format(red=_RED, blue=_BLUE)


def chips(case: Case, chosen: int, tokens: list[dict]) -> list[dict]:
    """The caption's words, coloured by the tokens that were read before the chosen one."""
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


def ramp(palette: Palette, is_signed: bool) -> str:
    """The stops of a CSS gradient that runs through the colours of the maps."""
    stops = colours(np.linspace(-1 if is_signed else 0, 1, 33), palette).tolist()
    return ", ".join(f"rgba({r}, {g}, {b}, {a / 255:.3f})" for r, g, b, a in stops)


def render_template(template: str, /, scripts: Sequence[str], **values: Any) -> str:
    """A template with its scripts as one, and the hash that lets only this script run."""
    script = "".join(map(_text, scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _environment().get_template(template).render(script=markupsafe.Markup(script), script_hash=digest, **values)


def _text(name: str) -> str:
    return (pathlib.Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(loader=jinja2.FunctionLoader(_text), autoescape=True, undefined=jinja2.StrictUndefined)
