"""What all rules share: the kinds of operation they are for, and one careful division.

Write R_i = x_i c_i and call c the *density*. A rule is a frozen dataclass with two methods: `prepare` runs once in
the forward pass and returns what all seeds share; `back` takes that and the density of the operation's result, and
returns the density of its operand. Both are plain JAX, differentiable as they stand: `lrp` makes the `custom_vjp`.
The class says by `kinds` which operations the rule is for.
"""

import dataclasses
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array

KINDS = {
    "conv": "a convolution with constant weights",
    "dense": "a product with constant weights",
    "attention": "a sum weighted by attention",
    "sum": "any other sum: a bias, a residual, a mean",
    "relu": "a rectifier, max(x, 0)",
    "activation": "an elementwise function of one signal, rectifiers included",
    "softmax": "a softmax that carries relevance itself",
    "product": "a product of two signals",
    "norm": "a signal divided by its own norm or deviation",
    "pool": "the maximum of a window or an axis",
    "custom": "a function with its author's derivative (custom_vjp, custom_jvp), unless it is an activation",
    "other": "all that has no meaning under the rules",
}
"""Operations, as composites name them."""

SUMS = ("conv", "dense", "attention", "sum")

Rule = Any


def divide(numerator: Array, denominator: Array) -> Array:
    """`numerator / denominator`, and 0 with derivative 0 where the denominator is 0."""
    zero = denominator == 0
    return jnp.where(zero, 0, numerator / jnp.where(zero, 1, denominator))


@dataclasses.dataclass(frozen=True)
class Derivative:
    """Leaves an operation its own derivative, whatever it is."""

    kinds: ClassVar[tuple[str, ...]] = tuple(KINDS)
