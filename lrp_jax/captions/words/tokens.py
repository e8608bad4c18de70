"""Captions to tokens: lower case, Penn Treebank splits, punctuation dropped, no Java.

The standard caption metrics are defined on the output of Stanford's PTB tokenizer. This is the part of it that matters
for captions, as one regular expression, so that training, decoding and scoring use the same tokens.

A letter is a letter with its combining marks: vowel signs of Hindi, Bengali and Thai, Arabic and Hebrew points, accents
that are characters of their own. Scripts that do not write spaces (Thai, Chinese, Japanese) give a token for each run
of letters.
"""

import functools
import re
import unicodedata
from typing import NamedTuple

# Joiners, which keep the parts of a word together in Persian and in the scripts of India.
_JOINERS = "\u200c\u200d"
# What makes an emoji of a character, and no other letter of a letter.
_NO_MARKS = ((0xFE00, 0xFE10), (0xE0100, 0xE01F0))
# There are no marks from here to the last of them, which select variants.
_LAST = 0x20000


def tokenize(text: str) -> list[str]:
    """The tokens of a caption.

    Args:
      text: a caption in any case; separated by any white space. The spelling of letters with marks stays as it is,
        composed or not, see `composed`.

    Returns:
      Lower-case tokens without punctuation. "A dog's ball isn't red." becomes
      `["a", "dog", "'s", "ball", "is", "n't", "red"]`.
    """
    text = text.lower().replace("’", "'").replace("‘", "'")
    patterns = _patterns("" if text.isascii() or not _has_marks().search(text) else _class())
    text = patterns.negation.sub(r" \1", text)
    text = patterns.clitics.sub(r" \1", text)
    text = patterns.cannot.sub("can ", text)
    return patterns.token.findall(text)


def composed(text: str) -> str:
    """A text with each letter and its accents as one character where there is one (Unicode's NFC).

    The same word can be written in both ways, and is another one to a program. What is counted or looked up is composed
    first: vocabularies and metrics do so.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def words_of(text: str) -> list[str]:
    """The tokens of a caption, composed: equal where the words are, however they were typed.

    Args:
      text: a caption, as for `tokenize`.

    Returns:
      What vocabularies, metrics and object words work with.
    """
    return tokenize(composed(text))


class _Patterns(NamedTuple):
    token: re.Pattern[str]
    negation: re.Pattern[str]
    clitics: re.Pattern[str]
    cannot: re.Pattern[str]


@functools.cache
def _patterns(marks: str) -> _Patterns:
    """The regular expressions for texts with these marks; "" gives those of the Latin script, which are fast."""
    # A letter or digit with its marks; a joiner belongs to it if it joins.
    more = rf"(?:[{marks}]|[{_JOINERS}](?=[^\W_]))*" if marks else ""
    sign, letter = rf"[^\W_]{more}", rf"[^\W\d_]{more}"
    after, before, end = rf"(?<=[\w{marks}])", rf"(?<![\w{marks}])", rf"(?![\w{marks}])"
    token = rf"""
      (?:{letter}\.){{2,}}(?:{letter}{end})?            # t.v.  u.s.a
    | n\'t | \'(?:s|re|ve|ll|d|m){end}                 # the clitics, now words of their own
    | {before}(?:st|mt|ft|ave|blvd|rd|dr|mr|mrs|ms|jr|vs)\.  # abbreviations keep their full stop
    | \d+(?:[.,:/]\d+)+                               # 8:25  1,000  3/4
    | (?:{sign})+(?:[-./_\'&](?:{sign})+)*             # words; t-shirt and skating/skiing stay whole
    | &
    """
    return _Patterns(
        re.compile(token, re.VERBOSE),
        # Suffixes that the Penn Treebank splits off a word: it 's, do n't, can not, the dogs '.
        re.compile(rf"{after}(n't){end}"),
        re.compile(rf"{after}('s|'re|'ve|'ll|'d|'m){end}"),
        re.compile(rf"{before}can(?=not{end})"),
    )


@functools.cache
def marks() -> str:
    """All combining marks that change a letter."""
    # Me encloses a character: keycaps, which stay digits.
    codes = (code for code in range(0x300, _LAST) if not any(first <= code < end for first, end in _NO_MARKS))
    return "".join(chr(code) for code in codes if unicodedata.category(chr(code)) in ("Mn", "Mc"))


@functools.cache
def _class() -> str:
    """The marks as the inside of a character class, with ranges, which are searched faster."""
    ranges: list[list[int]] = []
    for code in map(ord, marks()):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@functools.cache
def _has_marks() -> re.Pattern[str]:
    return re.compile(f"[{_class()}{_JOINERS}]")
