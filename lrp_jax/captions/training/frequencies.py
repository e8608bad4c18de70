"""Caches document frequencies in a file, with a digest of the captions that they were counted from."""

import logging
import os
import pathlib
from collections.abc import Sequence
from itertools import chain

import numpy as np

from lrp_jax.captions.data.features import digest
from lrp_jax.captions.metrics.cider_tokens import Frequencies, document_frequencies
from lrp_jax.captions.storage.files import atomic


def cached_frequencies(
    path: str | os.PathLike, references: Sequence[Sequence[Sequence[int]]], vocabulary_size: int
) -> Frequencies:
    """The `document_frequencies` of the captions: read from the file if it matches, else counted and written to it."""
    key = references_digest(references, vocabulary_size)
    if pathlib.Path(path).is_file():
        try:
            return load_frequencies(path, key)
        except ValueError as error:
            logging.warning("%s; counted anew", error)
    frequencies = document_frequencies(references, vocabulary_size)
    save_frequencies(path, frequencies, key)
    return frequencies


def references_digest(references: Sequence[Sequence[Sequence[int]]], vocabulary_size: int) -> str:
    """A digest of the token ids of all captions, their grouping by image, and the vocabulary size."""
    captions = [caption for texts in references for caption in texts]
    counts = np.array([len(texts) for texts in references], np.int64)
    lengths = np.array([len(caption) for caption in captions], np.int64)
    tokens = np.fromiter(chain.from_iterable(captions), np.int64, int(lengths.sum()))
    return digest("document frequencies, end token counted", vocabulary_size, counts, lengths, tokens)


def save_frequencies(path: str | os.PathLike, frequencies: Frequencies, key: str) -> None:
    """Writes frequencies as an npz file, with the digest of the captions that they were counted from; atomic."""
    arrays = {f"{name}_{i}": x for name, level in frequencies._asdict().items() for i, x in enumerate(level)}
    with atomic(path, "wb") as file:
        np.savez_compressed(file, key=np.array(key), **arrays)


def load_frequencies(path: str | os.PathLike, key: str) -> Frequencies:
    """Reads what `save_frequencies` wrote.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file is damaged, or its frequencies were counted from captions with another digest than `key`.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        found = str(arrays["key"])
        levels = {"idf": 4, "words": 3, "begins": 3}
        frequencies = Frequencies(*(tuple(arrays[f"{k}_{i}"] for i in range(n)) for k, n in levels.items()))
    except FileNotFoundError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise different errors
        raise ValueError(f"{path}: not a file of document frequencies, or damaged ({error}): delete it") from error
    if found != key:
        raise ValueError(f"{path} was counted from other captions (digest {found[:12]}, wanted {key[:12]}): delete it")
    return frequencies
