"""Many seeds through one forward pass."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array


@jax.jit
def _pull_back(pull: Any, densities: Array) -> Any:
    return jax.vmap(pull)(densities)


def pull_back(pull: Any, densities: Array, per_chunk: int | None = None) -> Any:
    """Densities of the inputs for many densities of the output.

    The pullback crosses `jit` and the chunks are a Python loop: one compiled function serves all of them, and the
    forward pass that they share is not repeated.

    Args:
      pull: the pullback that `jax.vjp` returned.
      densities: [T, ...], one seed each.
      per_chunk: seeds at a time, which bounds the memory; None takes all at once.

    Returns:
      What `pull` returns, with a leading axis T.
    """
    count = len(densities)
    if per_chunk is None or per_chunk >= count:
        return _pull_back(pull, densities)
    if per_chunk < 1:
        raise ValueError(f"got words_per_chunk={per_chunk}; wanted at least 1, or None for all words at once")
    # The last chunk is filled up with zeros so that all have one shape, and one compilation.
    filled = jnp.concatenate([densities, jnp.zeros((-count % per_chunk, *densities.shape[1:]), densities.dtype)])
    chunks = [_pull_back(pull, filled[i : i + per_chunk]) for i in range(0, count, per_chunk)]
    return jax.tree.map(lambda *parts: jnp.concatenate(parts)[:count], *chunks)
