"""Restrictions on the words of decoded captions."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

PAD, START, END, UNKNOWN = 0, 1, 2, 3


def at_least_one(options: Any, *names: str) -> None:
    """Raises ValueError unless these settings of a decoder are integers from 1 on."""
    for name in names:
        value = getattr(options, name)
        if not is_whole(value, 1):
            raise ValueError(f"got {name}={value}; wanted at least 1, a whole number")


def is_whole(value: Any, least: int) -> bool:
    """Whether a value is an integer from `least` on."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wording:
    """Restrictions on captions, for all decoders.

    Attributes:
      unknown: whether the caption may contain `<unk>`.
      repeat: n, so that no n-gram occurs twice (3: no repeated trigram); None allows repetition.
      endings: token ids that may not be the last word ("a", "the", "of", ...).
      least: the minimum number of words before the end token.
    """

    unknown: bool = False
    repeat: int | None = None
    endings: tuple[int, ...] = ()
    least: int = 0

    def __post_init__(self):
        if self.repeat is not None and not is_whole(self.repeat, 1):
            raise ValueError(f"got repeat={self.repeat}; wanted the length of a run of words, at least 1, or None")
        if not is_whole(self.least, 0):
            raise ValueError(f"got least={self.least}; wanted 0 words or more")
        if not all(is_whole(token, 0) for token in self.endings):
            raise ValueError(f"got endings={self.endings}; wanted ids of words")

    def forbidden(self, tokens: Int[Array, "*batch L"], t: Int[Array, ""], size: int) -> Bool[Array, "*batch V"]:
        """Which words may not come next.

        Args:
          tokens: the caption so far, of which the first t count.
          t: the number of words so far.
          size: V, of the vocabulary.
        """
        batch, longest = tokens.shape[:-1], tokens.shape[-1]
        if self.endings and max(self.endings) >= size:
            raise ValueError(f"got endings with {max(self.endings)}; wanted ids from 0 to {size - 1}")
        never = np.isin(np.arange(size), [PAD, START] if self.unknown else [PAD, START, UNKNOWN])
        if self == Wording(unknown=self.unknown):
            return jnp.broadcast_to(never, (*batch, size))  # constant: nothing to compute per caption
        result = jnp.broadcast_to(never, (*batch, size))
        if self.repeat is not None and self.repeat <= longest:
            result |= self._repeats(tokens, t, size)
        if self.least:
            result = result.at[..., END].set(result[..., END] | (t < self.least))
        if self.endings:
            endings = jnp.array(self.endings)
            last = jnp.take(tokens, jnp.maximum(t - 1, 0), axis=-1)
            ends_badly = (last[..., None] == endings).any(-1) & (t > 0)
            result = result.at[..., END].set(result[..., END] | ends_badly)
            # The last position is an end too.
            result = result.at[..., endings].set(result[..., endings] | (t == longest - 1))
        # If no word is allowed, the caption ends.
        return result.at[..., END].set(result[..., END] & ~result.all(axis=-1))

    def _repeats(self, tokens, t, size):
        """The words that would repeat an n-gram of the caption, n = `repeat`."""
        n, longest = self.repeat, tokens.shape[-1]
        starts = jnp.arange(longest - n + 1)
        same = starts + n <= t  # complete n-grams among the words so far
        for i in range(n - 1):
            said = jnp.take(tokens, jnp.maximum(t - (n - 1) + i, 0), axis=-1)
            same = same & (tokens[..., starts + i] == said[..., None])
        same = same & (t >= n - 1)
        words = tokens[..., starts + n - 1]
        hits = (words[..., None] == jnp.arange(size)) & same[..., None]
        # The end token is exempt: it occurs only once.
        return hits.any(axis=-2).at[..., END].set(False)


FREE = Wording()
"""No restriction, except that special tokens are not produced."""
