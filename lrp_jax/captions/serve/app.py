"""The WSGI application: a form, and the page that answers it."""

import collections
import contextlib
import dataclasses
import functools
import hashlib
import io
import logging
import pathlib
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import jinja2
import numpy as np
from jaxtyping import UInt8
from werkzeug import exceptions
from werkzeug.wrappers import Request, Response

from lrp_jax.captions import render
from lrp_jax.captions.pages.batch import one_line
from lrp_jax.captions.serve.asked import LONGEST, Asked, read_form
from lrp_jax.captions.serve.guard import is_known, is_own

LIMIT = 20_000_000  # bytes of an upload
WAITING = 8  # requests that may wait for the model; each holds its upload in memory
KEPT = 8  # pictures in the cache: they can be explained again without another upload

_HEADERS = {
    # In addition to the policy in the page itself.
    "Content-Security-Policy": "frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    # Not "no-referrer": browsers would then send no Origin with our own form.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Held:
    """A decoded upload: the pixels to explain, the picture to display, and the bytes of its file."""

    name: str
    pixels: UInt8[np.ndarray, "H W 3"]
    shown: UInt8[np.ndarray, "h w 3"]
    content: bytes | None = None


class Model(Protocol):
    """Decodes and explains pictures. Both methods may raise ValueError, whose one-line message is shown on the page."""

    def read(self, name: str, content: bytes) -> Held:
        """Decodes an uploaded file."""
        ...

    def explain(self, held: Held, asked: Asked) -> render.Case | render.Comparison:
        """Explains a picture as the form asks."""
        ...


class Application:
    """A WSGI application. One request at a time uses the model; uploads are never written to disk.

    Args:
      model: decodes and explains pictures.
      methods: name -> title of the available methods.
      chosen: the names of the methods that are selected initially.
      facts: name -> text about the model, shown on result pages.
      notes: sentences shown on the first page.
      names: host names accepted in the Host header, in addition to loopback IP addresses.
      any_address: accept every IP address, not only loopback addresses.
      limit: the maximum size of an upload, in bytes.
    """

    def __init__(
        self,
        model: Model,
        *,
        methods: Mapping[str, str],
        chosen: Sequence[str],
        facts: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
        names: Iterable[str] = ("localhost",),
        any_address: bool = False,
        limit: int = LIMIT,
    ):
        self._model, self._methods, self._chosen = model, methods, tuple(chosen)
        self._facts, self._notes = facts or {}, notes
        self._names, self._any_address, self._limit = frozenset(names), any_address, limit
        self._lock, self._places = threading.Lock(), threading.BoundedSemaphore(WAITING)
        self._held: collections.OrderedDict[str, Held] = collections.OrderedDict()

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        body = environ["wsgi.input"] = _Counted(environ["wsgi.input"])
        request = _Request(environ)
        request.max_content_length = self._limit
        response = self._respond(request)
        response.headers.extend(_HEADERS)
        body.drain(request.content_length or 0, most=4 * self._limit)
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        try:
            if not is_known(request.headers.get("Host", ""), self._names, self._any_address):
                raise exceptions.BadRequest("got an unknown host name: open the page at the address that was printed")
            if request.path != "/":
                raise exceptions.NotFound("no such page: open /")
            if request.method in ("GET", "HEAD"):
                return _html(self._bare())
            if request.method != "POST":
                raise exceptions.MethodNotAllowed(["GET", "HEAD", "POST"], f"got {request.method}, wanted GET or POST")
            if not is_own(request.headers):
                raise exceptions.Forbidden("got a form from another site: open this page and use its form")
            return self._answer(request)
        except exceptions.RequestEntityTooLarge:
            wanted = f"a picture of at most {self._limit / 1e6:g} MB and short text fields"
            return self._line(f"got a request that is too large: wanted {wanted}", 413)
        except exceptions.HTTPException as error:
            return self._line(str(error.description), error.code or 500)
        except (ValueError, OSError) as error:
            return self._line(one_line(error), 400)
        except Exception as error:
            logging.exception("a request failed")
            return self._line(f"the request failed: {one_line(error)}", 500)

    def _answer(self, request: Request) -> Response:
        if not self._places.acquire(blocking=False):
            raise exceptions.ServiceUnavailable(f"{WAITING} requests are waiting already: try again later")
        try:
            upload = request.files.get("picture")
            content = upload.read() if upload is not None and upload.filename else b""
            asked = read_form(request.form, self._methods, self._chosen, is_new=bool(content))
            with self._lock:
                key, held = self._picture(upload, content, request.form.get("held", ""))
                fields = {"held": key, "held_name": held.name}
                try:
                    shown = self._model.explain(held, asked)
                except ValueError as error:  # shows the form again, so that it can be corrected
                    return self._line(one_line(error), 400, self._form(asked, is_wrong=True, **fields))
                page = render.page(shown, self._facts)
        finally:
            self._places.release()
        caption = " ".join(shown.words[1:])
        fields |= {"said": caption, "forced": asked.caption is not None}
        return _html(_with_form(page, self._form(dataclasses.replace(asked, caption=caption), **fields)))

    def _picture(self, upload: Any, content: bytes, key: str) -> tuple[str, Held]:
        """The uploaded picture, or the one that was uploaded before, and its key."""
        if content:
            name = pathlib.PurePath(upload.filename).name[:200]
            key = hashlib.sha256(name.encode("utf-8", "replace") + b"\0" + content).hexdigest()
            if key not in self._held:
                self._held[key] = self._model.read(name, content)
        elif key not in self._held:
            raise ValueError("got no picture: choose a file" + (" again, it is no longer in memory" if key else ""))
        self._held.move_to_end(key)
        while len(self._held) > KEPT:
            self._held.popitem(last=False)
        return key, self._held[key]

    def _form(self, asked: Asked, **fields: Any) -> str:
        empty = {"held": "", "held_name": "", "said": "", "forced": False, "is_wrong": False}
        template = _environment().get_template("form.html.j2")
        given = {"methods": self._methods, "limit": self._limit, "longest": LONGEST}
        return template.render(asked=asked, **given, **(empty | fields))

    def _bare(self, error: str = "", form: str = "") -> str:
        """The page without an answer; its form is empty if none is given."""
        template = _environment().get_template("bare.html.j2")
        form = form or self._form(Asked(method=self._chosen))
        return _with_form(template.render(error=error, notes=self._notes), form)

    def _line(self, error: str, code: int, form: str = "") -> Response:
        return _html(self._bare(error, form), code)


class _Request(Request):
    """A request that is never spooled to disk, and whose form fields are small except for the picture."""

    max_form_memory_size = 200_000  # werkzeug's own buffer of 65536 bytes counts too
    max_form_parts = 64

    def _get_file_stream(self, *_: Any, **__: Any) -> io.BytesIO:
        return io.BytesIO()


class _Counted(io.RawIOBase):
    """The body of a request; counts the bytes that were read."""

    def __init__(self, stream: Any):
        self._stream, self._count = stream, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._count += len(chunk)
        return len(chunk)

    def drain(self, length: int, most: int) -> None:
        """Reads the rest, up to `most` bytes: a browser that is still sending would not show the response."""
        left = min(length - self._count, most)
        with contextlib.suppress(OSError):
            while left > 0 and (chunk := self.read(min(left, 1 << 16))):
                left -= len(chunk)


def _html(text: str, code: int = 200) -> Response:
    return Response(text, code, content_type="text/html; charset=utf-8")


def _with_form(page: str, form: str) -> str:
    """The page with the form at the top of its body."""
    start = re.search(r"<body[^>]*>", page)
    if start is None:
        raise RuntimeError("got a page without a body")
    return page[: start.end()] + form + page[start.end() :]


@functools.cache
def _environment() -> jinja2.Environment:
    folders = [pathlib.Path(package).parent / "templates" for package in (__file__, render.__file__)]
    loader = jinja2.FileSystemLoader(folders)
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
