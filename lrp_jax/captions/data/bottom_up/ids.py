"""Looks up images whose names are spelt differently in different files."""

import re
from collections.abc import Iterable

# Only suffixes of image and feature files: "img.1" and "img.2" are two images.
_ENDING = re.compile(r"\.(jpe?g|png|bmp|gif|webp|tiff?|npz|npy)$", re.IGNORECASE)
# Only digits after a separator: the last digits of a hexadecimal name are not a number.
_NUMBER = re.compile(r"(?:^|[_\-])0*(\d+)$")


class Ids:
    """Image ids that are found by any of their usual spellings.

    An id matches exactly; else by the stem of its file name ("val/a.jpg" and "a"); else by its number, if one of
    the two ids is only the number: "COCO_train2014_000000084002", "000000084002" and 84002 are one image, while
    "train-00012" and "test-00012" are two. An ambiguous id is not found.

    Args:
        ids: the ids that can be found.

    Example:
        >>> Ids(["COCO_train2014_000000084002"]).find(84002)
        'COCO_train2014_000000084002'
    """

    def __init__(self, ids: Iterable[str]):
        self._exact = dict.fromkeys(ids)
        self._stems: dict[str, str | None] = {}
        self._numbers: dict[str, str | None] = {}
        self._bare: dict[str, str | None] = {}
        for id in self._exact:
            stem, number = _stem(id), _number(id)
            _add(self._stems, stem, id)
            if number is not None:
                _add(self._numbers, number, id)
                if stem.isdecimal():
                    _add(self._bare, number, id)

    def find(self, id: str | int) -> str | None:
        """The one of `ids` that is the image `id`, or None."""
        id = str(id)
        if id in self._exact:
            return id
        stem = _stem(id)
        if stem in self._stems:
            return self._stems[stem]
        return (self._numbers if stem.isdecimal() else self._bare).get(_number(id))


def _stem(id: str) -> str:
    return _ENDING.sub("", re.split(r"[/\\]", id)[-1])


def _number(id: str) -> str | None:
    match = _NUMBER.search(_stem(id))
    return match and match[1]


def _add(names: dict[str, str | None], key: str, id: str) -> None:
    names[key] = None if key in names else id
