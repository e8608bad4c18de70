"""What the words of a kind of pictures mean: which of them name objects, and which objects are there."""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Mapping

from lrp_jax.captions import scenes
from lrp_jax.captions.images import Dataset, Example
from lrp_jax.captions.words import objects, tokenize
from lrp_jax.captions.words.objects import mentions


@dataclasses.dataclass(frozen=True, eq=False)
class Domain:
    """Object words and their truth.

    Attributes:
      name: of the domain.
      words: word -> the category it names, as the boxes call it, for `metrics.mentions`; None: it names nothing.
      present: the categories that are in an image.
      scene: dataset, index -> the graph that the image was drawn from; None where images are not drawn.
    """

    name: str
    words: Mapping[str, str | None]
    present: Callable[[Example], frozenset[str]]
    scene: Callable[[Dataset, int], scenes.Scene] | None = None

    def frequent_words(self, captions: Iterable[str], count: int) -> list[str]:
        """The `count` object words that most captions of a training set say, the most frequent first."""
        found = collections.Counter()
        for caption in captions:
            found.update({" ".join(mention.words) for mention in mentions(tokenize(caption), self.words)})
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
"""COCO's 80 categories by CHAIR's words; what is there is what boxes or references say, as CHAIR has it."""


def domain_of(spec: str) -> Domain:
    """What the words mean that are said of a source of images."""
    return SCENES if spec.startswith("scenes:") else PHOTOGRAPHS
