"""Conversion between words and ids; the four special tokens have fixed ids everywhere in the library."""

import collections
import dataclasses
import functools
import json
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence

from lrp_jax.captions.storage.files import atomic
from lrp_jax.captions.words.tokens import composed, words_of

PAD = 0
"""The id of `<pad>`, which fills rows of tokens after the end token."""
START = 1
"""The id of `<start>`, the first input token of every caption."""
END = 2
"""The id of `<end>`, the last word of every caption."""
UNK = 3
"""The id of `<unk>`, which stands for every word that is not in the vocabulary."""
SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")
"""The special tokens, in the order of their ids."""


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The words of a captioner, in the order of their ids.

    Attributes:
      words: all words, the four special tokens first: `words[PAD] == "<pad>"`, `words[START] == "<start>"`,
        `words[END] == "<end>"`, `words[UNK] == "<unk>"`.

    Raises:
      ValueError: the special tokens are not the first four words, or a word occurs twice.
    """

    words: tuple[str, ...]

    def __post_init__(self):
        if self.words[:4] != SPECIAL:
            raise ValueError(f"a vocabulary starts with {', '.join(SPECIAL)}; got {', '.join(self.words[:4])}")
        repeated = [word for word, count in collections.Counter(self.words).items() if count > 1]
        if repeated:
            raise ValueError(f"a vocabulary has each word once; got several of {', '.join(repeated[:5])}")

    @classmethod
    def build(cls, captions: Iterable[str], min_count: int = 1) -> "Vocabulary":
        """The words that occur at least `min_count` times in the captions, most frequent first.

        Words of equal frequency are in alphabetical order, so the ids depend only on the words of the captions.
        Build it on the training captions only (section 5.1).
        """
        counts = collections.Counter(word for caption in captions for word in words_of(caption))
        kept = [word for word, count in counts.items() if count >= min_count and word not in SPECIAL]
        return cls(SPECIAL + tuple(sorted(kept, key=lambda word: (-counts[word], word))))

    @functools.cached_property
    def ids(self) -> Mapping[str, int]:
        """The id of each word."""
        return {word: index for index, word in enumerate(self.words)}

    @functools.cached_property
    def _composed(self) -> Mapping[str, int]:
        """The id of each word, its letters composed; of words that are the same then, the first."""
        found: dict[str, int] = {}
        for index, word in enumerate(self.words):
            found.setdefault(composed(word), index)
        return found

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, caption: str) -> list[int]:
        """The ids of a caption's tokens, `UNK` for unknown ones; no start or end token is added.

        Accented letters may be composed or not, in the caption and in the vocabulary.
        """
        return [self._composed.get(token, UNK) for token in words_of(caption)]

    def decode(self, ids: Sequence[int]) -> list[str]:
        """The words of a row of ids up to the end token; padding and start tokens are left out.

        Raises:
          ValueError: an id before the end token that no word has.
        """
        words = []
        for index in map(int, ids):
            if index == END:
                break
            if not 0 <= index < len(self.words):
                raise ValueError(f"got id {index}; wanted ids from 0 to {len(self.words) - 1}")
            if index not in (PAD, START):
                words.append(self.words[index])
        return words

    def save(self, path: str | os.PathLike) -> None:
        """Writes the words as JSON, atomically."""
        with atomic(path) as file:
            json.dump(self.words, file, ensure_ascii=False, indent=0)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Vocabulary":
        """Reads a file of `save`.

        Raises:
          ValueError: the file is not a vocabulary.
        """
        words = _read_json(path)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"{path} is not a vocabulary: wanted a JSON list of words, as Vocabulary.save writes")
        return cls(tuple(words))

    @classmethod
    def from_word_map(cls, path: str | os.PathLike) -> tuple["Vocabulary", tuple[int, ...]]:
        """Reads a word map, JSON {word: number}, the format of the published PyTorch captioners.

        In a word map the special tokens are in any place (padding first, the others last); here they come first,
        followed by the other words in the order of their numbers.

        Returns:
          The vocabulary, and for each of its words the number in the file: word i of the vocabulary is row
          `numbers[i]` of the arrays that belong to the word map.

        Raises:
          ValueError: the file is not a word map, its numbers are not 0, 1, 2, ... each once, or a special token is
            missing.
        """
        numbers = _read_json(path)
        if not isinstance(numbers, dict) or not all(type(number) is int for number in numbers.values()):
            raise ValueError(f"{path} is not a word map: wanted a JSON object {{word: number}}")
        if sorted(numbers.values()) != list(range(len(numbers))):
            raise ValueError(
                f"{path}: {len(numbers)} words, but their numbers are not 0 to {len(numbers) - 1} each once"
            )
        missing = [token for token in SPECIAL if token not in numbers]
        if missing:
            raise ValueError(f"{path}: a word map has {', '.join(SPECIAL)}; {', '.join(missing)} missing")
        rest = sorted(numbers.keys() - set(SPECIAL), key=numbers.__getitem__)
        words = (*SPECIAL, *rest)
        return cls(words), tuple(numbers[word] for word in words)


def _read_json(path: str | os.PathLike):
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except ValueError as error:  # invalid JSON or UTF-8
        raise ValueError(f"{path}: not a JSON file ({error})") from error
