"""Word classes of the captions, from the lists of the grammar: words of one class can replace each other."""

import types
from collections.abc import Iterable, Mapping

from lrp_jax.captions.scenes import words
from lrp_jax.captions.scenes.kinds import KINDS

_FUNCTION: dict[str, tuple[str, ...]] = {
    "article": ("a", "an", "the"),
    "preposition": ("in", "on", "at", "of", "to", "by", "after"),
    "auxiliary": ("is", "are"),
    "conjunction": ("and", "while"),
    "pronoun": ("we", "you", "this", "there", "here"),
}


def _words(phrases: Iterable[str]) -> list[str]:
    return [word for phrase in phrases for word in phrase.split() if "{" not in word]


def _classes() -> dict[str, str]:
    relations = [(name, phrases) for table in (words.FORWARD, words.BACKWARD) for name, phrases in table.items()]
    # A word in several lists gets the first class.
    listed: list[tuple[str, Iterable[str]]] = [
        *_FUNCTION.items(),
        ("noun", (singular for kind in KINDS.values() for singular, _ in kind.words)),
        ("plural", (plural for kind in KINDS.values() for _, plural in kind.words)),
        ("colour", words.COLOUR_WORDS),
        ("number", ("two", "three")),
        ("group", ("pair", "couple", "trio")),
        ("adjective", (*words.SIZES["large"], *words.SIZES["small"], *words.FLAVOUR)),
        ("adverb", words.ADVERBS),
        ("garment", (garment for garments in words.CLOTHES.values() for garment in garments)),
        ("relation", _words(phrase for name, phrases in relations if name in words.SPATIAL for phrase in phrases)),
        ("verb", _words(phrase for _, phrases in relations for phrase in phrases)),
        ("verb", _words(phrase for phrases in words.POSTURES.values() for phrase in phrases)),
        ("place", _words(phrase for phrases in words.PLACES.values() for phrase in phrases)),
        ("light", _words(phrase for phrases in words.LIGHT_PHRASES.values() for phrase in phrases)),
        ("introduction", _words(words.INTRODUCTIONS)),
    ]
    found: dict[str, str] = {}
    for name, members in listed:
        for word in members:
            found.setdefault(word, name)
    return found


WORD_CLASSES: Mapping[str, str] = types.MappingProxyType(_classes())
"""The class of every word that `captions` can produce: noun (singular), plural, colour, number, verb, relation, place,
article, ..."""
