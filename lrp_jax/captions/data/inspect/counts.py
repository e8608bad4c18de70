"""Statistics of a source: images, captions, words, object words, boxes."""

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Int

from lrp_jax.captions.images import Example, load_image
from lrp_jax.captions.words import SPECIAL, Vocabulary, words_of
from lrp_jax.captions.words.objects import box_categories, mentions


@dataclasses.dataclass(frozen=True)
class Spread:
    """The distribution of some integers.

    Attributes:
      least, median, mean, percentile_95, most: of the numbers; None if there are none.
      counts: number -> how often it occurs, in ascending order.
    """

    least: int | None
    median: float | None
    mean: float | None
    percentile_95: float | None
    most: int | None
    counts: Mapping[int, int]

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Spread":
        counts = dict(sorted(collections.Counter(numbers).items()))
        if not counts:
            return cls(None, None, None, None, None, {})
        values = np.repeat(list(counts), list(counts.values()))
        middle, high = np.percentile(values, (50, 95))
        return cls(int(values[0]), float(middle), float(values.mean()), float(high), int(values[-1]), counts)


@dataclasses.dataclass(frozen=True)
class Split:
    """Statistics of one split.

    Attributes:
      images, captions, boxes: the number of each.
      without_captions: number of images without captions.
      captions_per_image: over images.
      lengths: tokens per caption, over captions.
      tokens: number of tokens of all captions.
      unknown: the share of tokens that are not in the vocabulary of the training captions and become <unk>; None
        without tokens or without a vocabulary.
    """

    images: int
    captions: int
    boxes: int
    without_captions: int
    captions_per_image: Spread
    lengths: Spread
    tokens: int
    unknown: float | None


@dataclasses.dataclass(frozen=True)
class Count:
    """How often a word occurs in captions, or how many boxes a category has.

    Attributes:
      name: the word, or the category.
      category: the category that the word names, "" if none; for boxes the category itself.
      images: number of images in which it occurs.
      times: total number of occurrences.
    """

    name: str
    category: str
    images: int
    times: int


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Width and height of a sample of images of the split.

    Attributes:
      looked_at: size of the sample.
      widths, heights: in pixels, of the readable images.
      unreadable: the error of each unreadable image.
    """

    looked_at: int
    widths: Spread
    heights: Spread
    unreadable: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Description:
    """The statistics of a source.

    Attributes:
      splits: by name.
      min_count: the minimum count in the training captions of a word in the vocabulary.
      vocabulary: size of the vocabulary, with the four special tokens; None without training captions.
      words: number of different words in the training captions.
      skipped: reason -> number of entries that the source skipped.
      split: the split that the following attributes are about.
      objects: the words that name objects, most frequent first.
      mentions_with_boxes: for images with boxes, the number of mentions, and how many of them name a category of a box.
      boxes: the categories of boxes, those with most boxes first.
      chosen: how often the requested words occur, whatever they name.
      sizes: of a sample of images.
    """

    splits: Mapping[str, Split]
    min_count: int
    vocabulary: int | None
    words: int
    skipped: Mapping[str, int]
    split: str
    objects: tuple[Count, ...]
    mentions_with_boxes: tuple[int, int]
    boxes: tuple[Count, ...]
    chosen: tuple[Count, ...]
    sizes: Sizes


def describe(
    splits: Mapping[str, Sequence[Example]],
    categories: Mapping[str, str | None],
    *,
    split: str = "train",
    min_count: int = 3,
    chosen: Sequence[str] = (),
    sample: int = 64,
    seed: int = 0,
) -> Description:
    """Computes the statistics of a source.

    Args:
      splits: split -> images, as returned by `source`.
      categories: name -> category of the objects that captions name, see `mentions`.
      split: the split whose objects, boxes and sizes are counted.
      min_count: of the vocabulary, which is always that of the split "train" (section 5.1).
      chosen: tokens to be counted, for example those of Fig. 7.
      sample: number of images of the split that are read for their sizes.
      seed: of the choice of these images.

    Raises:
      ValueError: there is no such split.
    """
    if split not in splits:
        raise ValueError(f"no split {split!r}: wanted one of {', '.join(splits)}")
    texts = {name: _Texts(dataset) for name, dataset in splits.items()}
    training = texts["train"].captions if "train" in texts else []
    vocabulary = Vocabulary.build(training, min_count) if training else None
    examples = splits[split]
    return Description(
        splits={name: found.split(vocabulary) for name, found in texts.items()},
        min_count=min_count,
        vocabulary=len(vocabulary) if vocabulary else None,
        words=len(texts["train"].words.keys() - set(SPECIAL)) if training else 0,
        skipped=dict(getattr(splits, "skipped", {})),
        split=split,
        sizes=_sizes(examples, sample_of(len(examples), sample, seed)),
        **_objects(texts[split].images, categories, chosen),
    )


def sample_of(count: int, size: int, seed: int) -> Int[np.ndarray, " n"]:
    """A random sample of at most `size` integers below `count`, in ascending order."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:size])


