"""Detects the kind of a source from its path."""

import pathlib
import re

from lrp_jax.captions.data.sources import coco, flickr30k, folder, prepared

# Large enough to include the first image of a list after any header.
_BEGINNING = 1 << 18

LOOKED_FOR = {
    "karpathy": "dataset_coco.json, dataset_flickr30k.json or dataset_flickr8k.json",
    "coco": "annotations/captions_train2017.json or captions_train2014.json",
    "tfds": "dataset_info.json and features.json of a prepared coco_captions",
    "flickr30k": " or ".join(flickr30k.CAPTIONS),
    "folder": " or ".join(folder.CAPTIONS),
    "json": "a JSON file with a list of images that have captions, and the folder images beside it",
}
"""The files by which each kind is detected."""


def guess(path: pathlib.Path) -> tuple[str, pathlib.Path]:
    """The kind of the source at a path, and the path to pass to its reader.

    Args:
      path: of an existing file or folder.

    Raises:
      ValueError: no kind fits, or several do.
    """
    found = _in_folder(path) if path.is_dir() else _of_file(path)
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(f"{kind}:{place}" for kind, place in found)
        raise ValueError(f"{path} has several sources: choose one, {names}")
    looked = "; ".join(f"{kind}: {files}" for kind, files in LOOKED_FOR.items())
    raise ValueError(f"{path} is not a known kind of source; looked for {looked}")


def _of_file(path: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".csv") and path.name not in flickr30k.CAPTIONS:
        return [("folder", path)]
    if suffix == ".token" or path.name in flickr30k.CAPTIONS:
        return [("flickr30k", path)]
    if suffix != ".json":
        return []
    with open(path, "rb") as file:
        beginning = file.read(_BEGINNING)
    if path.name.startswith("captions_") and re.search(rb'"(annotations|licenses)"', beginning):
        return [("coco", path.parent.parent if path.parent.name == "annotations" else path.parent)]
    # Quotation marks inside captions are escaped, so a match is a key.
    for kind, key in (("karpathy", rb'"sent(ences|ids)"\s*:'), ("json", rb'"captions"\s*:')):
        if re.search(key, beginning):
            return [(kind, path)]
    return []


def _in_folder(path: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    found = [("karpathy", file) for file in sorted(path.glob("dataset_*.json")) if ("karpathy", file) in _of_file(file)]
    annotations = coco.annotations_folder(path)
    if any((annotations / f"captions_train{year}.json").is_file() for year in coco.YEARS):
        found.append(("coco", path))
    if prepared.is_version(path) or prepared.versions(path, "*") or prepared.versions(path, "*/*"):
        found.append(("tfds", path))
    if any((path / name).is_file() for name in flickr30k.CAPTIONS):
        found.append(("flickr30k", path))
    if any((path / name).is_file() for name in folder.CAPTIONS):
        found.append(("folder", path))
    if not found and (path / "images").is_dir():
        found = [("json", file) for file in sorted(path.glob("*.json")) if ("json", file) in _of_file(file)]
    return found
