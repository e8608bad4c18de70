"""The model record: a captioner with everything needed to encode and caption images and to explain captions.

It is the only way from pixels to words: pages, validation, experiments and notebooks use it.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from lrp_jax.captions import explain, models
from lrp_jax.captions.data.bottom_up.regions import Regions
from lrp_jax.captions.explain import Explanation, Method, View
from lrp_jax.captions.images import load_image
from lrp_jax.captions.models import Captioner, Preprocessing
from lrp_jax.captions.models.decoding import Beam, Decoder, decode
from lrp_jax.captions.models.encoding import Encoder, encode
from lrp_jax.captions.runs import forced
from lrp_jax.captions.words import END, PAD, START, Vocabulary, check_caption, check_index
from lrp_jax.core import Composite

# Captions are padded to a multiple of this, so that few lengths are compiled.
LENGTH_STEP = 4
REST = "rest"
"""The value of `against` for all other words; it never stands for a word of the vocabulary."""

Image = UInt8[np.ndarray, "H W 3"] | Float[Array, "H W 3"]


@dataclasses.dataclass(frozen=True, eq=False)
class Caption:
    """A caption of an image.

    Attributes:
      tokens: [T + 1], the start token, then the ids of the T words; no end token.
      words: the T words.
      score: log p of the caption from the decoder; nan for a given caption.
    """

    tokens: Int[np.ndarray, " T1"]
    words: tuple[str, ...]
    score: float = math.nan

    @property
    def ids(self) -> Int[np.ndarray, " T"]:
        """The ids of the words."""
        return self.tokens[1:]

    def __str__(self) -> str:
        return " ".join(self.words)

    def __len__(self) -> int:
        return len(self.words)


@dataclasses.dataclass(frozen=True, eq=False)
class Speaker:
    """A captioner with its encoder, its words and its settings.

    Attributes:
      captioner, params: the model and its variables.
      words: the vocabulary.
      encoder: from pixels to features; None if the features are computed elsewhere.
      regions: id of an image -> its features and boxes, if they are computed elsewhere.
      config: the settings that it was trained with; {} if unknown.
      origin: where it came from, for records: {"checkpoint": folder} or {"weights": files and their SHA-256}.

    Raises:
      ValueError: the vocabulary has not as many words as the captioner.

    Example:
      >>> speaker = captions.load("runs/ada")
      >>> said = speaker.caption(speaker.encode(photograph))
      >>> print(said, speaker.explain(photograph, said).regions.shape)
    """

    captioner: Captioner
    params: Any
    words: Vocabulary
    encoder: Encoder | None = None
    regions: Mapping[str, Regions] | None = None
    config: ml_collections.ConfigDict = dataclasses.field(default_factory=ml_collections.ConfigDict)
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if len(self.words) != self.captioner.vocabulary_size:
            raise ValueError(
                f"got a vocabulary of {len(self.words)} words for a captioner of {self.captioner.vocabulary_size}; "
                "wanted the one that it was trained with"
            )

    @property
    def preprocessing(self) -> Preprocessing | None:
        """The preprocessing of an 8-bit image; None if there is no encoder."""
        return None if self.encoder is None else self.encoder.preprocessing

    @property
    def max_length(self) -> int:
        """The maximum number of tokens of a caption, the end token included."""
        return max(self.config.get("lengths", (20,)))

    @property
    def decoder(self) -> Decoder:
        """The default decoder: a beam with the width of the settings, 3 if they are unknown."""
        return Beam(width=self.config.get("beam", 3), max_length=self.max_length)

    # --- from pixels to words ---------------------------------------------------------------------------------

    def read(self, image: Any) -> UInt8[np.ndarray, "H W 3"]:
        """The pixels of a file, of its bytes or of an array, at the encoder's input size, as in training.

        Raises:
          ValueError, OSError: the image cannot be read, see `load_image`.
        """
        return load_image(image, None if self.encoder is None else self.encoder.preprocessing.size)

    def see(self, image: Image | View | Regions, rules: Composite | None = None) -> View | Regions:
        """A `View` of an image, with its encoder; a `View` or `Regions` is returned unchanged.

        Args:
          image: 8-bit of any size, or float and preprocessed; or a result of this method.
          rules: the composite of an explanation that will follow; the features then come from its forward pass.

        Raises:
          TypeError: got pixels, for a captioner whose features are computed elsewhere.
        """
        if isinstance(image, View | Regions):
            return image
        encoder = self._encoder()
        image = image if jnp.issubdtype(image.dtype, jnp.floating) else self.read(np.asarray(image))
        return View(encoder.module, encoder.params, explain.preprocess(image, encoder.preprocessing), rules=rules)

    def encode(
        self, images: Image | Sequence[Image] | Float[Array, "B H W 3"], batch_size: int | None = None
    ) -> Float[np.ndarray, "*B n_v C"]:
        """The features of images: cells of a grid row by row, or regions.

        Args:
          images: one [H, W, 3], several of one size [B, H, W, 3], or a list of any sizes; 8-bit images are resized and
            preprocessed here, float images are preprocessed already.
          batch_size: images per batch, the last batch is padded; None for all together.

        Raises:
          TypeError: the captioner's features are computed elsewhere.
          ValueError: no image, or a batch of none.
        """
        encoder = self._encoder()
        _check_batch_size(batch_size)
        if not len(images):
            raise ValueError("got no images; wanted at least one")
        single = getattr(images, "ndim", 4) == 3
        images = [images] if single else images
        size = encoder.preprocessing.size
        if not jnp.issubdtype(jnp.result_type(images[0]), jnp.floating):
            if size is not None and any(np.shape(image)[:2] != tuple(size) for image in images):
                images = [self.read(np.asarray(image)) for image in images]
            preprocessing = encoder.preprocessing
        else:
            preprocessing = None
        images, found = np.asarray(images), []
        for batch, count in forced.batches(images, batch_size or len(images)):
            features = np.asarray(encode(encoder.module, encoder.params, batch, preprocessing))
            found.append(features.reshape(len(features), -1, features.shape[-1])[:count])
        features = np.concatenate(found)
        return features[0] if single else features

    def caption(
        self,
        features: Float[Array, "B n_v C"] | Float[Array, "n_v C"] | Sequence[Float[Array, "n_v C"]],
        decoder: Decoder | None = None,
        *,
        batch_size: int | None = None,
        sharding: jax.sharding.Sharding | None = None,
    ) -> Any:
        """Captions of images by their features.

        Args:
          features: of one image, of several, or a list of images with any numbers of regions; anything that is read
            row by row is accepted, such as a memory-mapped file.
          decoder: `Greedy(...)`, `Beam(...)` or another, whose first caption is used; None for the attribute `decoder`.
          batch_size: images per batch; None for all together, padded to a power of two.
          sharding: of a batch over devices; None for jax's default device.

        Returns:
          A `Caption` of one image, or a list of them. Its words may be none.

        Raises:
          ValueError: a batch of no images.
        """
        _check_batch_size(batch_size)
        decoder = self.decoder if decoder is None else decoder
        if getattr(features, "ndim", 3) == 2:
            return self.caption([features], decoder)[0]
        if isinstance(features, Sequence):
            if len({np.shape(one) for one in features}) > 1:
                return [self.caption(one, decoder) for one in features]
            features = jnp.stack(features) if len(features) else np.zeros((0, 1, 1))
        if not len(features):
            return []
        size, found = batch_size or 2 ** math.ceil(math.log2(len(features))), []
        for first in range(0, len(features), size):
            batch = features[first : first + size]
            count = len(batch)
            if count < size:
                xp = jnp if isinstance(batch, jax.Array) else np
                batch = xp.pad(batch, ((0, size - count), (0, 0), (0, 0)))
            if sharding is not None:
                batch = jax.device_put(np.asarray(batch), sharding)
            decoded = decode(decoder, self.captioner, self.params, jnp.asarray(batch))
            tokens, scores = np.asarray(decoded.tokens)[:count, 0], np.asarray(decoded.scores)[:count, 0]
            found += [self._said(row, score) for row, score in zip(tokens, scores, strict=True)]
        return found

    def given(self, caption: "str | Caption | Int[Array, ' T1']") -> Caption:
        """A given caption in this captioner's vocabulary.

        Args:
          caption: text, unknown words are read as `<unk>`; ids that begin with the start token, of which the end token
            and padding are left out; or a `Caption`.

        Raises:
          ValueError: ids that are no caption, see `check_caption`; a `Caption` of another vocabulary.
        """
        if isinstance(caption, str):
            return self._said(np.array(self.words.encode(caption), np.int32))
        tokens = caption.tokens if isinstance(caption, Caption) else caption
        if np.ndim(tokens) != 1:
            raise ValueError(
                f"got tokens of shape {np.shape(tokens)}; wanted one caption, the start token {START} first"
            )
        tokens = check_caption(tokens, len(self.words), words=0)
        if not isinstance(caption, Caption):
            return self._said(tokens[1:])
        for index, word in zip(caption.ids, caption.words, strict=True):
            if self.words.words[index] != word:
                raise ValueError(
                    f"got a caption of another vocabulary: id {index} is {word!r} in it, and here "
                    f"{self.words.words[index]!r}; wanted its text, str(caption)"
                )
        return caption

    def logits(self, features: Float[Array, "*B n_v C"], tokens: Int[Array, "*B T"]) -> Float[Array, "*B T V"]:
        """The logits of all words after each input token, teacher-forced.

        Args:
          features: of each image.
          tokens: the input words of each, the start token first.

        Raises:
          ValueError: other batch axes of features and tokens, or tokens that are no caption, see `check_caption`.
        """
        if not isinstance(tokens, jax.core.Tracer):  # inside of jit there is nothing to look at
            tokens = check_caption(tokens, len(self.words), words=0)
        return _logits(self.captioner, self.params, jnp.asarray(features), jnp.asarray(tokens))

    def log_probabilities(
        self, features: Float[np.ndarray, "n_v C"], captions: Sequence[Int[np.ndarray, " T"]], batch_size: int = 8
    ) -> list[Float[np.ndarray, "T1 V"]]:
        """log p of every word after each prefix of several captions of one image, see `forced`."""
        return [found for found, _ in self._forced(features, captions, batch_size)]

    def betas(self, features: Float[np.ndarray, "n_v C"], caption: Int[np.ndarray, " T"]) -> np.ndarray | None:
        """The share [T] of the sentinel at each word (Eq. 9); None for a model without a sentinel."""
        found = self._forced(features, [caption], 8)[0][1]
        return None if found is None else found[: len(caption)]

    def log_p_next(
        self,
        features: Float[np.ndarray, "n_v C"] | Float[np.ndarray, "B n_v C"],
        beginnings: Sequence[Int[np.ndarray, " T"]],
        words: Sequence[int],
        batch_size: int = 64,
    ) -> Float[np.ndarray, " B"]:
        """log p of one word after each of several prefixes, see `forced.log_p_next`."""
        return forced.log_p_next(
            self.captioner, self.params, features, beginnings, words, length=self.max_length, batch_size=batch_size
        )

    # --- why it said so ---------------------------------------------------------------------------------------

    def explain(
        self,
        image: Image | View | Regions,
        said: "Caption | str | Int[Array, ' T1'] | None" = None,
        method: str | Method = "lrp",
        *,
        head: int | None = None,
        against: "str | int | Int[Array, ' T'] | None" = None,
        rules: Composite | None = None,
        rows: Sequence[int] | None = None,
        words_per_chunk: int | None = None,
        length: int | None = None,
    ) -> Explanation:
        """The explanation of every word of a caption, in the image and in the preceding words.

        Args:
          image: 8-bit of any size, float and preprocessed, or a result of `see`; for a captioner whose features are
            computed elsewhere, the `Regions` of the image.
          said: the caption; None for the captioner's own.
          method, head, rules, rows, words_per_chunk: as for `explain_image`.
          against: the word, or its id, that each word is explained against; one id for each; or "rest" for all others.
          length: that the caption is padded to, so that captions of all lengths need one compilation; None: a
            multiple of 4.

        Raises:
          ValueError: a caption without words or longer than `length`, a word that is not in the vocabulary, or what
            `given` or `explain_image` raises.
        """
        method = explain.method_of(method)
        seen = self.see(image, method.backward_rules)
        said = self.caption(features_of(seen)) if said is None else self.given(said)
        if not len(said):
            raise ValueError("got a caption without words; there is nothing to explain")
        padded = self.padded(said.ids, length)
        # What is meant of the caption, not of its padding.
        if rows is not None:
            rows = check_index("rows", rows, len(said))
        if not isinstance(against, str) and np.shape(against) == (len(said),):
            against = np.pad(check_index("against", against, len(self.words)), (0, len(padded) - 1 - len(said)))
        how = {"head": head, "against": against, "rules": rules, "rows": rows, "words_per_chunk": words_per_chunk}
        return self.explain_padded(seen, padded, method, **how).first(len(said))

    def explain_padded(
        self,
        seen: View | Regions,
        tokens: Int[np.ndarray, " L"],
        method: str | Method = "lrp",
        *,
        head: int | None = None,
        against: "str | int | Int[Array, ' T'] | None" = None,
        rules: Composite | None = None,
        rows: Sequence[int] | None = None,
        words_per_chunk: int | None = None,
    ) -> Explanation:
        """`explain` for a padded caption; it may return before the arrays are computed.

        Args:
          seen: a result of `see`.
          tokens: a result of `padded`.
          method, head, against, rules, rows, words_per_chunk: as for `explain`.
        """
        if isinstance(against, str) and against != REST:
            if against not in self.words.ids:
                raise ValueError(f"got against={against!r}; wanted a word of the vocabulary, its id, or {REST!r}")
            against = self.words.ids[against]
        how = {"head": head, "against": against, "rules": rules, "words_per_chunk": words_per_chunk}
        if isinstance(seen, Regions):
            return explain.explain_features(
                self.captioner, self.params, seen.features, tokens, method, boxes=seen.boxes, **how
            )
        return explain.explain_view(self.captioner, self.params, seen, tokens, method=method, rows=rows, **how)

    def explain_words(
        self, features: Float[np.ndarray, "n_v C"], caption: Int[np.ndarray, " T"], method: str | Method
    ) -> Float[np.ndarray, "T T"] | None:
        """What `explain` says of the preceding words (`Explanation.words`), without going on to the pixels."""
        if not len(caption):
            return np.zeros((0, 0), np.float32)
        tokens = self.padded(caption, self.max_length)
        return explain.explain_features(self.captioner, self.params, features, tokens, method).first(len(caption)).words

    def padded(self, ids: Int[np.ndarray, " T"], length: int | None = None) -> Int[np.ndarray, " L"]:
        """The start token, the words, and padding up to `length` words; None: up to a multiple of 4.

        Raises:
          ValueError: more words than `length`.
        """
        missing = -len(ids) % LENGTH_STEP if length is None else length - len(ids)
        if missing < 0:
            raise ValueError(f"got a caption of {len(ids)} words; wanted at most length={length}")
        return np.concatenate([[START], ids, np.full(missing, PAD)])

    def _encoder(self) -> Encoder:
        if self.encoder is None:
            raise TypeError(
                "got pixels, but the features of this captioner are computed elsewhere; wanted `Regions` of the image"
            )
        return self.encoder

    def _said(self, row: Int[np.ndarray, " L"], score: float = math.nan) -> Caption:
        ended = np.flatnonzero(row == END)
        ids = row[: ended[0]] if ended.size else row
        ids = ids[ids != PAD]
        return Caption(np.concatenate([[START], ids]), tuple(self.words.words[i] for i in ids), float(score))

    def _forced(self, features, captions, batch_size):
        return forced.log_probabilities(
            self.captioner, self.params, features, captions, length=self.max_length, batch_size=batch_size
        )


def features_of(seen: View | Regions) -> Float[Array, "n_v C"]:
    """The features of a result of `Speaker.see`."""
    return seen.features if isinstance(seen, Regions) else seen.encode()


def _check_batch_size(batch_size: int | None) -> None:
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"got batch_size={batch_size}; wanted at least 1, or None for all images together")


@functools.partial(jax.jit, static_argnames="captioner")
def _logits(captioner, params, features, tokens):
    return models.logits(captioner, params, features, tokens)
