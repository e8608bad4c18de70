"""Captions as they stand in files, and as they are used."""

import re
import unicodedata
from collections.abc import Iterable

from lrp_jax.captions.data.sources.splits import Skips

# The longest caption of COCO has 50 words and that of Flickr30k about 80. What is longer is no caption but a text that
# got into the file, and one of them in a batch of references would set the length of all.
MAX_WORDS = 100

# A caption has a token (`lrp_jax.captions.words.tokenize`) if and only if it has one of these.
_WORD = re.compile(r"[^\W_]|&")


def clean(text: str) -> str:
    """A caption on one line: any white space, also U+2028 and carriage returns, and control characters become a space.

    Letters with accents are composed (NFC), so that one word has one spelling.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = " ".join(text.split())
    if not text.isprintable():
        # Control characters, and halves of surrogate pairs, which no file can hold.
        text = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)
        text = " ".join(text.split())
    return text


def usable_captions(captions: Iterable[object], of: str, skips: Skips) -> tuple[str, ...]:
    """The captions of an image without those that cannot be used, in their order.

    Args:
      captions: as read; each should be a string.
      of: name of the image.
      skips: where the others are counted.
    """
    kept = []
    for number, caption in enumerate(captions):
        if not isinstance(caption, str):
            skips.add("caption that is no text", f"caption {number} of image {of}")
            continue
        text = clean(caption)
        if not _WORD.search(text):
            skips.add("caption without a word", f"caption {number} of image {of}")
        elif text.count(" ") >= MAX_WORDS:
            skips.add(f"caption of more than {MAX_WORDS} words", f"caption {number} of image {of}")
        else:
            kept.append(text)
    return tuple(kept)
