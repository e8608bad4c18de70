"""Rules for elementwise nonlinearities."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from lrp_jax.core.rules.base import divide


@dataclasses.dataclass(frozen=True)
class Pass:
    """Relevance passes an activation y = f(z) unchanged: c_z = c y / z, and 0 where z is 0.

    Where f(0) is not 0 the rule still attributes all of y to z; at z = 0 exactly it has nothing to attribute it to
    and the relevance stops.
    """

    kinds: ClassVar[tuple[str, ...]] = ("relu", "activation", "custom")

    def prepare(self, z: Array, y: Array) -> Array:
        """z, y = f(z) [...] to the factor y / z [...]."""
        return divide(y, z)

    def back(self, factor: Array, density: Array) -> Array:
        """The density [...] of y, to that of z."""
        return density * factor


@dataclasses.dataclass(frozen=True)
class GuidedReLU:
    """Guided backpropagation: a rectifier passes what is positive, where it was open. c_z = max(c, 0) [y > 0].

    Reference:
      Springenberg et al., Striving for Simplicity: The All Convolutional Net, 2015.
    """

    kinds: ClassVar[tuple[str, ...]] = ("relu",)

    def prepare(self, z: Array, y: Array) -> Array:
        """z, y [...] to 1 where the rectifier was open, 0 elsewhere."""
        return (y > 0).astype(y.dtype)

    def back(self, is_open: Array, density: Array) -> Array:
        """The density [...] of y, to that of z."""
        return jnp.maximum(density, 0) * is_open


@dataclasses.dataclass(frozen=True)
class DeconvReLU:
    """The deconvolution network: a rectifier rectifies in the backward pass too. c_z = max(c, 0).

    Reference:
      Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014.
    """

    kinds: ClassVar[tuple[str, ...]] = ("relu",)

    def prepare(self, z: Array, y: Array) -> tuple[()]:
        """Nothing: the rule does not look at the forward pass."""
        return ()

    def back(self, nothing: tuple[()], density: Array) -> Array:
        """The density [...] of y, to that of z."""
        return jnp.maximum(density, 0)
