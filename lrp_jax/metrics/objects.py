"""Which objects a caption names, and whether they are there."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Mention(NamedTuple):
    """An object named in a caption.

    Attributes:
      position: index of its first token in the caption, from 0.
      words: the tokens that name it.
      category: what they name.
    """

    position: int
    words: tuple[str, ...]
    category: str


def mentions(tokens: Sequence[str], categories: Mapping[str, str]) -> list[Mention]:
    """The objects that a caption names, from left to right, repetitions included.

    Args:
      tokens: the caption's tokens.
      categories: word -> category. A name of several words is written with single spaces and goes before its
        parts: with "hot dog" in the map, a hot dog is not also a dog.

    Returns:
      One `Mention` per name.
    """
    longest = max((name.count(" ") + 1 for name in categories), default=1)
    found, position = [], 0
    while position < len(tokens):
        for length in range(min(longest, len(tokens) - position), 0, -1):
            words = tuple(tokens[position : position + length])
            category = categories.get(" ".join(words))
            if category is not None:
                found.append(Mention(position, words, category))
                position += length
                break
        else:
            position += 1
    return found


@dataclasses.dataclass(frozen=True)
class NamedObjects:
    """True and false mentions of objects, one entry per caption.

    Attributes:
      named: how many objects the caption names, repetitions included.
      false: how many of them are not there.

    Reference:
      CHAIRi and CHAIRs are those of Rohrbach et al., Object Hallucination in Image Captioning, EMNLP 2018.
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
    captions: Sequence[Sequence[str]], present: Sequence[Collection[str]], categories: Mapping[str, str]
) -> NamedObjects:
    """Counts the objects that captions name and those of them that are not in their images.

    Args:
      captions: the tokens of one caption per image.
      present: the categories that are in each image.
      categories: word -> category, see `mentions`.

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
