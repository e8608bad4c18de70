"""The encoder of the drawn scenes, which the package carries."""

import importlib.resources
import json
import os
from typing import Any

import numpy as np
from flax import traverse_util

from lrp_jax.models.preprocessing import Preprocessing
from lrp_jax.models.scene_cnn import SceneCNN


def load_scene_encoder(path: str | os.PathLike | None = None) -> tuple[SceneCNN, dict[str, Any], Preprocessing]:
    """The frozen encoder of the drawn scenes: `encoder.apply(params, preprocessing(images))` -> [..., 8, 8, 96].

    It was trained on unbiased scenes with `python -m lrp_jax.training.scene_encoder`; what its `classify` tells apart
    in each cell, and how well, is in `scene_encoder_record`.

    path: another file written by that command; the package's own by default.

    Raises:
      ValueError: the file holds no scene encoder.
    """
    with _open(path) as file:
        about = _about(file, path)
        arrays = {name: np.asarray(file[name], np.float32) for name in file.files if name != "about"}
    encoder = SceneCNN(width=about["width"], things=len(about["things"]), colours=len(about["colours"]))
    preprocessing = Preprocessing(mean=about["mean"], std=about["std"], size=about["size"])
    return encoder, traverse_util.unflatten_dict(arrays, sep="/"), preprocessing


def scene_encoder_record(path: str | os.PathLike | None = None) -> dict[str, Any]:
    """How the encoder was made: its seed, its scenes and epochs, what its cells tell apart, and its accuracies."""
    with _open(path) as file:
        return _about(file, path)


def _open(path: str | os.PathLike | None) -> np.lib.npyio.NpzFile:
    if path is not None:
        return np.load(path, allow_pickle=False)
    own = importlib.resources.files("lrp_jax.weights").joinpath("data", "scene_encoder.npz")
    return np.load(own.open("rb"), allow_pickle=False)


def _about(file: np.lib.npyio.NpzFile, path: str | os.PathLike | None) -> dict[str, Any]:
    if not isinstance(file, np.lib.npyio.NpzFile) or "about" not in file.files:
        raise ValueError(f"{path} is no scene encoder: wanted an npz written by lrp_jax.training.scene_encoder")
    return json.loads(str(file["about"]))
