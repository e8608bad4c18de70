"""Batches of captions or of images: few distinct shapes, in a reproducible order that can be resumed."""

import abc
import copy
import functools
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np
from jaxtyping import Float, Int

from lrp_jax.captions.data.augment import flip, flips, speaks_of
from lrp_jax.captions.data.images import cores
from lrp_jax.captions.words import END, PAD, START

if TYPE_CHECKING:
    import grain


class Images(Protocol):
    """The features or pixels of images, read by the indices of the images."""

    def __getitem__(self, images: Int[np.ndarray, " B"]) -> np.ndarray: ...


class Batch(NamedTuple):
    """Captions of one padded length T, and the features of their images.

    Attributes:
      features: float32 [B, n_v, C]; or uint8 [B, H, W, 3] if the encoder is trained too.
      inputs: int32 [B, T], the start token and the caption.
      targets: int32 [B, T], the caption and the end token, then `PAD`: `targets[:, t]` is the word after
        `inputs[:, t]`.
    """

    features: Float[np.ndarray, "B n_v C"]
    inputs: Int[np.ndarray, "B T"]
    targets: Int[np.ndarray, "B T"]


class ImageBatch(NamedTuple):
    """Images with all their captions.

    Attributes:
      features: as in `Batch`.
      references: int32 [B, R, T], each caption with its end token, then `PAD`; for an image with fewer than R
        captions the remaining references are all `PAD`.
    """

    features: Float[np.ndarray, "B n_v C"]
    references: Int[np.ndarray, "B R T"]


def pad_captions(
    captions: Sequence[Sequence[int]], length: int
) -> tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]:
    """Inputs and targets of teacher forcing for B captions, int32 [B, length] each.

    A caption of `length` words or more is truncated, and its targets then have no end token.
    """
    inputs = np.full((len(captions), length), PAD, np.int32)
    targets = np.full((len(captions), length), PAD, np.int32)
    inputs[:, 0] = START
    for row, caption in enumerate(captions):
        words = list(caption)
        inputs[row, 1 : 1 + len(words)] = words[: length - 1]
        targets[row, : 1 + len(words)] = [*words, END][:length]
    return inputs, targets


def pad_references(captions: Sequence[Sequence[Sequence[int]]], length: int) -> Int[np.ndarray, "B R length"]:
    """The captions of each image as `ImageBatch.references`: with end token, padded or truncated to `length`.

    R is the maximum number of captions of an image.
    """
    most = max(map(len, captions), default=0)
    references = np.full((len(captions), most, length), PAD, np.int32)
    for row, texts in enumerate(captions):
        for column, caption in enumerate(texts):
            words = [*caption, END][:length]
            references[row, column, : len(words)] = words
    return references


