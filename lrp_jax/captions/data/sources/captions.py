"""Validation and clean-up of captions from files."""

import re
import unicodedata
from collections.abc import Iterable

from lrp_jax.captions.data.sources.splits import Skips

# The longest caption of COCO has 50 words, that of Flickr30k about 80. A longer text got into the file by mistake, and
# a single one in a batch of references would determine the padded length of all.
MAX_WORDS = 100

# A caption has a token (`lrp_jax.captions.words.tokenize`) if and only if this matches.
_WORD = re.compile(r"[^\W_]|&")


def clean(text: str) -> str:
    """A caption on one line: white space (including U+2028 and carriage returns) and control characters become spaces.

    Accented letters are composed (NFC), so that a word has only one spelling.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = " ".join(text.split())
    if not text.isprintable():
        # Control characters and lone surrogates, which cannot be written to a file.
        text = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)
        text = " ".join(text.split())
    return text


def usable_captions(captions: Iterable[object], of: str, skips: Skips) -> tuple[str, ...]:
    """The usable captions of an image, in their order.

    Args:
      captions: as read from the file; each should be a string.
      of: name of the image.
      skips: counts the others.
    """
    kept = []
    for number, caption in enumerate(captions):
        if not isinstance(caption, str):
            skips.add("caption that is not text", f"caption {number} of image {of}")
            continue
        text = clean(caption)
        if not _WORD.search(text):
            skips.add("caption without a word", f"caption {number} of image {of}")
        elif text.count(" ") >= MAX_WORDS:
            skips.add(f"caption of more than {MAX_WORDS} words", f"caption {number} of image {of}")
        else:
            kept.append(text)
    return tuple(kept)
