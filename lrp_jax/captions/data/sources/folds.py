"""Cross-validation: every image of a source is in the test set of one fold."""

import hashlib

from lrp_jax.captions.data.sources.splits import TEST, TRAIN, VALIDATION, Splits
from lrp_jax.captions.images import Example


def fold(splits: Splits, number: int, folds: int) -> Splits:
    """The splits of one fold; the splits of the source itself are ignored.

    The images are ordered by the SHA-256 of their ids and assigned to the folds in turn. Of the images of the other
    folds a tenth is for validation, the rest for training.

    Args:
      splits: of the source, lists of examples.
      number: the fold that is the test set, from 0.
      folds: the number of folds, at least 2.

    Raises:
      ValueError: there are too few images, or no such fold.
    """
    if not 0 <= number < folds or folds < 2:
        raise ValueError(f"got fold {number} of {folds}, wanted at least two folds, numbered from 0")
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
    datasets = {name: [images[id].in_split(name) for id in members] for name, members in chosen.items()}
    found = Splits(f"{splits.name},fold={number}/{folds}", datasets)
    found.skipped.update(splits.skipped)
    return found
