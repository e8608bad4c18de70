"""Random choices that depend only on a key."""

import bisect
import itertools
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_BLOCK = 256


class Dice:
    """A stream of random choices that is determined by its key.

    Philox gives every key its own stream, so that item 7 is the same whether or not items 0 to 6 were drawn,
    in any process. Only raw bits are taken from NumPy, because NumPy guarantees that these never change.

    Args:
        key: integers >= 0, such as (seed, split, bias, index, purpose).
    """

    def __init__(self, *key: int):
        self._bits = np.random.Philox(np.random.SeedSequence(key))
        self._block: list[float] = []

    def unit(self) -> float:
        """A number in [0, 1)."""
        if not self._block:
            raw = self._bits.random_raw(_BLOCK) >> np.uint64(11)
            self._block = (raw * 2.0**-53).tolist()
        return self._block.pop()

    def units(self, count: int) -> tuple[float, ...]:
        """`count` numbers in [0, 1)."""
        return tuple(self.unit() for _ in range(count))

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def chance(self, share: float) -> bool:
        """True with probability `share`."""
        return self.unit() < share

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, all equally likely."""
        return items[int(self.unit() * len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of the items, with probability proportional to its weight."""
        sums = list(itertools.accumulate(weights))
        return items[min(bisect.bisect_right(sums, self.unit() * sums[-1]), len(items) - 1)]

    def zipf(self, items: Sequence[T], s: float = 1.0) -> T:
        """One of the items, the r-th with probability proportional to r ** -s."""
        return self.weighted(items, [(rank + 1.0) ** -s for rank in range(len(items))])

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order."""
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = int(self.unit() * (i + 1))
            items[i], items[j] = items[j], items[i]
        return items

    def systematic(self, inclusion: Sequence[float]) -> list[int]:
        """A subset of fixed size that contains item i with probability exactly `inclusion[i]`.

        Madow's systematic sampling: the items are put in random order along a line, each as long as its
        probability, and the items at distances of one from a random start are taken. The probabilities must sum to
        an integer, the size of the subset; none may exceed 1.
        """
        order = self.shuffled(range(len(inclusion)))
        size = round(sum(inclusion))
        start, position, chosen = self.unit(), 0.0, []
        for index in order:
            position += inclusion[index]
            if position > start + len(chosen) and len(chosen) < size:
                chosen.append(index)
        if len(chosen) < size:  # the sum fell short of an integer by a rounding error
            chosen.append(next(i for i in reversed(order) if i not in chosen and inclusion[i] > 0))
        return chosen
