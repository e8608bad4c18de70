"""Words to ids and back; the four special tokens have fixed ids everywhere in the library."""

import collections
import dataclasses
import functools
import json
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence

from lrp_jax.data.files import atomic
from lrp_jax.data.tokens import tokenize

PAD, START, END, UNK = 0, 1, 2, 3
SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The words a captioner knows, in the order of their ids.

    Attributes:
      words: all words, the four special tokens first: `words[PAD] == "<pad>"`, `words[START] == "<start>"`,
        `words[END] == "<end>"`, `words[UNK] == "<unk>"`.

    Raises:
      ValueError: the special tokens are not where they belong, or a word occurs twice.
    """

    words: tuple[str, ...]

    def __post_init__(self):
        if self.words[:4] != SPECIAL:
            raise ValueError(f"a vocabulary starts with {', '.join(SPECIAL)}; got {', '.join(self.words[:4])}")
        repeated = [word for word, count in collections.Counter(self.words).items() if count > 1]
        if repeated:
            raise ValueError(f"a vocabulary holds each word once; got several of {', '.join(repeated[:5])}")

    @classmethod
    def build(cls, captions: Iterable[str], min_count: int = 1) -> "Vocabulary":
        """The words that occur at least `min_count` times in the captions, the most frequent first.

        Words of equal frequency stand in alphabetical order, so the ids depend on nothing but the captions'
        words. Build it on the training captions only (section 5.1).
        """
        counts = collections.Counter(word for caption in captions for word in tokenize(caption))
        kept = [word for word, count in counts.items() if count >= min_count and word not in SPECIAL]
        return cls(SPECIAL + tuple(sorted(kept, key=lambda word: (-counts[word], word))))

    @functools.cached_property
    def ids(self) -> Mapping[str, int]:
        """Word -> id."""
        return {word: index for index, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, caption: str) -> list[int]:
        """The ids of a caption's tokens, `UNK` for unknown ones; no start or end token is added."""
        return [self.ids.get(token, UNK) for token in tokenize(caption)]

    def decode(self, ids: Sequence[int]) -> list[str]:
        """The words of a row of ids up to the end token; padding and start tokens are left out."""
        words = []
        for index in map(int, ids):
            if index == END:
                break
            if index not in (PAD, START):
                words.append(self.words[index])
        return words

    def save(self, path: str | os.PathLike) -> None:
        """Writes the words as JSON; a reader never sees half a file."""
        with atomic(path) as file:
            json.dump(self.words, file, ensure_ascii=False, indent=0)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Vocabulary":
        """Reads what `save` wrote."""
        words = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"{path} is not a vocabulary: wanted a JSON list of words, as Vocabulary.save writes")
        return cls(tuple(words))
