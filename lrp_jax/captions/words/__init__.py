"""Words as ids: vocabularies, tokens, the special tokens, and the words that name objects."""

from lrp_jax.captions.words.given import check_caption, check_ids, check_index
from lrp_jax.captions.words.tokens import composed, tokenize, words_of
from lrp_jax.captions.words.vocabulary import END, PAD, SPECIAL, START, UNK, Vocabulary

__all__ = [
    "END",
    "PAD",
    "SPECIAL",
    "START",
    "UNK",
    "Vocabulary",
    "check_caption",
    "check_ids",
    "check_index",
    "composed",
    "tokenize",
    "words_of",
]
