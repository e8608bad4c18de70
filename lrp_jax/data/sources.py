"""Captioned images by name: one string in a config says where the data comes from."""

import json
import pathlib
from collections.abc import Mapping

import numpy as np

from lrp_jax.data import scenes
from lrp_jax.data.features import Dataset
from lrp_jax.data.records import Example

# How published files call the three splits. What is in none of them (Flickr8k's spare images, COCO's
# unlabelled ones) is not used.
_SPLITS = {
    "train": "train",
    "val": "validation",
    "dev": "validation",
    "validation": "validation",
    "test": "test",
}


def source(spec: str) -> Mapping[str, Dataset]:
    """The splits of a source of captioned images.

    Args:
      spec: one of
        - `scenes:BIAS[,OPTION=NUMBER...]`, drawn scenes with `BIAS` strong, weak or none, and the options
          `seed`, `size` (pixels of a side) and `train`, `validation`, `test_broken`, `test_biased` (how
          many scenes of a split are drawn, from the first on), for example
          `scenes:strong,size=96,train=4000`;
        - `json:PATH[,PATH...]`, photographs with captions in a JSON file, see `json_source`. The training and
          validation splits of several files are put together, their test splits stay apart.

    Returns:
      Split -> dataset. Scenes have the splits train, validation, test_broken and test_biased; photographs
      train, validation and test, or from several files test_NAME with the names of the files.

    Raises:
      ValueError: the string names no source.
      FileNotFoundError: there is no such file.
    """
    kind, _, argument = spec.partition(":")
    if kind == "scenes":
        return _scenes(spec, argument)
    if kind == "json":
        return _together([pathlib.Path(path) for path in argument.split(",")])
    raise ValueError(f"no source {spec!r}: wanted scenes:strong, scenes:weak, scenes:none or json:PATH")


def _scenes(spec: str, argument: str) -> Mapping[str, Dataset]:
    bias, *parts = argument.split(",")
    options = {}
    for part in parts:
        name, _, number = part.partition("=")
        if name not in ("seed", "size", *scenes.SPLITS) or not number.isdecimal():
            raise ValueError(
                f"source {spec!r}: got {part!r}, wanted OPTION=NUMBER with an option out of seed, size, "
                + ", ".join(scenes.SPLITS)
            )
        options[name] = int(number)
    counts = {split: options.pop(split, None) for split in scenes.SPLITS}
    return {split: scenes.dataset(split, bias=bias, count=count, **options) for split, count in counts.items()}


def _together(paths: list[pathlib.Path]) -> Mapping[str, Dataset]:
    if len(paths) == 1:
        return json_source(paths[0])
    files = {path.stem: json_source(path) for path in paths}
    if len(files) < len(paths):
        raise ValueError(f"wanted files of different names, got {', '.join(path.name for path in paths)}")
    together = {
        split: [example for splits in files.values() for example in splits[split]] for split in ("train", "validation")
    }
    return together | {f"test_{name}": splits["test"] for name, splits in files.items()}


def json_source(path: str | pathlib.Path) -> Mapping[str, Dataset]:
    """Photographs beside a JSON file that lists them.

    The file holds `{"images": [...]}`, and each image `file` (in the folder `images` beside the JSON file),
    `captions` (a list of strings), `split` (train, val or dev, test) and, optionally, `image_id` and
    `boxes`: a list of `{"category": name, "box": [x0, y0, x1, y1]}` with corners as shares of the width
    and the height. Images in no split, or without captions, are left out. Regions that COCO marks as
    crowds are kept: what they name is there.

    Args:
      path: of the JSON file.

    Returns:
      Split -> list of `Example`, in the order of the file. The images are read when they are needed.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file is not JSON of this form; the message names the entry.
    """
    path = pathlib.Path(path)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["images"]
    except FileNotFoundError:
        raise FileNotFoundError(f"no captions at {path}: wanted a JSON file with a folder images beside it") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path}: wanted JSON of the form {{"images": [...]}} ({error!r})') from error
    if not isinstance(entries, list):
        raise ValueError(f"{path}: images is a {type(entries).__name__}, wanted a list")
    splits: dict[str, list[Example]] = {"train": [], "validation": [], "test": []}
    for number, entry in enumerate(entries):
        try:
            example = _example(entry, path.parent / "images")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: image {number} is not of the expected form ({error!r})") from error
        if example.split and example.captions:
            splits[example.split].append(example)
    return splits


def _example(entry: Mapping, folder: pathlib.Path) -> Example:
    if not isinstance(entry["captions"], list):
        raise TypeError(f"captions is a {type(entry['captions']).__name__}, wanted a list of strings")
    objects = entry.get("boxes") or []
    return Example(
        id=str(entry.get("image_id", pathlib.Path(entry["file"]).stem)),
        image=folder / entry["file"],
        captions=tuple(entry["captions"]),
        boxes=np.array([thing["box"] for thing in objects], np.float32).reshape(-1, 4),
        names=tuple(thing["category"] for thing in objects),
        split=_SPLITS.get(entry["split"], ""),
    )
