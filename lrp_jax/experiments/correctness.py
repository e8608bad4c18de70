"""Do the maps of object words lie on the objects? Section 5.2.2 of the paper, with its chance levels."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import flax.linen as nn
import jax
import numpy as np
from jaxtyping import Float

from lrp_jax import explain, metrics
from lrp_jax.data.features import Dataset
from lrp_jax.data.records import load_image
from lrp_jax.data.vocabulary import END, PAD, Vocabulary
from lrp_jax.models import Captioner, Preprocessing

# Captions are filled up to a multiple of this many words, so that XLA compiles few lengths; what follows a
# word does not change its explanation.
_LENGTH_STEP = 4


@dataclasses.dataclass(frozen=True)
class LocatedWord:
    """A correctly named object, and how much of its word's positive relevance lies on it.

    Attributes:
      image: index of the image in its dataset.
      word: what the caption says.
      category: what it names; the image has boxes of it.
      correctness: Eqs. 23 and 24, with the union of the boxes of that category.
      chance: the share of the image that these boxes cover, which is the correctness of an even map.
      other: the correctness, in the same boxes, of a map of the same category from another image; None if no
        other image has one. It is what a map reaches that knows where such objects usually are.
    """

    image: int
    word: str
    category: str
    correctness: float
    chance: float
    other: float | None


def locate_words(
    captioner: Captioner,
    params: Any,
    dataset: Dataset,
    indices: Iterable[int],
    vocabulary: Vocabulary,
    categories: Mapping[str, str],
    *,
    encoder: nn.Module,
    encoder_params: Any,
    preprocessing: Preprocessing,
    method: str = "lrp",
    head: int | None = None,
    max_length: int = 20,
) -> list[LocatedWord]:
    """Captions images, explains the words that correctly name an object, and compares the maps with the boxes.

    Args:
      captioner, params: the model.
      dataset: images with boxes and names.
      indices: the images to take.
      vocabulary: of the model.
      categories: word -> category; a word counts where its category is among the names of the image's boxes.
      encoder, encoder_params, preprocessing: what the captioner sees an image through.
      method, head: see `lrp_jax.explain.explain_features`.
      max_length: of a caption, its end token included.

    Returns:
      One `LocatedWord` per correct mention, in the order of the images and words.
    """
    found = []  # (index, mention, boxes, map)
    for index in indices:
        example = dataset[index]
        image = load_image(example.image, preprocessing.size)
        inputs = explain.preprocess(image, preprocessing)
        features = _encode(encoder, encoder_params, inputs[None])[0]
        tokens = explain.decode(captioner, params, features.reshape(-1, features.shape[-1]), max_length)
        words = vocabulary.decode(tokens)
        mentions = [m for m in metrics.mentions(words, categories) if m.category in example.names]
        if not mentions:
            continue
        tokens = tokens[tokens != END]
        explanation = explain.explain_image(
            captioner,
            params,
            inputs,
            np.pad(tokens, (0, -(len(tokens) - 1) % _LENGTH_STEP), constant_values=PAD),
            encoder=encoder,
            encoder_params=encoder_params,
            method=method,
            head=head,
        )
        maps = np.asarray(explanation.pixels).mean(axis=-1)
        for mention in mentions:
            boxes = example.boxes[[name == mention.category for name in example.names]]
            found.append((index, mention, boxes, maps[mention.position]))
    return [
        LocatedWord(
            image=index,
            word=" ".join(mention.words),
            category=mention.category,
            correctness=metrics.correctness(relevance, boxes),
            chance=metrics.covered_share(boxes, relevance.shape),
            other=_other(found, number),
        )
        for number, (index, mention, boxes, relevance) in enumerate(found)
    ]


@functools.partial(jax.jit, static_argnames="encoder")
def _encode(encoder, params, images):
    return encoder.apply(params, images)


def _other(found: list[tuple[int, metrics.Mention, np.ndarray, Float[np.ndarray, "H W"]]], number: int) -> float | None:
    """The correctness of the next map of the same category from another image, going round."""
    index, mention, boxes, _ = found[number]
    for other_index, other_mention, _, relevance in found[number + 1 :] + found[:number]:
        if other_mention.category == mention.category and other_index != index:
            return metrics.correctness(relevance, boxes)
    return None
