"""Rules: what happens to the density on its way back through one kind of operation.

Write R_i = x_i c_i and call c the *density*. A rule is a frozen dataclass with two methods: `prepare` runs once in
the forward pass and returns what all seeds share; `back` takes that and the density of the operation's result, and
returns the density of its operand. Both are plain JAX, differentiable as they stand: `lrp` makes the `custom_vjp`.
The class says by `kinds` which operations the rule is for.
"""

import dataclasses
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from lrp_jax.core.layer import Layer

# Operations, as composites name them: a convolution; a product with constant weights; a sum weighted by attention;
# any other sum (bias, residual, mean); an elementwise nonlinearity; a product with a gate; max pooling; the rest.
KINDS = ("conv", "dense", "attention", "sum", "activation", "product", "pool", "other")
SUMS = ("conv", "dense", "attention", "sum")


def divide(numerator: Array, denominator: Array) -> Array:
    """`numerator / denominator`, and 0 with derivative 0 where the denominator is 0."""
    zero = denominator == 0
    return jnp.where(zero, 0, numerator / jnp.where(zero, 1, denominator))


@dataclasses.dataclass(frozen=True)
class Derivative:
    """Leaves an operation its own derivative, whatever it is."""

    kinds: ClassVar[tuple[str, ...]] = KINDS


@dataclasses.dataclass(frozen=True)
class Epsilon:
    """The epsilon rule (Eq. 20), for every sum: R_i = R_j x_i w_ij / (z_j + eps sign(z_j)), with sign(0) = +1.

    z_j is the whole neuron, its bias included, so a bias absorbs its share. In densities the sum keeps its own
    derivative and only a factor is new: c_z = c z / (z + eps sign(z)).

    Attributes:
      epsilon: eps, in units of the neuron; 0 gives LRP-0.
    """

    epsilon: float = 1e-2
    kinds: ClassVar[tuple[str, ...]] = SUMS

    def prepare(self, z: Array) -> Array:
        """z [...] to the factor [...]; without epsilon it is 1, also where z is 0."""
        if self.epsilon == 0:
            return jnp.ones_like(z)
        return z / (z + jnp.where(z >= 0, self.epsilon, -self.epsilon).astype(z.dtype))

    def back(self, factor: Array, density: Array) -> Array:
        return density * factor


@dataclasses.dataclass(frozen=True)
class AlphaBeta:
    """The alpha rule (Eq. 21), for a convolution or a dense layer with its bias or batch norm.

    R_i = sum_j R_j ((1 + alpha) (x_i w_ij)^+ / z_j^+ - alpha (x_i w_ij)^- / z_j^-), where z_j^+ and z_j^- are the
    sums of the positive and of the negative contributions, and a term whose sum is 0 is dropped. `alpha` is the
    paper's: alpha = 0 is what others call alpha1-beta0 or z+, alpha = 1 is alpha2-beta1. A batch norm after the
    layer is folded into its weights before their signs are taken.

    Attributes:
      alpha: weight of the negative part, at least 0.
      bias: whether z_j^+ and z_j^- count the bias, which then absorbs its share.
    """

    alpha: float = 0.0
    bias: bool = False
    kinds: ClassVar[tuple[str, ...]] = ("conv", "dense")
    layer: ClassVar[bool] = True

    def __post_init__(self):
        if self.alpha < 0:
            raise ValueError(f"got alpha={self.alpha}; Eq. 21 needs alpha >= 0 (0 is alpha1-beta0): use AlphaBeta(0.0)")

    def prepare(self, layer: Layer) -> tuple[Array, ...]:
        """The factors (1 + alpha) y / z^+ and alpha y / z^- by which densities become S_j = R_j / z_j."""
        plus = layer.positive_part() + (jnp.maximum(layer.shift, 0) if self.bias else 0)
        factors = (divide((1 + self.alpha) * layer.output, plus),)
        if self.alpha:
            minus = layer.negative_part() + (jnp.minimum(layer.shift, 0) if self.bias else 0)
            factors += (divide(self.alpha * layer.output, minus),)
        return factors

    def back(self, layer: Layer, factors: tuple[Array, ...], density: Array) -> Array:
        result = layer.positive_back(density * factors[0])
        if self.alpha:
            result = result - layer.negative_back(density * factors[1])
        return result


@dataclasses.dataclass(frozen=True)
class Pass:
    """Relevance passes an activation y = f(z) unchanged: c_z = c y / z, and 0 where z is 0.

    Where f(0) is not 0 the rule still attributes all of y to z; at z = 0 exactly it has nothing to attribute it to
    and the relevance stops.
    """

    kinds: ClassVar[tuple[str, ...]] = ("activation",)

    def prepare(self, z: Array, y: Array) -> Array:
        return divide(y, z)

    def back(self, factor: Array, density: Array) -> Array:
        return density * factor


@dataclasses.dataclass(frozen=True)
class SignalTakesAll:
    """In a product of a gate and a signal the signal takes all the relevance, the gate none.

    A product of two gates that itself carries relevance has no signal: each takes half.
    """

    kinds: ClassVar[tuple[str, ...]] = ("product",)


@dataclasses.dataclass(frozen=True)
class WinnerTakesAll:
    """The largest element of a pooling window takes all its relevance (the first of equals)."""

    kinds: ClassVar[tuple[str, ...]] = ("pool",)


Rule = Any
