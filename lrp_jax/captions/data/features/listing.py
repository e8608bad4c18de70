"""A cached list of the ids and captions of a dataset, which avoids reading all its images every time."""

import json
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lrp_jax.captions.data.features.digests import digest, sample_places
from lrp_jax.captions.images import Dataset, Example
from lrp_jax.captions.storage.files import atomic
from lrp_jax.captions.storage.locks import locked

NAME = "captions.json"


class Listed(NamedTuple):
    """The id and the captions of an image."""

    id: str
    captions: tuple[str, ...]

    @classmethod
    def of(cls, example: Example) -> "Listed":
        return cls(example.id, tuple(example.captions))


def list_images(
    dataset: Dataset, folder: pathlib.Path | None = None, seen: Mapping[int, Listed] | None = None
) -> list[Listed]:
    """Ids and captions of all images of a dataset.

    A list of examples has them in memory. In other datasets an example is expensive, because it is drawn or read with
    its pixels: with a `folder`, all examples are read once and the list is cached. It is made again if an evenly spaced
    sample of examples has changed.

    Args:
      dataset: the images.
      folder: where the list is cached, as "captions.json", if the dataset is not a list; created if missing.
      seen: the part of the list that is already known, by index.
    """
    seen = dict(seen or {})

    def listed(place: int) -> Listed:
        if place not in seen:
            seen[place] = Listed.of(dataset[place])
        return seen[place]

    count = len(dataset)
    if isinstance(dataset, Sequence) or folder is None:
        return [listed(place) for place in range(count)]
    key = digest(count, [[image.id, *image.captions] for image in map(listed, sample_places(count))])
    kept = _read(folder / NAME, key, count)
    if kept is None:
        kept = [listed(place) for place in range(count)]
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder), atomic(folder / NAME) as file:
            json.dump({"key": key, "images": kept}, file, ensure_ascii=False)
    return kept


def _read(path: pathlib.Path, key: str, count: int) -> list[Listed] | None:
    """The list in the file, or None if it is missing, incomplete or has another key."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        images = [Listed(id, tuple(captions)) for id, captions in content["images"]]
        return images if content["key"] == key and len(images) == count else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logging.warning("%s is damaged and will be made again: %s", path, error)
        return None
