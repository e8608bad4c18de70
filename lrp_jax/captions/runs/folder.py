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
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from flax import traverse_util

from lrp_jax.captions import models
from lrp_jax.captions.models import Captioner, Preprocessing
from lrp_jax.captions.runs.checkpoints import open_checkpoints, restore_best
from lrp_jax.captions.runs.encoders import read_encoder
from lrp_jax.captions.runs.settings import SettingsError
from lrp_jax.captions.storage.files import atomic
from lrp_jax.captions.words import Vocabulary

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
    """The captioner that a config describes, for a vocabulary of `vocabulary_size` words.

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

    Returns:
      The models with the parameters of the best validation score, the vocabulary and the settings.

    Raises:
      FileNotFoundError: the folder is not that of a run, or has no checkpoint yet.
      ValueError: the checkpoint is of another captioner than `config.json` and `vocabulary.json` describe. Files that
        are damaged raise what the libraries make of them.
    """
    path = pathlib.Path(path)
    config = load_config(path)
    vocabulary = Vocabulary.load(path / "vocabulary.json")
    encoder = (None, None, None) if config.get("bottom_up") else read_encoder(path / "encoder")
    with open_checkpoints(path / "checkpoints", read_only=True) as manager:
        params, trained = restore_best(manager)
    if trained is not None:
        encoder = encoder._replace(params={**encoder.params, "params": trained})
    run = Run(build_captioner(config, len(vocabulary)), params, *encoder, vocabulary, config)
    _check_parameters(run, path)
    return run


def _check_parameters(run: Run, path: pathlib.Path) -> None:
    """Refuses parameters that are not those of the captioner, before they fail somewhere inside of it."""
    if run.encoder is None:
        size = run.params["params"].get("image_projection", {}).get("kernel", np.zeros((1, 1))).shape[0]
    else:
        image = jax.ShapeDtypeStruct((1, *run.preprocessing.size, 3), jnp.float32)
        size = jax.eval_shape(run.encoder.apply, run.encoder_params, image).shape[-1]
    features, tokens = jax.ShapeDtypeStruct((1, 1, size), jnp.float32), jax.ShapeDtypeStruct((1, 2), jnp.int32)
    wanted = jax.eval_shape(run.captioner.init, jax.random.key(0), features, tokens)
    got, wanted = (
        {name: leaf.shape for name, leaf in traverse_util.flatten_dict(tree["params"], sep="/").items()}
        for tree in (run.params, wanted)
    )
    for name in sorted(got.keys() | wanted.keys()):
        if got.get(name) != wanted.get(name):
            raise ValueError(
                f"{path / 'checkpoints'} is of another captioner than config.json: got {name} of shape "
                f"{got.get(name, 'none')}, wanted {wanted.get(name, 'none')}; use the files of one run"
            )


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
