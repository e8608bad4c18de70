"""Conversion of bottom-up features into a store: array_record files with an index."""

import contextlib
import itertools
import logging
import os
import pathlib
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence

from array_record.python.array_record_module import ArrayRecordWriter
from tqdm import tqdm

from lrp_jax.data.bottom_up.index import NAME, Index, Shard, read_index, write_index
from lrp_jax.data.bottom_up.npz import Sizes
from lrp_jax.data.bottom_up.reading import BottomUp, load, read_bottom_up
from lrp_jax.data.bottom_up.record import DTYPES, fit, pack
from lrp_jax.data.bottom_up.regions import Regions
from lrp_jax.data.files import atomic_path

# One record per group, so that a random read decompresses one image and no other. Level 1 takes a quarter off real
# float16 features, of which 4 in 10 are zero, at the speed of no compression; higher levels gain nothing more.
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

    Every image gets the same number of regions, because the attention of the captioners has no mask; see
    `record.fit` for what becomes of images with more or fewer. An image that is damaged or comes a second time is
    left out with a warning and counted. Finished files are kept if the conversion is interrupted, and the same call
    goes on after them; a finished store is left as it is.

    Args:
        source: what `read_bottom_up` reads, or what it returned.
        folder: where the store is; made if missing.
        dtype: "float16" (an error of at most 1/2048 of a feature) or "float32" (exact, twice the size).
        regions: n_v, regions per image.
        sizes: see `read_bottom_up`.
        names: the detector's classes by their numbers, kept in the store.
        shard_images: images per file.

    Returns:
        The index of the store, with the counts.

    Raises:
        ValueError: the folder holds a store of another source or other options, or no image can be read.
        OSError: the disk is too small.

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
    index = _begin(folder, Index(source.identity(), regions, first.features.shape[1], dtype, names))
    if index.complete:
        logging.info("%s is complete already", folder)
        return index
    estimate = source.estimate()
    _check_disk(folder, max(estimate - index.entries, 1) * index.record.itemsize)
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    with tqdm(total=estimate, initial=index.entries, desc="regions", unit="image", disable=None) as progress:
        records = _records(source, index, progress)
        for record in records:
            path = folder / f"regions-{len(index.shards):05d}.array_record"
            with atomic_path(path) as temporary:
                ids = _write(temporary, itertools.chain([record], itertools.islice(records, shard_images - 1)))
            index.shards += (Shard(path.name, path.stat().st_size, file_crc32(path), ids),)
            write_index(folder, index)
    index.complete = True
    write_index(folder, index)
    return index


def file_crc32(path: pathlib.Path) -> int:
    """CRC-32 of a file's content."""
    check = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 22):
            check = zlib.crc32(block, check)
    return check


def _first(source: BottomUp) -> Regions:
    """The first image that can be read: it says how many channels there are."""
    reason = "it is empty"
    for entry in source.entries():
        try:
            return entry.load()
        except (OSError, ValueError) as error:
            reason = f"{entry.where}: {error}"
    raise ValueError(f"{source.path}: got no image that can be read; the last reason: {reason}")


def _begin(folder: pathlib.Path, wanted: Index) -> Index:
    """The index to go on with: that of the folder if it is of the same source and options."""
    if not (folder / NAME).exists():
        return wanted
    found = read_index(folder)
    for field in ("source", "n_v", "d", "dtype", "names"):
        got, want = getattr(found, field), getattr(wanted, field)
        if got != want:
            got, want = (f"{text[:60]}..." if len(text) > 64 else text for text in (repr(got), repr(want)))
            raise ValueError(f"{folder} holds a store with {field} {got}, wanted {want}; choose another folder")
    return found


def _check_disk(folder: pathlib.Path, wanted: int) -> None:
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    # Blocks and the index take about 2 % more; compression, which may take less, cannot be relied on.
    wanted = round(1.02 * wanted)
    logging.info("%s: at most about %.3g GB are to be written, %.3g GB are free", folder, wanted / 1e9, free / 1e9)
    if wanted > free:
        raise OSError(
            f"{folder}: got {free / 1e9:.3g} GB free, wanted about {wanted / 1e9:.3g} GB; "
            "free some, or choose another folder or dtype float16"
        )


def _clear(folder: pathlib.Path) -> None:
    """Removes what a killed conversion left unfinished."""
    for path in folder.glob(".regions-*.tmp"):
        path.unlink(missing_ok=True)


def _records(source: BottomUp, index: Index, progress: tqdm) -> Iterator[tuple[str, bytes]]:
    """The images after those that the index has, as records; counts in the index."""
    seen = {id for shard in index.shards for id in shard.ids}
    for entry in itertools.islice(source.entries(), index.entries, None):
        index.entries += 1
        progress.update()
        regions = load(entry)
        if regions is None:
            index.damaged += 1
            continue
        if regions.id in seen:
            logging.warning("%s is left out: image %r came before", entry.where, regions.id)
            index.repeated += 1
            continue
        try:
            _check_classes(regions, index.names)
            record = pack(fit(regions, index.n_v), index.record)
        except ValueError as error:
            logging.warning("%s is left out: %s", entry.where, error)
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


def _write(path: pathlib.Path, records: Iterable[tuple[str, bytes]]) -> tuple[str, ...]:
    """Writes an array_record file; returns the ids in their order."""
    ids = []
    with contextlib.closing(ArrayRecordWriter(str(path), OPTIONS)) as writer:
        for id, record in records:
            writer.write(record)
            ids.append(id)
    return tuple(ids)
