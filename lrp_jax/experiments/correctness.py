"""Do explanations point at what a word names? Section 5.2.2, Eqs. 23 and 24."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from lrp_jax.data.records import Example, load_image
from lrp_jax.data.vocabulary import Vocabulary
from lrp_jax.explain import Explanation
from lrp_jax.metrics import bootstrap_interval, correctness, covered_share, mentions


@dataclasses.dataclass(frozen=True)
class NamedObject:
    """One object word that a caption says rightly, and where its explanation lies.

    Attributes:
      image: id of the image.
      word: as it was said.
      category: what it names; the image has boxes of this category.
      correctness: the share of positive relevance inside the union of those boxes (Eq. 24).
      share: the share of the image that they cover, which is the correctness of an even map.
      elsewhere: the correctness, on the same boxes, of the map of the same category from another image: what an
        explanation reaches that knows where such objects usually are, but has not seen this one. NaN if no other
        image has the category.
    """

    image: str
    word: str
    category: str
    correctness: float
    share: float
    elsewhere: float


@dataclasses.dataclass(frozen=True)
class Summary:
    """Means over words, with 95 % bootstrap intervals over images.

    Attributes:
      words, images: how many there were.
      correctness, interval: the mean, and the ends of its interval.
      share, elsewhere: the means of what it is compared with.
      over_elsewhere, over_elsewhere_interval: mean of (correctness - elsewhere), and the ends of its interval.
    """

    words: int
    images: int
    correctness: float
    interval: tuple[float, float]
    share: float
    elsewhere: float
    over_elsewhere: float
    over_elsewhere_interval: tuple[float, float]

    @property
    def gain(self) -> float:
        """How many times the chance level."""
        return self.correctness / self.share


def correctness_of_words(
    examples: Iterable[Example],
    explain: Callable[[np.ndarray], Explanation],
    vocabulary: Vocabulary,
    categories: Mapping[str, str],
) -> list[NamedObject]:
    """Captions and explains images, and measures the map of every object word that is in the image.

    Args:
      examples: images with boxes.
      explain: an image, uint8 [H, W, 3], to the explanation of its caption, with pixels.
      vocabulary: of the captioner.
      categories: word -> the category it names, as the boxes call it.

    Returns:
      One record per rightly named object, in the order of the images. Words whose category has no box are left out:
      nobody knows where they should be.
    """
    found: list[tuple[Example, str, str, Float[np.ndarray, "H W"]]] = []
    for example in examples:
        explanation = explain(load_image(example.image))
        words = [vocabulary.words[token] for token in np.asarray(explanation.tokens)[1:]]
        maps = np.asarray(explanation.pixels).mean(axis=-1)
        for mention in mentions(words, categories):
            if mention.category in example.names:
                # A name of several words is where its last word is: "hot dog" is a kind of dog.
                last = mention.position + len(mention.words) - 1
                found.append((example, " ".join(mention.words), mention.category, maps[last]))
    return [_measured(*one, found) for one in found]


def _measured(example: Example, word: str, category: str, map_: np.ndarray, found: Sequence[tuple]) -> NamedObject:
    boxes = example.boxes[np.array([name == category for name in example.names])]
    others = [m for e, _, c, m in found if c == category and e.id != example.id]
    elsewhere = np.mean([correctness(m, boxes) for m in others[:16]]) if others else np.nan
    share = covered_share(boxes, map_.shape)
    return NamedObject(example.id, word, category, correctness(map_, boxes), share, float(elsewhere))


def summarise(records: Sequence[NamedObject], seed: int = 0) -> Summary:
    """Means with intervals.

    Args:
      records: at least one.
      seed: of the bootstrap.

    Raises:
      ValueError: there are no records.
    """
    if not records:
        raise ValueError("got no correctly named object; wanted at least one: caption more images")
    images = np.array([r.image for r in records])
    values = np.array([r.correctness for r in records])
    elsewhere = np.array([r.elsewhere for r in records])
    known = ~np.isnan(elsewhere)
    difference = values[known] - elsewhere[known]
    nothing = float("nan"), float("nan")
    return Summary(
        words=len(records),
        images=len(set(images)),
        correctness=float(values.mean()),
        interval=bootstrap_interval(values, images, seed=seed),
        share=float(np.mean([r.share for r in records])),
        elsewhere=float(elsewhere[known].mean()) if known.any() else float("nan"),
        over_elsewhere=float(difference.mean()) if known.any() else float("nan"),
        over_elsewhere_interval=bootstrap_interval(difference, images[known], seed=seed) if known.any() else nothing,
    )
