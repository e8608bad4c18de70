"""The folder of a run: everything needed to caption and explain images with the trained model.

config.json       the settings
vocabulary.json   the words
encoder/          the encoder: class and preprocessing in encoder.json, weights in weights.npz; absent if the features
                  were computed elsewhere; the weights of a trained encoder are in the checkpoints
checkpoints/      the last and the best state (orbax)
unreadable.json   images that were left out because they cannot be read, if any
metrics.jsonl     the metrics, by step
tensorboard/      the same for TensorBoard
results.json      CIDEr of the best captioner on every test split, at the end
"""

import json
import os
import pathlib

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from flax import traverse_util

from lrp_jax.captions import models
from lrp_jax.captions.models import Captioner
from lrp_jax.captions.runs.encoders import read_encoder
from lrp_jax.captions.runs.settings import SettingsError
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.storage.files import atomic
from lrp_jax.captions.words import Vocabulary

CAPTIONERS = {"ada": models.AdaLSTM, "mhfc": models.MHFC}


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


def load_run(path: str | os.PathLike) -> Speaker:
    """Reads a run's folder.

    Args:
      path: the `--workdir` of `lrp-jax train`.

    Returns:
      The captioner with the parameters of the best validation score. If its features are computed elsewhere
      (`config.bottom_up`), their store is not opened: see `loading.load`.

    Raises:
      FileNotFoundError: the folder is not that of a run, or has no checkpoint yet.
      ValueError: the checkpoint is of another captioner than `config.json` and `vocabulary.json` describe. Damaged
        files raise the errors of the libraries that read them.
    """
    # Imported here: the captioner that ships with the package needs no checkpoints, and orbax takes a second to import.
    from lrp_jax.captions.runs.checkpoints import open_checkpoints, restore_best

    path = pathlib.Path(path)
    config = load_config(path)
    words = Vocabulary.load(path / "vocabulary.json")
    encoder = None if config.get("bottom_up") else read_encoder(path / "encoder")
    with open_checkpoints(path / "checkpoints", read_only=True) as manager:
        params, trained = restore_best(manager)
    if trained is not None:
        encoder = encoder._replace(params={**encoder.params, "params": trained})
    captioner = build_captioner(config, len(words))
    speaker = Speaker(captioner, params, words, encoder, config=config, origin={"checkpoint": os.fspath(path)})
    _check_parameters(speaker, path)
    return speaker


def _check_parameters(speaker: Speaker, path: pathlib.Path) -> None:
    """Refuses parameters that do not fit the captioner, which would otherwise fail inside the model."""
    if speaker.encoder is None:
        size = speaker.params["params"].get("image_projection", {}).get("kernel", np.zeros((1, 1))).shape[0]
    else:
        image = jax.ShapeDtypeStruct((1, *speaker.preprocessing.size, 3), jnp.float32)
        size = jax.eval_shape(speaker.encoder.module.apply, speaker.encoder.params, image).shape[-1]
    features, tokens = jax.ShapeDtypeStruct((1, 1, size), jnp.float32), jax.ShapeDtypeStruct((1, 2), jnp.int32)
    wanted = jax.eval_shape(speaker.captioner.init, jax.random.key(0), features, tokens)
    got, wanted = (
        {name: leaf.shape for name, leaf in traverse_util.flatten_dict(tree["params"], sep="/").items()}
        for tree in (speaker.params, wanted)
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
        raise FileNotFoundError(f"{workdir} is not the folder of a run: it has no config.json, see `lrp-jax train`")
    return ml_collections.ConfigDict(json.loads(path.read_text(encoding="utf-8")))
