"""Writes an explained image to its folder: every file whole or not at all, the record last.

The record lists the files with their sizes and has the fingerprint of the inputs, so that an interrupted batch can be
resumed: a folder whose fingerprint matches and whose files are as listed is skipped.
"""

import contextlib
import io
import json
import math
import os
import pathlib
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL import Image

from lrp_jax.captions.pages import naming
from lrp_jax.captions.pages.record import record
from lrp_jax.captions.render import (
    Case,
    Comparison,
    Entry,
    RatedObject,
    common_scale,
    index,
    maps,
    overlay,
    overlays,
    page,
    sheet,
)
from lrp_jax.captions.render.cells import most_seen
from lrp_jax.captions.render.comparison import leading

RECORD = "record.json"
PAGE = "report.html"
THUMBNAIL = "thumbnail.jpg"
AT_WORK = 10  # seconds; a younger temporary file may belong to a running process, as no file takes longer to write
_OURS = ("word_*.png", "words.png", "words_*.png", "relevance.npz", "relevance_*.npz", PAGE, THUMBNAIL)


@contextlib.contextmanager
def atomic(path: str | os.PathLike) -> Iterator[io.BufferedWriter]:
    """A binary file that appears under its name only when it is complete; on an error it is removed."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_png(
    folder: pathlib.Path, shown: Case | Comparison, facts: Mapping[str, str], formats: Sequence[str]
) -> list[str]:
    """One overlay per word (`word_03_dog.png`) and all of them on one sheet (`words.png`).

    For a comparison the names end with the method (`word_03_dog_lrp.png`, `words_lrp.png`).
    """
    del facts, formats
    written = []
    for case, tag in tagged(shown):
        pictures = overlays(case)
        names = [f"word_{row + 1:02d}_{naming.safe(case.words[row + 1])}{tag}.png" for row in case.shown]
        names.append(f"words{tag}.png")
        for name, picture in zip(names, [*pictures, sheet(case, pictures)], strict=True):
            with atomic(folder / name) as file:
                # A quarter of the default compression time for a tenth more bytes.
                picture.save(file, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
        written += names
    return written


def write_npz(
    folder: pathlib.Path, shown: Case | Comparison, facts: Mapping[str, str], formats: Sequence[str]
) -> list[str]:
    """The raw arrays of the shown words (`relevance.npz`), named as in the explanation, no pickles.

    `positions` are the positions of these words in the caption (1 is the first after the start token); `tokens` and
    `inputs`, the caption's words, are complete. A comparison has one such file for each method (`relevance_lrp.npz`).
    """
    del facts, formats
    return [_write_arrays(folder / _arrays_name(tag), case) for case, tag in tagged(shown)]


def _arrays_name(tag: str) -> str:
    return f"relevance{tag}.npz"


def _write_arrays(path: pathlib.Path, case: Case) -> str:
    explanation, rows = case.explanation, list(case.shown)
    arrays = {
        "tokens": np.asarray(explanation.tokens),
        "inputs": np.array([str(word) for word in case.words]),
        "positions": np.array(rows) + 1,
    }
    for name in ("logits", "features", "regions", "words", "betas", "pixels"):
        if (value := getattr(explanation, name)) is not None:
            arrays[name] = np.asarray(value)[rows]
    if explanation.grid is not None:
        arrays["grid"] = np.array(explanation.grid)
    if case.boxes is not None:
        arrays["boxes"] = np.asarray(case.boxes)
    with atomic(path) as file:
        np.savez(file, **arrays)  # relevance compresses badly: a fifth fewer bytes for six times the time
    return path.name


def write_html(
    folder: pathlib.Path, shown: Case | Comparison, facts: Mapping[str, str], formats: Sequence[str]
) -> list[str]:
    """The page (`report.html`) and its thumbnail for the index.

    The page links to the files of the raw arrays if "npz" is among `formats`.
    """
    links = {case.explanation.method: quote(_arrays_name(tag)) for case, tag in tagged(shown) if "npz" in formats}
    with atomic(folder / PAGE) as file:
        file.write(page(shown, facts, links=links).encode("utf-8", "replace"))
    encoded = io.BytesIO()  # not into the file: for a full disk Pillow raises "encoder error -2"
    _thumbnail(leading(shown)).save(encoded, "JPEG", quality=85, subsampling=0)
    with atomic(folder / THUMBNAIL) as file:
        file.write(encoded.getvalue())
    return [PAGE, THUMBNAIL]


WRITERS: Mapping[str, Callable[[pathlib.Path, Case | Comparison, Mapping[str, str], Sequence[str]], list[str]]] = {
    "png": write_png,
    "npz": write_npz,
    "html": write_html,
}
FORMATS = ("png", "npz", "json", "html")
"""The formats of `write`."""


def write(
    folder: str | os.PathLike,
    shown: Case | Comparison,
    formats: Sequence[str] = FORMATS,
    *,
    facts: Mapping[str, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    fingerprint: str = "",
) -> dict[str, Any]:
    """Writes one explained image and returns its record.

    Args:
        folder: created if missing. An earlier explanation in it is replaced; other files are kept.
        shown: the explained image, by one method or several.
        formats: any of FORMATS. The JSON record is always written, because `finished` reads it.
        facts: name -> text, shown on the page.
        provenance: further entries of the record.
        fingerprint: a hash of everything that the result depends on.

    Raises:
        ValueError: an unknown format; nothing has been written.
        OSError: the folder cannot be written; the files of this explanation are removed.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise ValueError(f"got format {', '.join(unknown)}; wanted any of {', '.join(FORMATS)}")
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    writers = [writer for key, writer in WRITERS.items() if key in formats]
    try:
        names = [name for writer in writers for name in writer(folder, shown, facts or {}, formats)]
        _remove_ours(folder, but=names)
        result, first = record(shown, provenance), leading(shown)
        result |= {
            "thumbnail_word": first.words[most_seen(first) + 1],
            "files": {name: (folder / name).stat().st_size for name in names},
            "fingerprint": fingerprint,
        }
        with atomic(folder / RECORD) as file:
            text = json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False)
            file.write(text.encode("utf-8", "replace"))
    except OSError:  # on a full disk, half an explanation would take the space that the index needs
        _remove_ours(folder)
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise
    return result


