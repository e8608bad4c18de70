"""Domains of images: the object words of their captions, and the objects in each image."""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Mapping

from lrp_jax.captions import scenes
from lrp_jax.captions.images import Dataset, Example
from lrp_jax.captions.words import objects, words_of
from lrp_jax.captions.words.objects import mentions


@dataclasses.dataclass(frozen=True, eq=False)
class Domain:
    """The object words of a domain and the ground truth about its objects.

    Attributes:
      name: of the domain.
      words: word -> the category of boxes that it names, for `metrics.mentions`; None: it names nothing.
      present: a function that returns the categories in an image.
      scene: (dataset, index) -> the scene graph of the image; None if images are not drawn.
    """

    name: str
    words: Mapping[str, str | None]
    present: Callable[[Example], frozenset[str]]
    scene: Callable[[Dataset, int], scenes.Scene] | None = None

    def frequent_words(self, captions: Iterable[str], count: int) -> list[str]:
        """The `count` object words that occur in the most captions of a training set, most frequent first."""
        found = collections.Counter()
        for caption in captions:
            found.update({" ".join(mention.words) for mention in mentions(words_of(caption), self.words)})
        return [word for word, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:count]]


SCENES = Domain(
    "scenes",
    objects.ObjectWords(scenes.SYNONYMS),
    lambda example: frozenset(example.names),
    scene=lambda dataset, index: dataset.scene(index),
)
"""Drawn scenes: every object is known."""

PHOTOGRAPHS = Domain(
    "photographs",
    objects.coco_words(),
    lambda example: objects.present(example, objects.coco_words()),
)
"""COCO's 80 categories with the words of CHAIR; present are the objects in boxes or references, as in CHAIR."""


def domain_of(spec: str) -> Domain:
    """The domain of a source of images."""
    return SCENES if spec.startswith("scenes:") else PHOTOGRAPHS
