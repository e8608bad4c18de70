"""A convolution or a product with constant weights, with the bias and batch norm that follow it."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lrp_jax.core.running.bilinear import Product

# Which weights count: all; only the positive, or the negative, ones; their squares; ones in their place.
Part = Literal["all", "plus", "minus", "square", "ones"]
_OPPOSITE = {"plus": "minus", "minus": "plus"}


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("input", "weight", "scale", "shift", "output", "through"),
    meta_fields=("op", "axes", "non_negative"),
)
@dataclasses.dataclass(frozen=True)
class Layer:
    """output = scale * op(input, weight) + shift, as the rules for whole layers see it.

    The scale is that of a batch norm; its signs count when those of the weights do.

    Attributes:
      input: the signal x [...].
      weight: the kernel w.
      scale, shift: what constants after the operation do to its result, broadcastable to the output.
      output: y [...], the layer's value.
      op: the operation on (x, w), linear in each, and its transpose.
      axes: (output axis, kernel axis) along which channels correspond, or None where there is no single one.
      non_negative: whether x is known to have no negative element.
      through: of the weight's shape, what each weight lets through after its part was taken; None is all of it. It
        serves to ask how much relevance passes each weight, as the derivative along it (`weight_relevance`).
    """

    input: Array
    weight: Array
    scale: Array
    shift: Array
    output: Array
    op: Product
    axes: tuple[int, int] | None
    non_negative: bool
    through: Array | None = None

    def linear(self, x: Array, part: Part = "all") -> Array:
        """The layer without its shift, on any x of the input's shape, with a part of its weights: [...]."""
        return _sum([scale * self.op(x, weight) for scale, weight in self._terms(part)])

    def back(self, s: Array, part: Part = "all") -> Array:
        """The transpose of `linear`: s of the output's shape to the input's."""
        return _sum([self.op.transpose(scale * s, self.input, weight) for scale, weight in self._terms(part)])

    def positive_part(self) -> Array:
        """z^+ [...]: the sum of the positive contributions (x w)^+ to each output."""
        return self._signed("plus", "minus")

    def negative_part(self) -> Array:
        """z^- [...]: the sum of the negative contributions (x w)^- to each output."""
        return self._signed("minus", "plus")

    def positive_back(self, s: Array) -> Array:
        """The derivative of z^+ with respect to the input, applied to s [...]: a density of the input."""
        return self._signed_back(s, "plus", "minus")

    def negative_back(self, s: Array) -> Array:
        """The same for z^-."""
        return self._signed_back(s, "minus", "plus")

    def _signed(self, along: Part, against: Part) -> Array:
        if self.non_negative:
            return self.linear(self.input, along)
        return self.linear(jnp.maximum(self.input, 0), along) + self.linear(jnp.minimum(self.input, 0), against)

    def _signed_back(self, s: Array, along: Part, against: Part) -> Array:
        if self.non_negative:
            return self.back(s, along)
        folded = self._folded()
        if folded is None:
            return jnp.where(self.input >= 0, self.back(s, along), self.back(s, against))
        # Both kernels in one operation: that of a first convolution, of three channels, fills no vector alone.
        both = jnp.stack([self._part(folded, part) for part in (along, against)])
        same, opposite = jax.vmap(lambda weight: self.op.transpose(s, self.input, weight))(both)
        return jnp.where(self.input >= 0, same, opposite)

    def _terms(self, part: Part) -> list[tuple[Array | int, Array]]:
        """The linear part as a sum of scale * op(x, weight)."""
        folded = self._folded()
        if folded is not None:
            return [(1, self._part(folded, part))]
        if part in _OPPOSITE:
            # A negative scale turns the signs of the weights around.
            same, opposite = (self._part(self.weight, p) for p in (part, _OPPOSITE[part]))
            return [(jnp.maximum(self.scale, 0), same), (jnp.minimum(self.scale, 0), opposite)]
        return [(self.scale**2 if part == "square" else self.scale, self._part(self.weight, part))]

    def _folded(self) -> Array | None:
        """The weight with the scale in it, or None where the scale is not one number per channel."""
        if self.scale.size == 1:
            return self.weight * self.scale.reshape(())
        if self.axes is None:
            return None
        output_axis, kernel_axis = self.axes
        channels = self.output.shape[output_axis]
        if self.scale.ndim != self.output.ndim or not self.scale.size == self.scale.shape[output_axis] == channels:
            return None
        shape = [1] * self.weight.ndim
        shape[kernel_axis] = channels
        return self.weight * self.scale.reshape(shape)

    def _part(self, weight: Array, part: Part) -> Array:
        taken = _PARTS[part](weight)
        return taken if self.through is None else taken * self.through


_PARTS: dict[Part, Callable[[Array], Array]] = {
    "all": lambda w: w,
    "plus": lambda w: jnp.maximum(w, 0),
    "minus": lambda w: jnp.minimum(w, 0),
    "square": lambda w: w**2,
    "ones": jnp.ones_like,
}


def _sum(terms: Sequence[Array]) -> Array:
    return reduce(jnp.add, terms)
