"""Layer-wise relevance propagation as a JAX transformation."""

from lrp_jax.core.audit import Audit, audit
from lrp_jax.core.composite import GRADIENT, PAPER, Composite, On
from lrp_jax.core.markers import gate, neuron
from lrp_jax.core.rules import AlphaBeta, Derivative, Epsilon, Pass, SignalTakesAll, WinnerTakesAll
from lrp_jax.core.transform import RelevanceError, lrp, relevance

__all__ = [
    "GRADIENT",
    "PAPER",
    "AlphaBeta",
    "Audit",
    "Composite",
    "Derivative",
    "Epsilon",
    "On",
    "Pass",
    "RelevanceError",
    "SignalTakesAll",
    "WinnerTakesAll",
    "audit",
    "gate",
    "lrp",
    "neuron",
    "relevance",
]
