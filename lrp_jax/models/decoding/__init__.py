"""Captions from features: greedy, beam, diverse beam, sampling."""

import functools
from typing import Any

import jax
from jaxtyping import Array, Float

from lrp_jax.models.captioner import Captioner
from lrp_jax.models.decoding.beam import Beam, DiverseBeam
from lrp_jax.models.decoding.sample import Greedy, Sample
from lrp_jax.models.decoding.step import Captions
from lrp_jax.models.decoding.wording import Wording

__all__ = ["Beam", "Captions", "DiverseBeam", "Greedy", "Sample", "Wording", "decode"]

Decoder = Greedy | Beam | DiverseBeam | Sample


@functools.partial(jax.jit, static_argnames=("decoder", "captioner"))
def decode(
    decoder: Decoder,
    captioner: Captioner,
    params: Any,
    features: Float[Array, "*batch n_v d_raw"],
    key: Array | None = None,
) -> Captions:
    """Captions of images, compiled as one loop over the words.

    Args:
      decoder: `Greedy`, `Beam`, `DiverseBeam` or `Sample`, with its options.
      captioner, params: the model and its variables.
      features: raw visual features, any batch axes.
      key: for `Sample`.

    Returns:
      `Captions`: tokens [*batch, n, max_length] and scores [*batch, n].

    Example:
      >>> captions = decode(Beam(width=3), captioner, params, features)  # doctest: +SKIP
    """
    batch = features.shape[:-2]
    captions = decoder(captioner, params, features.reshape(-1, *features.shape[-2:]), key)
    return Captions(*(x.reshape(*batch, *x.shape[1:]) for x in captions))
