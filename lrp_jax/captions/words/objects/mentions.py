"""Finds the objects that captions name, and the objects in an image by its boxes and reference captions."""

import collections
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lrp_jax.captions.images import Example
from lrp_jax.captions.words.tokens import words_of


@dataclasses.dataclass(frozen=True, eq=False)
class ObjectWords(Mapping[str, str | None]):
    """A mapping from names to categories, with exceptions.

    Attributes:
      names: name -> category. The tokens of a name of several words are separated by single spaces. A name with the
        category None names nothing, and its parts then name nothing either.
      unless: name -> tokens; the name names nothing in a caption that contains one of them. With
        `{"seat": {"toilet"}}` the seat of a caption about a toilet is not a chair.
    """

    names: Mapping[str, str | None]
    unless: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)

    def __getitem__(self, name: str) -> str | None:
        return self.names[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    @functools.cached_property
    def lengths(self) -> Mapping[str, tuple[int, ...]]:
        """For each first token, the lengths in tokens of the names that begin with it, longest first."""
        lengths = collections.defaultdict(set)
        for name in self.names:
            first, *more = name.split(" ")
            lengths[first].add(1 + len(more))
        return {first: tuple(sorted(numbers, reverse=True)) for first, numbers in lengths.items()}


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


def mentions(tokens: Sequence[str], categories: Mapping[str, str | None]) -> list[Mention]:
    """The objects that a caption names, from left to right, repetitions included.

    Args:
      tokens: the caption's tokens.
      categories: name -> category, `ObjectWords` or a plain mapping. A name of several words is written with single
        spaces and has precedence over its parts: with "hot dog" in the mapping, a hot dog is not also a dog. A name
        with the category None names nothing, and neither do its parts.

    Returns:
      One `Mention` per name.
    """
    names = categories if isinstance(categories, ObjectWords) else ObjectWords(categories)
    found, position = [], 0
    while position < len(tokens):
        words, category = _name_at(tokens, position, names)
        if category is not None:
            found.append(Mention(position, words, category))
        position += len(words)
    return found


def _name_at(tokens: Sequence[str], position: int, names: ObjectWords) -> tuple[tuple[str, ...], str | None]:
    """The longest name that begins at `position` and its category; if there is none, the token there and None."""
    for length in names.lengths.get(tokens[position], ()):
        words = tuple(tokens[position : position + length])
        name = " ".join(words)
        if len(words) == length and name in names:
            silenced = not names.unless.get(name, frozenset()).isdisjoint(tokens)
            return words, None if silenced else names[name]
    return (tokens[position],), None


def box_categories(names: Sequence[str], categories: Mapping[str, str | None]) -> tuple[str, ...]:
    """The categories of boxes, in the terms that captions are mapped to.

    Args:
      names: of the boxes.
      categories: name -> category. A dataset may use other names for its boxes ("people", "woman"), so these are
        looked up too; a name that is not found is its own category.
    """
    return tuple(categories.get(name) or name for name in names)


def present(example: Example, categories: Mapping[str, str | None]) -> frozenset[str]:
    """The objects in an image: the categories of its boxes, and those that its reference captions name.

    With `coco_words()` this is the ground truth of CHAIR (Rohrbach et al., Object Hallucination in Image Captioning,
    EMNLP 2018): captions name objects that have no box, and the other way round.

    Args:
      example: an image with captions and boxes, either of which may be missing.
      categories: name -> category, for captions and (see `box_categories`) for boxes.
    """
    return frozenset(box_categories(example.names, categories)).union(
        mention.category for caption in example.captions for mention in mentions(words_of(caption), categories)
    )
