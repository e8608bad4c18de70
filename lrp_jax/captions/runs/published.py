"""Loads a captioner from published files: its weights, the weights of its encoder, and its words."""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import ml_collections

from lrp_jax.captions import weights
from lrp_jax.captions.models import IMAGENET
from lrp_jax.captions.models.encoding import Encoder
from lrp_jax.captions.runs.encoders import IMPORTERS
from lrp_jax.captions.runs.settings import SettingsError
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.words import Vocabulary


def load_published(
    captioner_weights: str | os.PathLike,
    vocabulary: str | os.PathLike,
    *,
    encoder_weights: str | os.PathLike | None = None,
    encoder: str | None = None,
    image_size: int = 224,
    bottom_up: str | os.PathLike | None = None,
) -> Speaker:
    """The captioner, its encoder and its words, as a model record like that of a run.

    Args:
      captioner_weights: a checkpoint of the paper's authors, see `weights.captioner_from_checkpoint`; for this and
        `encoder_weights`, anything that `weights.weights_file` accepts.
      vocabulary: the authors' word map, or a file of `Vocabulary.save`.
      encoder_weights: of a VGG16, ResNet or SqueezeNet; None if the captioner's file contains its encoder. If both
        exist, this one is used.
      encoder: "vgg16", "resnet" or "squeezenet"; None to detect it from the arrays.
      image_size: the side of the encoder's input image, in pixels.
      bottom_up: for a captioner of bottom-up features, the folder of these (see `data.bottom_up`); it has no encoder.

    Returns:
      A `Speaker`; its `origin` and `config.weights` have the name and the SHA-256 of each file. The store of bottom-up
      features is not opened.

    Raises:
      SettingsError: a file is missing, damaged or has another format, or two files do not belong together. The message
        is one line and begins with the argument.
    """
    files = {}

    def read(argument: str, name: str | os.PathLike) -> dict:
        path = weights.weights_file(name)
        files[argument] = {"file": os.fspath(name), "sha256": weights.sha256(path)}
        return weights.read_weights(path)

    with _blaming("vocabulary", vocabulary):
        words, rows = _read_words(pathlib.Path(vocabulary))
        files["vocabulary"] = {"file": os.fspath(vocabulary), "sha256": weights.sha256(vocabulary)}
    with _blaming("captioner_weights", captioner_weights):
        arrays = read("captioner_weights", captioner_weights)
        if "fc.bias" in arrays and len(arrays["fc.bias"]) != len(words):
            raise ValueError(f"scores {len(arrays['fc.bias'])} words, vocabulary={vocabulary} has {len(words)}")
        checkpoint = weights.captioner_from_checkpoint(arrays, rows=rows)
    if checkpoint.bottom_up:
        if bottom_up is None or encoder_weights or encoder:
            raise SettingsError(
                f"captioner_weights={captioner_weights}: reads bottom-up features, which no encoder of whole images "
                "computes: wanted bottom_up=FOLDER and no encoder"
            )
        config = ml_collections.ConfigDict({"weights": files, "bottom_up": os.fspath(bottom_up)})
        return Speaker(checkpoint.captioner, checkpoint.params, words, config=config, origin={"weights": files})
    if encoder_weights:
        with _blaming("encoder_weights", encoder_weights):
            arrays = read("encoder_weights", encoder_weights)
            kind = encoder or weights.encoder_kind(arrays)
            if kind not in IMPORTERS:
                raise ValueError(f"got encoder={kind}; wanted one of {', '.join(IMPORTERS)}")
            made = Encoder(*IMPORTERS[kind](arrays))
    elif encoder:
        raise SettingsError(f"encoder={encoder}: got no weights for it; wanted encoder_weights=FILE as well")
    elif checkpoint.encoder is None:
        raise SettingsError(
            f"captioner_weights={captioner_weights}: holds no encoder; wanted encoder_weights=FILE as well"
        )
    else:
        made = Encoder(checkpoint.encoder, checkpoint.encoder_params, IMAGENET)
    made = made._replace(preprocessing=dataclasses.replace(made.preprocessing, size=(image_size, image_size)))
    with _blaming("captioner_weights", captioner_weights):
        _check_features(checkpoint, made)
    config = ml_collections.ConfigDict({"weights": files, "image_size": image_size})
    return Speaker(checkpoint.captioner, checkpoint.params, words, made, config=config, origin={"weights": files})


@contextlib.contextmanager
def _blaming(argument: str, value: str | os.PathLike) -> Iterator[None]:
    """Turns errors inside the block into a SettingsError that begins with the argument."""
    try:
        yield
    except (TypeError, ValueError, OSError) as error:
        said = " ".join(str(error).split()).removeprefix(f"{os.fspath(value)}: ")
        raise SettingsError(f"{argument}={os.fspath(value)}: {said}") from error


def _read_words(path: pathlib.Path) -> tuple[Vocabulary, tuple[int, ...] | None]:
    """The words, and the row of each in the arrays; None if the rows are in the vocabulary's order already."""
    if not path.is_file():
        raise FileNotFoundError("no such file")
    try:
        ours = isinstance(json.loads(path.read_text(encoding="utf-8")), list)
    except ValueError as error:
        raise ValueError(f"not a JSON file ({error})") from error
    return (Vocabulary.load(path), None) if ours else Vocabulary.from_word_map(path)


def _check_features(checkpoint: weights.Checkpoint, encoder: Encoder) -> None:
    """Refuses an encoder whose features the captioner cannot read."""
    images = jax.ShapeDtypeStruct((1, *encoder.preprocessing.size, 3), jnp.float32)
    _, h, w, channels = jax.eval_shape(encoder.module.apply, encoder.params, images).shape
    kind = f"{type(encoder.module).__name__} at image_size={encoder.preprocessing.size[0]}"
    reads = checkpoint.params["params"]["image_projection"]["kernel"].shape[0]
    if reads != channels:
        raise ValueError(f"reads features of size {reads}, but {kind} gives {channels}: wanted its own encoder")
    captioner = checkpoint.captioner
    if getattr(captioner, "attention_axis", "") == "position" and h * w != captioner.attention:
        raise ValueError(f"attends to {captioner.attention} regions, but {kind} gives {h} x {w}")