class Batches(abc.ABC):
    """The batches of all epochs, indexed by the step.

    Every epoch visits all items once, in a random order given by (seed, epoch). All batches have the same size: the
    last is filled up with items from the beginning of the epoch's order. A batch depends only on the seed and the step,
    so a run can resume at any step, and every process of a run knows the whole batch of which it reads its share. The
    concatenated shares of all processes are the batch of a single process.

    Attributes:
      steps_per_epoch: batches in an epoch.
    """

    def __init__(self, items: int, *, batch_size: int, seed: int, epochs: int, share: tuple[int, int] = (0, 1)):
        """
        Args:
          items: the number of items.
          batch_size: items in a batch, over all processes.
          seed: of the order.
          epochs: the number of epochs.
          share: (i, n): read the i-th of n equal parts of each batch, in the i-th of n processes.

        Raises:
          ValueError: the batch size is not a multiple of the number of processes.
        """
        part, parts = share
        if batch_size % parts:
            raise ValueError(f"got batches of {batch_size} for {parts} processes; wanted a multiple of {parts}")
        self._items, self._batch_size, self._seed, self._epochs = items, batch_size, seed, epochs
        self._flip, self._sides = 0.0, frozenset()
        self._share = slice(part * (batch_size // parts), (part + 1) * (batch_size // parts))
        self.steps_per_epoch = -(-items // batch_size)
        # Cached for the current epoch and the one that is prefetched.
        self._plan = functools.lru_cache(maxsize=2)(self._draw_plan)

    def __len__(self) -> int:
        return self._epochs * self.steps_per_epoch

    def __getitem__(self, step: int) -> Any:
        epoch, position = divmod(step, self.steps_per_epoch)
        chosen = self._plan(epoch)[position]
        batch = self._read(chosen[self._share], chosen)
        return self._flipped(batch, step) if self._flip else batch

    def flipped(self, rate: float, sides: Collection[int]) -> Self:
        """The same batches with some images flipped horizontally; the images must be pixels.

        Args:
          rate: the share of the images to flip.
          sides: the ids of words like "left". An image with such a word in one of its captions in the batch is never
            flipped, because the caption would become wrong.
        """
        batches = copy.copy(self)
        batches._flip, batches._sides = rate, frozenset(sides)
        return batches

    def _flipped(self, batch: Any, step: int) -> Any:
        captions = batch.targets if isinstance(batch, Batch) else batch.references
        chosen = flips(self._flip, self._batch_size, seed=self._seed, step=step)[self._share]
        chosen &= ~speaks_of(self._sides, captions)
        images = np.where(chosen[:, None, None, None], flip(batch.features)[0], batch.features)
        return batch._replace(features=images)

    @abc.abstractmethod
    def _read(self, share: Int[np.ndarray, " b"], whole: Int[np.ndarray, " B"]) -> Any:
        """Reads the items `share`, the part of the batch `whole` that belongs to this process."""

    def _draw_plan(self, epoch: int) -> Int[np.ndarray, "steps B"]:
        """The items of each batch of an epoch."""
        rng = np.random.default_rng((self._seed, epoch))
        order = np.resize(rng.permutation(self._items), self.steps_per_epoch * self._batch_size)
        return self._arrange(order, rng)

    def _arrange(self, order: Int[np.ndarray, " n"], rng: np.random.Generator) -> Int[np.ndarray, "steps B"]:
        """Splits the order of an epoch into batches."""
        del rng
        return order.reshape(self.steps_per_epoch, self._batch_size)

    def iterate(self, state: dict[str, Any] | None = None, *, threads: int = 1) -> "grain.DatasetIterator":
        """An iterator over the batches, which are prefetched in threads; each thread makes whole batches.

        Args:
          state: the result of `get_state()` of an earlier iterator, to continue after it; None: the beginning.
          threads: the number of threads; 0: the number of cores. The batches do not depend on it.
        """
        threads = threads or cores()
        import grain  # here: explaining a picture needs no input pipeline, and grain takes a second

        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=max(4, threads))
        iterator = iter(grain.MapDataset.source(self).to_iter_dataset(options))
        if state is not None:
            iterator.set_state(state)
        return iterator


class CaptionBatches(Batches):
    """Every epoch visits all captions of all images once.

    Captions of similar length share a batch and are padded to one of few lengths, because XLA compiles a program for
    every shape.

    Raises:
      ValueError: there are no captions.
    """

    def __init__(
        self,
        features: Images,
        captions: Sequence[Sequence[Sequence[int]]],
        *,
        lengths: Sequence[int],
        **options: Any,
    ):
        """
        Args:
          features: of n images, in memory, memory-mapped, or read on access.
          captions: the captions of each image as token ids, without start and end tokens.
          lengths: the padded lengths, the end token included; longer captions are truncated to the last.
          **options: of `Batches`: batch_size, seed, epochs, share.
        """
        self._features = features
        self._captions = [list(caption) for texts in captions for caption in texts]
        self._images = np.repeat(np.arange(len(captions)), [len(texts) for texts in captions])
        if not self._captions:
            raise ValueError("there is nothing to train on: no image has a caption")
        self._lengths = np.array(sorted(lengths))
        needed = np.array([len(caption) + 1 for caption in self._captions])
        self._bucket = np.searchsorted(self._lengths, np.minimum(needed, self._lengths[-1]))
        super().__init__(len(self._captions), **options)

    def _read(self, share, whole):
        length = self._lengths[self._bucket[whole].max()]
        inputs, targets = pad_captions([self._captions[index] for index in share], length)
        return Batch(np.asarray(self._features[self._images[share]]), inputs, targets)

    def _arrange(self, order, rng):
        by_length = order[np.argsort(self._bucket[order], kind="stable")]
        return rng.permutation(by_length.reshape(self.steps_per_epoch, self._batch_size), axis=0)


class ImageBatches(Batches):
    """Every epoch visits all images that have captions once.

    Raises:
      ValueError: no image has a caption.
    """

    def __init__(
        self,
        features: Images,
        captions: Sequence[Sequence[Sequence[int]]],
        *,
        length: int,
        **options: Any,
    ):
        """
        Args:
          features, captions: as for `CaptionBatches`.
          length: T, the end token included; longer captions are truncated.
          **options: of `Batches`: batch_size, seed, epochs, share.
        """
        self._features = features
        self._images = np.array([index for index, texts in enumerate(captions) if texts], int)
        if not len(self._images):
            raise ValueError("there is nothing to train on: no image has a caption")
        self._references = pad_references([captions[index] for index in self._images], length)
        super().__init__(len(self._images), **options)

    def _read(self, share, whole):
        del whole
        return ImageBatch(np.asarray(self._features[self._images[share]]), self._references[share])
