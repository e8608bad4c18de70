"""One function over many items, in chunks."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


def in_chunks(f: Callable[[Array], Any], items: np.ndarray, per_chunk: int | None = None) -> Any:
    """`f(items)` for a function that maps over the leading axis, in chunks that limit its memory.

    The chunks are a Python loop over a compiled `f`, which was 3 to 5 times faster than `lax.map`.

    Args:
      f: [n, ...] -> a pytree of [n, ...], for any n; jitted.
      items: [N, ...], such as numbers of seeds, patches or words.
      per_chunk: n; None takes all at once.

    Returns:
      What `f` returns for all items.
    """
    count = len(items)
    if per_chunk is None or per_chunk >= count:
        return f(items)
    # The last chunk is padded so that all chunks have one shape and need one compilation.
    filled = np.concatenate([items, np.repeat(items[-1:], -count % per_chunk, axis=0)])
    chunks = [f(filled[i : i + per_chunk]) for i in range(0, count, per_chunk)]
    return jax.tree.map(lambda *parts: jnp.concatenate(parts)[:count], *chunks)
