"""The features of a dataset's images from a store of regions."""

import logging
import pathlib

import numpy as np

from lrp_jax.captions.data.bottom_up.store import RegionStore
from lrp_jax.captions.data.features import Features, list_images
from lrp_jax.captions.images import Dataset


def stored_features(dataset: Dataset, store: RegionStore, folder: pathlib.Path | None = None) -> Features:
    """The bottom-up features and boxes of a dataset's images; both are read when they are indexed.

    An image that is not in the store is skipped with a warning, an image without captions silently.

    Args:
        dataset: the images; looked up by `Example.id` in any spelling that `Ids` knows.
        store: their regions.
        folder: where ids and captions are cached if reading the dataset is slow; see `list_images`.

    Returns:
        Features with grid None. Reading an image whose record is damaged raises a ValueError that names the file.

    Raises:
        ValueError: none of the images is in the store.
    """
    images = list_images(dataset, folder)
    names = [store.find(image.id) if image.captions else None for image in images]
    indices = np.array([index for index, name in enumerate(names) if name is not None], int)
    missing = [image.id for image, name in zip(images, names, strict=True) if name is None and image.captions]
    if not len(indices):
        raise ValueError(
            f"{store.folder}: got features of none of the {len(images)} images, "
            f"wanted for example {', '.join(repr(id) for id in missing[:3])}; it has for example {store.ids[:3]}"
        )
    if missing:
        logging.warning(
            "%d of %d images are skipped, %s has no features of them: %s%s",
            *(len(missing), len(images), store.folder, ", ".join(missing[:5]), ", ..." if len(missing) > 5 else ""),
        )
    found = [names[index] for index in indices]
    captions = tuple(images[index].captions for index in indices)
    return Features(store.features(found), None, indices, captions, store.boxes(found))
