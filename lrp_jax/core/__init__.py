"""Layer-wise relevance propagation as a JAX transformation."""

from lrp_jax.core.analysis.named import NoPlaceError
from lrp_jax.core.audit import Audit, audit
from lrp_jax.core.composite import Composite, On
from lrp_jax.core.contrast import contrastive_seed
from lrp_jax.core.declare import gate, neuron
from lrp_jax.core.presets import (
    ATTN_LRP,
    CP_LRP,
    DECONVNET,
    GRADIENT,
    GRADIENT_X_INPUT,
    GUIDED_BACKPROP,
    PAPER,
    EpsilonAlpha2Beta1,
    EpsilonAlpha2Beta1Flat,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
)
from lrp_jax.core.program.operations import teach
from lrp_jax.core.relevance import parameter_relevance, relevance, relevance_at
from lrp_jax.core.rules import (
    AlphaBeta,
    DeconvReLU,
    Derivative,
    Epsilon,
    Flat,
    Gamma,
    GuidedReLU,
    Pass,
    Proportional,
    SignalTakesAll,
    Uniform,
    WinnerTakesAll,
    WSquare,
    ZBox,
)
from lrp_jax.core.show import Shown, show
from lrp_jax.core.transform import RelevanceError, lrp

__all__ = [
    "ATTN_LRP",
    "CP_LRP",
    "DECONVNET",
    "GRADIENT",
    "GRADIENT_X_INPUT",
    "GUIDED_BACKPROP",
    "PAPER",
    "AlphaBeta",
    "Audit",
    "Composite",
    "DeconvReLU",
    "Derivative",
    "Epsilon",
    "EpsilonAlpha2Beta1",
    "EpsilonAlpha2Beta1Flat",
    "EpsilonGammaBox",
    "EpsilonPlus",
    "EpsilonPlusFlat",
    "Flat",
    "Gamma",
    "GuidedReLU",
    "NoPlaceError",
    "On",
    "Pass",
    "Proportional",
    "RelevanceError",
    "Shown",
    "SignalTakesAll",
    "Uniform",
    "WSquare",
    "WinnerTakesAll",
    "ZBox",
    "audit",
    "contrastive_seed",
    "gate",
    "lrp",
    "neuron",
    "parameter_relevance",
    "relevance",
    "relevance_at",
    "show",
    "teach",
]
