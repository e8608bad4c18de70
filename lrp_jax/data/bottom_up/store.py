"""Random access to converted bottom-up features."""

import functools
import os
import pathlib
import threading
from collections.abc import Iterator

from array_record.python.array_record_module import ArrayRecordReader

from lrp_jax.data.bottom_up.conversion import file_crc32
from lrp_jax.data.bottom_up.ids import Ids
from lrp_jax.data.bottom_up.index import read_index
from lrp_jax.data.bottom_up.record import unpack
from lrp_jax.data.bottom_up.regions import Regions


class RegionStore:
    """The regions of many images, read one image at a time from what `convert` wrote.

    Images are found by any spelling that `Ids` knows. A store may be used from several threads, and is opened anew
    where it is sent to another process.

    Args:
        folder: the store.

    Attributes:
        ids: the images, in the order of the source.
        n_v, d: regions per image, and channels.

    Raises:
        FileNotFoundError: there is no store in the folder.
        ValueError: it is of another version, damaged or unfinished.

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
                f"{self.folder}: got an unfinished store of {len(self.index)} images, wanted a complete one; "
                "start the conversion again, it goes on where it stopped"
            )
        self.n_v, self.d = self.index.n_v, self.index.d
        self._record = self.index.record
        self._places = {
            id: (shard, position)
            for shard, content in enumerate(self.index.shards)
            for position, id in enumerate(content.ids)
        }
        self.ids = tuple(self._places)
        self._readers: dict[int, ArrayRecordReader] = {}
        self._lock = threading.Lock()

    def __reduce__(self):
        return RegionStore, (self.folder,)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __contains__(self, id: str | int) -> bool:
        return self.find(id) is not None

    def find(self, id: str | int) -> str | None:
        """The store's own name of an image, or None."""
        return self._ids.find(id)

    def __getitem__(self, id: str | int) -> Regions:
        """The regions of an image, under the store's own name of it.

        Raises:
            KeyError: the store has no such image.
            ValueError: its record is damaged.
        """
        found = self.find(id)
        if found is None:
            raise KeyError(f"got image {id!r}, wanted one of the {len(self)} in {self.folder}")
        shard, position = self._places[found]
        file = self.folder / self.index.shards[shard].file
        try:
            with self._lock:
                if shard not in self._readers:
                    # Reading ahead would fetch images that a random order does not want.
                    self._readers[shard] = ArrayRecordReader(str(file), "readahead_buffer_size:0")
                content = self._readers[shard].read([position])[0]
            return unpack(content, self._record, found, self.index.names)
        except (IndexError, RuntimeError, ValueError) as error:
            raise ValueError(f"{file}: got a damaged record ({error}); copy the file again or convert again") from error

    def verify(self) -> None:
        """Reads every file and compares its checksum.

        Raises:
            ValueError: the content of a file has changed.
        """
        for shard in self.index.shards:
            found = file_crc32(self.folder / shard.file)
            if found != shard.crc32:
                raise ValueError(
                    f"{self.folder / shard.file}: got CRC-32 {found:08x}, wanted {shard.crc32:08x}; "
                    "copy the file again or convert again"
                )

    @functools.cached_property
    def _ids(self) -> Ids:
        return Ids(self.ids)
