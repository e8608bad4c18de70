"""Access to the features in a cache folder, image by image."""

import os
import pathlib

import numpy as np

from lrp_jax.captions.data.features.index import DTYPES, KIND, read_index
from lrp_jax.captions.storage.shards import LazyArray, Reader, check_files, to_float32


class FeatureStore:
    """The features in a folder, read image by image, possibly from several threads.

    Args:
      folder: of one split, written by `cached_features`.

    Attributes:
      index: the index of the folder.
      array: float32 [n, n_v, C], read when it is indexed. A damaged record raises `DamagedError`, an OSError and
        ValueError that names the file.
      grid: (h, w), or None.
      indices: the indices of the n images in the dataset.

    Raises:
      FileNotFoundError: there are no features in the folder.
      ValueError: the features are incomplete or damaged.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = pathlib.Path(folder)
        self.index = read_index(self.folder)
        if not self.index.complete or self.index.shape is None:
            raise ValueError(
                f"{self.folder}: got features of {len(self.index)} of {self.index.images} images; start the run again, "
                "it continues where it stopped"
            )
        check_files(self.folder, KIND, self.index.shards)
        self.grid = self.index.grid
        self.indices = np.delete(np.arange(self.index.images), list(self.index.left_out))
        self.array = LazyArray((len(self.index), *self.index.shape), self._read)
        self._reader = Reader(self.folder, KIND, self.index.shards, self.index.bytes)

    def __reduce__(self):
        return FeatureStore, (self.folder,)

    def verify(self) -> None:
        """Reads every file and compares its checksum.

        Raises:
          DamagedError: the content of a file has changed.
        """
        self._reader.verify()

    def _read(self, row: int, out: np.ndarray) -> None:
        to_float32(np.frombuffer(self._reader[row], DTYPES[self.index.dtype]).reshape(out.shape), out)
