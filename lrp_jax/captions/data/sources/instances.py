"""The boxes of COCO's instances files."""

import pathlib
from collections.abc import Collection, Sequence
from typing import Any

from lrp_jax.captions.data.sources.boxes import Annotated, Box
from lrp_jax.captions.data.sources.reading import parse_json, read_bytes, rows_of
from lrp_jax.captions.data.sources.splits import Skips

COCO = "https://cocodataset.org/#download"


def read_instances(
    paths: Sequence[pathlib.Path], skips: Skips, *, known: Collection[int] | None = None
) -> dict[int, Annotated]:
    """The boxes of images, by COCO's image ids.

    In the files a box is (x, y, width, height) in pixels of the published image as it lies in its file, whatever its
    EXIF orientation says; it is converted to shares of the image. Regions marked as crowds are kept, because the
    objects they name are in the image.

    Args:
      paths: `instances_*.json`.
      skips: counts unusable boxes.
      known: the ids of the images in use; None: those of the files.

    Raises:
      FileNotFoundError: a file is missing.
      ValueError: a file has another format, or is damaged.
    """
    boxes: dict[int, list[Box]] = {}
    annotated: dict[int, tuple[float, float]] = {}
    for path in paths:
        # The segmentations are nine tenths of the file, and some gigabytes in memory.
        content = parse_json(read_bytes(path, COCO), path, without="segmentation")
        names = dict(_fields(rows_of(content, "categories", path), ("id", "name")))
        sizes = {id: size for id, *size in _fields(rows_of(content, "images", path), ("id", "width", "height"))}
        seen: set[Any] = set()
        for number, record in enumerate(rows_of(content, "annotations", path)):
            try:
                id, image, category = record["id"], record["image_id"], record["category_id"]
                reason = _refusal(id in seen, image in sizes and (known is None or image in known), category in names)
                if not reason:
                    corners = _shares(record["bbox"], *sizes[image])
            except (KeyError, TypeError, ValueError, ArithmeticError):
                reason, id = "box entry that is damaged", f"number {number}"
            if reason:
                skips.add(reason, f"{path.name}, annotation {id}")
                continue
            seen.add(id)
            boxes.setdefault(image, []).append((names[category], corners))
            annotated[image] = sizes[image][1], sizes[image][0]
    return {image: Annotated(found, annotated[image]) for image, found in boxes.items()}


def _refusal(repeated: bool, has_image: bool, has_category: bool) -> str:
    if repeated:
        return "repeated box id"
    if not has_image:
        return "box of an image that is not listed"
    return "" if has_category else "box of an unknown category"


def _shares(box: Sequence[float], width: float, height: float) -> tuple[float, float, float, float]:
    x, y, w, h = box
    return x / width, y / height, (x + w) / width, (y + h) / height


def _fields(records: list[Any], keys: tuple[str, ...]) -> list[list[Any]]:
    """The values of the records that have all keys and an integer for the first key."""
    whole = [r for r in records if isinstance(r, dict) and all(key in r for key in keys)]
    return [[r[key] for key in keys] for r in whole if isinstance(r[keys[0]], int)]
