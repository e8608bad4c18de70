"""The tokenizer that published caption scores use: Stanford's, which runs under Java."""

import pathlib
from collections.abc import Sequence

import pycocoevalcap.tokenizer.ptbtokenizer as ptbtokenizer

from lrp_jax.captions.metrics import java
from lrp_jax.captions.words import composed

_SECONDS = 300.0
_DROPPED = frozenset(ptbtokenizer.PUNCTUATIONS)


def ptb_tokens(captions: Sequence[str]) -> list[str]:
    """Lower-case tokens of the Penn Treebank without punctuation, joined by spaces; a `Tokenizer`.

    Stanford CoreNLP 3.4.1, as bundled with pycocoevalcap. The program reads one caption per line, so any white space
    in a caption is first replaced by a blank: a line break would shift all following captions.

    Raises:
      MissingPartError: Java is not installed.
      JavaError: the tokenizer failed.
    """
    lines = [" ".join(composed(text).split()) for text in captions]
    written = java.run(
        [
            *("-cp", ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR, "-Dfile.encoding=UTF-8"),
            *("edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"),
        ],
        folder=pathlib.Path(ptbtokenizer.__file__).parent,
        text="".join(f"{line}\n" for line in lines),
        seconds=_SECONDS,
    )
    found = written.split("\n")
    if found and not found[-1]:
        found.pop()
    if len(found) != len(lines):
        raise java.JavaError(f"the tokenizer returned {len(found)} lines for {len(lines)} captions")
    return [" ".join(word for word in line.split() if word not in _DROPPED) for line in found]
