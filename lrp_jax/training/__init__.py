"""Training captioners, and the folders that training leaves."""

from lrp_jax.training.arms import ARMS, Arm
from lrp_jax.training.encoders import Encoder, encode_dataset, load_encoder
from lrp_jax.training.evaluate import caption_features
from lrp_jax.training.fine_tuning import focal_loss, lrp_ift_loss, self_decoded
from lrp_jax.training.logs import MetricLog, read_metrics
from lrp_jax.training.loop import NotFiniteError, StoppedError, train_and_evaluate
from lrp_jax.training.losses import cross_entropy
from lrp_jax.training.lrp_inference import (
    Reweighted,
    lrp_inference,
    predictor_relevance,
    reweight,
    reweighted_predict,
)
from lrp_jax.training.runs import Run, build_captioner, load_run
from lrp_jax.training.schedule import Linear, Plateau
from lrp_jax.training.settings import SettingsError, paper_settings
from lrp_jax.training.state import TrainState, create_state, make_optimiser, make_step

__all__ = [
    "ARMS",
    "Arm",
    "Encoder",
    "Linear",
    "MetricLog",
    "NotFiniteError",
    "Plateau",
    "Reweighted",
    "Run",
    "SettingsError",
    "StoppedError",
    "TrainState",
    "build_captioner",
    "caption_features",
    "create_state",
    "cross_entropy",
    "encode_dataset",
    "focal_loss",
    "load_encoder",
    "load_run",
    "lrp_ift_loss",
    "lrp_inference",
    "make_optimiser",
    "make_step",
    "paper_settings",
    "predictor_relevance",
    "read_metrics",
    "reweight",
    "reweighted_predict",
    "self_decoded",
    "train_and_evaluate",
]
