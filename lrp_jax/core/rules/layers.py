"""Rules for a convolution or a dense layer with its bias or batch norm.

`layer` says that a rule sees the whole layer; `of_relevance` that its `back` returns relevance of the input instead of
a density, because it does not multiply by the input.
"""

import dataclasses
import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lrp_jax.core.rules.base import divide
from lrp_jax.core.running.layers import Layer


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
    bias: bool = dataclasses.field(default=False, kw_only=True)  # AlphaBeta(2, 1) elsewhere means alpha and beta
    kinds: ClassVar[tuple[str, ...]] = ("conv", "dense")
    layer: ClassVar[bool] = True

    def __post_init__(self):
        if not 0 <= self.alpha < math.inf:
            raise ValueError(f"got alpha={self.alpha}; Eq. 21 needs alpha >= 0 (0 is alpha1-beta0): use AlphaBeta(0.0)")
        check_bias(self.bias)

    def prepare(self, layer: Layer) -> tuple[Array, ...]:
        """The factors (1 + alpha) y / z^+ and alpha y / z^- by which densities become S_j = R_j / z_j."""
        plus = layer.positive_part() + (jnp.maximum(layer.shift, 0) if self.bias else 0)
        factors = (divide((1 + self.alpha) * layer.output, plus),)
        if self.alpha:
            minus = layer.negative_part() + (jnp.minimum(layer.shift, 0) if self.bias else 0)
            factors += (divide(self.alpha * layer.output, minus),)
        return factors

    def back(self, layer: Layer, factors: tuple[Array, ...], density: Array) -> Array:
        """The density of the layer's output, to that of its input."""
        result = layer.positive_back(density * factors[0])
        if self.alpha:
            result = result - layer.negative_back(density * factors[1])
        return result


@dataclasses.dataclass(frozen=True)
class Gamma:
    """The gamma rule: contributions of the sign that the neuron has count 1 + gamma times.

    For z_j > 0, R_i = R_j (m_ij + gamma m_ij^+) / sum_k (m_kj + gamma m_kj^+) with m_ij = x_i w_ij; for z_j < 0 the
    same with m^-. On non-negative inputs with positive outputs this is x_i (w_ij + gamma w_ij^+), the rule as it was
    first written; gamma = 0 is LRP-0, and gamma to infinity the alpha rule with alpha = 0.

    Attributes:
      gamma: weight of the favoured contributions.
      bias: whether the denominator counts the bias, favoured like any contribution.

    Reference:
      Montavon et al., Layer-Wise Relevance Propagation: An Overview, 2019; generalised to inputs and outputs of both
      signs by Andeol et al., Learning Domain Invariant Representations by Joint Wasserstein Distance Minimization,
      2021.
    """

    gamma: float = 0.25
    bias: bool = dataclasses.field(default=True, kw_only=True)
    kinds: ClassVar[tuple[str, ...]] = ("conv", "dense")
    layer: ClassVar[bool] = True

    def __post_init__(self):
        if not 0 <= self.gamma < math.inf:
            raise ValueError(f"got gamma={self.gamma}; wanted a number of at least 0, which is LRP-0")
        check_bias(self.bias)

    def prepare(self, layer: Layer) -> tuple[Array, Array]:
        """y / z for the outputs above zero, and for those below, 0 elsewhere."""
        z, y = layer.linear(layer.input), layer.output
        shift = layer.shift if self.bias else jnp.zeros_like(layer.shift)
        above = z + shift + self.gamma * (layer.positive_part() + jnp.maximum(shift, 0))
        below = z + shift + self.gamma * (layer.negative_part() + jnp.minimum(shift, 0))
        return jnp.where(y > 0, divide(y, above), 0), jnp.where(y < 0, divide(y, below), 0)

    def back(self, layer: Layer, factors: tuple[Array, Array], density: Array) -> Array:
        """The density of the layer's output, to that of its input."""
        above, below = (density * f for f in factors)
        favoured = layer.positive_back(above) + layer.negative_back(below)
        return layer.back(above + below) + self.gamma * favoured


