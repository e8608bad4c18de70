"""Composites that the field uses. Those of zennit keep the names they have there."""

from jaxtyping import ArrayLike

from lrp_jax.core.composite import Composite, On
from lrp_jax.core.rules import (
    AlphaBeta,
    DeconvReLU,
    Derivative,
    Epsilon,
    Flat,
    Gamma,
    GuidedReLU,
    Pass,
    SignalTakesAll,
    Uniform,
    WinnerTakesAll,
    ZBox,
)

# What is the same in every composite of relevance.
_USUAL = (
    On("activation", Pass()),
    On("product", SignalTakesAll()),
    On("norm", SignalTakesAll()),
    On("pool", WinnerTakesAll()),
)

PAPER = Composite("PAPER", (On("conv", AlphaBeta(alpha=0.0, bias=False)), *_USUAL, On("*", Epsilon(1e-2))))
"""Section 5.1: the alpha rule with alpha = 0 on convolutions, the epsilon rule with eps = 0.01 on all other sums."""

GRADIENT = Composite("GRADIENT", (On("*", Derivative()),), times_input=False)
"""The plain gradient: every operation keeps its own derivative."""

GRADIENT_X_INPUT = Composite("GRADIENT_X_INPUT", (On("*", Derivative()),))
"""The gradient times the input."""

GUIDED_BACKPROP = Composite("GUIDED_BACKPROP", (On("relu", GuidedReLU()), On("*", Derivative())), times_input=False)
"""Guided backpropagation (Springenberg et al., 2015)."""

DECONVNET = Composite("DECONVNET", (On("relu", DeconvReLU()), On("*", Derivative())), times_input=False)
"""The deconvolution network (Zeiler and Fergus, 2014)."""

EpsilonPlus = Composite("EpsilonPlus", (On("conv", AlphaBeta(0.0, bias=True)), *_USUAL, On("*", Epsilon(1e-6))))
"""z+ on convolutions, epsilon on all other sums (zennit's EpsilonPlus)."""

EpsilonPlusFlat = Composite(
    "EpsilonPlusFlat",
    (On("conv", Flat(), position="first"), On("dense", Flat(), position="first"), *EpsilonPlus.lines),
)
"""EpsilonPlus with the flat rule on the first layer."""

EpsilonAlpha2Beta1 = Composite(
    "EpsilonAlpha2Beta1", (On("conv", AlphaBeta(1.0, bias=True)), *_USUAL, On("*", Epsilon(1e-6)))
)
"""alpha2-beta1 on convolutions, epsilon on all other sums."""

EpsilonAlpha2Beta1Flat = Composite(
    "EpsilonAlpha2Beta1Flat",
    (On("conv", Flat(), position="first"), On("dense", Flat(), position="first"), *EpsilonAlpha2Beta1.lines),
)
"""EpsilonAlpha2Beta1 with the flat rule on the first layer."""


def EpsilonGammaBox(low: ArrayLike, high: ArrayLike, gamma: float = 0.25) -> Composite:
    """z-box on a first convolution, gamma on the others, epsilon on all other sums (zennit's EpsilonGammaBox).

    Args:
      low, high: the bounds of the input, as the first convolution sees it; see `ZBox`.
      gamma: of the gamma rule.

    Returns:
      The composite.

    Raises:
      ValueError: low is not below high.
    """
    lines = (On("conv", ZBox(low, high), position="first"), On("conv", Gamma(gamma)), *_USUAL, On("*", Epsilon(1e-6)))
    return Composite("EpsilonGammaBox", lines)


ATTN_LRP = Composite(
    "ATTN_LRP",
    (
        On("activation", Pass()),
        On("softmax", Derivative()),
        On("product", Uniform()),
        On("norm", SignalTakesAll()),
        On("pool", WinnerTakesAll()),
        On("*", Epsilon(1e-6)),
    ),
)
"""Achtibat et al. (2024): a softmax by its Taylor expansion, products shared equally, norms held constant."""

CP_LRP = Composite(
    "CP_LRP",
    (On("product", SignalTakesAll(activations=True)), *_USUAL, On("*", Epsilon(1e-6))),
)
"""Ali et al. (2022), conservative propagation: attention weights and norms held constant, and in gated MLPs the
activated gate."""
