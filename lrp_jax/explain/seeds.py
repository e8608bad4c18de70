"""Many seeds through one forward pass."""

import functools
from typing import Any

import jax
from jaxtyping import Array

from lrp_jax.explain.chunks import in_chunks


@jax.jit
def _pull_back(pull: Any, densities: Array) -> Any:
    return jax.vmap(pull)(densities)


def pull_back(pull: Any, densities: Array, per_chunk: int | None = None) -> Any:
    """Densities of the inputs for many densities of the output.

    The pullback crosses `jit`: one compiled function serves all chunks, and the forward pass that they share is not
    repeated.

    Args:
      pull: the pullback that `jax.vjp` returned.
      densities: [T, ...], one seed each.
      per_chunk: seeds at a time, which bounds the memory; None takes all at once.

    Returns:
      What `pull` returns, with a leading axis T.
    """
    return in_chunks(functools.partial(_pull_back, pull), densities, per_chunk)