def _remove_ours(folder: pathlib.Path, but: Sequence[str] = ()) -> None:
    """Removes the files of an earlier explanation, or of an incomplete one, from a folder."""
    for pattern in _OURS:
        for stale in folder.glob(pattern):
            if stale.name not in but:
                stale.unlink(missing_ok=True)
    for left in folder.glob(".*.tmp"):  # from a process that was killed while writing
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > AT_WORK:
                left.unlink()


def finished(folder: str | os.PathLike, fingerprint: str) -> bool:
    """Whether the folder holds the complete output of `write` with this fingerprint."""
    folder = pathlib.Path(folder)
    found = _read_record(folder / RECORD)
    if found is None or found.get("fingerprint") != fingerprint:
        return False
    files = found.get("files", {})
    return all((folder / n).is_file() and (folder / n).stat().st_size == size for n, size in files.items())


def write_index(folder: str | os.PathLike, title: str = "Explained captions") -> int:
    """Writes index.html for all image folders in `folder` that have a page, and returns their number.

    Folders without a readable record are left out.

    Args:
        folder: of the batch.
        title: of the page.
    """
    folder = pathlib.Path(folder)
    entries = []
    for path in sorted(folder.glob(f"*/{RECORD}"), key=lambda p: _natural(p.parent.name)):
        found, place = _read_record(path), path.parent
        if found is None or PAGE not in found.get("files", {}):
            continue
        with contextlib.suppress(OSError), Image.open(place / THUMBNAIL) as thumbnail:
            entries.append(
                Entry(
                    name=str(found.get("name", place.name)),
                    caption=str(found.get("caption", "")),
                    link=quote(f"{place.name}/{PAGE}"),
                    thumbnail=quote(f"{place.name}/{THUMBNAIL}"),
                    width=thumbnail.width,
                    height=thumbnail.height,
                    word=str(found.get("thumbnail_word", "")),
                    objects=_objects(found),
                )
            )
    with atomic(folder / "index.html") as file:
        file.write(index(entries, title).encode("utf-8", "replace"))
    return len(entries)


def _thumbnail(case: Case, width: int = 220) -> Image.Image:
    """The picture, and beside it the heat map of the word that it supports most."""
    image, values = np.asarray(case.image), maps(case)
    drawn = overlay(image, values[case.shown.index(most_seen(case))], common_scale(values))
    height = max(1, min(2 * width, round(width * image.shape[0] / image.shape[1])))
    pair = Image.new("RGB", (2 * width, height))
    for side, pixels in enumerate((image, drawn)):
        picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
        pair.paste(picture, (side * width, 0))
    return pair


def _read_record(path: pathlib.Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("files", {}), dict) else None


def _objects(found: Mapping[str, Any]) -> list[RatedObject]:
    """The objects of a record; malformed entries are left out."""
    written, objects = found.get("objects"), []
    for one in written if isinstance(written, list) else ():
        with contextlib.suppress(KeyError, TypeError, ValueError):
            value = one["suspicion"]
            rating = None if value is None or not math.isfinite(value) else float(value)
            objects.append(RatedObject(str(one["word"]), str(one["category"]), int(one["position"]), rating))
    return objects


def _natural(name: str) -> list[int | str]:
    """Sorts scene_10 after scene_9."""
    return [int(part) if odd % 2 else part for odd, part in enumerate(re.split(r"(\d+)", name))]


def tagged(shown: Case | Comparison) -> Iterable[tuple[Case, str]]:
    """The cases, each with the ending of its file names: empty for a single method, `_method` for one of several."""
    if isinstance(shown, Comparison):
        return [(case, f"_{naming.safe(case.explanation.method)}") for case in shown.cases]
    return [(shown, "")]
