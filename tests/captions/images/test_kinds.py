"""What a file is by its first bytes."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.images import load_image
from lrp_jax.captions.images.kinds import HEAD, head_of, other_kind, read_kind

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8))
WRITTEN = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "GIF": "GIF",
    "WEBP": "WebP",
    "BMP": "BMP",
    "TIFF": "TIFF",
    "JPEG2000": "JPEG 2000",
    "ICO": "ICO",
    "PPM": "PPM",
    "AVIF": "AVIF",
}


def box(*brands, size=None):
    content = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return (size or len(content) + 4).to_bytes(4, "big") + content + bytes(100)


OTHERS = {
    "a.heic": (box(b"heic", b"mif1", b"heic"), "HEIC"),
    "b.HEIC": (box(b"mif1", b"heic"), "HEIC"),
    "c.jpg": (box(b"heix"), "HEIC"),  # as phones call them
    "d.heif": (box(b"mif1"), "HEIF"),
    "e.psd": (b"8BPS\0\1" + bytes(100), "Photoshop"),
    "f.jxl": (b"\xff\x0a" + bytes(100), "JPEG XL"),
    "g.svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "SVG"),
    "h.svg": (b'<svg width="9">', "SVG"),
    "j.nef": (b"MM\0*" + bytes(100), "camera raw"),
    "k.exr": (b"v/1\x01" + bytes(100), "OpenEXR"),
    "l.cr3": (box(b"crx "), "Canon raw"),
}
NO_PICTURES = {
    "a.txt": b"BMW and Mini are two makes of cars",
    "b.md": b"P1 was the best, P2 the second",
    "c.json": b'{"images": []}',
    "d.mp4": box(b"isom", b"mp42"),
    "e.mov": box(b"qt  "),
    "f.wav": b"RIFF\1\2\3\4WAVEfmt ",
    "g.pdf": b"%PDF-1.7",
    "g.eps": b"%!PS-Adobe-3.0 EPSF-3.0",  # a program
    "h.zip": b"PK\3\4" + bytes(60),
    "i.html": b"<!DOCTYPE html><html><svg></svg></html>",
    "j": b"",
    "k.npy": b"\x93NUMPY\1\0",
    "l.ttf": b"\0\1\0\0" + bytes(60),
    "m.csv": b"GIF,JPEG\n1,2",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_pillow_writes_is_read(name):
    written = io.BytesIO()
    PICTURE.save(written, name)
    head = written.getvalue()[:HEAD]
    assert read_kind(head) == WRITTEN[name] and other_kind(head) is None
    assert load_image(written.getvalue()).shape == (32, 32, 3)


def test_tga_has_no_mark():
    written = io.BytesIO()
    PICTURE.save(written, "TGA")
    head = written.getvalue()[:HEAD]
    assert (read_kind(head), read_kind(head, "a.tga"), read_kind(b"", "a.tga")) == (None, "TGA", None)


def test_a_collection_that_is_avif_is_read():
    head = box(b"mif1", b"miaf", b"avif")[:HEAD]
    assert read_kind(head) == "AVIF" and other_kind(head) is None


@pytest.mark.parametrize("name", OTHERS)
def test_a_picture_that_is_not_read_is_called_by_its_name(name, tmp_path):
    content, kind = OTHERS[name]
    assert other_kind(content[:HEAD], name) == kind and read_kind(content[:HEAD], name) is None
    path = tmp_path / name
    path.write_bytes(content)
    assert head_of(path) == content[:HEAD]
    with pytest.raises(ValueError, match=f"a {kind} picture, which is not read here: save it as JPEG or PNG"):
        load_image(path)
    if kind != "camera raw":  # which is told by its name
        with pytest.raises(ValueError, match=f"bytes: got no readable image .a {kind} picture"):
            load_image(content)


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_picture(name):
    head = NO_PICTURES[name][:HEAD]
    assert read_kind(head, name) is None and other_kind(head, name) is None
    with pytest.raises(ValueError, match="got no readable image"):
        load_image(NO_PICTURES[name])


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert head_of(tmp_path / "pipe") == head_of(tmp_path / "nowhere") == head_of(tmp_path) == b""
