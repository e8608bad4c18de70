"""What is examined: a captioner with all that it needs to see, speak and be explained."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import flax.linen as nn
import jax
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from lrp_jax.captions import explain
from lrp_jax.captions.explain import Explanation, Method, View
from lrp_jax.captions.images import Dataset, Example, load_image
from lrp_jax.captions.models import Captioner, Preprocessing, unroll
from lrp_jax.captions.models.decoding import Beam, decode
from lrp_jax.captions.words import END, PAD, START, Vocabulary


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """A trained captioner.

    Attributes:
      captioner, params: the model and its variables.
      vocabulary: its words.
      encoder, encoder_params, preprocessing: what makes features of pixels; None where they come from elsewhere.
      regions: example -> (features [n_v, C], boxes [n_v, 4]) where they do.
      training_images: gives the images that it was trained on; None where nobody knows them.
      max_length: the most words of a caption, the end token included. Everything is padded to it, so that XLA
        compiles once.
      beam: the width of the beam that captions are decoded with.
    """

    captioner: Captioner
    params: Any
    vocabulary: Vocabulary
    encoder: nn.Module | None = None
    encoder_params: Any = None
    preprocessing: Preprocessing | None = None
    regions: Callable[[Example], tuple[Float[np.ndarray, "n_v C"], Float[np.ndarray, "n_v 4"]]] | None = None
    training_images: Callable[[], Dataset] | None = None
    max_length: int = 20
    beam: int = 3

    @functools.cached_property
    def mean_colour(self) -> tuple[float, float, float]:
        """Red, green and blue, as fractions of 255: the mean of at most 500 of the training images, spread over them.

        Where they are not known it is what the encoder's preprocessing takes for the mean, which of an encoder of our
        own may be a mere grey.

        Raises:
          ValueError: none of the training images can be read.
        """
        if self.training_images is None:
            return self.preprocessing.mean
        images = self.training_images()
        means = []
        for index in np.unique(np.linspace(0, len(images) - 1, min(len(images), 500)).astype(int)):
            try:
                means.append(load_image(images[int(index)].image).mean(axis=(0, 1)) / 255)
            except (OSError, ValueError):
                continue  # as in training, where a bad image is left out
        if not means:
            raise ValueError(
                f"got no readable image among {len(images)} training images; wanted one for their mean colour"
            )
        return tuple(np.mean(means, axis=0).tolist())

    def look(self, example: Example) -> UInt8[np.ndarray, "H W 3"] | None:
        """The pixels of an image at the size that the encoder sees; None where there is no encoder.

        Raises:
          ValueError, FileNotFoundError: the image cannot be read.
        """
        if self.encoder is None:
            return None
        return load_image(example.image, self.preprocessing.size)

    def encode(self, pixels: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "n_v C"]:
        """The features of an image, of its own or of a changed one."""
        inputs = explain.preprocess(pixels, self.preprocessing)
        return np.asarray(View(self.encoder, self.encoder_params, inputs).encode())

    def encode_many(self, pixels: UInt8[np.ndarray, "B H W 3"], batch_size: int = 16) -> Float[np.ndarray, "B n_v C"]:
        """The features of several pictures of one size, a batch at a time."""
        found = []
        for batch, count in _batches(pixels, batch_size):
            features = np.asarray(_encode(self.encoder, self.encoder_params, self.preprocessing(batch)))
            found.append(features.reshape(batch_size, -1, features.shape[-1])[:count])
        return np.concatenate(found)

    def caption(self, features: Float[np.ndarray, "B n_v C"], batch_size: int = 32) -> list[Int[np.ndarray, " T"]]:
        """The ids of the words of each image's caption, without start and end token; it may be empty."""
        decoder, found = Beam(width=self.beam, max_length=self.max_length), []
        for batch, count in _batches(features, batch_size):
            tokens = decode(decoder, self.captioner, self.params, batch).tokens[:count, 0]
            found.extend(row[(row != END) & (row != PAD)] for row in np.asarray(tokens))
        return found

    def log_probabilities(
        self, features: Float[np.ndarray, "n_v C"], captions: list[Int[np.ndarray, " T"]], batch_size: int = 8
    ) -> list[Float[np.ndarray, "T1 V"]]:
        """Teacher-forced: log p of every word of the vocabulary after each beginning of each caption.

        Args:
          features: of one image.
          captions: the ids of words, without start and end token, at most `max_length` each.
          batch_size: captions that are computed at once.

        Returns:
          For each caption of T words an array of T + 1 rows: row t is the distribution of word t, given the words
          before it; the last is that of what follows the caption.
        """
        return [found for found, _ in self._forced(features, captions, batch_size)]

    def log_p_next(
        self,
        features: Float[np.ndarray, "n_v C"] | Float[np.ndarray, "B n_v C"],
        beginnings: Sequence[Int[np.ndarray, " T"]],
        words: Sequence[int],
        batch_size: int = 64,
    ) -> Float[np.ndarray, " B"]:
        """log p of one word after each of many beginnings, which costs less than all words at all places.

        Args:
          features: of one image for all beginnings, or of one for each.
          beginnings: the ids of the words so far, without start token, at most `max_length` each.
          words: the id of the word that follows each of them.
          batch_size: beginnings that are computed at once.
        """
        inputs = np.full((len(beginnings), self.max_length + 1), PAD, np.int32)
        inputs[:, 0] = START
        for row, beginning in zip(inputs, beginnings, strict=True):
            row[1 : 1 + len(beginning)] = beginning
        lengths = np.array([len(beginning) for beginning in beginnings], np.int32)
        words, features = np.asarray(words, np.int32), np.asarray(features)
        found = [np.zeros(0, np.float32)]
        shared = features.ndim == 2
        of_each = [inputs, lengths, words] if shared else [inputs, lengths, words, features]
        for parts in zip(*(_batches(part, batch_size) for part in of_each), strict=True):
            (rows, count), (places, _), (targets, _) = parts[:3]
            images = features if shared else parts[3][0]
            found.append(np.asarray(_log_p_next(self.captioner, self.params, images, rows, places, targets))[:count])
        return np.concatenate(found)

    def betas(self, features: Float[np.ndarray, "n_v C"], caption: Int[np.ndarray, " T"]) -> np.ndarray | None:
        """The share [T] of the sentinel at each word (Eq. 9); None for a model that has none."""
        found = self._forced(features, [caption], 8)[0][1]
        return None if found is None else found[: len(caption)]

    def _forced(self, features, captions, batch_size):
        inputs = np.full((len(captions), self.max_length + 1), PAD, np.int32)
        inputs[:, 0] = START
        for row, caption in zip(inputs, captions, strict=True):
            row[1 : 1 + len(caption)] = caption
        found = []
        for batch, count in _batches(inputs, batch_size):
            log_p, betas = _log_probabilities(self.captioner, self.params, features, batch)
            log_p, betas = np.asarray(log_p), None if betas is None else np.asarray(betas)
            for row in range(count):
                found.append((log_p[row], None if betas is None else betas[row]))
        return [(p[: len(c) + 1], b) for (p, b), c in zip(found, captions, strict=True)]

    def explain(
        self,
        example: Example,
        pixels: UInt8[np.ndarray, "H W 3"] | None,
        caption: Int[np.ndarray, " T"],
        method: str | Method,
        head: int | None = None,
    ) -> Explanation:
        """The explanation of every word of a caption.

        Args:
          example: the image's record; read only where the features come from elsewhere.
          pixels: what `look` gave, or a changed picture.
          caption: the ids of words, at least one, without start and end token.
          method, head: as for `explain_image`.
        """
        tokens = self.tokens(caption)
        how = {"method": method, "head": head}
        if self.encoder is None:
            features, boxes = self.regions(example)
            found = explain.explain_features(self.captioner, self.params, features, tokens, boxes=boxes, **how)
        else:
            found = explain.explain_image(
                self.captioner,
                self.params,
                pixels,
                tokens,
                encoder=self.encoder,
                encoder_params=self.encoder_params,
                preprocessing=self.preprocessing,
                **how,
            )
        return found.first(len(caption))

    def explain_words(
        self, features: Float[np.ndarray, "n_v C"], caption: Int[np.ndarray, " T"], method: str | Method
    ) -> Float[np.ndarray, "T T"] | None:
        """What `explain` says of the preceding words (`Explanation.words`), without the way to the pixels."""
        found = explain.explain_features(self.captioner, self.params, features, self.tokens(caption), method=method)
        return found.first(len(caption)).words

    def tokens(self, caption: Int[np.ndarray, " T"]) -> Int[np.ndarray, " L"]:
        """A caption with the start token before it, filled up to `max_length` words."""
        return np.concatenate([[START], caption, np.full(self.max_length - len(caption), PAD)]).astype(np.int32)


