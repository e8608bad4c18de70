"""R(image) of the few words that an experiment asks about.

Going on from the features to the pixels costs a backward pass of the encoder for each word, several times what the
captioner costs, and what objects an image has is said in two or three words of its caption.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8

from lrp_jax.captions.experiments.running_sum import method_named
from lrp_jax.captions.explain import Method, View
from lrp_jax.captions.explain.question import ask
from lrp_jax.captions.images import Example
from lrp_jax.captions.runs.speaker import Speaker

SIDE = 224
"""Pixels of a side of the maps of a captioner that sees no pixels but regions with boxes."""


def heat_maps(
    speaker: Speaker,
    example: Example,
    pixels: UInt8[np.ndarray, "H W 3"] | None,
    caption: Int[np.ndarray, " T"],
    positions: Sequence[int],
    method: str | Method,
    head: int | None = None,
    view: View | None = None,
) -> Float[np.ndarray, "n H W 3"]:
    """What `Speaker.explain` gives for the pixels, of some words of a caption.

    Args:
      speaker: the models.
      example: the image's record; read only where the features are computed elsewhere.
      pixels: of the image, or of a changed one, at the size that the encoder sees.
      caption: the ids of its words, without start and end token.
      method, head: as for `Speaker.explain`.
      positions: of the words in the caption, from 0.
      view: what `Speaker.see` gave, if somebody has it, so that the image is not encoded again.

    Returns:
      The relevance of each word; its channel mean is the heat map E of Eq. 23. Where the features come from elsewhere,
      the relevance of each region is spread evenly over its box, on 224 x 224 pixels.
    """
    method, positions = method_named(method), np.asarray(positions, int)
    tokens = speaker.padded(caption, speaker.max_length)
    if not positions.size:
        return np.zeros((0, *((SIDE, SIDE, 3) if speaker.encoder is None else pixels.shape)), np.float32)
    if speaker.encoder is None:
        seen = speaker.regions[example.id].of(example.image)
        found = speaker.explain_padded(seen, tokens, method, head=head)
        return spread(np.asarray(found.regions)[positions], seen.boxes)
    view = speaker.see(pixels) if view is None else view
    if not (method.backward_rules or method.enlarges):  # it has a way of its own to the pixels
        return np.asarray(speaker.explain_padded(view, tokens, method, head=head).pixels)[positions]
    asked = ask(speaker.captioner, speaker.params, view.encode(), tokens, head)
    rows = np.pad(positions, (0, len(positions) % 2), mode="edge")  # XLA compiles once for each number
    return np.asarray(method.to_pixels(asked, view.only(rows), method.explain(asked)))[positions]


def spread(
    regions: Float[np.ndarray, "n n_v"], boxes: Float[np.ndarray, "n_v 4"], side: int = SIDE
) -> Float[np.ndarray, "n side side 3"]:
    """Maps in which the value of each region lies evenly on its box, the same in all three channels.

    Args:
      regions: a value for each region, for n words.
      boxes: (x0, y0, x1, y1) as shares of the width and the height.
      side: pixels of a side.
    """
    pixels = np.arange(side)
    x0, y0, x1, y1 = (np.asarray(boxes, float).T * side)[..., None]
    rows, columns = (
        np.maximum(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0) for low, high in ((y0, y1), (x0, x1))
    )
    area = rows.sum(axis=1) * columns.sum(axis=1)
    density = np.divide(regions, area, out=np.zeros(np.shape(regions)), where=area > 0)
    return np.repeat(np.einsum("nk,kh,kw->nhw", density, rows, columns)[..., None], 3, axis=-1)
