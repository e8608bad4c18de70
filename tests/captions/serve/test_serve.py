"""The page in the browser, over HTTP, with a model that answers at once."""

import dataclasses
import http.client
import io
import tempfile
import threading
import time
import types
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions import render
from lrp_jax.captions.pages.batch import presentable
from lrp_jax.captions.serve import Application, Held, Server
from lrp_jax.captions.serve.app import KEPT, WAITING
from lrp_jax.captions.serve.guard import is_known

METHODS = {"lrp": "lrp", "attention": "attention"}
LIMIT = 50_000


class Model:
    """Says "a red ball" of everything, or what it is told to say; notes what it was asked."""

    def __init__(self):
        self.asked, self.read_names, self.at_work, self.most_at_work = [], [], 0, 0

    def read(self, name, content):
        self.read_names.append(name)
        pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))  # an OSError if it is no image
        return Held(name, pixels, presentable(pixels))

    def explain(self, held, asked):
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        time.sleep(0.05)
        self.asked.append(asked)
        self.at_work -= 1
        if asked.words == "bug":
            raise RuntimeError("a bug")
        if asked.words == "wrong":
            raise ValueError("words: wrong")
        words = ["<start>", *(asked.caption or "a red ball").split()]
        count = len(words) - 1
        explanation = types.SimpleNamespace(
            method="lrp", tokens=np.arange(count + 1), logits=np.ones(count), features=None,
            regions=np.linspace(-1, 1, 4 * count).reshape(count, 4), words=np.zeros((count, count)), betas=None,
            pixels=None, enlarged=False, grid=(2, 2), head=None, against=None,
        )  # fmt: skip
        return render.Case(held.name, held.shown, words, explanation)


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def application(model):
    return Application(model, methods=METHODS, chosen=["lrp"], facts={"model": "a toy"}, notes=["A note."], limit=LIMIT)


@pytest.fixture
def server(application):
    with Server(application, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        yield server
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


def png(size=(20, 12), seed=0):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def multipart(fields, file=None, name="photo.png"):
    parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields]
    if file is not None:
        head = f'--b\r\nContent-Disposition: form-data; name="picture"; filename="{name}"\r\n\r\n'
        parts.append(head.encode() + file + b"\r\n")
    return b"".join([*parts, b"--b--\r\n"])


@dataclasses.dataclass
class Answer:
    code: int
    text: str
    headers: dict

    def field(self, name):
        return self.text.split(f'name="{name}" value="')[1].split('"')[0]


