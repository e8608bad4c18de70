"""The features of a dataset's images from a store of regions."""

import logging
import os

import numpy as np

from lrp_jax.data.bottom_up.store import RegionStore
from lrp_jax.data.features import Dataset, Features
from lrp_jax.data.files import atomic_path


def stored_features(dataset: Dataset, store: RegionStore, *, out: str | os.PathLike | None = None) -> Features:
    """The bottom-up features of a dataset's images, with their boxes.

    An image that the store does not have, or whose record is damaged, is left out with a warning.

    Args:
        dataset: the images; looked up by `Example.id` in any spelling that `Ids` knows.
        store: their regions.
        out: a `.npy` file to map the array from instead of holding it in memory, where 1000 images of 36 x 2048 take
            0.3 GB; written anew.

    Returns:
        Features with grid None.

    Raises:
        ValueError: the store has none of the images.
    """
    indices, captions, found, missing = [], [], [], []
    for index in range(len(dataset)):
        example = dataset[index]
        name = store.find(example.id)
        if name is None:
            missing.append(example.id)
            continue
        indices.append(index)
        captions.append(example.captions)
        found.append(name)
    if missing:
        logging.warning(
            "%d of %d images are left out, %s has no features of them: %s%s",
            *(len(missing), len(dataset), store.folder, ", ".join(missing[:5]), ", ..." if len(missing) > 5 else ""),
        )
    if not found:
        raise ValueError(
            f"{store.folder}: got features of none of the {len(dataset)} images, "
            f"wanted such as {', '.join(repr(id) for id in missing[:3])}; it has such as {store.ids[:3]}"
        )
    shape = (len(found), store.n_v, store.d)
    if out is None:
        array = np.empty(shape, np.float32)
        boxes, good = _fill(array, store, found)
        array = array[: len(good)]
    else:
        with atomic_path(out) as temporary:
            mapped = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=shape)
            boxes, good = _fill(mapped, store, found)
            mapped.flush()
        array = np.load(out, mmap_mode="r", allow_pickle=False)[: len(good)]
    if not good:
        raise ValueError(f"{store.folder}: got damaged records of all {len(found)} images, see the warnings above")
    return Features(array, None, np.array(indices)[good], tuple(captions[row] for row in good), boxes)


def _fill(array: np.ndarray, store: RegionStore, names: list[str]) -> tuple[np.ndarray, list[int]]:
    """Reads the features into the array; returns the boxes, and which of the names could be read."""
    boxes, good = np.empty((len(names), store.n_v, 4), np.float32), []
    for row, name in enumerate(names):
        try:
            regions = store[name]
        except ValueError as error:
            logging.warning("image %s is left out: %s", name, error)
            continue
        array[len(good)], boxes[len(good)] = regions.features, regions.boxes
        good.append(row)
    return boxes[: len(good)], good
