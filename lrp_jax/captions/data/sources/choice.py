"""Random splits, for sources without splits."""

import hashlib
import json
import logging
import pathlib
from collections.abc import Collection, Mapping, Sequence

from lrp_jax.captions.data.sources.splits import TEST, TRAIN, VALIDATION
from lrp_jax.captions.storage.files import atomic

Choice = dict[str, list[str]]
"""Split -> the ids of its images."""


def choose(
    ids: Collection[str],
    counts: Mapping[str, int],
    seed: int,
    *,
    of: str = "the source",
    remedy: str = "add some",
) -> Choice:
    """Chooses images for splits at random; the same ids give the same choice, in any order, machine and version.

    The ids are ordered by the SHA-256 of "SEED ID"; the first belong to the first split, and so on.

    Args:
      ids: of all images.
      counts: split -> number of images.
      seed: of the choice.
      of, remedy: the file of the ids, and what to do if there are too few; for the error message.

    Raises:
      ValueError: there are too few ids to leave any for training.
    """
    if sum(counts.values()) >= len(set(ids)) or min(counts.values()) < 0:
        wanted = " and ".join(f"{count} for {split}" for split, count in counts.items())
        raise ValueError(f"{of}: got {len(set(ids))} images, wanted {wanted}, and some to train on; {remedy}")
    order = sorted(set(ids), key=lambda id: hashlib.sha256(f"{seed} {id}".encode()).digest())
    chosen, first = {}, 0
    for split, count in counts.items():
        chosen[split] = sorted(order[first : first + count], key=_natural)
        first += count
    return chosen


def tenths(ids: Collection[str], seed: int, *, of: str) -> dict[str, str]:
    """Id -> split: a tenth of the images (at least one) for validation, as many for the test, the rest for training."""
    tenth = max(1, len(set(ids)) // 10)
    chosen = choose(ids, {VALIDATION: tenth, TEST: tenth}, seed, of=of, remedy="give each a split, or add some")
    return split_of(ids, chosen)


def split_of(ids: Collection[str], choice: Choice) -> dict[str, str]:
    """Id -> split; images that were not chosen are for training."""
    return dict.fromkeys(ids, TRAIN) | {id: split for split, chosen in choice.items() for id in chosen}


def kept_choice(
    path: pathlib.Path,
    ids: Collection[str],
    counts: Mapping[str, int],
    seed: int,
    *,
    of: str,
    sha256: str,
    remedy: str = "add some",
) -> Choice:
    """The choice saved in a file; if there is no file, that of `choose`, which is then saved.

    If the file cannot be written, a warning is logged and the choice is the same.

    Args:
      path: of the file, JSON.
      ids, counts, seed: see `choose`.
      of: name of the file of the ids.
      sha256: of its content.
      remedy: see `choose`.

    Raises:
      ValueError: as `choose`; or the file is damaged, has another seed or other counts, or an id that is not in `ids`.
    """
    if path.is_file():
        return _read(path, ids, counts, seed, of, sha256)
    chosen = choose(ids, counts, seed, of=of, remedy=remedy)
    try:
        with atomic(path) as file:
            json.dump({"seed": seed, "counts": dict(counts), "of": of, "sha256": sha256, "ids": chosen}, file)
    except OSError as error:
        logging.warning("%s: the choice of seed %d could not be saved (%s)", path, seed, error.strerror)
    return chosen


def _read(
    path: pathlib.Path, ids: Collection[str], counts: Mapping[str, int], seed: int, of: str, sha256: str
) -> Choice:
    remedy = "remove it, or set another file with split_file=PATH"
    try:
        record = json.loads(path.read_bytes())
        chosen: Choice = {split: list(map(str, record["ids"][split])) for split in record["ids"]}
        drawn = record["seed"], record["counts"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: not a saved choice of images ({error!r}); {remedy}") from error
    if drawn != (seed, dict(counts)):
        raise ValueError(
            f"{path}: chosen with seed {drawn[0]} and counts {drawn[1]}, wanted {seed}, {dict(counts)}; {remedy}"
        )
    listed: Sequence[str] = [id for chosen_ids in chosen.values() for id in chosen_ids]
    unknown = set(listed) - set(ids)
    if unknown or len(set(listed)) < len(listed) or {s: len(c) for s, c in chosen.items()} != dict(counts):
        wrong = (
            f"image {min(unknown)} is not in {of}" if unknown else "its ids do not match its counts, or are repeated"
        )
        raise ValueError(f"{path}: {wrong}; {remedy}")
    if record.get("sha256") != sha256:
        logging.warning("%s: was chosen from another version of %s, which has all of its images too", path, of)
    return chosen


def _natural(id: str) -> tuple[int, str]:
    """A sort key that orders 1, 2, 10 as numbers."""
    return len(id), id
