"""Decoding of captions from features: greedy, beam search, diverse beam search, sampling."""

import functools
from typing import Any

import jax
from jaxtyping import Array, Float, Int

from lrp_jax.captions.models.captioner import Captioner
from lrp_jax.captions.models.decoding.beam import Beam, DiverseBeam
from lrp_jax.captions.models.decoding.sample import Greedy, Sample
from lrp_jax.captions.models.decoding.step import Captions, Predict
from lrp_jax.captions.models.decoding.wording import END, PAD, START, UNKNOWN, Wording

__all__ = [
    "END",
    "PAD",
    "START",
    "Beam",
    "Captions",
    "Decoder",
    "DiverseBeam",
    "Greedy",
    "Predict",
    "Sample",
    "Wording",
    "decode",
    "greedy",
]

Decoder = Greedy | Beam | DiverseBeam | Sample


@functools.partial(jax.jit, static_argnames=("decoder", "captioner", "predict"))
def decode(
    decoder: Decoder,
    captioner: Captioner,
    params: Any,
    features: Float[Array, "*batch n_v d_raw"],
    key: Array | None = None,
    predict: Predict | None = None,
) -> Captions:
    """Captions of images, compiled as one loop over the words.

    Args:
      decoder: `Greedy`, `Beam`, `DiverseBeam` or `Sample`, with its options.
      captioner, params: the model and its variables.
      features: raw visual features, any batch axes.
      key: for `Sample`.
      predict: `predict(params, inputs) -> logits`, replaces the captioner's own. It is part of the compiled
        program: pass the same function object at every call, or the program is compiled again.

    Returns:
      `Captions`: tokens [*batch, n, max_length] and scores [*batch, n].

    Example:
      >>> captions = decode(Beam(width=3), captioner, params, features)  # doctest: +SKIP
    """
    batch = features.shape[:-2]
    captions = decoder(captioner, params, features.reshape(-1, *features.shape[-2:]), key, predict)
    return Captions(*(x.reshape(*batch, *x.shape[1:]) for x in captions))


def greedy(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "*batch n_v d_raw"],
    *,
    max_length: int,
    unknown: int | None = UNKNOWN,
) -> Int[Array, "*batch max_length"]:
    """Only the tokens of `Greedy`, one caption for each image.

    Args:
      captioner, params: the model and its variables.
      features: raw visual features.
      max_length: the maximum number of words of a caption, the end token included.
      unknown: the token that is never produced; None allows `<unk>` like any other word.

    Returns:
      The words [..., max_length] without the start token; padding after the end token.
    """
    decoder = Greedy(max_length=max_length, wording=Wording(unknown=unknown is None))
    return decode(decoder, captioner, params, features).tokens[..., 0, :]