@dataclasses.dataclass(frozen=True)
class WSquare:
    """The w-square rule, for a first layer: R_i = sum_j R_j w_ij^2 / sum_k w_kj^2, whatever the input.

    Reference:
      Montavon et al., Explaining Nonlinear Classification Decisions with Deep Taylor Decomposition, 2017.
    """

    kinds: ClassVar[tuple[str, ...]] = ("conv", "dense")
    layer: ClassVar[bool] = True
    of_relevance: ClassVar[bool] = True

    def prepare(self, layer: Layer) -> Array:
        """y_j / sum_k w_kj^2, of the shape of the output."""
        return divide(layer.output, layer.linear(jnp.ones_like(layer.input), "square"))

    def back(self, layer: Layer, ratio: Array, density: Array) -> Array:
        """The density of the layer's output, to the relevance of its input."""
        return layer.back(density * ratio, "square")


@dataclasses.dataclass(frozen=True)
class Flat:
    """The flat rule, for a first layer: each output shares its relevance equally among the inputs it sees.

    Reference:
      Bach et al., Controlling Explanatory Heatmap Resolution and Semantics via Decomposition Depth, 2016.
    """

    kinds: ClassVar[tuple[str, ...]] = ("conv", "dense")
    layer: ClassVar[bool] = True
    of_relevance: ClassVar[bool] = True

    def prepare(self, layer: Layer) -> Array:
        """y_j by the number of inputs that j sees, of the shape of the output."""
        return divide(layer.output, layer.linear(jnp.ones_like(layer.input), "ones"))

    def back(self, layer: Layer, ratio: Array, density: Array) -> Array:
        """The density of the layer's output, to the relevance of its input."""
        return layer.back(density * ratio, "ones")


@dataclasses.dataclass(frozen=True)
class ZBox:
    """The z-box rule, for a first layer whose inputs are bounded, such as pixels.

    R_i = sum_j R_j (x_i w_ij - l w_ij^+ - h w_ij^-) / sum_k (x_k w_kj - l w_kj^+ - h w_kj^-). Without bias.

    Attributes:
      low, high: the bounds l and h of the input, as the layer sees it: numbers, or arrays that broadcast against the
        input without its batch axis, such as one number per channel where channels come last.

    Raises:
      ValueError: low is not below high; when the layer is explained, bounds that do not broadcast.

    Reference:
      Montavon et al., 2017, as for `WSquare`.
    """

    low: float | tuple
    high: float | tuple
    kinds: ClassVar[tuple[str, ...]] = ("conv", "dense")
    layer: ClassVar[bool] = True
    of_relevance: ClassVar[bool] = True

    def __post_init__(self):
        for name in ("low", "high"):  # as tuples, so that the rule can be compared and hashed
            object.__setattr__(self, name, _nested(np.asarray(getattr(self, name), float).tolist()))
        try:
            below = np.less(self.low, self.high)
        except ValueError:
            below = np.False_
        if not np.all(below):
            raise ValueError(f"got low={self.low}, high={self.high}; wanted low < high, the bounds of the input")

    def prepare(self, layer: Layer) -> Array:
        """y_j by the denominator of the rule, of the shape of the output."""
        low, high = self._bounds(layer)
        z = layer.linear(layer.input) - layer.linear(low, "plus") - layer.linear(high, "minus")
        return divide(layer.output, z)

    def back(self, layer: Layer, ratio: Array, density: Array) -> Array:
        """The density of the layer's output, to the relevance of its input."""
        low, high = self._bounds(layer)
        s = density * ratio
        return layer.input * layer.back(s) - low * layer.back(s, "plus") - high * layer.back(s, "minus")

    def _bounds(self, layer: Layer) -> tuple[Array, Array]:
        shape, dtype = layer.input.shape, layer.input.dtype
        try:
            return tuple(jnp.broadcast_to(jnp.asarray(bound, dtype), shape) for bound in (self.low, self.high))
        except ValueError:
            got = np.shape(self.low), np.shape(self.high)
            raise ValueError(
                f"got bounds of the z-box rule of shapes {got[0]} and {got[1]} for an input of shape {shape}; wanted "
                "numbers, or arrays that broadcast: (3,) for channels last, (3, 1, 1) for channels first"
            ) from None


def _nested(value: float | list) -> float | tuple:
    """A list of lists as tuples of tuples."""
    return tuple(map(_nested, value)) if isinstance(value, list) else value


def check_bias(bias: bool) -> None:
    """Refuses a number where a flag is meant: `AlphaBeta(2, bias=1)` is no alpha2-beta1."""
    if not isinstance(bias, bool):
        raise ValueError(
            f"got bias={bias!r}; wanted True or False: whether the bias counts (alpha2-beta1 is AlphaBeta(1.0))"
        )
