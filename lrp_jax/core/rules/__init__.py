"""Rules, by what they are for: sums, whole layers, activations, products, pooling."""

from lrp_jax.core.rules.activations import DeconvReLU, GuidedReLU, Pass
from lrp_jax.core.rules.base import KINDS, SUMS, Derivative, Rule, divide
from lrp_jax.core.rules.layers import AlphaBeta, Flat, Gamma, WSquare, ZBox
from lrp_jax.core.rules.pooling import Proportional, WinnerTakesAll
from lrp_jax.core.rules.products import SignalTakesAll, Uniform
from lrp_jax.core.rules.sums import Epsilon

__all__ = [
    "KINDS",
    "SUMS",
    "AlphaBeta",
    "DeconvReLU",
    "Derivative",
    "Epsilon",
    "Flat",
    "Gamma",
    "GuidedReLU",
    "Pass",
    "Proportional",
    "Rule",
    "SignalTakesAll",
    "Uniform",
    "WSquare",
    "WinnerTakesAll",
    "ZBox",
    "divide",
]
