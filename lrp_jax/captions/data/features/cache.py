"""The feature cache: computes features into a folder, and refuses a folder whose features do not fit the run."""

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from tqdm import tqdm

from lrp_jax.captions.data.features.digests import ids_digest, image_digests, sample
from lrp_jax.captions.data.features.encoding import Encode, Encoded, encoded, layout, none_read
from lrp_jax.captions.data.features.features import FeatureError, Features
from lrp_jax.captions.data.features.index import DTYPES, KIND, Index, read_index
from lrp_jax.captions.data.features.listing import Listed, list_images
from lrp_jax.captions.data.features.store import FeatureStore
from lrp_jax.captions.data.images import Subset, load_all
from lrp_jax.captions.images import DECODING, Dataset
from lrp_jax.captions.storage.locks import locked
from lrp_jax.captions.storage.shards import NAME, disk_for, is_whole, write_index, write_shard

# One record per group, so that a random read fetches only one image. Compression would make CNN features 40 % smaller,
# but reading them would take four times as long.
OPTIONS = "group_size:1,uncompressed"
# The most that a killed run loses: 103 MB of features of 196 x 512.
SHARD_IMAGES = 512


def cached_features(
    folder: str | os.PathLike,
    dataset: Dataset,
    encode: Encode,
    *,
    key: Mapping[str, str],
    name: str = "features",
    dtype: str = "float16",
    size: tuple[int, int] | None = None,
    batch_size: int = 32,
    shard_images: int = SHARD_IMAGES,
) -> Features:
    """The features of a dataset from a cache folder; missing ones are computed and written there.

    Before the first file is written, a line with the required and the free disk space is printed. An interrupted
    computation continues after the finished files. A missing or truncated file is computed again, and so is a file with
    images that were unreadable and are now readable. If several processes use the same folder, one computes and the
    others wait.

    Captions are not cached with the features: they come from the dataset, see `list_images`.

    Args:
      folder: has a subfolder for each `name`; both are created if missing.
      dataset, encode, size, batch_size: see `compute_features`.
      key: identifies the encoder, as {part: description}, for example {"weights": digest}, see `digest`. The cache key
        is this together with the decoding and the identity of the images (see `dataset_digest`).
      name: the dataset's name within the folder.
      dtype: "float16" (an error of at most 1/2048 of a feature) or "float32" (exact, twice the size).
      shard_images: images per file.

    Raises:
      FeatureError: the folder has features of another key or dtype or is damaged; no image can be read; or a feature
        is not finite, or too large for float16.
      ValueError: `encode` returns neither a grid nor regions.
      OSError: there is not enough disk space.
    """
    if dtype not in DTYPES:
        raise FeatureError(f"got features_dtype={dtype!r}, wanted one of {', '.join(DTYPES)}")
    if not len(dataset):
        raise FeatureError(f"{name}: {none_read(0)}")
    folder = pathlib.Path(folder) / name
    decoding = f"{DECODING}, {'own size' if size is None else f'{size[0]} x {size[1]}'}"
    key = {**key, "decoding": decoding, "images": ids_digest(dataset)}
    sampled = sample(dataset)
    wanted = Index(key, tuple(image_digests(sampled).items()), dtype, len(dataset), shard_images)
    seen = {place: Listed.of(example) for place, example in sampled.items()}
    if _missing(folder, _begin(folder, wanted), dataset):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            index = _begin(folder, wanted)  # another process may have written in the meantime
            missing = _missing(folder, index, dataset)
            places = list(itertools.chain.from_iterable(map(index.places, missing)))
            images = encoded(dataset, encode, places, size=size, batch_size=batch_size, name=name)
            _write(folder, index, missing, _noting(images, seen))
    try:
        store = FeatureStore(folder)
    except ValueError as error:
        raise FeatureError(str(error)) from error
    listed = list_images(dataset, folder, seen)
    return Features(store.array, store.grid, store.indices, tuple(listed[place].captions for place in store.indices))


def _begin(folder: pathlib.Path, wanted: Index) -> Index:
    """The index to continue with: that of the folder, if it has the same key."""
    if not (folder / NAME).exists():
        return dataclasses.replace(wanted)
    try:
        found = read_index(folder)
    except ValueError as error:
        raise FeatureError(str(error)) from error
    differences = "; ".join(found.differences(wanted))
    if differences:
        raise FeatureError(
            f"{folder} has other features: {differences}; delete that folder, or choose another features_folder"
        )
    found.samples = wanted.samples
    return found


def _missing(folder: pathlib.Path, index: Index, dataset: Dataset) -> list[int]:
    """The files to write: those missing, truncated, or with images that were unreadable and are now readable."""
    left_out = load_all(Subset(dataset, index.left_out))
    repaired = [index.left_out[image.index] for image in left_out if image.error is None]
    again = {place // index.shard_images for place in repaired}
    return [
        number
        for number in range(index.files)
        if number in again or number >= len(index.shards) or not is_whole(folder, index.shards[number])
    ]


def _noting(images: Iterator[Encoded], seen: dict[int, Listed]) -> Iterator[Encoded]:
    """Passes the images on and collects their ids and captions in `seen`."""
    for image in images:
        seen[image.index] = Listed.of(image.example)
        yield image


def _write(folder: pathlib.Path, index: Index, missing: Iterable[int], images: Iterator[Encoded]) -> None:
    """Writes files of features, and the index after each of them."""
    said = False
    left_out: list[int] = []

    def records(images: Iterator[Encoded]) -> Iterator[tuple[str, bytes]]:
        nonlocal said
        for place, example, features in images:
            if features is None:
                left_out.append(place)
                continue
            index.grid, index.shape = layout(features)
            if not said:
                _say(folder, index, missing)
                said = True
            _check(example.id, features, index.dtype)
            yield example.id, features.astype(DTYPES[index.dtype]).tobytes()

    for number in missing:
        some = records(itertools.islice(images, len(index.places(number))))
        shard = write_shard(folder, "features", number, some, OPTIONS)
        index.put(number, shard, left_out)
        left_out.clear()
        if not len(index) and index.complete:
            raise FeatureError(none_read(index.images))
        write_index(folder, KIND, index)


def _say(folder: pathlib.Path, index: Index, missing: Iterable[int]) -> None:
    """Prints how much will be written, after a check of the free disk space."""
    count = sum(len(index.places(number)) for number in missing)
    room = disk_for(folder, count * index.bytes, "free some, or choose another features_folder")
    tqdm.write(f"{folder}: {count} images of {index.shape[0]} x {index.shape[1]} {index.dtype}, {room}")


def _check(id: str, features: np.ndarray, dtype: str) -> None:
    largest = np.abs(features).max()
    if not np.isfinite(largest):
        raise FeatureError(f"image {id!r}: got features that are not finite; check the weights of the encoder")
    if dtype == "float16" and largest > np.finfo(np.float16).max:
        raise FeatureError(
            f"image {id!r}: got a feature of {largest:g}, which float16 cannot hold (65504 at most); "
            'set features_dtype="float32" and choose another features_folder'
        )
