"""Files of weights from a hub that this test serves, and what their checksums are held against."""

import functools
import hashlib
import http.server
import os
import threading

import huggingface_hub
import numpy as np
import pytest

from lrp_jax.captions.weights import PUBLISHED, ChecksumError, fetch, read_weights, sha256, weights_file

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Hub:
    """Serves /OWNER/REPO/resolve/REVISION/FILE as the hub does: the entity tag of a large file is its SHA-256."""

    def __init__(self):
        self.files, self.tags, self.asked = {}, {}, []
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self):
                hub.asked.append(self.path)
                data = hub.files.get(self.path)
                self.send_response(404 if data is None else 200)
                if data is not None:
                    self.send_header("X-Repo-Commit", COMMIT)
                    self.send_header("ETag", f'"{hub.tags.get(self.path, digest(data))}"')
                    self.send_header("Content-Length", str(len(data)))
                else:
                    self.send_header("X-Error-Code", "EntryNotFound")
                self.end_headers()
                return data

            def do_GET(self):
                data = self.do_HEAD()
                if data is not None:
                    self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def put(self, repository, file, data, revision="main", tag=None):
        path = f"/{repository}/resolve/{revision}/{file}"
        self.files[path] = data
        if tag:
            self.tags[path] = tag


@pytest.fixture
def hub(tmp_path, monkeypatch):
    served = Hub()
    endpoint = f"http://127.0.0.1:{served.server.server_port}"
    download = functools.partial(huggingface_hub.hf_hub_download, endpoint=endpoint, cache_dir=tmp_path / "cache")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "hf_hub_url", functools.partial(huggingface_hub.hf_hub_url, endpoint=endpoint))
    yield served
    served.close()


@pytest.fixture
def content(tmp_path):
    np.savez(tmp_path / "made.npz", kernel=np.arange(6.0))
    return (tmp_path / "made.npz").read_bytes()


def test_a_file_of_the_hub(hub, content):
    hub.put("owner/repo", "deep/model.npz", content)
    path = weights_file("hf:owner/repo/deep/model.npz")
    assert path.read_bytes() == content and sha256(path) == digest(content)
    np.testing.assert_array_equal(read_weights("hf:owner/repo/deep/model.npz")["kernel"], np.arange(6.0))
    assert weights_file(f"hf:owner/repo/deep/model.npz#sha256={digest(content).upper()}") == path
    assert any(asked == "/owner/repo/resolve/main/deep/model.npz" for asked in hub.asked)


def test_a_revision(hub, content):
    hub.put("owner/repo", "model.npz", b"older", revision="v1.0")
    hub.put("owner/repo", "model.npz", content)
    assert weights_file("hf:owner/repo/model.npz@v1.0").read_bytes() == b"older"


def test_what_was_downloaded_once_needs_no_hub(hub, content):
    hub.put("owner/repo", "model.npz", content)
    path = weights_file("hf:owner/repo/model.npz")
    hub.close()
    assert weights_file("hf:owner/repo/model.npz") == path


def test_another_content_than_was_said_is_not_used(hub, content):
    hub.put("owner/repo", "model.npz", content)
    wanted = digest(b"another")
    with pytest.raises(ChecksumError, match=rf"SHA-256 is {digest(content)}, wanted {wanted} \(#sha256\)") as caught:
        read_weights(f"hf:owner/repo/model.npz#sha256={wanted}")
    assert "\n" not in str(caught.value)
    hub.put("owner/repo", "damaged.npz", content[:-7] + b"damaged", tag=wanted)
    with pytest.raises(ChecksumError, match=rf"wanted {wanted} \(the hub\); .* remove .*/damaged.npz"):
        read_weights("hf:owner/repo/damaged.npz")


def test_the_hub_is_asked_where_the_cache_has_no_links(hub, content, monkeypatch):
    hub.put("owner/repo", "model.npz", content)
    copies, linked = [], huggingface_hub.hf_hub_download

    def copied(*args, **options):
        path = linked(*args, **options)
        copies.append(f"{path}.copy")
        with open(copies[-1], "wb") as file:
            file.write(content)
        return copies[-1]

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", copied)
    assert os.fspath(weights_file("hf:owner/repo/model.npz")) == copies[0]
    hub.tags["/owner/repo/resolve/main/model.npz"] = digest(b"another")
    with pytest.raises(ChecksumError, match=r"\(the hub\)"):
        weights_file("hf:owner/repo/model.npz")


def test_a_small_file_has_no_stated_sha256(hub, content):
    hub.put("owner/repo", "model.npz", content, tag="0" * 40)
    with pytest.raises(
        ChecksumError, match=r"reports no SHA-256 for this file; pass it as hf:owner/repo/model.npz#sha"
    ):
        weights_file("hf:owner/repo/model.npz")
    assert weights_file(f"hf:owner/repo/model.npz#sha256={digest(content)}").read_bytes() == content


def test_what_the_hub_does_not_have(hub):
    with pytest.raises(FileNotFoundError, match=r"hf:owner/repo/none.npz: download failed") as caught:
        weights_file("hf:owner/repo/none.npz")
    assert "\n" not in str(caught.value)


def test_short_names(hub, content, tmp_path, monkeypatch):
    known = PUBLISHED["resnet101"]
    hub.put(known.repository, known.file, content)
    assert weights_file("resnet101").read_bytes() == content
    hub.put(PUBLISHED["vgg16"].repository, PUBLISHED["vgg16"].file, content)
    with pytest.raises(ChecksumError, match=rf"vgg16: its SHA-256 is .* wanted {PUBLISHED['vgg16'].sha256}"):
        weights_file("vgg16")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vgg16").write_bytes(b"a file of this name")
    assert weights_file("vgg16").read_bytes() == b"a file of this name"


@pytest.mark.parametrize(
    "address",
    ["hf:model.npz", "hf:owner/model.npz", "hf:o/r/f.npz@", "hf:o/r/f.npz#sha256=12", "hf:o/r/f.npz#sha256=v@main"],
)
def test_addresses_that_are_none(hub, address):
    with pytest.raises(ValueError, match="wanted hf:OWNER/REPO/FILE"):
        weights_file(address)
    assert not hub.asked


def test_the_digits_in_the_names_of_torchvisions_files(tmp_path, content, monkeypatch):
    monkeypatch.setattr(fetch, "_download", None)  # a path is never looked for elsewhere
    right = tmp_path / "right-ab.pth"
    content += b"#" * next(n for n in range(99) if any(c in "abcdef" for c in digest(content + b"#" * n)[:8]))
    for name in (f"vgg16-{digest(content)[:8]}.pth", "vgg16-20260131.pth", "vgg16-abcdef.pth", "vgg16.pth"):
        path = tmp_path / name
        path.write_bytes(content)
        assert weights_file(path) == path == weights_file(str(path))
    right = tmp_path / "vgg16-397923af.pth"
    right.write_bytes(content)
    with pytest.raises(ChecksumError, match=rf"SHA-256 is {digest(content)[:8]}, wanted 397923af \(its name\)"):
        read_weights(right)
    with pytest.raises(FileNotFoundError, match=r"none.pth: no such file"):
        weights_file(tmp_path / "none.pth")
