"""The encoder of the drawn scenes, which is part of the package."""

import os
from typing import Any

import numpy as np
from flax import traverse_util

from lrp_jax.captions.models import Preprocessing
from lrp_jax.captions.models.scene_cnn import SceneCNN
from lrp_jax.captions.weights.packaged import read_packaged


def load_scene_encoder(path: str | os.PathLike | None = None) -> tuple[SceneCNN, dict[str, Any], Preprocessing]:
    """The frozen encoder of the drawn scenes: `encoder.apply(params, preprocessing(images))` -> [..., 8, 8, 96].

    It was trained on unbiased scenes with `python -m lrp_jax.captions.training.scene_encoder`; the classes of its
    `classify` in each cell and their accuracies are in `scene_encoder_record`.

    path: another file written by that command; by default the file of the package.

    Returns:
      The encoder, its {"params": ...} in float32, and the preprocessing of its images.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file holds no scene encoder.
    """
    about, arrays = _read(path)
    params = traverse_util.unflatten_dict({name: a.astype(np.float32) for name, a in arrays.items()}, sep="/")
    encoder = SceneCNN(width=about["width"], things=len(about["things"]), colours=len(about["colours"]))
    return encoder, params, Preprocessing(mean=about["mean"], std=about["std"], size=about["size"])


def scene_encoder_record(path: str | os.PathLike | None = None) -> dict[str, Any]:
    """The metadata of the encoder: its seed, scenes and epochs, the classes of its cells, and its accuracies."""
    return _read(path)[0]


def _read(path: str | os.PathLike | None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    maker = "lrp_jax.captions.training.scene_encoder"
    return read_packaged("scene_encoder.npz", path, what="scene encoder", maker=maker)
