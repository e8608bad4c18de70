"""Relevance for JAX models, and image captioners that are explained and improved by it."""

from lrp_jax.core import (
    GRADIENT,
    PAPER,
    AlphaBeta,
    Audit,
    Composite,
    Derivative,
    Epsilon,
    On,
    Pass,
    RelevanceError,
    SignalTakesAll,
    WinnerTakesAll,
    audit,
    gate,
    lrp,
    neuron,
    relevance,
)

__version__ = "0.1.0"

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
