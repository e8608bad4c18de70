"""Folder and file names from names that come from outside."""

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
    """A file name that is safe anywhere: letters, digits, dots, dashes, underscores, at most LONGEST bytes.

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
    """A name, or a line with names in it, as text: bytes that are no UTF-8 and control characters become escapes."""
    return "".join(c if c.isprintable() else _escape(c) for c in os.fspath(name))


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python spells a byte of a file's name that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def folders(names: Sequence[str]) -> list[str]:
    """One folder name per image: all different, and the same again for the same images in any order.

    The name without its ending; images that would share one (a.png and a.jpg) each get a few digits of a hash
    of their full name.

    Args:
        names: the images' names, all different, e.g. paths relative to the folder they were found in.
    """
    plain = [safe(os.path.splitext(name)[0]) for name in names]
    counts = collections.Counter(name.casefold() for name in plain)
    return [
        f"{short}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}" if counts[short.casefold()] > 1 else short
        for short, name in zip(plain, names, strict=True)
    ]
