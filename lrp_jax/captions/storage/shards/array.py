"""An array whose rows are read from disk when they are indexed."""

from collections.abc import Callable
from typing import Any

import numpy as np


class LazyArray:
    """A float32 array [n, ...] that reads the indexed rows into new memory.

    Args:
        shape: [n, ...].
        read: (i, out) writes row i into `out`, float32 of the shape of a row.

    Example:
        >>> squares = LazyArray((4,), lambda i, out: out.fill(i * i))
        >>> squares[1:], squares[np.array([3, 0])]
        (array([1., 4., 9.], dtype=float32), array([9., 0.], dtype=float32))
    """

    dtype = np.dtype(np.float32)

    def __init__(self, shape: tuple[int, ...], read: Callable[[int, np.ndarray], None]):
        self.shape, self._read = tuple(shape), read

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        """Rows by an integer, a slice, or an array of integers or booleans.

        Raises:
            IndexError: a row is out of range, or the index has more than one axis.
        """
        rows = np.arange(len(self))[index]
        found = np.empty(rows.shape + self.shape[1:], np.float32)
        for place, row in np.ndenumerate(rows):
            self._read(int(row), found[(*place, ...)])
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("got copy=False; an array that is read from files is always a copy: pass copy=None")
        return self[:].astype(dtype or np.float32, copy=False)
