"""Object hallucination: whether the objects that captions name are in the image (CHAIR)."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Int

from lrp_jax.captions.words.objects import mentions


@dataclasses.dataclass(frozen=True)
class NamedObjects:
    """True and false mentions of objects, one entry per caption.

    Attributes:
      named: how many objects the caption names, repetitions included.
      false: how many of them are not in the image.

    Reference:
      CHAIRi and CHAIRs of Rohrbach et al., Object Hallucination in Image Captioning, EMNLP 2018.
    """

    named: Int[np.ndarray, " captions"]
    false: Int[np.ndarray, " captions"]

    @property
    def precision(self) -> float:
        """The share of all mentions that are true; nan if nothing was named."""
        total = self.named.sum()
        return float(1 - self.false.sum() / total) if total else float("nan")

    @property
    def chair_i(self) -> float:
        """The share of all mentions that are false; nan if nothing was named."""
        return 1 - self.precision

    @property
    def chair_s(self) -> float:
        """The share of captions with at least one false mention."""
        return float((self.false > 0).mean())


def named_objects(
    captions: Sequence[Sequence[str]], present: Sequence[Collection[str]], categories: Mapping[str, str | None]
) -> NamedObjects:
    """Counts the objects that captions name and those of them that are not in their images.

    Args:
      captions: the tokens of one caption per image.
      present: the categories that are in each image; for CHAIR those of `lrp_jax.captions.words.objects.present`.
      categories: name -> category, see `lrp_jax.captions.words.objects.mentions`.

    Returns:
      The counts of each caption.

    Raises:
      ValueError: the numbers of captions and images differ.
    """
    if len(captions) != len(present):
        raise ValueError(f"wanted one caption per image: got {len(captions)} for {len(present)} images")
    named = [[mention.category for mention in mentions(tokens, categories)] for tokens in captions]
    false = [sum(name not in there for name in names) for names, there in zip(named, present, strict=True)]
    return NamedObjects(np.array([len(names) for names in named], int), np.array(false, int))
