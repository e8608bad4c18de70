"""Training captioners, and the folders that training leaves."""

from lrp_jax.training.encoders import Encoder, encode_dataset, load_encoder
from lrp_jax.training.evaluate import caption_features
from lrp_jax.training.logs import MetricLog, read_metrics
from lrp_jax.training.loop import train_and_evaluate
from lrp_jax.training.losses import cross_entropy
from lrp_jax.training.runs import Run, build_captioner, load_run
from lrp_jax.training.schedule import Plateau
from lrp_jax.training.settings import SettingsError, paper_settings
from lrp_jax.training.state import TrainState, create_state, make_optimiser, make_step

__all__ = [
    "Encoder",
    "MetricLog",
    "Plateau",
    "Run",
    "SettingsError",
    "TrainState",
    "build_captioner",
    "caption_features",
    "create_state",
    "cross_entropy",
    "encode_dataset",
    "load_encoder",
    "load_run",
    "make_optimiser",
    "make_step",
    "paper_settings",
    "read_metrics",
    "train_and_evaluate",
]
