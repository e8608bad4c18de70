"""Your own folder of images, with captions.jsonl or captions.csv beside them."""

import json
import logging
import os
import pathlib
from typing import Any

from lrp_jax.captions.data.sources.boxes import Box
from lrp_jax.captions.data.sources.choice import tenths
from lrp_jax.captions.data.sources.gather import Entry, gather
from lrp_jax.captions.data.sources.images import ImageFolder, find_images
from lrp_jax.captions.data.sources.reading import is_text, lines, table
from lrp_jax.captions.data.sources.splits import Skips, Splits, split_named

CAPTIONS = ("captions.jsonl", "captions.csv")

_COLUMNS = {
    "file": ("file", "filename", "file_name", "image", "image_name"),
    "caption": ("caption", "text", "comment"),
    "split": ("split",),
}
_ADVICE = "your own files, see docs/DATA.md for their format"


def folder_source(path: str | os.PathLike, *, seed: int = 0, images: str = "", missing: str = "error") -> Splits:
    """The images and captions of a folder.

    In captions.jsonl each line is a JSON object for one image: `file` (relative to the folder, or to `images` in it),
    `captions` (a list) and, optionally, `split`, `id` and `boxes`, a list of `{"category": NAME, "box": [x0, y0, x1,
    y1]}` with corners as shares of the width and the height. In captions.csv each line is a caption, with the columns
    `file`, `caption` and, optionally, `split`, and a header line.

    If no image has a split, a tenth of the images is chosen for validation and a tenth for the test.

    Args:
      path: of the folder, or of a .jsonl or .csv file in it.
      seed: of the choice.
      images: the folder of the images, if it is another; "none" if no images are needed.
      missing: see `gather`.

    Raises:
      FileNotFoundError: there are no captions, or no images.
      ValueError: both caption files exist, an image is outside the folder, or there are fewer than three images.
    """
    path = pathlib.Path(path)
    skips = Skips()
    file = _captions_file(path)
    records = _json_lines(file, skips) if file.suffix.lower() == ".jsonl" else _csv_lines(file, skips)
    if not records:
        raise ValueError(f"{file}: got no captions; {'; '.join(skips.lines())}")
    if any(split for _, split in records):
        for entry, split in records:
            entry.split = split_named(split)
    else:
        splits = tenths([entry.id for entry, _ in records], seed, of=file.name)
        logging.info("%s: no splits; a tenth is used for validation and a tenth for the test, seed %d", file, seed)
        for entry, _ in records:
            entry.split = splits[entry.id]
    entries = [entry for entry, _ in records]
    places = [ImageFolder(file.parent), ImageFolder(file.parent / "images")]
    found = find_images(places, [entry.file for entry in entries], option=images, download=_ADVICE)
    return gather(f"folder:{path}", entries, found, skips, download=_ADVICE, missing=missing)


def id_of(file: str) -> str:
    """The default id of an image: its path without the suffix."""
    return str(pathlib.PurePosixPath(file).with_suffix("")) if pathlib.PurePosixPath(file).name else file


def _captions_file(path: pathlib.Path) -> pathlib.Path:
    if path.suffix.lower() in (".jsonl", ".csv") and not path.is_dir():
        return path
    there = [path / name for name in CAPTIONS if (path / name).is_file()]
    if len(there) > 1:
        raise ValueError(f"{path} has both {' and '.join(CAPTIONS)}: choose one, for example folder:{there[0]}")
    if not there:
        raise FileNotFoundError(f"no captions in {path}: looked for {' and '.join(CAPTIONS)}, see docs/DATA.md")
    return there[0]


def _json_lines(path: pathlib.Path, skips: Skips) -> list[tuple[Entry, str]]:
    records = []
    for number, line in lines(path, _ADVICE):
        at = f"{path.name}:{number}"
        try:
            record = json.loads(line)
            file, texts = record["file"], record["captions"]
            id = id_of(file) if record.get("id") is None else str(record["id"])
            if not is_text(file) or not is_text(id) or not isinstance(texts, (str, list)):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            skips.add("line without file and captions", at)
            continue
        texts = [texts] if isinstance(texts, str) else texts
        boxes = _boxes(record.get("boxes"), at, skips)
        records.append((Entry(id, file, texts, "", boxes), record.get("split") or ""))
    return records


def _boxes(things: Any, at: str, skips: Skips) -> list[Box]:
    boxes = []
    for thing in things if isinstance(things, list) else [] if things is None else [things]:
        try:
            boxes.append((thing["category"], list(thing["box"])))
        except (KeyError, TypeError):
            skips.add("box without category and corners", at)
    return boxes


def _csv_lines(path: pathlib.Path, skips: Skips) -> list[tuple[Entry, str]]:
    texts: dict[str, list[str]] = {}
    splits: dict[str, str] = {}
    for row in table(path, _COLUMNS, skips, _ADVICE):
        split = row.get("split", "")
        if splits.setdefault(row["file"], split) != split:
            skips.add("caption with another split than its image", row["file"])
        else:
            texts.setdefault(row["file"], []).append(row["caption"])
    return [(Entry(id_of(file), file, captions, ""), splits[file]) for file, captions in texts.items()]
