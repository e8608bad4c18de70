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

    Returns:
      The encoder, its {"params": ...} in float32, and what an image undergoes first.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file holds no scene encoder.
    """
    about, arrays = _read(path)
    params = traverse_util.unflatten_dict({name: a.astype(np.float32) for name, a in arrays.items()}, sep="/")
    encoder = SceneCNN(width=about["width"], things=len(about["things"]), colours=len(about["colours"]))
    return encoder, params, Preprocessing(mean=about["mean"], std=about["std"], size=about["size"])


def scene_encoder_record(path: str | os.PathLike | None = None) -> dict[str, Any]:
    """How the encoder was made: its seed, its scenes and epochs, what its cells tell apart, and its accuracies."""
    return _read(path)[0]


def _read(path: str | os.PathLike | None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the file says about itself, and its arrays by name."""
    if path is None:
        path = importlib.resources.files("lrp_jax.weights").joinpath("data", "scene_encoder.npz")
        with path.open("rb") as stream:
            return _split(stream, path)
    return _split(path, path)


def _split(source: Any, path: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    file = np.load(source, allow_pickle=False)
    if not isinstance(file, np.lib.npyio.NpzFile) or "about" not in file.files:
        raise ValueError(f"{path} is no scene encoder: wanted an npz written by lrp_jax.training.scene_encoder")
    with file:
        arrays = dict(file)
    return json.loads(str(arrays.pop("about"))), arrays
