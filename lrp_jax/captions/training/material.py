"""The training data of a run: images or their features, captions, vocabulary."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence

import ml_collections

from lrp_jax.captions.data.augment import SIDES
from lrp_jax.captions.data.batches import Batches, Images
from lrp_jax.captions.data.images import LazyImages
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import Dataset
from lrp_jax.captions.models.encoding import Encoder
from lrp_jax.captions.runs.encoders import features_of, load_encoder
from lrp_jax.captions.runs.settings import SettingsError
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.training.bad_images import check_encoded, readable
from lrp_jax.captions.training.stages import make_batches
from lrp_jax.captions.words import Vocabulary


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
    """The data of a run, by splits.

    Attributes:
      encoder: None if the features are computed elsewhere.
      trains_encoder: whether the encoder is trained too; then `images` are pixels, otherwise features.
      splits: the datasets.
      images: the model's input for each image.
      references: the captions of each image.
      words: the vocabulary.
    """

    encoder: Encoder | None
    trains_encoder: bool
    splits: Mapping[str, Dataset]
    images: Mapping[str, Images]
    references: Mapping[str, Sequence[tuple[str, ...]]]
    words: Vocabulary

    @functools.cached_property
    def captions(self) -> list[list[list[int]]]:
        """The training captions as ids."""
        return [[self.words.encode(text) for text in texts] for texts in self.references["train"]]

    @property
    def test_splits(self) -> list[str]:
        return [split for split in self.images if split not in ("train", "validation")]

    def batches(self, config: ml_collections.ConfigDict, share: tuple[int, int]) -> Batches:
        """Batches of the training split; `share` is (i, n): this is process i of n."""
        batches = make_batches(config, self.images["train"], self.captions, share=share)
        if self.trains_encoder and config.flip:
            sides = {self.words.ids[word] for word in SIDES if word in self.words.ids}
            batches = batches.flipped(config.flip, sides)
        return batches


def load_material(
    config: ml_collections.ConfigDict,
    workdir: pathlib.Path,
    start: Speaker | None,
    encoder: Encoder | None = None,
    splits: Mapping[str, Dataset] | None = None,
) -> Material:
    """Opens the source, encodes its images if the encoder is frozen, and builds the vocabulary.

    Args:
      config: the settings.
      workdir: the run's folder, where the images that are left out are listed.
      start: the run that this one starts from; its encoder and words are used.
      encoder, splits: in place of those that the config names.

    Raises:
      SettingsError: there is no such source or encoder, or an image cannot be read and `config.bad_images` is "stop".
      FileNotFoundError: a file that the config names does not exist.
    """
    if encoder is None:
        encoder = start.encoder if start is not None and start.encoder is not None else load_encoder(config)
    trains_encoder = config.encoder_learning_rate > 0
    if trains_encoder and encoder is None:
        raise SettingsError("config.encoder_learning_rate: features computed elsewhere have no encoder: set it to 0")
    if splits is None:
        try:
            splits = source(config.source)
        except ValueError as error:
            raise SettingsError(f"config.source: {error}") from error
    if "validation" not in splits:
        raise SettingsError(f"config.source: got the splits {', '.join(splits)}, wanted also one called validation")
    if trains_encoder:
        splits, size = readable(splits, config, workdir), encoder.preprocessing.size
        images = {split: LazyImages(dataset, size) for split, dataset in splits.items()}
        references = {split: [dataset[i].captions for i in range(len(dataset))] for split, dataset in splits.items()}
    else:
        encoded = {split: features_of(dataset, encoder, config, name=split) for split, dataset in splits.items()}
        if encoder is not None:
            check_encoded(encoded, splits, config, workdir)
        images = {split: features.array for split, features in encoded.items()}
        references = {split: features.captions for split, features in encoded.items()}
    words = start.words if start is not None else None
    if words is None:
        words = Vocabulary.build((text for texts in references["train"] for text in texts), config.min_count)
    return Material(encoder, trains_encoder, splits, images, references, words)
