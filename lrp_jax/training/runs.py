"""The folder of a run: all that is needed to caption and explain images with what was trained.

config.json       the settings
vocabulary.json   the words
encoder/          the frozen encoder: kind and preprocessing in encoder.json, weights in weights.npz
checkpoints/      the last and the best state (orbax)
metrics.jsonl     the numbers, by step
tensorboard/      the same for TensorBoard
results.json      CIDEr of the best captioner on every test split, at the end
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import ml_collections
import numpy as np
from flax import traverse_util

from lrp_jax import models
from lrp_jax.data.files import atomic
from lrp_jax.data.vocabulary import Vocabulary
from lrp_jax.models import Captioner, Preprocessing
from lrp_jax.training.checkpoints import open_checkpoints, restore_best_params
from lrp_jax.training.settings import SettingsError

ENCODERS = {"VGG16": models.VGG16, "SqueezeNet": models.SqueezeNet}
CAPTIONERS = {"ada": models.AdaLSTM, "mhfc": models.MHFC}


class Encoder(NamedTuple):
    """A frozen encoder: `module.apply(params, preprocessing(images))` are its features."""

    module: nn.Module
    params: Any
    preprocessing: Preprocessing


@dataclasses.dataclass(frozen=True)
class Run:
    """What was trained, at its best validation score.

    Attributes:
      captioner, params: the captioner and its variables.
      encoder, encoder_params, preprocessing: the frozen encoder, its variables, and what an image undergoes.
      vocabulary: the words.
      config: the settings of the run.
    """

    captioner: Captioner
    params: Any
    encoder: nn.Module
    encoder_params: Any
    preprocessing: Preprocessing
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
        vocabulary_size, hidden=config.hidden, embedding=config.embedding, **config[config.captioner]
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
    encoder = load_encoder(path / "encoder")
    with open_checkpoints(path / "checkpoints", read_only=True) as manager:
        params = restore_best_params(manager)
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


def save_encoder(encoder: Encoder, folder: pathlib.Path) -> None:
    """Writes an encoder: its weights as npz, what it is and its preprocessing as JSON.

    Raises:
      ValueError: it is not of a kind that `load_encoder` knows.
    """
    kind = type(encoder.module).__name__
    if ENCODERS.get(kind) is not type(encoder.module):
        raise ValueError(f"cannot save an encoder of class {kind}: wanted one of {', '.join(ENCODERS)}")
    fields = {
        field.name: getattr(encoder.module, field.name)
        for field in dataclasses.fields(encoder.module)
        if field.name not in ("parent", "name")
    }
    folder.mkdir(parents=True, exist_ok=True)
    weights = traverse_util.flatten_dict(encoder.params, sep="/")
    with atomic(folder / "weights.npz", "wb") as file:
        np.savez(file, **{name: np.asarray(value) for name, value in weights.items()})
    record = {"kind": kind, "fields": fields, "preprocessing": dataclasses.asdict(encoder.preprocessing)}
    with atomic(folder / "encoder.json") as file:
        json.dump(record, file, indent=2)


def load_encoder(folder: pathlib.Path) -> Encoder:
    """Reads what `save_encoder` wrote.

    Raises:
      ValueError: the kind of encoder is not known.
    """
    record: Mapping[str, Any] = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    if record["kind"] not in ENCODERS:
        raise ValueError(f"{folder} holds an encoder {record['kind']!r}: wanted one of {', '.join(ENCODERS)}")
    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        params = traverse_util.unflatten_dict(dict(file), sep="/")
    module = ENCODERS[record["kind"]](**record["fields"])
    return Encoder(module, params, Preprocessing(**record["preprocessing"]))
