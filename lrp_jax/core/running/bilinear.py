"""The product at the heart of a layer, and its transpose."""

import dataclasses
from collections.abc import Sequence

import jax
from jaxtyping import Array

from lrp_jax.core.program.graph import Node
from lrp_jax.core.running import winograd


@dataclasses.dataclass(frozen=True, eq=False)
class Product:
    """A convolution or a matrix product as a function of (signal, weight), in the layout of the layer's result.

    Attributes:
      node: the product.
      signal: which of its operands is the signal.
      moves: operations after it that move its result without changing it, so that they are linear too.
    """

    node: Node
    signal: int
    moves: Sequence[Node] = ()

    def __call__(self, x: Array, weight: Array) -> Array:
        return self._moved(self.plain(x, weight))

    def plain(self, x: Array, weight: Array) -> Array:
        """In its own layout."""
        return self.node.bind(*((x, weight) if self.signal == 0 else (weight, x)))[0]

    def transpose(self, s: Array, x: Array, weight: Array) -> Array:
        """The transpose with respect to the signal, applied to s.

        Args:
          s: of the result's shape.
          x: of the signal's shape and type; its values do not matter.
          weight: the weight.
        """
        result = jax.eval_shape(self.plain, x, weight)
        (s,) = jax.linear_transpose(self._moved, result)(s.astype(result.dtype))
        if self.node.name == "conv_general_dilated" and self.signal == 0 and winograd.pays(self.node.params, weight):
            return winograd.transpose(s, weight, self.node.params["padding"])
        (back,) = jax.linear_transpose(lambda x: self.plain(x, weight), x)(s)
        return back

    def _moved(self, result: Array) -> Array:
        for move in self.moves:
            (result,) = move.bind(result)
        return result
