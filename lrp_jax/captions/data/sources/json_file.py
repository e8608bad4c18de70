"""Photographs listed in a JSON file of this project's format."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from lrp_jax.captions.data.sources.folder import id_of
from lrp_jax.captions.data.sources.gather import Entry, gather
from lrp_jax.captions.data.sources.images import ImageFolder, find_images
from lrp_jax.captions.data.sources.reading import is_text, parse_json, read_bytes, rows_of
from lrp_jax.captions.data.sources.splits import TRAIN, VALIDATION, Skips, Splits, split_named

_ADVICE = "where the JSON file came from"


def json_source(path: str | os.PathLike, *, images: str = "", missing: str = "error") -> Splits:
    """Photographs beside a JSON file that lists them.

    The file has the form `{"images": [...]}`, and each image has `file` (in the folder `images` beside the JSON file),
    `captions` (a list of strings), `split` (train, val or dev, test) and, optionally, `image_id` and
    `boxes`: a list of `{"category": name, "box": [x0, y0, x1, y1]}` with corners as shares of the width
    and the height. Images in no split, or without captions, are skipped. Regions that COCO marks as
    crowds are kept, because the objects they name are in the image. An image may be listed in several splits.

    Args:
      path: of the JSON file.
      images: the folder of the images, if it is another; "none" if no images are needed.
      missing: see `gather`.

    Returns:
      Split -> list of `Example`, in the order of the file. The images are read on access.

    Raises:
      FileNotFoundError: there is no such file, or there are no images.
      ValueError: the file is not JSON of this form; the message names the entry.
    """
    path = pathlib.Path(path)
    try:
        content = read_bytes(path, _ADVICE)
    except FileNotFoundError:
        raise FileNotFoundError(f"no captions at {path}: wanted a JSON file with a folder images beside it") from None
    entries = []
    for number, record in enumerate(rows_of(parse_json(content, path), "images", path)):
        try:
            entries.append(_entry(record))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: image {number} is not of the expected form ({error!r})") from error
    places = [ImageFolder(path.parent / "images")]
    found = find_images(places, [entry.file for entry in entries], option=images, download=_ADVICE)
    return gather(f"json:{path}", entries, found, Skips(), download=_ADVICE, missing=missing, repeats=True)


def json_sources(paths: Sequence[pathlib.Path], *, images: str = "", missing: str = "error") -> Splits:
    """Several such files: their training and validation images are merged, their test sets stay separate.

    Returns:
      As `json_source`, with the splits train, validation and test_NAME with the names of the files.

    Raises:
      FileNotFoundError, ValueError: as `json_source`; or two files have the same name.
    """
    if len(paths) == 1:
        return json_source(paths[0], images=images, missing=missing)
    files = {path.stem: json_source(path, images=images, missing=missing) for path in paths}
    if len(files) < len(paths):
        raise ValueError(f"wanted files of different names, got {', '.join(path.name for path in paths)}")
    datasets = {}
    for split in (TRAIN, VALIDATION):
        together = [example for splits in files.values() for example in splits.get(split, ())]
        if together:
            datasets[split] = together
    datasets |= {f"test_{name}": splits["test"] for name, splits in files.items() if "test" in splits}
    joined = Splits(f"json:{','.join(map(str, paths))}", datasets)
    for splits in files.values():
        joined.skipped.update(splits.skipped)
    return joined


def _entry(record: Mapping[str, Any]) -> Entry:
    if not isinstance(record["captions"], list):
        raise TypeError(f"captions is a {type(record['captions']).__name__}, wanted a list of strings")
    file, id = record["file"], record.get("image_id")
    if not is_text(file):
        raise TypeError(f"file is {file!r:.40}, wanted the name of a file")
    boxes = [(thing["category"], thing["box"]) for thing in record.get("boxes") or ()]
    for _, box in boxes:
        if len(box) != 4:
            raise ValueError(f"got a box of {len(box)} numbers, wanted x0, y0, x1, y1")
    return Entry(
        id=id_of(file) if id is None else str(id),
        file=file,
        captions=record["captions"],
        split=split_named(record["split"]),
        boxes=boxes,
    )