def _batches(items: Sequence | np.ndarray, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """The items, `size` at a time, and how many they are; zeros fill the last up, so that XLA compiles once."""
    for first in range(0, len(items), size):
        batch = np.asarray(items[first : first + size])
        yield np.pad(batch, ((0, size - len(batch)), *[(0, 0)] * (batch.ndim - 1))), len(batch)


@functools.partial(jax.jit, static_argnames="encoder")
def _encode(encoder: nn.Module, params: Any, images: Float[Array, "B H W 3"]) -> Float[Array, "B *cells C"]:
    return encoder.apply(params, images)


@functools.partial(jax.jit, static_argnames="captioner")
def _log_p_next(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "n_v C"] | Float[Array, "B n_v C"],
    inputs: Int[Array, "B L"],
    places: Int[Array, " B"],
    words: Int[Array, " B"],
) -> Float[Array, " B"]:
    def one(features, inputs, place, word):
        trace = unroll(captioner, params, features, inputs)
        return jax.nn.log_softmax(
            captioner.apply(params, jax.tree.map(lambda x: x[place], trace.inputs), method="predict")
        )[word]

    return jax.vmap(one, (None if features.ndim == 2 else 0, 0, 0, 0))(features, inputs, places, words)


@functools.partial(jax.jit, static_argnames="captioner")
def _log_probabilities(
    captioner: Captioner, params: Any, features: Float[Array, "n_v C"], inputs: Int[Array, "B L"]
) -> tuple[Float[Array, "B L V"], Float[Array, "B L"] | None]:
    def one(words):
        trace = unroll(captioner, params, features, words)
        return jax.nn.log_softmax(captioner.apply(params, trace.inputs, method="predict")), trace.attention.beta

    return jax.vmap(one)(inputs)
