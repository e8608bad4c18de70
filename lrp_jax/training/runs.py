"""The folder of a run: all that is needed to caption and explain images with what was trained.

config.json       the settings
vocabulary.json   the words
encoder/          the encoder: kind and preprocessing in encoder.json, weights in weights.npz; not there where the
                  features were computed elsewhere; one that is trained has its weights in the checkpoints
checkpoints/      the last and the best state (orbax)
unreadable.json   images that were left out because they cannot be read, where there were any
metrics.jsonl     the numbers, by step
tensorboard/      the same for TensorBoard
results.json      CIDEr of the best captioner on every test split, at the end
"""

import dataclasses
import json
import os
import pathlib
from typing import Any

import flax.linen as nn
import ml_collections

from lrp_jax import models
from lrp_jax.data.files import atomic
from lrp_jax.data.vocabulary import Vocabulary
from lrp_jax.models import Captioner, Preprocessing
from lrp_jax.training.checkpoints import open_checkpoints, restore_best
from lrp_jax.training.encoders import read_encoder
from lrp_jax.training.settings import SettingsError

CAPTIONERS = {"ada": models.AdaLSTM, "mhfc": models.MHFC}


@dataclasses.dataclass(frozen=True)
class Run:
    """What was trained, at its best validation score.

    Attributes:
      captioner, params: the captioner and its variables.
      encoder, encoder_params, preprocessing: the frozen encoder, its variables, and what an image undergoes; None
        where the features were computed elsewhere (`config.bottom_up`).
      vocabulary: the words.
      config: the settings of the run.
    """

    captioner: Captioner
    params: Any
    encoder: nn.Module | None
    encoder_params: Any
    preprocessing: Preprocessing | None
    vocabulary: Vocabulary
    config: ml_collections.ConfigDict


def build_captioner(config: ml_collections.ConfigDict, vocabulary_size: int) -> Captioner:
    """The captioner that a config describes.

    Raises:
      SettingsError: there is no such kind of captioner.
    """
    if config.captioner not in CAPTIONERS:
        raise SettingsError(f"config.captioner is {config.captioner!r}: wanted one of {', '.join(CAPTIONERS)}")
    return CAPTIONERS[config.captioner](
        vocabulary_size,
        hidden=config.hidden,
        embedding=config.embedding,
        feature_scale=config.get("feature_scale", 1.0),  # runs of earlier versions have no such setting
        **config[config.captioner],
    )


def load_run(path: str | os.PathLike) -> Run:
    """Reads a run's folder.

    Args:
      path: the `--workdir` of train.py.

    Raises:
      FileNotFoundError: the folder is not that of a run, or has no checkpoint yet.
    """
    path = pathlib.Path(path)
    config = load_config(path)
    vocabulary = Vocabulary.load(path / "vocabulary.json")
    encoder = (None, None, None) if config.get("bottom_up") else read_encoder(path / "encoder")
    with open_checkpoints(path / "checkpoints", read_only=True) as manager:
        params, trained = restore_best(manager)
    if trained is not None:
        encoder = encoder._replace(params={**encoder.params, "params": trained})
    return Run(build_captioner(config, len(vocabulary)), params, *encoder, vocabulary, config)


def save_config(config: ml_collections.ConfigDict, workdir: pathlib.Path) -> None:
    """Writes `config.json`."""
    with atomic(workdir / "config.json") as file:
        json.dump(config.to_dict(), file, indent=2)


def load_config(workdir: pathlib.Path) -> ml_collections.ConfigDict:
    """Reads `config.json`.

    Raises:
      FileNotFoundError: the folder is not that of a run.
    """
    path = workdir / "config.json"
    if not path.exists():
        raise FileNotFoundError(f"{workdir} is not the folder of a run: it has no config.json, see train.py")
    return ml_collections.ConfigDict(json.loads(path.read_text(encoding="utf-8")))