class _Texts:
    """The captions and box names of a split, and their statistics."""

    def __init__(self, examples: Sequence[Example]):
        # Access every image only once: it is drawn or read from disk.
        records = (examples[index] for index in range(len(examples)))
        self.images = [(example.captions, example.names) for example in records]
        self.captions = [caption for captions, _ in self.images for caption in captions]
        self.words: collections.Counter[str] = collections.Counter()
        self._lengths = []
        for caption in self.captions:
            tokens = words_of(caption)
            self._lengths.append(len(tokens))
            self.words.update(tokens)

    def split(self, vocabulary: Vocabulary | None) -> Split:
        tokens = self.words.total()
        unknown = sum(count for word, count in self.words.items() if vocabulary and word not in vocabulary.ids)
        return Split(
            images=len(self.images),
            captions=len(self.captions),
            boxes=sum(len(names) for _, names in self.images),
            without_captions=sum(not captions for captions, _ in self.images),
            captions_per_image=Spread.of(len(captions) for captions, _ in self.images),
            lengths=Spread.of(self._lengths),
            tokens=tokens,
            unknown=unknown / tokens if tokens and vocabulary else None,
        )


def _objects(
    images: Iterable[tuple[Sequence[str], Sequence[str]]], categories: Mapping[str, str | None], chosen: Sequence[str]
) -> dict:
    """The counts of `Description` that need both words and boxes of an image; `images` has captions and box names."""
    said, boxed, asked = _Tally(), _Tally(), _Tally()
    in_boxed_images = with_box = 0
    for captions, names in images:
        texts = [words_of(caption) for caption in captions]
        found = [mention for tokens in texts for mention in mentions(tokens, categories)]
        said.add((" ".join(mention.words), mention.category) for mention in found)
        boxed.add((name, name) for name in names)
        asked.add((token, categories.get(token) or "") for token in itertools.chain(*texts) if token in chosen)
        if names:
            shown = set(box_categories(names, categories))
            in_boxed_images += len(found)
            with_box += sum(mention.category in shown for mention in found)
    return {
        "objects": said.counts(),
        "boxes": boxed.counts(),
        "chosen": asked.counts(),
        "mentions_with_boxes": (in_boxed_images, with_box),
    }


class _Tally:
    """Counts items, by images and in total."""

    def __init__(self):
        self._images, self._times = collections.Counter(), collections.Counter()

    def add(self, of_one_image: Iterable[tuple[str, str]]) -> None:
        found = collections.Counter(of_one_image)
        self._times.update(found)
        self._images.update(found.keys())

    def counts(self) -> tuple[Count, ...]:
        """The most frequent first; ties by name."""
        order = sorted(self._times.items(), key=lambda item: (-item[1], item[0]))
        return tuple(Count(*key, self._images[key], times) for key, times in order)


def _sizes(examples: Sequence[Example], indices: Iterable[int]) -> Sizes:
    shapes, unreadable = [], []
    for index in indices:
        example = examples[int(index)]
        try:
            shapes.append(load_image(example.image).shape)
        except (OSError, ValueError) as error:
            unreadable.append(f"{example.id}: {error}")
    return Sizes(
        looked_at=len(shapes) + len(unreadable),
        widths=Spread.of(width for _, width, _ in shapes),
        heights=Spread.of(height for height, _, _ in shapes),
        unreadable=tuple(unreadable),
    )
