"""Ids and captions of a dataset's images, without reading all images for them every time."""

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
    """An image by its name, with what is said about it."""

    id: str
    captions: tuple[str, ...]

    @classmethod
    def of(cls, example: Example) -> "Listed":
        return cls(example.id, tuple(example.captions))


def list_images(
    dataset: Dataset, folder: pathlib.Path | None = None, seen: Mapping[int, Listed] | None = None
) -> list[Listed]:
    """Ids and captions of all images of a dataset.

    A list of examples has them. In another dataset an example costs something, because it is drawn or comes with its
    pixels: with a `folder` all are read once, and again where some, spread over the dataset, are not what they were.

    Args:
      dataset: the images.
      folder: where the list of a dataset that is no list is kept, as "captions.json"; made if missing.
      seen: what has been read of the dataset already, by places.
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
    """What the file lists, or None unless it is whole and has the key."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        images = [Listed(id, tuple(captions)) for id, captions in content["images"]]
        return images if content["key"] == key and len(images) == count else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logging.warning("%s is damaged and made anew: %s", path, error)
        return None
