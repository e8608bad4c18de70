"""Batches of captions with the features of their images: few shapes, and a fixed order to resume in."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import grain
import numpy as np
from jaxtyping import Float, Int

from lrp_jax.data.vocabulary import END, PAD, START


class Batch(NamedTuple):
    """Captions of one padded length T, and what they describe.

    Attributes:
      features: float32 [B, n_v, C].
      inputs: int32 [B, T], the start token and the caption.
      targets: int32 [B, T], the caption and the end token; `PAD` after it. What is said after `inputs[:,
        t]` is `targets[:, t]`.
    """

    features: Float[np.ndarray, "B n_v C"]
    inputs: Int[np.ndarray, "B T"]
    targets: Int[np.ndarray, "B T"]


def pad_captions(
    captions: Sequence[Sequence[int]], length: int
) -> tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]:
    """Inputs and targets of teacher forcing, int32 [B, length] each.

    A caption of `length` words or more is cut, and then does not end: the end token is no target of it.
    """
    inputs = np.full((len(captions), length), PAD, np.int32)
    targets = np.full((len(captions), length), PAD, np.int32)
    inputs[:, 0] = START
    for row, caption in enumerate(captions):
        words = list(caption)
        inputs[row, 1 : 1 + len(words)] = words[: length - 1]
        targets[row, : 1 + len(words)] = [*words, END][:length]
    return inputs, targets


class CaptionBatches:
    """The batches of all epochs, by the number of the step.

    Every epoch goes once over all captions of all images in an order drawn anew from (seed, epoch).
    Captions of similar length share a batch, padded to one of few lengths, because XLA compiles every shape
    that it meets. All batches have one size: the last is filled up with captions from the beginning of the
    epoch's order. As a batch is a function of the seed and the step alone, a run resumes at any step.

    Attributes:
      steps_per_epoch: batches in an epoch.

    Raises:
      ValueError: there are no captions.
    """

    def __init__(
        self,
        features: Float[np.ndarray, "n n_v C"],
        captions: Sequence[Sequence[Sequence[int]]],
        *,
        batch_size: int,
        lengths: Sequence[int],
        seed: int,
        epochs: int,
    ):
        """
        Args:
          features: of n images, in memory or mapped from a file.
          captions: the captions of each image as token ids, without start and end tokens.
          batch_size: captions in a batch.
          lengths: the padded lengths, the end token included; longer captions are cut to the last.
          seed: of the order.
          epochs: how many epochs there are.
        """
        self._features = features
        self._captions = [list(caption) for texts in captions for caption in texts]
        self._images = np.repeat(np.arange(len(captions)), [len(texts) for texts in captions])
        if not self._captions:
            raise ValueError("there is nothing to train on: no image has a caption")
        self._lengths = np.array(sorted(lengths))
        needed = np.array([len(caption) + 1 for caption in self._captions])
        self._bucket = np.searchsorted(self._lengths, np.minimum(needed, self._lengths[-1]))
        self._batch_size, self._seed, self._epochs = batch_size, seed, epochs
        self.steps_per_epoch = -(-len(self._captions) // batch_size)
        # The epoch that is read and the one that is prefetched.
        self._plan = functools.lru_cache(maxsize=2)(self._draw_plan)

    def __len__(self) -> int:
        return self._epochs * self.steps_per_epoch

    def __getitem__(self, step: int) -> Batch:
        epoch, position = divmod(step, self.steps_per_epoch)
        chosen = self._plan(epoch)[position]
        length = self._lengths[self._bucket[chosen].max()]
        inputs, targets = pad_captions([self._captions[index] for index in chosen], length)
        return Batch(np.asarray(self._features[self._images[chosen]]), inputs, targets)

    def _draw_plan(self, epoch: int) -> Int[np.ndarray, "steps B"]:
        """Which captions are in which batch of an epoch."""
        rng = np.random.default_rng((self._seed, epoch))
        order = np.resize(rng.permutation(len(self._captions)), self.steps_per_epoch * self._batch_size)
        by_length = order[np.argsort(self._bucket[order], kind="stable")]
        return rng.permutation(by_length.reshape(self.steps_per_epoch, self._batch_size), axis=0)

    def iterate(self, state: dict[str, Any] | None = None) -> grain.DatasetIterator[Batch]:
        """The batches one after the other, made ahead of their use in a thread.

        Args:
          state: what `get_state()` of an earlier iterator returned, to go on behind it; None: the beginning.
        """
        options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=4)
        iterator = iter(grain.MapDataset.source(self).to_iter_dataset(options))
        if state is not None:
            iterator.set_state(state)
        return iterator
