"""The tokens that the field's figures are computed on: Stanford's tokenizer, which runs under Java."""

import pathlib
from collections.abc import Sequence

import pycocoevalcap.tokenizer.ptbtokenizer as ptbtokenizer

from lrp_jax.captions.metrics import java

_SECONDS = 300.0
_DROPPED = frozenset(ptbtokenizer.PUNCTUATIONS)


def ptb_tokens(captions: Sequence[str]) -> list[str]:
    """Lower-case tokens of the Penn Treebank without punctuation, joined by spaces; a `Tokenizer`.

    Stanford CoreNLP 3.4.1, as pycocoevalcap brings it along. One caption is one line: any white space inside one
    becomes a blank first, since a line that is split there would shift all the captions that follow it.

    Raises:
      MissingPartError: there is no Java.
      JavaError: it failed.
    """
    lines = [" ".join(text.split()) for text in captions]
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
        raise java.JavaError(f"the tokenizer made {len(found)} lines of {len(lines)} captions")
    return [" ".join(word for word in line.split() if word not in _DROPPED) for line in found]
