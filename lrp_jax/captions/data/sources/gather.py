"""Checks the entries of any format and turns them into examples."""

import collections
import dataclasses
import pathlib
from collections.abc import Iterable, Sequence

from lrp_jax.captions.data.sources.boxes import Annotated, Box, usable_boxes
from lrp_jax.captions.data.sources.captions import usable_captions
from lrp_jax.captions.data.sources.images import ImageFolder, check_missing
from lrp_jax.captions.data.sources.reading import is_text
from lrp_jax.captions.data.sources.splits import TEST, TRAIN, VALIDATION, Skips, Splits
from lrp_jax.captions.images import Example, filed_example


@dataclasses.dataclass(slots=True)
class Entry:
    """An image as listed in a file.

    Attributes:
      id: of the image.
      file: of the image, relative to the folder of the images.
      captions: as read from the file.
      split: train, validation or test; "" if the image belongs to none.
      boxes: its objects; of the image upright, or if they are `Annotated` perhaps as it lies in its file.
    """

    id: str
    file: str
    captions: Sequence[object]
    split: str
    boxes: Sequence[Box] | Annotated = ()


def gather(
    name: str,
    entries: Iterable[Entry],
    images: ImageFolder,
    skips: Skips,
    *,
    download: str = "where the others came from",
    missing: str = "error",
    repeats: bool = False,
) -> Splits:
    """The splits of a source, without unusable entries.

    Args:
      name: of the source.
      entries: all images; their order is kept.
      images: the folder of the image files.
      skips: counts what is skipped.
      download: where images can be downloaded, for the error message.
      missing: "skip" allows any number of missing image files; "error" at most half of those of a split.
      repeats: whether an image may be in several splits.

    Raises:
      FileNotFoundError: more than half of the image files of a split are missing.
      ValueError: a split has images, but none of them can be used; or a file is outside the folder.
    """
    splits: dict[str, list[Example]] = {TRAIN: [], VALIDATION: [], TEST: []}
    listed: collections.Counter[str] = collections.Counter()
    lacking: dict[str, list[str]] = {}
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        if not entry.split:
            skips.add("image in no split", entry.id)
            continue
        listed[entry.split] += 1
        if not is_text(entry.id):
            skips.add("image whose id is not text", ascii(entry.id))
            continue
        key = (entry.split if repeats else "", entry.id)
        if key in seen:
            skips.add("repeated image", entry.id)
            continue
        texts = usable_captions(entry.captions, entry.id, skips)
        if not texts:
            skips.add("image without a caption", entry.id)
            continue
        path = images.find(entry.file)
        if path is None:
            skips.add("image whose file is missing", str(images.path(entry.file)))
            lacking.setdefault(entry.split, []).append(entry.file)
            continue
        seen.add(key)
        splits[entry.split].append(_example(entry, path, texts, skips))
    if missing == "error":
        check_missing(lacking, listed, images, download)
    for split, count in listed.items():
        if not splits[split]:
            raise ValueError(
                f"{name}: none of the {count} images of split {split} can be used: {'; '.join(skips.lines())}"
            )
    return Splits(name, {split: examples for split, examples in splits.items() if examples}, skips)


def _example(entry: Entry, path: pathlib.Path, texts: tuple[str, ...], skips: Skips) -> Example:
    if isinstance(entry.boxes, Annotated):
        corners, categories = usable_boxes(entry.boxes.boxes, entry.id, skips)
        return filed_example(entry.id, path, texts, corners, categories, entry.split, entry.boxes.size)
    corners, categories = usable_boxes(entry.boxes, entry.id, skips)
    return Example(entry.id, path, texts, corners, categories, entry.split)
