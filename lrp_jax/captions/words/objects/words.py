"""The words that name objects, singular and plural, with the category of each."""

import functools
import os
import pathlib

from lrp_jax.captions.words.objects.coco import ANIMALS, CATEGORIES, MISSPELT
from lrp_jax.captions.words.objects.mentions import ObjectWords
from lrp_jax.captions.words.objects.plurals import plurals
from lrp_jax.captions.words.tokens import words_of

# Words that the published code misses. Its singulariser turns "bus" into "bu", "ties" into "ty" and "canoes" into
# "cano"; two entries of its list begin with a space and one with a capital, which never match a caption in lower case;
# and it matches at most two words, so that a stove top oven counts as a stove and as an oven.
_OVERLOOKED = (
    "airbus", "bus", "busses", "minibus", "canoes", "collies", "doggies", "magpies", "thieves", "ties", "cheesecake",
    "cheesecakes", "iphone", "iphones", "stove top oven", "stove top ovens",
)  # fmt: skip


def _forms(noun: str) -> tuple[str, ...]:
    # Captions also contain "womans" and "sheeps", and published scores count them.
    return noun, *plurals(noun), noun + "s"


@functools.cache
def coco_words(published: bool = False) -> ObjectWords:
    """The words for COCO's eighty categories, for `mentions` on tokens of `lrp_jax.captions.words.tokenize`.

    Nouns and rules are those of CHAIR. CHAIR singularises the words of a caption; here the plurals are in the table.
    The rules besides the nouns:
      - "baby" or "adult" before an animal is not a person, nor is "passenger" in "passenger train" or "passenger jet";
      - "seat" in a caption with "toilet" is not a chair, and a toilet seat is a toilet;
      - home plates, train tracks, baby animals and adult cubs are not objects.

    Args:
      published: count what the published code counts, for scores that are comparable with papers. It misses the word
        "bus" (but not "buses"), "ties", "canoes", "collies", "doggies", "magpies", "thieves", "motor bike",
        "cheesecake" and "iphone", and counts a "stove top oven" twice.

    Reference:
      Rohrbach et al., Object Hallucination in Image Captioning, EMNLP 2018; utils/chair.py of
      https://github.com/LisaAnne/Hallucination.
    """
    names: dict[str, str | None] = dict(MISSPELT)
    for category in CATEGORIES:
        for noun in (category.name, *category.nouns):
            names |= dict.fromkeys(_forms(noun), category.name)
    for age in ("baby", "adult"):
        for animal in ANIMALS:
            names |= dict.fromkeys(_forms(f"{age} {animal}"), animal)
        for animal in ("animal", "cub"):
            names |= dict.fromkeys(_forms(f"{age} {animal}"))
    names |= dict.fromkeys(_forms("passenger train"), "train")
    names |= dict.fromkeys(_forms("passenger jet"), "airplane")
    names |= dict.fromkeys(_forms("toilet seat"), "toilet")
    for nothing in ("home plate", "train track"):
        names |= dict.fromkeys(_forms(nothing))
    if published:
        for name in _OVERLOOKED:
            del names[name]
        names |= dict.fromkeys(_forms("motor bike"))
    return ObjectWords(names, unless=dict.fromkeys(_forms("seat"), frozenset(_forms("toilet"))))


def read_synonyms(path: str | os.PathLike) -> ObjectWords:
    """Reads the words of custom categories, in the format of CHAIR's list.

    A line is a category and further nouns for it, separated by commas: `cat, kitten, tabby`. Nouns are singular; their
    plurals are made by `plurals`. A plural that `plurals` does not know can be listed as another noun.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file is not text, has no words, or has a word in two categories.
    """
    path = pathlib.Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text file ({error}); wanted lines of a category and its nouns") from None
    given: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        nouns = [noun for noun in (" ".join(words_of(part)) for part in line.split(",")) if noun]
        for noun in nouns:
            if given.setdefault(noun, nouns[0]) != nouns[0]:
                raise ValueError(
                    f"{path}, line {number}: {noun!r} is already in {given[noun]!r}; wanted one category per word"
                )
    if not given:
        raise ValueError(f"{path}: no words; wanted lines of a category and its nouns, separated by commas")
    made = {form: category for noun, category in given.items() for form in plurals(noun)}
    return ObjectWords(made | given)  # a word of the file has precedence over a plural of another word
