"""Opens a source by its name: kind, path and options."""

import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from lrp_jax.captions.data.sources.coco import coco_source
from lrp_jax.captions.data.sources.drawn import scenes_source
from lrp_jax.captions.data.sources.flickr30k import flickr30k_source
from lrp_jax.captions.data.sources.folder import folder_source
from lrp_jax.captions.data.sources.folds import fold
from lrp_jax.captions.data.sources.guess import guess
from lrp_jax.captions.data.sources.json_file import json_sources
from lrp_jax.captions.data.sources.karpathy import karpathy_source
from lrp_jax.captions.data.sources.prepared import prepared_source
from lrp_jax.captions.data.sources.reading import path_of
from lrp_jax.captions.data.sources.splits import TRAIN, Splits


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a number")
    return int(text)


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("yes or no")
    return text == "yes"


def _files(text: str, between: str = "+") -> list[pathlib.Path]:
    return [path_of(file) for file in text.split(between)]


def _error_or_skip(text: str) -> str:
    if text not in ("error", "skip"):
        raise ValueError("error or skip")
    return text


def _part(text: str) -> tuple[int, int]:
    number, slash, folds = text.partition("/")
    if not (slash and number.isdecimal() and folds.isdecimal()):
        raise ValueError("NUMBER/FOLDS such as 0/5")
    return int(number), int(folds)


def _json(path: pathlib.Path, **options: str) -> Splits:
    paths = [path] if path.is_file() else _files(str(path), ",")
    return json_sources(paths, **options)


# Not a plain split at commas, because a path may contain commas.
_OPTION = re.compile(r",(?=\w+=)")

_IMAGES = {"images": str, "missing": _error_or_skip, "fold": _part}
_DRAW = {"seed": _number, "split_file": str}

# Kind -> the function that reads it, and the parsers of its options.
_KINDS: Mapping[str, tuple[Callable[..., Splits], Mapping[str, Callable[[str], Any]]]] = {
    "karpathy": (karpathy_source, _IMAGES | {"instances": _files, "entities": str, "restval": _yes_or_no}),
    "coco": (coco_source, _IMAGES | _DRAW | {"year": _number, "validation": _number, "restval": _yes_or_no}),
    "tfds": (prepared_source, {"restval": _yes_or_no}),
    "flickr30k": (flickr30k_source, _IMAGES | _DRAW | {"entities": str}),
    "folder": (folder_source, _IMAGES | {"seed": _number}),
    "json": (_json, _IMAGES),
}


def source(spec: str) -> Splits:
    """The splits of a source of captioned images.

    Args:
      spec: `KIND:PATH[,OPTION=VALUE...]`, see docs/DATA.md for the options, or only a path, whose kind is detected:
        - `karpathy:FILE`, a JSON file with Karpathy's split, see `karpathy_source`;
        - `coco:FOLDER`, the files of COCO, see `coco_source`;
        - `tfds:FOLDER`, a prepared coco_captions, see `prepared_source`;
        - `flickr30k:FOLDER`, see `flickr30k_source`;
        - `folder:FOLDER`, your own images with captions.jsonl or captions.csv, see `folder_source`;
        - `json:FILE[,FILE...]`, see `json_source`. The training and validation splits of several files are merged,
          their test splits stay separate;
        - `scenes:BIAS[,OPTION=NUMBER...]`, drawn scenes with `BIAS` strong, weak or none, and the options
          `seed`, `size` (pixels of a side) and `train`, `validation`, `test_broken`, `test_biased` (the number of
          scenes of a split, counted from the first), for example `scenes:strong,size=96,train=4000`.

    Returns:
      Split -> dataset, for those of train, validation and test that have images; scenes have train, validation,
      test_broken and test_biased; several JSON files have test_NAME with the names of the files. Skipped entries are
      counted in `skipped`.

    Raises:
      ValueError: the string is not the name of a source; a file is damaged; a split has no usable image.
      FileNotFoundError: a file or the images are missing; the message says which, and where to download them.
    """
    kind, colon, argument = spec.partition(":")
    if colon and kind == "scenes":
        return scenes_source(spec, argument)
    if not colon or kind not in _KINDS:
        kind, argument = _found_out(spec)
    read, options = _KINDS[kind]
    path, *given = _OPTION.split(argument)
    if not path:
        raise ValueError(f"source {spec!r}: wanted a path after {kind}:")
    values = {}
    for part in given:
        name, _, value = part.partition("=")
        if name not in options:
            raise ValueError(f"source {spec!r}: got the option {name!r}, wanted one of {', '.join(options)}")
        try:
            values[name] = options[name](value)
        except ValueError as wanted:
            raise ValueError(f"source {spec!r}: got {part}, wanted {wanted}") from None
    part = values.pop("fold", None)
    splits = read(path_of(path), **values)
    if part is not None:
        splits = fold(splits, *part)
    if TRAIN not in splits:
        raise ValueError(f"source {spec!r} has no images to train on: its splits are {', '.join(splits) or 'empty'}")
    return splits


def _found_out(spec: str) -> tuple[str, str]:
    """The kind and argument of a source that is given as a path only, perhaps with options."""
    path, *options = _OPTION.split(spec)
    there = path_of(path)
    if not path or not there.exists():
        kinds = ", ".join(f"{kind}:PATH" for kind in _KINDS)
        raise ValueError(f"no source {spec!r}: wanted {kinds}, scenes:BIAS, or the path of an existing file or folder")
    kind, place = guess(there)
    return kind, ",".join([str(place), *options])
