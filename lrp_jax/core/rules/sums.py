"""Rules for sums: what a neuron keeps of its relevance."""

import dataclasses
import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from lrp_jax.core.rules.base import SUMS


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

    def __post_init__(self):
        if not 0 <= self.epsilon < math.inf:
            raise ValueError(f"got epsilon={self.epsilon}; wanted a number of at least 0, which is LRP-0")

    def prepare(self, z: Array) -> Array:
        """z [...] to the factor [...]; without epsilon it is 1, also where z is 0."""
        if self.epsilon == 0:
            return jnp.ones_like(z)
        masked = jnp.isinf(z)  # a score of -inf, to which no epsilon is anything
        z = jnp.where(masked, 1, z)
        factor = z / (z + jnp.where(z >= 0, self.epsilon, -self.epsilon).astype(z.dtype))
        return jnp.where(masked, 1, factor)

    def back(self, factor: Array, density: Array) -> Array:
        """The density [...] of z, to that of the terms of the sum."""
        return density * factor
