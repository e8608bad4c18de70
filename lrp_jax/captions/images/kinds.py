"""What a file is by its first bytes: a picture that is read here, one that is not, or none."""

import os
import pathlib
import re
import stat

HEAD = 64
"""Bytes at the beginning of a file that are enough to tell."""

# Camera raw files begin as TIFF does; what a reader of TIFF finds there is a thumbnail, or nothing.
_RAW = (".3fr", ".arw", ".cr2", ".dng", ".erf", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".srw")
_HEIF = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

_READ = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "BMP": re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "JPEG 2000": re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    "ICO": re.compile(rb"\0\0\x01\0[^\0]"),
    "PPM": re.compile(rb"P[1-6]\s[\s\d#]"),
}
_NOT_READ = {
    "Photoshop": re.compile(rb"8BPS"),
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "OpenEXR": re.compile(rb"v/1\x01"),
    "Radiance HDR": re.compile(rb"#\?(RADIANCE|RGBE)"),
    "DirectDraw": re.compile(rb"DDS "),
    "SVG": re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!DOCTYPE )?<?svg\b", re.DOTALL),
    "Canon raw": re.compile(rb"....ftypcrx ", re.DOTALL),
    "Fujifilm raw": re.compile(rb"FUJIFILMCCD-RAW"),
}


def read_kind(head: bytes, name: str = "") -> str | None:
    """The format of a picture that `load_image` reads, such as "JPEG"; None for anything else.

    Args:
      head: the first bytes of the file, `HEAD` of them or more.
      name: of the file; tells what its beginning does not.
    """
    suffix = pathlib.PurePath(name).suffix.lower()
    if suffix in _RAW:
        return None
    if suffix == ".tga" and head:  # which has no mark of its own
        return "TGA"
    if b"avif" in _brands(head) or b"avis" in _brands(head):
        return "AVIF"
    return next((kind for kind, mark in _READ.items() if mark.match(head)), None)


def other_kind(head: bytes, name: str = "") -> str | None:
    """The format of a picture that `load_image` does not read, such as "HEIC"; None for anything else.

    Args:
      head, name: as for `read_kind`.
    """
    suffix = pathlib.PurePath(name).suffix.lower()
    if suffix in _RAW and head:
        return "camera raw"
    brands = _brands(head)
    if not {b"avif", b"avis"} & set(brands) and set(_HEIF) & set(brands):
        return "HEIC" if {b"heic", b"heix", b"heim", b"heis"} & set(brands) else "HEIF"
    return next((kind for kind, mark in _NOT_READ.items() if mark.match(head)), None)


def why_not_read(kind: str) -> str:
    """The line for a picture that is not read here."""
    return f"a {kind} picture, which is not read here: save it as JPEG or PNG"


def head_of(file: str | os.PathLike) -> bytes:
    """The first bytes of a file; none of what cannot be read, and of a pipe, which would be waited for."""
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            return b""
        with open(file, "rb") as opened:
            return opened.read(HEAD)
    except OSError:
        return b""


def _brands(head: bytes) -> tuple[bytes, ...]:
    """The brands of a file in the container of MPEG-4, the major one first; () of another file."""
    if head[4:8] != b"ftyp":
        return ()
    end = min(max(int.from_bytes(head[:4], "big"), 16), len(head))
    return (head[8:12], *(head[place : place + 4] for place in range(16, end - 3, 4)))
