"""Conversion of bottom-up features into a store: array_record files with an index."""

import itertools
import logging
import os
import pathlib
from collections.abc import Iterator, Sequence

from tqdm import tqdm

from lrp_jax.captions.data.bottom_up.index import KIND, Index, read_index
from lrp_jax.captions.data.bottom_up.npz import Sizes
from lrp_jax.captions.data.bottom_up.reading import BottomUp, load, read_bottom_up
from lrp_jax.captions.data.bottom_up.record import DTYPES, fit, pack
from lrp_jax.captions.data.bottom_up.regions import Regions
from lrp_jax.captions.storage.locks import locked
from lrp_jax.captions.storage.shards import NAME, disk_for, write_index, write_shard

# One record per group, so that a random read decompresses only one image. Level 1 makes real float16 features, of which
# 4 in 10 are zero, a quarter smaller and is as fast as no compression; higher levels gain nothing more.
OPTIONS = "group_size:1,zstd:1"
SHARD_IMAGES = 4096


def convert(
    source: str | os.PathLike | BottomUp,
    folder: str | os.PathLike,
    dtype: str = "float16",
    regions: int = 36,
    *,
    sizes: Sizes | None = None,
    names: Sequence[str] | None = None,
    shard_images: int = SHARD_IMAGES,
) -> Index:
    """Converts a source of bottom-up features into a store for `RegionStore`.

    Every image gets the same number of regions, because the attention of the captioners has no mask; `record.fit`
    says how images with more or fewer are handled. A damaged or repeated image is skipped with a warning and counted.
    If the conversion is interrupted, finished files are kept and the same call continues after them; a complete store
    is not changed.

    Args:
        source: a path for `read_bottom_up`, or its result.
        folder: of the store; created if missing.
        dtype: "float16" (an error of at most 1/2048 of a feature) or "float32" (exact, twice the size).
        regions: n_v, regions per image.
        sizes: see `read_bottom_up`.
        names: the names of the detector's classes, by class number; saved in the store.
        shard_images: images per file.

    Returns:
        The index of the store, with the counts.

    Raises:
        ValueError: the folder has a store of another source or other options, or no image can be read.
        OSError: there is not enough disk space.

    Example:
        >>> convert("karpathy_36.tsv", "features")  # doctest: +SKIP
    """
    if dtype not in DTYPES:
        raise ValueError(f"got dtype={dtype!r}, wanted one of {', '.join(DTYPES)}")
    if regions < 1 or shard_images < 1:
        raise ValueError(f"got regions={regions} and shard_images={shard_images}, wanted at least 1 of each")
    if not isinstance(source, BottomUp):
        source = read_bottom_up(source, sizes=sizes)
    folder = pathlib.Path(folder)
    first = _first(source)
    names = None if names is None else tuple(names)
    wanted = Index(source.identity(), regions, first.features.shape[1], dtype, names)
    index = _begin(folder, wanted)
    if index.complete:
        logging.info("%s is already complete", folder)
        return index
    estimate = source.estimate()
    missing = max(estimate - index.entries, 1) * index.record.itemsize  # without compression, as the upper bound
    room = disk_for(folder, missing, "free some, or choose another folder or dtype float16")
    logging.info("%s: %s", folder, room)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), tqdm(total=estimate, desc="regions", unit="image", disable=None) as progress:
        index = _begin(folder, wanted)  # another process may have written in the meantime
        if not index.complete:
            progress.update(index.entries)
            records = _records(source, index, progress)
            for record in records:
                several = itertools.chain([record], itertools.islice(records, shard_images - 1))
                index.shards += (write_shard(folder, "regions", len(index.shards), several, OPTIONS),)
                write_index(folder, KIND, index)
            index.complete = True
            write_index(folder, KIND, index)
    return index


def _first(source: BottomUp) -> Regions:
    """The first readable image, which gives the number of channels."""
    reason = "it is empty"
    for entry in source.entries():
        try:
            return entry.load()
        except (OSError, ValueError) as error:
            reason = f"{entry.where}: {error}"
    raise ValueError(f"{source.path}: got no image that can be read; the last reason: {reason}")


def _begin(folder: pathlib.Path, wanted: Index) -> Index:
    """The index to continue with: that of the folder, if it has the same source and options."""
    if not (folder / NAME).exists():
        return wanted
    found = read_index(folder)
    for field in ("source", "n_v", "d", "dtype", "names"):
        got, want = getattr(found, field), getattr(wanted, field)
        if got != want:
            got, want = (f"{text[:60]}..." if len(text) > 64 else text for text in (repr(got), repr(want)))
            raise ValueError(f"{folder} has a store with {field} {got}, wanted {want}; choose another folder")
    return found


def _records(source: BottomUp, index: Index, progress: tqdm) -> Iterator[tuple[str, bytes]]:
    """The images after those in the index, as records; updates the counts of the index."""
    seen = {id for shard in index.shards for id in shard.ids}
    for entry in itertools.islice(source.entries(), index.entries, None):
        index.entries += 1
        progress.update()
        regions = load(entry)
        if regions is None:
            index.damaged += 1
            continue
        if regions.id in seen:
            logging.warning("%s is skipped: image %r is repeated", entry.where, regions.id)
            index.repeated += 1
            continue
        try:
            _check_classes(regions, index.names)
            record = pack(fit(regions, index.n_v), index.record)
        except ValueError as error:
            logging.warning("%s is skipped: %s", entry.where, error)
            index.damaged += 1
            continue
        seen.add(regions.id)
        index.cut += len(regions) > index.n_v
        index.padded += len(regions) < index.n_v
        yield regions.id, record


def _check_classes(regions: Regions, names: Sequence[str] | None) -> None:
    limit = 2**31 if names is None else len(names)
    wrong = [number for number in regions.names or () if not 0 <= number < limit]
    if wrong:
        raise ValueError(f"image {regions.id!r}: got class {wrong[0]}, wanted 0 to {limit - 1}")
