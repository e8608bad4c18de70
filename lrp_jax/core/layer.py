"""A convolution or a product with constant weights, with the bias and batch norm that follow it."""

import dataclasses
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("input", "weight", "scale", "shift", "output"),
    meta_fields=("op", "axes", "non_negative"),
)
@dataclasses.dataclass(frozen=True)
class Layer:
    """output = scale * op(input, weight) + shift, as the rules for whole layers see it.

    Attributes:
      input: the signal x [...].
      weight: the kernel w.
      scale, shift: what constants after the operation do to its result, broadcastable to the output.
      output: y [...], the layer's value.
      op: the operation on (x, w), linear in each.
      axes: (output axis, kernel axis) along which channels correspond, or None where there is no single one.
      non_negative: whether x is known to have no negative element.
    """

    input: Array
    weight: Array
    scale: Array
    shift: Array
    output: Array
    op: Callable[[Array, Array], Array]
    axes: tuple[int, int] | None
    non_negative: bool

    def positive_part(self) -> Array:
        """z^+ [...]: the sum of the positive contributions (scale x w)^+ to each output."""
        return self._part(1)

    def negative_part(self) -> Array:
        """z^- [...]: the sum of the negative contributions (scale x w)^- to each output."""
        return self._part(-1)

    def positive_back(self, s: Array) -> Array:
        """The derivative of z^+ with respect to the input, applied to s [...]: a density of the input."""
        return self._part_back(1, s)

    def negative_back(self, s: Array) -> Array:
        """The same for z^-."""
        return self._part_back(-1, s)

    def _part(self, sign: int) -> Array:
        weight, plus, minus = self._folded()
        same = self._with_sign(weight, sign)
        if minus is None:
            return plus * same
        return plus * same + minus * self._with_sign(weight, -sign)

    def _with_sign(self, weight: Array, sign: int) -> Array:
        along, against = _clip(weight, sign), _clip(weight, -sign)
        if self.non_negative:
            return self.op(self.input, along)
        return self.op(_clip(self.input, 1), along) + self.op(_clip(self.input, -1), against)

    def _part_back(self, sign: int, s: Array) -> Array:
        weight, plus, minus = self._folded()
        result = self._back_with_sign(weight, sign, plus * s)
        if minus is not None:
            result = result + self._back_with_sign(weight, -sign, minus * s)
        return result

    def _back_with_sign(self, weight: Array, sign: int, s: Array) -> Array:
        along = self._transpose(_clip(weight, sign), s)
        if self.non_negative:
            return along
        return jnp.where(self.input >= 0, along, self._transpose(_clip(weight, -sign), s))

    def _transpose(self, weight: Array, s: Array) -> Array:
        def op(x):
            return self.op(x, weight)

        dtype = jax.eval_shape(op, self.input).dtype
        (result,) = jax.linear_transpose(op, self.input)(s.astype(dtype))
        return result

    def _folded(self) -> tuple[Array, Array | int, Array | None]:
        """The weight with the scale in it; or the weight and the scale's positive and negative parts."""
        if self.scale.size == 1:
            return self.weight * self.scale.reshape(()), 1, None
        if self.axes is not None:
            output_axis, kernel_axis = self.axes
            channels = self.output.shape[output_axis]
            if self.scale.ndim == self.output.ndim and self.scale.size == self.scale.shape[output_axis] == channels:
                shape = [1] * self.weight.ndim
                shape[kernel_axis] = channels
                return self.weight * self.scale.reshape(shape), 1, None
        return self.weight, _clip(self.scale, 1), _clip(self.scale, -1)


def _clip(x: Array, sign: int) -> Array:
    return jnp.maximum(x, 0) if sign > 0 else jnp.minimum(x, 0)
