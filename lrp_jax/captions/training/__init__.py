"""Trains captioners, and writes the folders of runs."""

from lrp_jax.captions.training.fine_tuning import focal_loss, lrp_ift_loss, self_decoded
from lrp_jax.captions.training.logs import MetricLog, read_metrics
from lrp_jax.captions.training.loop import NotFiniteError, StoppedError, train_and_evaluate
from lrp_jax.captions.training.losses import cross_entropy
from lrp_jax.captions.training.lrp_inference import (
    Reweighted,
    lrp_inference,
    predictor_relevance,
    reweight,
    reweighted_predict,
)
from lrp_jax.captions.training.schedule import Linear, Plateau
from lrp_jax.captions.training.state import TrainState, create_state, make_optimiser, make_step

__all__ = [
    "Linear",
    "MetricLog",
    "NotFiniteError",
    "Plateau",
    "Reweighted",
    "StoppedError",
    "TrainState",
    "create_state",
    "cross_entropy",
    "focal_loss",
    "lrp_ift_loss",
    "lrp_inference",
    "make_optimiser",
    "make_step",
    "predictor_relevance",
    "read_metrics",
    "reweight",
    "reweighted_predict",
    "self_decoded",
    "train_and_evaluate",
]
