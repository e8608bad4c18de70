"""Cross-validation: every image of a source is in the test set of one fold."""

import dataclasses
import hashlib

from lrp_jax.captions.data.sources.splits import TEST, TRAIN, VALIDATION, Splits
from lrp_jax.captions.images import Example


def fold(splits: Splits, number: int, folds: int) -> Splits:
    """The splits of one fold, whatever splits the source has of its own.

    The images are ordered by the SHA-256 of their ids and dealt out to the folds; those of the others are for training,
    but for a tenth of them, which is for validation.

    Args:
      splits: of the source, lists of examples.
      number: which of the folds is the test set, from 0.
      folds: how many there are, at least 2.

    Raises:
      ValueError: there are too few images, or no such fold.
    """
    if not 0 <= number < folds or folds < 2:
        raise ValueError(f"got fold {number} of {folds}, wanted two or more, numbered from 0")
    images: dict[str, Example] = {}
    for dataset in splits.values():
        for example in dataset:
            images.setdefault(example.id, example)
    ids = sorted(images, key=lambda id: hashlib.sha256(id.encode()).digest())
    test = ids[number::folds]
    rest = [id for place, id in enumerate(ids) if place % folds != number]
    validation = rest[::10]
    if not test or len(rest) <= len(validation):
        raise ValueError(f"{splits.name}: got {len(ids)} images, too few for {folds} folds")
    training = [id for place, id in enumerate(rest) if place % 10]
    chosen = {TRAIN: training, VALIDATION: validation, TEST: test}
    datasets = {
        name: [dataclasses.replace(images[id], split=name) for id in members] for name, members in chosen.items()
    }
    found = Splits(f"{splits.name},fold={number}/{folds}", datasets)
    found.skipped.update(splits.skipped)
    return found
