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
from collections.abc import Iterable, Mapping

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
from lrp_jax.render.wording import wording_of
from lrp_jax.render.words import FUNCTION_WORDS, context, signed

_RED, _BLUE = ('<span class="red">red</span>', '<span class="blue">blue</span>')
PHOTOGRAPH_SIDE = 640
OVERLAY_SIDE = 256


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
    height, width = image.shape[:2]
    values = maps(case, size=_bounded(_map_size(case), OVERLAY_SIDE))
    scale = common_scale(values)
    totals = {row: sums(case, row) for row in case.shown}
    longest = max((abs(v) for s in totals.values() for v in (s.picture, s.words, s.rest) if v), default=0.0)
    words = [
        {
            "position": row + 1,
            "word": case.words[row + 1],
            "overlay": _overlay(case, row, relevance, scale, palette),
            "context": [_token(token) for token in context(case, row)],
            "parts": _parts(case, row, totals[row], longest),
        }
        for row, relevance in zip(case.shown, values, strict=True)
    ]
    chosen = words[case.shown.index(most_seen(case))]
    script = _text("report.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            name=case.name,
            caption=" ".join(case.words[1:]),
            width=width,
            height=height,
            photograph=photograph(image),
            palette=palette,
            ground_white=GROUND_WHITE,
            wording=wording,
            title=wording.title,
            meaning=markupsafe.Markup(wording.meaning.format(red=_RED, blue=_BLUE)),
            has_context=case.explanation.words is not None,
            chips=_chips(case, chosen),
            words=words,
            chosen=chosen,
            scale=scale,
            scale_low=signed(-scale) if wording.low else "0",
            scale_high=signed(scale),
            scale_note=f"{wording.unit}, one scale for all words",
            scale_reach=f"{100 * QUANTILE:g} % of all values lie within it",
            ramp=_ramp(palette, bool(wording.low)),
            number_note=_number_note(case),
            notes=case.notes,
            facts=facts or {},
            script=markupsafe.Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
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


def _overlay(case: Case, row: int, relevance: np.ndarray, scale: float, palette: Palette) -> str:
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


def _token(token) -> dict:
    return {
        "text": token.text,
        "side": _side(token.value),
        "share": f"{abs(token.strength):.3f}",
        "number": signed(token.value, 2),
    }


def _side(value: float) -> str:
    return "for" if value > 0 else "against" if value < 0 else ""


def _parts(case: Case, row: int, total: Sums, longest: float) -> list[dict]:
    """The lines of a word's little table of numbers."""

    def part(label, value, is_total=False, bar=True, text=None):
        width = f"{50 * abs(value) / longest:.1f}" if bar and longest else None
        text = text or signed(value)
        return {"label": label, "text": text, "width": width, "side": _side(value), "total": is_total}

    lines = []
    if total.rest is not None:
        lines += [
            part("picture", total.picture),
            part("words before", total.words),
            part("constants", total.rest),
        ]
    lines.append(part("score", total.logit, is_total=True, bar=False))
    if case.explanation.betas is not None:
        beta = float(np.asarray(case.explanation.betas)[row])
        lines.append(part("β", beta, bar=False, text=f"{beta:.2f}"))
    return lines


def _number_note(case: Case) -> str:
    notes = []
    if sums(case, case.shown[0]).rest is not None:
        notes.append(
            "The score of a word (its logit) is shared out: what the picture gave, what the words before it "
            "gave, and what the model's own constants (biases, epsilon) keep."
        )
    if case.explanation.betas is not None:
        notes.append("β is the share of attention that goes to the text so far instead of the picture.")
    return " ".join(notes)


def _chips(case: Case, chosen: dict) -> list[dict]:
    """The caption's tokens, coloured for the chosen word."""
    chips = []
    for position, text in enumerate(case.words):
        token = chosen["context"][position] if position < len(chosen["context"]) else None
        if position == chosen["position"]:
            state = "chosen"
        else:
            state = "later" if position > chosen["position"] else token["side"] if token else ""
        chips.append(
            {
                "text": text,
                "linked": position - 1 in case.shown,
                "state": state,
                "share": token["share"] if token else "0",
                "value": token["number"] if token else "",
            }
        )
    return chips


def _ramp(palette: Palette, is_signed: bool) -> str:
    """The stops of a CSS gradient that runs through the colours of the maps."""
    stops = colours(np.linspace(-1 if is_signed else 0, 1, 33), palette).tolist()
    return ", ".join(f"rgba({r}, {g}, {b}, {a / 255:.3f})" for r, g, b, a in stops)


def _text(name: str) -> str:
    return (pathlib.Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(loader=jinja2.FunctionLoader(_text), autoescape=True, undefined=jinja2.StrictUndefined)
