"""Many seeds through one forward pass."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from lrp_jax.captions.explain.chunks import in_chunks


@functools.partial(jax.tree_util.register_dataclass, data_fields=("kept",), meta_fields=("structure", "leaves"))
@dataclasses.dataclass(frozen=True)
class Pullback:
    """The pullback of `jax.vjp`, small enough to be returned from a compiled function.

    The original would also return arrays that it does not read, and copies of the function's own arguments.

    Attributes:
      kept: the arrays that it reads and that are not arguments.
      structure: of the pullback as a pytree.
      leaves: where each of its leaves is: ("kept", i), ("given", i) among the arguments' leaves, or the type of a leaf
        that is not read.
    """

    kept: tuple[Array, ...]
    structure: Any
    leaves: tuple[Any, ...]

    def __call__(self, given: Any, density: Any) -> Any:
        """The densities of the explained inputs.

        Args:
          given: the same arguments again.
          density: of the output.
        """
        arguments = jax.tree.leaves(given)
        arrays = []
        for leaf in self.leaves:
            match leaf:
                case ("kept", i):
                    arrays.append(self.kept[i])
                case ("given", i):
                    arrays.append(arguments[i])
                case _:
                    arrays.append(jnp.zeros(leaf.shape, leaf.dtype))
        return jax.tree.unflatten(self.structure, arrays)(density)


def portable(pull: Any, given: Any, density: Any) -> Pullback:
    """A `Pullback` from one that was made inside a compiled function, which can return it.

    Args:
      pull: what `jax.vjp` returned.
      given: arguments of the compiled function that the caller of the pullback passes again, such as weights.
      density: of the output, or its type.
    """
    leaves, structure = jax.tree.flatten(pull)
    types = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
    program = jax.make_jaxpr(lambda leaves, d: jax.tree.unflatten(structure, leaves)(d))(types, density).jaxpr
    read = {id(v) for equation in program.eqns for v in equation.invars} | {id(v) for v in program.outvars}
    places = {id(argument): i for i, argument in enumerate(jax.tree.leaves(given))}
    kept, where = [], []
    for leaf, kind, variable in zip(leaves, types, program.invars, strict=False):
        if id(variable) not in read:
            where.append(kind)
        elif id(leaf) in places:
            where.append(("given", places[id(leaf)]))
        else:
            where.append(("kept", len(kept)))
            kept.append(leaf)
    return Pullback(tuple(kept), structure, tuple(where))


@jax.jit
def _pull_back(pull: Pullback, given: Any, densities: Array, rows: Array) -> Any:
    def one(row):
        return pull(given, jnp.take_along_axis(densities, row.reshape(1, *row.shape, *[1] * ndim), axis=0)[0])

    ndim = densities.ndim - rows.ndim
    return jax.vmap(one)(rows)


def pull_back(
    pull: Pullback,
    given: Any,
    densities: Array,
    per_chunk: int | None = None,
    rows: Int[np.ndarray, "R *B"] | None = None,
) -> Any:
    """Densities of the inputs for many densities of the output.

    The pullback is an argument of a jitted function: one compiled function serves all chunks, and the forward pass
    that they share is not repeated.

    Args:
      pull, given: the pullback, and the arguments that it was made for.
      densities: [T, *B, ...], one seed each.
      per_chunk: seeds per chunk, which limits the memory; None takes all at once.
      rows: which of the T seeds are wanted, for each item of the batch; None for all.

    Returns:
      What `pull` returns, with a leading axis R.
    """
    if rows is None:
        rows = np.arange(len(densities))
    return in_chunks(functools.partial(_pull_back, pull, given, densities), np.asarray(rows), per_chunk)
