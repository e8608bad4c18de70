"""Images that cannot be read: they stop a run before its first step, or the whole run leaves them out."""

import json
import logging
import pathlib
from collections.abc import Mapping

import jax
import ml_collections
from tqdm import tqdm

from lrp_jax.captions.data.features import Features
from lrp_jax.captions.data.images import Subset, load_all
from lrp_jax.captions.images import Dataset
from lrp_jax.captions.runs.settings import SettingsError
from lrp_jax.captions.storage.files import atomic

FILE = "unreadable.json"
"""In a run's folder: split -> index in the dataset -> id, of the images left out. Absent if none was left out."""

Bad = dict[str, dict[int, str]]
"""The content of that file. Several images may have the same id if a split is made from several files."""

# A JPEG is then decoded at an eighth of its size, which finds the same errors in 0.4 of the time.
_SMALL = (8, 8)


def readable(
    splits: Mapping[str, Dataset], config: ml_collections.ConfigDict, workdir: pathlib.Path
) -> Mapping[str, Dataset]:
    """The splits without the images that cannot be read, for a run that reads images in every epoch.

    All images are read once before the first step: leaving one out in the middle of an epoch would change batches
    whose captions are fixed already. A resumed run leaves out the same images as before, without reading any.

    Raises:
      SettingsError: some images cannot be read, and `config.bad_images` is "stop".
    """
    if _has_begun(workdir):
        bad = _read(workdir)
    else:
        bad = {split: _unreadable(dataset, split, config.loader_threads) for split, dataset in splits.items()}
        _settle(bad, splits, config, workdir)
    left = {}
    for split, dataset in splits.items():
        places = bad.get(split)
        left[split] = Subset(dataset, [i for i in range(len(dataset)) if i not in places]) if places else dataset
    return left


def check_encoded(
    encoded: Mapping[str, Features],
    splits: Mapping[str, Dataset],
    config: ml_collections.ConfigDict,
    workdir: pathlib.Path,
) -> None:
    """The same check for encoded images; the features of images that could not be read are missing.

    Raises:
      SettingsError: as `readable`; or the run is resumed and other images are missing than at its start, which would
        change its batches.
    """
    bad = {}
    for split, features in encoded.items():
        places = sorted(set(range(len(splits[split]))) - set(features.indices.tolist()))
        bad[split] = {place: splits[split][place].id for place in places}
    if not _has_begun(workdir):
        _settle(bad, splits, config, workdir)
        return
    bad, before = {split: found for split, found in bad.items() if found}, _read(workdir)
    if bad != before:
        raise SettingsError(
            f"{workdir} left out {_listed(before)} when it began, and now {_listed(bad)} cannot be read: restore the "
            "images, or use another --workdir for a new run"
        )


def _unreadable(dataset: Dataset, name: str, threads: int) -> dict[int, str]:
    found = {}
    loaded = load_all(dataset, _SMALL, threads=threads)
    for index, example, _, error in tqdm(
        loaded, total=len(dataset), desc=f"reading {name}", unit="image", leave=False, disable=None
    ):
        if error is not None:
            logging.warning("image %s cannot be read: %s", example.id, error)
            found[index] = example.id
    return found


def _settle(
    bad: Bad,
    splits: Mapping[str, Dataset],
    config: ml_collections.ConfigDict,
    workdir: pathlib.Path,
) -> None:
    """Stops the run, or logs the images that are left out and writes them to `FILE` for resuming."""
    bad = {split: found for split, found in bad.items() if found}
    if bad and config.bad_images == "stop":
        raise SettingsError(
            f"{_listed(bad)} cannot be read, see the warnings above, or those of the run that stored the features: "
            "repair them, or leave them out with --config.bad_images=skip"
        )
    gone = [split for split, found in bad.items() if len(found) == len(splits[split])]
    if gone:
        raise SettingsError(f"no image of split {gone[0]} can be read, see the warnings above: check config.source")
    if jax.process_index() == 0:
        (workdir / FILE).unlink(missing_ok=True)  # from a run that stopped before its first step
        if bad:
            logging.warning("left out because they cannot be read: %s; see %s", _listed(bad), workdir / FILE)
            workdir.mkdir(parents=True, exist_ok=True)
            with atomic(workdir / FILE) as file:
                json.dump(bad, file, indent=2)


def _has_begun(workdir: pathlib.Path) -> bool:
    return (workdir / "config.json").exists()


def _read(workdir: pathlib.Path) -> Bad:
    path = workdir / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {split: {int(place): id for place, id in found.items()} for split, found in content.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise SettingsError(f"{path} is damaged ({error!r}): use another --workdir for a new run") from error


def _listed(bad: Bad, most: int = 3) -> str:
    """Text such as "2 images of train (12, 15)"."""
    parts = []
    for split, found in bad.items():
        names = ", ".join([*list(found.values())[:most], *["..."] * (len(found) > most)])
        parts.append(f"{len(found)} image{'s'[: len(found) > 1]} of {split} ({names})")
    return " and ".join(parts) or "no image"
