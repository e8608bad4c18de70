"""Safe folder and file names from untrusted names."""

import collections
import hashlib
import os
import re
from collections.abc import Sequence

from lrp_jax.captions.words import composed
from lrp_jax.captions.words.tokens import marks

LONGEST = 100
# Names of devices on Windows, with any ending.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


def safe(text: str) -> str:
    """A file name that is safe on every system: letters, digits, dots, dashes, underscores, at most LONGEST bytes.

    Letters keep their marks and are composed. Separators and leading dots go, so that no name leaves its folder or
    hides in it; what is left empty becomes "_".
    """
    kept = _underscored(composed(text)).encode("utf-8", "ignore")[:LONGEST].decode("utf-8", "ignore")
    kept = kept.strip("._") or "_"
    return f"_{kept}"[:LONGEST] if kept.partition(".")[0].casefold() in _DEVICES else kept


def _underscored(text: str) -> str:
    """An underscore for each run of characters that a name should not have; a letter's marks stay with it."""

    def replaced(run: re.Match[str]) -> str:
        others = run[0].lstrip(marks()) if text[: run.start()][-1:].isalnum() else run[0]
        return run[0][: len(run[0]) - len(others)] + "_" * bool(others)

    return re.sub(r"[^\w.-]+", replaced, text)


def printable(name: str | os.PathLike) -> str:
    """A name, or a line with names, as text: bytes that are not UTF-8 and control characters become escapes."""
    return "".join(c if c.isprintable() else _escape(c) for c in os.fspath(name))


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python represents a byte of a file name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def folders(names: Sequence[str]) -> list[str]:
    """One folder name per image: all different, and independent of the order of the images.

    A folder name is the image's name without its suffix; if several images would share one (a.png and a.jpg), each
    gets a few digits of a hash of its full name.

    Args:
        names: the images' names, all different, e.g. paths relative to the folder that was searched.
    """
    plain = [safe(os.path.splitext(name)[0]) for name in names]
    counts = collections.Counter(name.casefold() for name in plain)
    return [
        f"{short}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}" if counts[short.casefold()] > 1 else short
        for short, name in zip(plain, names, strict=True)
    ]
