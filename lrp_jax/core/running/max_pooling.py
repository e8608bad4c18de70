"""Max pooling, and its backward pass to the winner of each window.

XLA's own backward pass, select-and-scatter, searches for the winners again for every seed, and on a CPU element by
element. Here they are found once, in the forward pass; each seed is a comparison and a product that fuse with what
comes next.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, UInt8

# Larger windows are those of a maximum over all positions: there the search is a small part.
LARGEST = 25


@dataclasses.dataclass(frozen=True)
class Windows:
    """The windows of a pooling operation, an entry for each axis of its operand.

    shape, strides, dilation: of a window, from one to the next, and between the elements of one.
    padding: (before, after).
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    def winners(self, x: Float[Array, "..."], y: Float[Array, "..."]) -> UInt8[Array, "..."]:
        """Where in its window each y = max(x) lies: the first of equals in row-major order, counted from 0."""
        padded = lax.pad(x, np.array(-jnp.inf, x.dtype), [(*p, 0) for p in self.padding])
        winner = jnp.zeros(y.shape, jnp.uint8)
        for number, offset in reversed(list(enumerate(self._offsets()))):
            last = [o + (n - 1) * s + 1 for o, n, s in zip(offset, y.shape, self.strides, strict=True)]
            winner = jnp.where(lax.slice(padded, offset, last, self.strides) == y, np.uint8(number), winner)
        return winner

    def to_winners(self, winner: UInt8[Array, "..."], density: Float[Array, "..."], shape: tuple[int, ...]) -> Array:
        """A density of the windows [...] to that of the operand, of `shape`: all of it to the winners."""
        if self.strides == self.shape and {*self.dilation} == {1} and not any(map(any, self.padding)):
            return self._apart(winner, density, shape)
        zero = np.zeros((), density.dtype)
        result = jnp.zeros(shape, density.dtype)
        for number, offset in enumerate(self._offsets()):
            around = []
            for o, n, s, (before, _), size in zip(offset, winner.shape, self.strides, self.padding, shape, strict=True):
                low = o - before
                around.append((low, size - low - ((n - 1) * s + 1), s - 1))
            result = result + lax.pad(jnp.where(winner == number, density, 0), zero, around)
        return result

    def _apart(self, winner: Array, density: Array, shape: tuple[int, ...]) -> Array:
        """The same where no element has two windows: a copy of each window's density, compared in place."""
        rank = len(self.shape)
        split = [size for pair in zip(winner.shape, self.shape, strict=True) for size in pair]
        places = np.arange(math.prod(self.shape), dtype=np.uint8)
        places = places.reshape([size if axis % 2 else 1 for axis, size in enumerate(split)])
        inner = tuple(range(1, 2 * rank, 2))
        spread = jnp.where(jnp.expand_dims(winner, inner) == places, jnp.expand_dims(density, inner), 0)
        covered = spread.reshape([n * s for n, s in zip(winner.shape, self.shape, strict=True)])
        return jnp.pad(covered, [(0, size - n) for size, n in zip(shape, covered.shape, strict=True)])

    def _offsets(self) -> Iterator[tuple[int, ...]]:
        """Of the elements of a window from its first, in row-major order."""
        return itertools.product(*(range(0, n * d, d) for n, d in zip(self.shape, self.dilation, strict=True)))


def windows_of(params: dict[str, Any]) -> Windows | None:
    """The windows of a `reduce_window_max`, or None if they are large or see an operand with gaps."""
    shape = params["window_dimensions"]
    if math.prod(shape) > LARGEST or {*params["base_dilation"]} != {1}:
        return None
    padding = tuple(map(tuple, params["padding"]))
    return Windows(tuple(shape), tuple(params["window_strides"]), padding, tuple(params["window_dilation"]))
