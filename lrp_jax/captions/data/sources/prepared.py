"""coco_captions of TFDS, prepared as array_record and read without TensorFlow."""

import collections
import logging
import operator
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, SupportsIndex

import numpy as np

from lrp_jax.captions.data.sources.boxes import usable_boxes
from lrp_jax.captions.data.sources.captions import usable_captions
from lrp_jax.captions.data.sources.splits import TEST, TRAIN, VALIDATION, Skips, Splits, split_named
from lrp_jax.captions.images import Example, filed_example

CATALOG = "https://www.tensorflow.org/datasets/catalog/coco_captions"
_PREPARE = f"prepare it once with tfds.builder('coco_captions', file_format='array_record'), see {CATALOG}"


class PreparedSplit:
    """Examples that are read from their files one by one, with the images as JPEG bytes.

    Unusable captions and boxes of a record are skipped, and counted when the record is first read. A record that cannot
    be read or has no usable caption gives an example without captions whose image cannot be read, like a damaged file
    in a folder.

    Args:
      name: of the source, for messages.
      split: name of the split.
      parts: the TFDS data sources of the split, in order.
      categories: names of the labels.
      counts: counts what is skipped.
    """

    def __init__(
        self,
        name: str,
        split: str,
        parts: Sequence[Any],
        categories: Sequence[str],
        counts: collections.Counter[str],
    ):
        self._name, self._split, self._parts = name, split, parts
        self._categories, self._counts = categories, counts
        self._starts = np.cumsum([0, *map(len, parts)])
        self._reported: set[int] = set()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: SupportsIndex) -> Example:
        index = operator.index(index)
        if not 0 <= index < len(self):
            raise IndexError(f"got item {index}, wanted 0 to {len(self) - 1} of {self._split}")
        part = int(np.searchsorted(self._starts, index, side="right")) - 1
        skips = Skips()
        try:
            example = self._example(self._parts[part][index - int(self._starts[part])], skips)
        except Exception as error:  # from array_record, or from parsing damaged bytes
            skips.add("record that is damaged", f"record {index} of {self._split}: {error}")
            example = Example(f"{self._split} record {index}", b"", split=self._split)
        self._report(index, skips)
        return example

    def _example(self, record: Mapping[str, Any], skips: Skips) -> Example:
        id = str(int(record["image/id"]))
        texts = usable_captions((_text(text) for text in record["captions"]["text"]), id, skips)
        if not texts:
            skips.add("image without a caption", id)
            return Example(id, b"", split=self._split)
        objects = record["objects"] if self._categories else {"bbox": (), "label": ()}
        things = []
        for (y0, x0, y1, x1), label in zip(objects["bbox"], objects["label"], strict=True):
            if 0 <= label < len(self._categories):
                things.append((self._categories[label], (float(x0), float(y0), float(x1), float(y1))))
            else:
                skips.add("box of an unknown category", f"label {label} of image {id}")
        corners, names = usable_boxes(things, id, skips)
        return filed_example(id, record["image"], texts, corners, names, self._split)

    def _report(self, index: int, skips: Skips) -> None:
        if not skips.counts or index in self._reported:
            return
        self._reported.add(index)
        for reason, line in zip(skips.counts, skips.lines(), strict=True):
            if reason not in self._counts:
                logging.warning("%s: skipped %s; further ones are only counted", self._name, line)
        self._counts.update(skips.counts)


def prepared_source(folder: str | os.PathLike, *, restval: bool = True) -> Splits:
    """The captions and boxes of a prepared `coco_captions`: COCO 2014 in Karpathy's split.

    Args:
      folder: that of the version (.../coco_captions/2014/1.1.0), or a parent of it with only one version.
      restval: whether the images in restval are used for training, as is usual.

    Raises:
      FileNotFoundError: nothing prepared is there, or not all of its files are.
      ValueError: it is prepared in another format, is damaged, or has no captions; the extra `tfds` is not installed.
    """
    # This import takes seconds, and most runs read other files.
    try:
        import tensorflow_datasets as tfds
    except ModuleNotFoundError as error:
        raise ValueError(f'{folder}: {error.name} is not installed; pip install "lrp_jax[tfds]"') from error

    folder = version_folder(pathlib.Path(folder))
    try:
        builder = tfds.builder_from_directory(folder)
        format = builder.info.file_format.value
        features = builder.info.features
    except Exception as error:  # protobuf, TFDS and array_record raise their own exceptions
        raise ValueError(f"{folder}: damaged ({error}); {_PREPARE}") from error
    if format != "array_record":
        raise ValueError(f"{folder}: prepared as {format}, which only TensorFlow can read; {_PREPARE}")
    needed = (("image",), ("image/id",), ("captions", "text"))
    absent = [" with ".join(path) for path in needed if _feature(features, *path) is None]
    if absent:
        raise ValueError(
            f"{folder}: the records have no {', '.join(absent)}, wanted those of coco_captions; {_PREPARE}"
        )
    categories = getattr(_feature(features, "objects", "label"), "names", ())
    parts: dict[str, list[Any]] = {TRAIN: [], VALIDATION: [], TEST: []}
    for name, info in builder.info.splits.items():
        split = split_named(name)
        if split and info.num_examples and (restval or name != "restval"):
            gone = [file for file in info.filepaths if not pathlib.Path(file).is_file()]
            if gone:
                raise FileNotFoundError(f"no file {gone[0]}, of the records of {name}; copy it, or {_PREPARE}")
            decoders = {"image": tfds.decode.SkipDecoding()}
            parts[split].append((name, builder.as_data_source(name, decoders=decoders)))
    result = Splits(f"tfds:{folder}", {})
    for split, sources in parts.items():
        if sources:
            # train before restval, regardless of their order in the file.
            sources = [source for _, source in sorted(sources, key=lambda named: named[0] == "restval")]
            result[split] = PreparedSplit(result.name, split, sources, categories, result.skipped)
    return result


def version_folder(folder: pathlib.Path) -> pathlib.Path:
    """The folder of the only prepared version in or below a folder.

    Raises:
      FileNotFoundError: there is none.
      ValueError: there are several.
    """
    if is_version(folder):
        return folder
    for pattern in ("*", "*/*", "coco_captions/*/*"):
        found = versions(folder, pattern)
        if len(found) > 1:
            raise ValueError(f"{folder} has several prepared datasets: choose one, {' or '.join(map(str, found))}")
        if found:
            return found[0]
    raise FileNotFoundError(f"no prepared dataset in {folder}: looked for dataset_info.json; {_PREPARE}")


def is_version(folder: pathlib.Path) -> bool:
    """Whether a folder has the files of a prepared version."""
    return (folder / "dataset_info.json").is_file() and (folder / "features.json").is_file()


def versions(folder: pathlib.Path, pattern: str) -> list[pathlib.Path]:
    """The prepared versions below a folder that match a glob pattern."""
    return [info.parent for info in sorted(folder.glob(f"{pattern}/dataset_info.json")) if is_version(info.parent)]


def _feature(features: Any, *path: str) -> Any:
    """The TFDS feature at a path in the records; None if there is none."""
    for name in path:
        features = getattr(features, "feature", features)  # the elements of a sequence
        if not hasattr(features, "keys") or name not in features:
            return None
        features = features[name]
    return features


def _text(text: Any) -> Any:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
