"""The encoder of a run: made from a config, applied to a dataset, saved in the run's folder and read from it."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import ml_collections
import numpy as np
from flax import traverse_util
from jaxtyping import Array, Float, UInt8

from lrp_jax.captions import models, weights
from lrp_jax.captions.data.bottom_up import RegionStore, stored_features
from lrp_jax.captions.data.features import FeatureError, Features, cached_features, compute_features, digest
from lrp_jax.captions.images import Dataset
from lrp_jax.captions.models import IMAGENET, Preprocessing
from lrp_jax.captions.models.encoding import Encoder
from lrp_jax.captions.models.encoding import encode as encode_images
from lrp_jax.captions.models.scene_cnn import SceneCNN
from lrp_jax.captions.runs.settings import SettingsError
from lrp_jax.captions.storage.files import atomic
from lrp_jax.captions.weights.scene_encoder import load_scene_encoder
from lrp_jax.captions.weights.vgg import KERAS

ENCODERS = {
    kind.__name__: kind for kind in (models.VGG16, models.SqueezeNet, models.ResNet, models.RegionEncoder, SceneCNN)
}
BOTTOM_UP = "bottom_up"
REGIONS = ("", "fixed")


def _squeezenet(arrays):
    return *weights.squeezenet_from_arrays(arrays), IMAGENET


def _vgg16(arrays):
    if any(name.startswith("block1_conv1/") for name in arrays):
        return *weights.vgg16_from_keras(arrays), KERAS
    return *weights.vgg16_from_state_dict(arrays), IMAGENET


def _resnet(arrays):
    return *weights.resnet_from_state_dict(arrays), IMAGENET


IMPORTERS = {"squeezenet": _squeezenet, "vgg16": _vgg16, "resnet": _resnet}


def load_encoder(config: ml_collections.ConfigDict) -> Encoder | None:
    """The encoder that a config names; None for "bottom_up", whose features are computed elsewhere.

    Raises:
      SettingsError: there is no such encoder, or its weights are not given or have another format.
      FileNotFoundError: the file of weights does not exist.
    """
    if config.regions not in REGIONS:
        raise SettingsError(f'config.regions is {config.regions!r}: wanted "" for a grid, or "fixed"')
    if config.encoder == BOTTOM_UP:
        if not config.bottom_up or config.regions:
            raise SettingsError("encoder bottom_up has its own regions: wanted --config.bottom_up=FOLDER, no regions")
        return None
    encoder = _grid_encoder(config)
    if not config.regions:
        return encoder
    return Encoder(models.RegionEncoder(encoder.module), models.region_variables(encoder.params), encoder.preprocessing)


def _grid_encoder(config: ml_collections.ConfigDict) -> Encoder:
    if config.encoder == "scenes":
        return Encoder(*load_scene_encoder())
    if config.encoder not in IMPORTERS:
        known = ", ".join(["scenes", *IMPORTERS, BOTTOM_UP])
        raise SettingsError(f"config.encoder is {config.encoder!r}: wanted one of {known}")
    if not config.encoder_weights:
        raise SettingsError(f"{config.encoder} needs its ImageNet weights: --config.encoder_weights=FILE")
    try:
        module, params, preprocessing = IMPORTERS[config.encoder](weights.read_weights(config.encoder_weights))
    except (TypeError, ValueError) as error:
        message = str(error).removeprefix(f"{config.encoder_weights}: ")
        raise SettingsError(f"config.encoder_weights={config.encoder_weights}: {message}") from error
    size = (config.image_size, config.image_size)
    return Encoder(module, params, dataclasses.replace(preprocessing, size=size))


def encode_dataset(
    encoder: Encoder,
    dataset: Dataset,
    *,
    folder: str | os.PathLike = "",
    name: str,
    dtype: str = "float16",
) -> Features:
    """The features of a dataset's images.

    Args:
      encoder: the encoder.
      dataset: the images.
      folder: the cache of the features, for one encoder and one source; "" computes them each time, in memory, as
        float32.
      name: of the dataset, for the progress bar and the folder in `folder`.
      dtype: of the features in `folder`.

    Raises:
      FeatureError: the folder has other features under this name, the features cannot be stored, or no image can be
        read.
      OSError: the disk does not have enough space.
    """

    def encode(images: UInt8[np.ndarray, "B H W 3"]) -> Float[Array, "B h w C"]:
        return encode_images(encoder.module, encoder.params, images, encoder.preprocessing)

    size = encoder.preprocessing.size
    if not folder:
        return compute_features(dataset, encode, size=size, name=name)
    key = {
        "encoder": _spell(encoder.module),
        "weights": digest(encoder.params),
        "preprocessing": json.dumps(dataclasses.asdict(encoder.preprocessing), default=float),
    }
    return cached_features(folder, dataset, encode, key=key, size=size, name=name, dtype=dtype)


def features_of(dataset: Dataset, encoder: Encoder | None, config: ml_collections.ConfigDict, *, name: str) -> Features:
    """The features of a dataset's images: from the encoder, or without one from the store `config.bottom_up`.

    Raises:
      SettingsError: the folder has no features, none of these images, or features of others; or no image can be read.
      OSError: the disk does not have enough space.
    """
    if encoder is None:
        try:
            folder = pathlib.Path(config.features_folder) / name if config.features_folder else None
            return stored_features(dataset, RegionStore(config.bottom_up), folder)
        except (ValueError, FileNotFoundError) as error:
            raise SettingsError(f"config.bottom_up={config.bottom_up}: {error}") from error
    dtype = config.get("features_dtype", "float16")
    try:
        return encode_dataset(encoder, dataset, folder=config.features_folder, name=name, dtype=dtype)
    except FeatureError as error:
        raise SettingsError(str(error)) from error


def save_encoder(encoder: Encoder, folder: pathlib.Path) -> None:
    """Writes an encoder: its weights as npz, its class, fields and preprocessing as JSON.

    Raises:
      ValueError: its class is not in `ENCODERS`.
    """
    record = _describe(encoder.module) | {"preprocessing": dataclasses.asdict(encoder.preprocessing)}
    folder.mkdir(parents=True, exist_ok=True)
    arrays = traverse_util.flatten_dict(encoder.params, sep="/")
    with atomic(folder / "weights.npz", "wb") as file:
        np.savez(file, **{name: np.asarray(array) for name, array in arrays.items()})
    with atomic(folder / "encoder.json") as file:
        json.dump(record, file, indent=2)


def read_encoder(folder: pathlib.Path) -> Encoder:
    """Reads what `save_encoder` wrote.

    Raises:
      ValueError: the class of the encoder is unknown.
    """
    record: Mapping[str, Any] = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    module = _build(record, folder)
    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        params = traverse_util.unflatten_dict(dict(file), sep="/")
    return Encoder(module, params, Preprocessing(**record["preprocessing"]))


def _describe(module: nn.Module) -> dict[str, Any]:
    """Class and fields of an encoder, as values for JSON."""
    kind = type(module).__name__
    if ENCODERS.get(kind) is not type(module):
        raise ValueError(f"cannot save an encoder of class {kind}: wanted one of {', '.join(ENCODERS)}")
    names = [field.name for field in dataclasses.fields(module) if field.name not in ("parent", "name")]
    values = {name: getattr(module, name) for name in names}
    return {"kind": kind, "fields": {n: _describe(v) if isinstance(v, nn.Module) else v for n, v in values.items()}}


def _spell(value: Any) -> str:
    """The Python expression of an encoder, the same in every process."""
    if not isinstance(value, nn.Module):
        return repr(value)
    names = [field.name for field in dataclasses.fields(value) if field.name not in ("parent", "name")]
    return f"{type(value).__name__}({', '.join(f'{name}={_spell(getattr(value, name))}' for name in names)})"


def _build(record: Mapping[str, Any], folder: pathlib.Path) -> nn.Module:
    """The encoder from the record of `_describe`."""
    if record["kind"] not in ENCODERS:
        raise ValueError(f"{folder} holds an encoder {record['kind']!r}: wanted one of {', '.join(ENCODERS)}")

    def field(value):
        # Fields are numbers, encoders, and tuples of numbers, which JSON stores as lists.
        if isinstance(value, dict):
            return _build(value, folder)
        return tuple(value) if isinstance(value, list) else value

    return ENCODERS[record["kind"]](**{name: field(value) for name, value in record["fields"].items()})