def fetch(server, path="", data=None, method=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        headers.setdefault("Content-Type", "multipart/form-data; boundary=b")
    request = urllib.request.Request(server.address + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Answer(response.status, response.read().decode(), dict(response.headers))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(), dict(error.headers))


def test_the_first_page_is_a_form(server):
    found = fetch(server)
    assert found.code == 200 and '<form class="ask" method="post"' in found.text and "A note." in found.text
    assert 'value="lrp" checked' in found.text and 'value="attention">' in found.text
    assert "form-action 'self'" in found.headers["Content-Security-Policy"]
    assert found.headers["Cache-Control"] == "no-store" and found.headers["X-Content-Type-Options"] == "nosniff"
    assert fetch(server, "elsewhere").code == 404
    assert fetch(server, method="PUT", data=b"").code == 405


def test_a_picture_gives_its_page_and_can_be_asked_about_again(server, model):
    first = fetch(server, data=multipart([], png()))
    assert first.code == 200 and "photo.png" in first.text and "a toy" in first.text
    assert first.text.count("<body") == 1 and "a red ball" in first.text
    assert first.field("caption") == first.field("said") == "a red ball" and first.field("forced") == ""
    fields = [(name, first.field(name)) for name in ("held", "said", "forced")]
    changed = fetch(server, data=multipart([*fields, ("caption", "a blue dog"), ("method", "attention")]))
    assert changed.field("caption") == "a blue dog" and changed.field("forced") == "1"
    assert fetch(server, data=multipart([*fields, ("caption", "a red ball"), ("words", "ball")])).code == 200
    assert [asked.caption for asked in model.asked] == [None, "a blue dog", None]
    assert [asked.method for asked in model.asked] == [("lrp",), ("attention",), ("lrp",)]
    assert model.asked[2].words == "ball"
    assert model.read_names == ["photo.png"]  # once: what is held is not decoded again


def test_the_caption_of_the_last_picture_is_not_forced_on_the_next(server, model):
    fields = [("caption", "a blue dog"), ("said", "a blue dog"), ("forced", "1")]
    assert fetch(server, data=multipart(fields, png())).field("caption") == "a red ball"
    assert fetch(server, data=multipart([("caption", "my own"), *fields[1:]], png())).field("caption") == "my own"


def test_what_is_wrong_is_a_line_on_the_page(server, model):
    for data, line in (
        (multipart([]), "got no picture: choose a file"),
        (multipart([("held", "0" * 64)]), "choose a file again, it is no longer in memory"),
        (multipart([], b"no image"), "cannot identify image file"),
        (multipart([("caption", "a " * 600)], png()), "caption: got 1200 characters, wanted at most 1000"),
        (multipart([("method", "magic")], png()), "got method &#39;magic&#39;: wanted any of lrp, attention"),
    ):
        found = fetch(server, data=data)
        assert found.code == 400 and line in found.text and 'role="alert"' in found.text
    found = fetch(server, data=multipart([("words", "bug")], png()))
    assert found.code == 500 and "RuntimeError: a bug" in found.text and "Traceback" not in found.text
    assert fetch(server, data=multipart([], png())).code == 200  # and the next one is answered


def test_what_was_asked_wrongly_can_be_mended_without_another_upload(server, model):
    fields = [("caption", "a blue dog"), ("words", "wrong"), ("method", "attention")]
    found = fetch(server, data=multipart(fields, png()))
    assert found.code == 400 and "words: wrong" in found.text and "photo.png is kept in memory" in found.text
    assert (found.field("caption"), found.field("words")) == ("a blue dog", "wrong") and "<details open>" in found.text
    assert 'value="attention" checked' in found.text and 'value="lrp" checked' not in found.text
    mended = [("held", found.field("held")), ("caption", found.field("caption"))]
    assert fetch(server, data=multipart(mended)).field("caption") == "a blue dog" and model.read_names == ["photo.png"]


def test_an_upload_that_is_too_large_is_refused(server, model, application):
    found = fetch(server, data=multipart([], bytes(2 * LIMIT)))
    assert found.code == 413 and "wanted a picture of at most 0.05 MB" in found.text
    connection = http.client.HTTPConnection(server.address.split("/")[2], timeout=30)
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    connection.request("POST", "/", iter([multipart([], bytes(LIMIT))[:-5]]), headers, encode_chunked=True)
    assert connection.getresponse().status == 413  # a length that is not told is counted
    application._limit = 10**6
    assert fetch(server, data=multipart([("caption", "a" * 300_000)])).code == 413  # of text less is taken
    assert not model.read_names


def test_only_requests_that_are_meant_for_this_server_are_answered(server):
    assert fetch(server, Host="evil.example").code == 400
    assert fetch(server, data=multipart([], png()), Host="evil.example:80", Origin="http://evil.example:80").code == 400
    assert fetch(server, Host="localhost:1").code == 200


def test_a_form_of_another_page_is_refused(server, model):
    host, data = server.address.split("/")[2], multipart([], png())
    for origin in ("http://evil.example", "null", f"https://{host}", "http://localhost:1"):
        assert fetch(server, data=data, Origin=origin).code == 403
    assert fetch(server, data=data, Sec_Fetch_Site="cross-site").code == 403
    assert not model.asked
    assert fetch(server, data=data, Origin=f"http://{host}", Sec_Fetch_Site="same-origin").code == 200


@pytest.mark.parametrize(
    ("host", "names", "any_address", "known"),
    [
        ("127.0.0.1:8000", (), False, True),
        ("[::1]:8000", (), False, True),
        ("192.168.0.2", (), False, False),
        ("192.168.0.2", (), True, True),
        ("box.example:80", ("box.example",), True, True),
        ("evil.example", ("box.example",), True, False),
        ("127.0.0.1.evil.example", (), True, False),
        ("", ("localhost",), True, False),
        ("[::1", ("localhost",), True, False),
    ],
)
def test_names_of_the_server(host, names, any_address, known):
    assert is_known(host, frozenset(names), any_address) is known


def test_requests_at_once_have_the_model_one_after_the_other(server, model):
    answers = []
    ask = lambda seed: answers.append(fetch(server, data=multipart([], png(seed=seed))).code)  # noqa: E731
    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [200] * 3 and len(model.asked) == 3 and model.most_at_work == 1


def test_more_requests_than_can_wait_are_told_so(server, application):
    for _ in range(WAITING):
        application._places.acquire()
    assert fetch(server, data=multipart([], png())).code == 503
    application._places.release()
    assert fetch(server, data=multipart([], png())).code == 200


def test_names_and_captions_are_text(server):
    evil = "<script>alert(1)</script>"
    page = fetch(server, data=multipart([("caption", f"{evil} ball"), ("words", evil)], png(), name=evil[:15] + ".png"))
    assert page.code == 200 and "<script>alert" not in page.text and "&lt;script&gt;alert" in page.text
    assert "<script>alert" not in fetch(server, data=multipart([("method", evil)], png())).text


def test_nothing_of_an_upload_is_written(server, application, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a file was made")

    application._limit = 10**7
    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    found = fetch(server, data=multipart([], png((500, 400)) + bytes(10**6)))  # more than werkzeug keeps in memory
    assert found.code == 200, found.text


def test_few_pictures_are_kept(server):
    first = fetch(server, data=multipart([], png(seed=100))).field("held")
    for seed in range(KEPT):
        fetch(server, data=multipart([], png(seed=seed)))
    assert "no longer in memory" in fetch(server, data=multipart([("held", first)])).text


def test_a_taken_port_is_an_error_and_not_the_end(server, application):
    port = int(server.address.rstrip("/").rpartition(":")[2])
    with pytest.raises(OSError):
        Server(application, "127.0.0.1", port)
    assert server.is_local


def test_an_interruption_ends_it(application, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    with Server(application, "127.0.0.1", 0) as server:
        monkeypatch.setattr(server._server, "serve_forever", interrupted)
        server.run()
