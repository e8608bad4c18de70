"""Finds the pictures to explain: files, folders, patterns, drawn scenes."""

import collections
import dataclasses
import functools
import glob
import os
import re
from collections.abc import Sequence

from lrp_jax.captions import scenes
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import load_image
from lrp_jax.captions.pages.batch import Picture, no_images
from lrp_jax.captions.pages.found import pictures_at, unreadable
from lrp_jax.captions.pages.naming import printable
from lrp_jax.captions.runs.speaker import Speaker

# The side of a scene in pixels, for display: larger than the image that the model gets.
SCENE_SIZE = 480
_INDICES = re.compile(r"\d+(-\d+)?")


def find_pictures(
    images: str | Sequence[str], out: str | os.PathLike, speaker: Speaker, others: list[str] | None = None
) -> list[Picture]:
    """The image of a file, the images of a folder and all below it, those of a pattern, or scenes of a split.

    The explained pixels are resized from the file to the model's input size in one step, as in training; pages show
    the whole picture.

    Args:
      images: paths or patterns (`photos/*.jpg`, `photos/**/*.png`), or `scenes:SPLIT` or `scenes:SPLIT:INDICES` of the
        world that the run was trained on; several as a sequence or separated by commas.
      out: the folder of the results, which is not searched.
      speaker: the models.
      others: takes the names of the files of folders that are no images.

    Returns:
      The pictures, each once and all with different names. A path that does not exist becomes a picture that cannot be
      read, so that it does not affect the others.

    Raises:
      ValueError: there are no pictures.
    """
    specs, found, missing = split_specs(images), [], []
    for spec in specs:
        try:
            found += _find(spec, out, speaker, [] if others is None else others)
        except ValueError as error:
            missing.append((spec, error))
    if not found and len(missing) == 1:
        raise missing[0][1]
    if not found:
        raise ValueError("; ".join(f"{spec}: {error}" for spec, error in missing) or "wanted a file or a folder")
    return _distinct(found) + [unreadable(printable(spec), error) for spec, error in missing]


def split_specs(images: str | Sequence[str]) -> list[str]:
    """Splits at commas, except in the path of an existing file and between the indices of scenes."""
    specs: list[str] = []
    for text in [images] if isinstance(images, str) else images:
        if os.path.exists(text):
            specs.append(text)
            continue
        for part in filter(None, (part.strip() for part in text.split(","))):
            if specs and specs[-1].count(":") == 2 and specs[-1].startswith("scenes:") and _INDICES.fullmatch(part):
                specs[-1] += f",{part}"
            else:
                specs.append(part)
    return specs


def _find(spec: str, out: str | os.PathLike, speaker: Speaker, others: list[str]) -> list[Picture]:
    """The pictures of one path, pattern or split; a ValueError says that there are none."""
    if spec.startswith("scenes:"):
        return _scenes(spec, speaker)
    read, show = functools.partial(load_image, size=_size(speaker)), load_image if _size(speaker) else None
    paths = [spec]
    if glob.has_magic(spec) and not os.path.exists(spec):
        paths = sorted(glob.glob(spec, recursive=True))
        if not paths:
            raise ValueError("no file has such a name")
    passed: list[str] = []
    try:
        # Not what an earlier run wrote, where the results lie in the folder of the images.
        pictures = [found for path in paths for found in pictures_at(path, read, out, show, passed)]
    except FileNotFoundError:
        raise ValueError("no such file or folder") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    if not pictures:
        raise ValueError(f"no image in this folder{f', but {no_images(passed)}' if passed else ''}")
    others += passed
    return pictures


def _distinct(pictures: Sequence[Picture]) -> list[Picture]:
    """Removes duplicates; pictures with the same name are named by their whole path."""
    once: dict[str, Picture] = {}
    for picture in pictures:
        once.setdefault(picture.name if picture.file is None else os.path.realpath(picture.file), picture)
    counts = collections.Counter(picture.name for picture in once.values())
    return [
        dataclasses.replace(p, name=printable(p.file)) if counts[p.name] > 1 and p.file is not None else p
        for p in once.values()
    ]


def _scenes(images: str, speaker: Speaker) -> list[Picture]:
    _, split, *rest = images.split(":", 2)
    trained_on = str(speaker.config.get("source", ""))
    splits = source(trained_on if trained_on.startswith("scenes:") else "scenes:strong")
    if split not in splits:
        raise ValueError(f"got split {split!r}, wanted one of {', '.join(splits)}")
    dataset = splits[split]
    try:
        indices = _indices(rest[0]) if rest else list(range(len(dataset)))
    except ValueError:
        raise ValueError("wanted indices such as 0-19 or 3,7,10-12") from None
    if not indices or max(indices) >= len(dataset):
        raise ValueError(f"wanted indices from 0 to {len(dataset) - 1}")

    def scene(index: int) -> Picture:
        return Picture(
            f"{split}_{index}",
            read=lambda: load_image(dataset[index].image, _size(speaker)),
            show=lambda: scenes.draw(dataset.scene(index), SCENE_SIZE),
        )

    return [scene(index) for index in indices]


def _size(speaker: Speaker) -> tuple[int, int] | None:
    """The encoder's input size; None if there is no encoder."""
    return None if speaker.preprocessing is None else speaker.preprocessing.size


def _indices(text: str) -> list[int]:
    indices: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        indices += range(int(first), int(last if dash else first) + 1)
    return list(dict.fromkeys(indices))
