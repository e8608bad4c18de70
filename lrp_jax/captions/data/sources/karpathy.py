"""Karpathy's JSON files: dataset_coco.json, dataset_flickr30k.json, dataset_flickr8k.json."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from lrp_jax.captions.data.sources.boxes import Annotated
from lrp_jax.captions.data.sources.entities import read_entities
from lrp_jax.captions.data.sources.flickr30k import IMAGES as FLICKR_IMAGES
from lrp_jax.captions.data.sources.gather import Entry, gather
from lrp_jax.captions.data.sources.images import ImageFolder, find_images
from lrp_jax.captions.data.sources.instances import read_instances
from lrp_jax.captions.data.sources.reading import is_text, parse_json, path_of, read_bytes, rows_of
from lrp_jax.captions.data.sources.splits import Skips, Splits, split_named

KARPATHY = "https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip"
_IMAGES = "https://cocodataset.org/#download (COCO 2014), https://shannon.cs.illinois.edu/DenotationGraph/ (Flickr30k)"


def karpathy_source(
    path: str | os.PathLike,
    *,
    images: str = "",
    instances: Sequence[pathlib.Path] = (),
    entities: str = "",
    restval: bool = True,
    missing: str = "error",
) -> Splits:
    """The captions of one of Karpathy's JSON files, in his split.

    Args:
      path: of the JSON file.
      images: the folder of the images, for COCO the parent of `train2014` and `val2014`; "" for a folder with a
        usual name beside the file; "none" if no images are needed.
      instances: COCO's `instances_train2014.json` and `instances_val2014.json`, for boxes.
      entities: the folder of Flickr30k Entities, for boxes.
      restval: whether COCO's images in restval are used for training, as is usual.
      missing: see `gather`.

    Raises:
      FileNotFoundError: a file or the images are missing.
      ValueError: a file is damaged.
    """
    path = pathlib.Path(path)
    name, skips = f"karpathy:{path}", Skips()
    content = parse_json(read_bytes(path, KARPATHY), path)
    entries, numbers = [], []
    for number, record in enumerate(rows_of(content, "images", path)):
        try:
            if restval or record["split"] != "restval":
                entries.append(_entry(record))
                numbers.append(record.get("cocoid"))
        except (KeyError, TypeError, AttributeError):
            skips.add("image entry that is damaged", f"{path.name}, image number {number}")
    if not entries:
        raise ValueError(f"{path}: wanted images with filename, split and sentences, got {'; '.join(skips.lines())}")
    if instances:
        known = {number for number in numbers if isinstance(number, int)}
        boxes = read_instances(instances, skips, known=known)
        for entry, number in zip(entries, numbers, strict=True):
            entry.boxes = boxes.get(number, Annotated()) if isinstance(number, int) else ()
    if entities:
        stems = [pathlib.PurePosixPath(entry.file).stem for entry in entries]
        boxes = read_entities(path_of(entities), stems, skips)
        for entry, stem in zip(entries, stems, strict=True):
            entry.boxes = boxes.get(stem, Annotated())
    roots = [path.parent / folder for folder in ("", "images", *FLICKR_IMAGES)]
    places = [*map(ImageFolder, roots), ImageFolder(path.parent / "images", flat=True)]
    found = find_images(places, [entry.file for entry in entries], option=images, download=_IMAGES)
    return gather(name, entries, found, skips, download=_IMAGES, missing=missing)


def _entry(record: dict[str, Any]) -> Entry:
    file = f"{record['filepath']}/{record['filename']}" if record.get("filepath") else f"{record['filename']}"
    if not is_text(file):
        raise TypeError
    number = record.get("cocoid")
    return Entry(
        id=pathlib.PurePosixPath(file).stem if number is None else str(number),
        file=file,
        # The file also has tokens without punctuation; they are not used, so that all captions are tokenized alike.
        captions=[sentence["raw"] for sentence in record["sentences"]],
        split=split_named(record["split"]),
    )
