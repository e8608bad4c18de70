"""CIDEr of a captioner on a split, computed by all processes together."""

from typing import Any

import jax
import ml_collections
import numpy as np

from lrp_jax.captions.metrics import cider
from lrp_jax.captions.models.decoding import Decoder
from lrp_jax.captions.models.encoding import Encoder
from lrp_jax.captions.runs.encoders import encode_dataset
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.training.devices import Devices, gathered, local
from lrp_jax.captions.training.material import Material
from lrp_jax.captions.training.stages import constants_of
from lrp_jax.captions.words import PAD


def score(
    speaker: Speaker,
    params: Any,
    trained_encoder: Any,
    material: Material,
    split: str,
    decoder: Decoder,
    config: ml_collections.ConfigDict,
    devices: Devices,
) -> float:
    """CIDEr of the captions of a split.

    Args:
      speaker: the captioner; its parameters are not used.
      params: the captioner's variables, replicated on all devices.
      trained_encoder: the encoder's parameters if it is trained too, else None.
      material, split: the images and their references.
      decoder: the decoder.
      config: for `evaluation_batch_size`.
      devices: the shardings. Each process captions its share of the images.
    """
    features, texts = material.images[split], material.references[split]
    if material.trains_encoder:
        encoder = material.encoder
        seeing = Encoder(
            encoder.module, {**constants_of(encoder), "params": local(trained_encoder)}, encoder.preprocessing
        )
        computed = encode_dataset(seeing, material.splits[split], name=split)
        features, texts = computed.array, computed.captions
    mine = np.arange(jax.process_index(), len(features), jax.process_count())
    speaker = Speaker(speaker.captioner, devices.here(params), speaker.words)
    said = speaker.caption(
        Rows(features, mine), decoder, batch_size=config.evaluation_batch_size, sharding=devices.shared_here
    )
    tokens = np.full((len(said), decoder.max_length), PAD, np.int32)
    for row, caption in zip(tokens, said, strict=True):
        row[: len(caption)] = caption.ids
    tokens = gathered(tokens, len(features))
    return cider([" ".join(speaker.words.decode(row)) for row in tokens], texts)[0]


class Rows:
    """Selected rows of an array that is read row by row, such as one stored in files."""

    ndim = 3

    def __init__(self, array: Any, rows: np.ndarray):
        self._array, self._rows = array, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, part: slice) -> np.ndarray:
        return np.asarray(self._array[self._rows[part]])
