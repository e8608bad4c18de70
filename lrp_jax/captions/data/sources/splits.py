"""The result of reading a source: its splits, and counts of what was skipped."""

import collections
import logging
from collections.abc import Mapping

from lrp_jax.captions.images import Dataset

TRAIN, VALIDATION, TEST = "train", "validation", "test"

# The names of the splits in published files. Karpathy's restval, the part of COCO's validation images that his split
# does not use for evaluation, is used for training in all published results on his split.
_NAMES = {
    "train": TRAIN,
    "restval": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "dev": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
}


def split_named(name: object) -> str:
    """Our name for the split `name` of a file; "" for splits that are not used, such as unlabelled images."""
    return _NAMES.get(name.strip().lower(), "") if isinstance(name, str) else ""


class Skips:
    """Counts what is skipped while a source is read, by reason.

    Attributes:
      counts: reason -> number of cases.
    """

    def __init__(self):
        self.counts: collections.Counter[str] = collections.Counter()
        self._first: dict[str, list[str]] = {}

    def add(self, reason: str, what: str) -> None:
        """Counts one more case; the first two of a reason are kept as examples."""
        self.counts[reason] += 1
        if self.counts[reason] <= 2:
            self._first.setdefault(reason, []).append(what)

    def lines(self) -> list[str]:
        """For each reason, the number of cases and the examples."""
        return [f"{count} x {reason} ({self._examples(reason, count)})" for reason, count in self.counts.items()]

    def _examples(self, reason: str, count: int) -> str:
        return ", ".join(self._first[reason]) + (", ..." if count > 2 else "")


class Splits(dict[str, Dataset]):
    """The datasets of a source by split; only splits with images.

    Attributes:
      name: of the source.
      skipped: reason -> number of skipped cases. Sources that are read image by image count on access.

    Raises:
      KeyError: the requested split does not exist; the message names the existing ones.
    """

    def __init__(self, name: str, datasets: Mapping[str, Dataset], skips: Skips | None = None):
        super().__init__(datasets)
        self.name = name
        self.skipped = collections.Counter() if skips is None else skips.counts
        for line in [] if skips is None else skips.lines():
            logging.warning("%s: skipped %s", name, line)

    def __missing__(self, split: str) -> Dataset:
        raise KeyError(f"{self.name} has no images of split {split!r}, only of {', '.join(self) or 'none'}")
