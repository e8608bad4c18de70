"""Renders pages from templates; all values are escaped, and only the page's own script can run."""

import base64
import functools
import hashlib
import io
import pathlib
from collections.abc import Sequence
from typing import Any

import jinja2
import markupsafe
from PIL import Image


def render_template(template: str, /, scripts: Sequence[str], **values: Any) -> str:
    """Renders a template with its scripts joined, and the hash by which only this script is allowed to run."""
    script = "".join(map(_text, scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _environment().get_template(template).render(script=markupsafe.Markup(script), script_hash=digest, **values)


def data_uri(picture: Image.Image, form: str, mime: str, **options: Any) -> str:
    """An image as a data URI; `options` are Pillow's options of the format."""
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return f"data:{mime};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _text(name: str) -> str:
    return (pathlib.Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(loader=jinja2.FunctionLoader(_text), autoescape=True, undefined=jinja2.StrictUndefined)
