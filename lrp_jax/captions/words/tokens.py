"""Captions to tokens: lower case, Penn Treebank splits, punctuation dropped, no Java.

The standard caption metrics are defined on the output of Stanford's PTB tokenizer. This is the part of it that matters
for captions, as one regular expression, so that training, decoding and scoring use the same tokens.
"""

import re

# Suffixes that the Penn Treebank splits off a word: it 's, do n't, can not, the dogs '.
_CLITICS = re.compile(r"(?<=\w)('s|'re|'ve|'ll|'d|'m)\b")
_NEGATION = re.compile(r"(?<=\w)(n't)\b")
_CANNOT = re.compile(r"\bcan(?=not\b)")

_TOKEN = re.compile(
    r"""
      (?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?               # t.v.  u.s.a
    | n't | '(?:s|re|ve|ll|d|m)\b                      # the clitics, now words of their own
    | \b(?:st|mt|ft|ave|blvd|rd|dr|mr|mrs|ms|jr|vs)\.  # abbreviations keep their full stop
    | \d+(?:[.,:/]\d+)+                               # 8:25  1,000  3/4
    | [^\W_]+(?:[-./_'&][^\W_]+)*                     # words; t-shirt and skating/skiing stay whole
    | &
    """,
    re.VERBOSE,
)


def tokenize(text: str) -> list[str]:
    """The tokens of a caption.

    Args:
      text: a caption in any case; separated by any white space.

    Returns:
      Lower-case tokens without punctuation. "A dog's ball isn't red." becomes
      `["a", "dog", "'s", "ball", "is", "n't", "red"]`.
    """
    text = text.lower().replace("’", "'").replace("‘", "'")
    text = _NEGATION.sub(r" \1", text)
    text = _CLITICS.sub(r" \1", text)
    text = _CANNOT.sub("can ", text)
    return _TOKEN.findall(text)
