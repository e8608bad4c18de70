"""Random access to converted bottom-up features."""

import functools
import itertools
import os
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from lrp_jax.captions.data.bottom_up.ids import Ids
from lrp_jax.captions.data.bottom_up.index import KIND, read_index
from lrp_jax.captions.data.bottom_up.record import unpack
from lrp_jax.captions.data.bottom_up.regions import Regions
from lrp_jax.captions.storage.shards import LazyArray, Reader, to_float32


class RegionStore:
    """The regions of many images, read one image at a time from a store of `convert`.

    Images are found by any spelling that `Ids` knows. A store may be used from several threads, and is reopened when it
    is sent to another process.

    Args:
        folder: the store.

    Attributes:
        ids: the images, in the order of the source.
        n_v, d: regions per image, and channels.

    Raises:
        FileNotFoundError: there is no store in the folder.
        ValueError: the store is of another version, damaged or incomplete.

    Example:
        >>> store = RegionStore("features")  # doctest: +SKIP
        >>> store["COCO_val2014_000000000042"].boxes.shape  # doctest: +SKIP
        (36, 4)
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = pathlib.Path(folder)
        self.index = read_index(self.folder)
        if not self.index.complete:
            raise ValueError(
                f"{self.folder}: got an incomplete store of {len(self.index)} images, wanted a complete one; "
                "start the conversion again, it continues where it stopped"
            )
        self.n_v, self.d = self.index.n_v, self.index.d
        self.ids = tuple(itertools.chain.from_iterable(shard.ids for shard in self.index.shards))
        self._positions = {id: position for position, id in enumerate(self.ids)}
        self._record = self.index.record
        self._reader = Reader(self.folder, KIND, self.index.shards, self._record.itemsize)

    def __reduce__(self):
        return RegionStore, (self.folder,)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __contains__(self, id: str | int) -> bool:
        return self.find(id) is not None

    def find(self, id: str | int) -> str | None:
        """The id of an image as spelt in the store, or None."""
        return self._ids.find(id)

    def __getitem__(self, id: str | int) -> Regions:
        """The regions of an image, with its id as spelt in the store.

        Raises:
            KeyError: the image is not in the store.
            DamagedError: its record is damaged; a ValueError.
        """
        found = self.find(id)
        if found is None:
            raise KeyError(f"got image {id!r}, wanted one of the {len(self)} in {self.folder}")
        return unpack(self._filled(self._positions[found]), found, self.index.names)

    def features(self, ids: Sequence[str]) -> LazyArray:
        """The features of images, float32 [n, n_v, d], read when they are indexed.

        Args:
            ids: the ids of the images as spelt in the store, see `find`.
        """
        return self._array("features", ids)

    def boxes(self, ids: Sequence[str]) -> LazyArray:
        """The boxes of images, float32 [n, n_v, 4], read when they are indexed; otherwise as `features`."""
        return self._array("boxes", ids)

    def verify(self) -> None:
        """Reads every file and compares its checksum.

        Raises:
            DamagedError: the content of a file has changed; a ValueError.
        """
        self._reader.verify()

    def _array(self, field: str, ids: Sequence[str]) -> LazyArray:
        positions = np.array([self._positions[id] for id in ids], int)
        return LazyArray((len(positions), *self._record[field].shape), functools.partial(self._read, field, positions))

    def _read(self, field: str, positions: np.ndarray, row: int, out: np.ndarray) -> None:
        to_float32(self._filled(positions[row])[field], out)

    def _filled(self, position: int) -> np.void:
        return np.frombuffer(self._reader[position], self._record)[0]

    @functools.cached_property
    def _ids(self) -> Ids:
        return Ids(self.ids)
