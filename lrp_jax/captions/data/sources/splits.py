"""What a source gives: its splits, and an account of what was left out."""

import collections
import logging
from collections.abc import Mapping

from lrp_jax.captions.images import Dataset

TRAIN, VALIDATION, TEST = "train", "validation", "test"

# How published files call the splits. Karpathy's restval, the part of COCO's validation images that he needs for no
# evaluation, is trained on by everyone who reports results on his split.
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
    """Our name of a split that a file calls `name`; "" for what is not used, such as unlabelled images."""
    return _NAMES.get(name.strip().lower(), "") if isinstance(name, str) else ""


class Skips:
    """What is left out while a source is read, counted by reason.

    Attributes:
      counts: reason -> how many.
    """

    def __init__(self):
        self.counts: collections.Counter[str] = collections.Counter()
        self._first: dict[str, list[str]] = {}

    def add(self, reason: str, what: str) -> None:
        """Counts one more; the first two of a reason are kept as examples."""
        self.counts[reason] += 1
        if self.counts[reason] <= 2:
            self._first.setdefault(reason, []).append(what)

    def lines(self) -> list[str]:
        """For each reason the number and the examples."""
        return [f"{count} x {reason} ({self._examples(reason, count)})" for reason, count in self.counts.items()]

    def _examples(self, reason: str, count: int) -> str:
        return ", ".join(self._first[reason]) + (", ..." if count > 2 else "")


class Splits(dict[str, Dataset]):
    """Split -> dataset. A split without images is not in it.

    Attributes:
      name: of the source.
      skipped: what was left out, reason -> how many. Sources that are read image by image count when they read.

    Raises:
      KeyError: a split is asked for that is not there; the message names those that are.
    """

    def __init__(self, name: str, datasets: Mapping[str, Dataset], skips: Skips | None = None):
        super().__init__(datasets)
        self.name = name
        self.skipped = collections.Counter() if skips is None else skips.counts
        for line in [] if skips is None else skips.lines():
            logging.warning("%s: left out %s", name, line)

    def __missing__(self, split: str) -> Dataset:
        raise KeyError(f"{self.name} has no images of split {split!r}, only of {', '.join(self) or 'none'}")
