"""Checkpoints of the paper's authors: one file with the captioner, its encoder and other training state.

    https://github.com/SunJiamei/LRP-imagecaptioning-pytorch

Where that code deviates from the paper, its checkpoints need a model that deviates too. How each deviation is detected:

| deviation | detected from |
|---|---|
| Ada-LSTM adds W_g h_t per position (`attention_axis="position"`) | not detected: true of all their checkpoints |
| Ada-LSTM's I_g is a projection of the raw or of the projected features | shapes; if ambiguous, the encoder |
| MH-FC projects the query | `decoder_multihead_attention.q_proj.*` |
| the number of heads of MH-FC | not detected: 8, or the argument |

Models of CNN features have their encoder in the file, as `img_encoder.*`, and project features by a 1 x 1 convolution;
models of bottom-up features have neither.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import flax.linen as nn
import numpy as np

from lrp_jax.captions.models import MHFC, AdaLSTM
from lrp_jax.captions.weights.captioners import captioner_from_state_dict
from lrp_jax.captions.weights.resnet import resnet_from_state_dict
from lrp_jax.captions.weights.vgg import vgg16_from_state_dict

_ENCODER = "img_encoder.encoder."
# Arrays with one row per word.
_BY_WORD = ("embedding.weight", "fc.weight", "fc.bias")


class Checkpoint(NamedTuple):
    """A captioner and the encoder that was saved with it.

    captioner, params: the captioner and its {"params": ...}.
    encoder, encoder_params: the encoder and its parameters, for images preprocessed by `models.IMAGENET`; None if
      the file holds no encoder.
    bottom_up: whether the captioner reads features of detected regions, not of a grid.
    """

    captioner: AdaLSTM | MHFC
    params: dict
    encoder: nn.Module | None
    encoder_params: dict | None
    bottom_up: bool


def captioner_from_checkpoint(
    arrays: Mapping[str, np.ndarray],
    *,
    rows: Sequence[int] | None = None,
    num_heads: int = 8,
    attention_axis: str | None = None,
) -> Checkpoint:
    """The captioner, and the encoder if there is one, of a checkpoint of the paper's authors.

    Args:
      arrays: names -> arrays, from `read_weights`.
      rows: for each word of the vocabulary, its row in the file, see
        `lrp_jax.captions.words.Vocabulary.from_word_map`; None keeps the order of the file.
      num_heads: number of heads of an MH-FC.
      attention_axis: of an Ada-LSTM; None is "position", with which the authors' models were trained.

    Raises:
      TypeError: an array is not numeric.
      ValueError: one error that lists everything missing, unexpected or of the wrong shape; or `rows` does not
        contain each row once.

    Example:
      >>> vocabulary, rows = Vocabulary.from_word_map("wordmap_flickr30k.json")  # doctest: +SKIP
      >>> checkpoint = captioner_from_checkpoint(read_weights("checkpoint.pth"), rows=rows)  # doctest: +SKIP
    """
    own = {name: a for name, a in arrays.items() if not name.startswith("img_encoder.")}
    encoder = {name.removeprefix(_ENCODER): a for name, a in arrays.items() if name.startswith("img_encoder.")}
    bottom_up = not encoder and np.ndim(own.get("img_projector.weight")) != 4
    options = {}
    if any(name.startswith("AdaLSTM.") for name in own):
        options["attention_axis"] = attention_axis or "position"
        if _global_feature_is_open(own):
            options["global_feature"] = "projected" if bottom_up else "raw"
    elif attention_axis is not None:
        options["attention_axis"] = attention_axis
    if rows is not None:
        own = _reordered(own, rows)
    captioner, params = captioner_from_state_dict(own, num_heads=num_heads, **options)
    return Checkpoint(captioner, params, *_encoder(encoder), bottom_up)


def _global_feature_is_open(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether raw and projected features have the same size, so that the shapes do not determine the input of I_g."""
    projector = arrays.get("img_projector.weight")
    has = "global_img_feature_proj.weight" in arrays
    return has and np.ndim(projector) >= 2 and projector.shape[0] == projector.shape[1]


def _reordered(arrays: Mapping[str, np.ndarray], rows: Sequence[int]) -> dict[str, np.ndarray]:
    arrays, rows = dict(arrays), np.asarray(rows)
    count = len(rows)
    if not np.array_equal(np.sort(rows), np.arange(count)):
        raise ValueError(f"rows do not name each of {count} words once; pass the rows of Vocabulary.from_word_map")
    for name in _BY_WORD:
        if name not in arrays:
            continue  # reported as missing later
        if len(arrays[name]) != count:
            raise ValueError(
                f"{name} has {len(arrays[name])} words, but the vocabulary has {count}; pass the word map of this file"
            )
        arrays[name] = np.asarray(arrays[name])[rows]
    return arrays


def _encoder(arrays: Mapping[str, np.ndarray]) -> tuple[nn.Module | None, dict | None]:
    if not arrays:
        return None, None
    if "conv1.weight" in arrays:
        return resnet_from_state_dict(arrays)
    return vgg16_from_state_dict({f"features.{name}": a for name, a in arrays.items()})
