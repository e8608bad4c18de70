"""Digests that identify weights and datasets."""

import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from lrp_jax.captions.images import Dataset, Example

# Number of images that are read to identify a dataset: this takes a second, and a changed source changes most images.
SAMPLES = 256


def digest(*things: Any) -> str:
    """The hexadecimal SHA-256 of any values: strings, numbers, None, arrays, and lists, tuples and dicts of them.

    Args:
      *things: the values; order, dict keys, dtypes and shapes are part of the digest.

    Raises:
      TypeError: a value has another type.
    """
    sha = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(things, is_leaf=lambda leaf: leaf is None):
        if not (leaf is None or isinstance(leaf, (str, bytes, bool, int, float, np.generic, np.ndarray, jax.Array))):
            raise TypeError(f"cannot digest a {type(leaf).__name__}: wanted strings, numbers, arrays, containers")
        if isinstance(
            leaf, (np.ndarray, np.generic, jax.Array)
        ):  # NumPy scalars too, because files return them as arrays
            array = np.ascontiguousarray(leaf)
            leaf, content = f"{array.dtype}{array.shape}", array.tobytes()
        else:
            content = leaf if isinstance(leaf, bytes) else b""
        sha.update(f"{jax.tree_util.keystr(path)} {type(leaf).__name__} {leaf!r}\n".encode())
        sha.update(content)
    return sha.hexdigest()


def dataset_digest(dataset: Dataset, samples: int = SAMPLES) -> str:
    """A digest of a dataset's images: of their number, and of the ids and pixels of an evenly spaced sample.

    Captions and boxes are not included, because features do not depend on them. For a list of examples the ids of all
    images are included.

    Args:
      dataset: the images.
      samples: the maximum number of images that are read.
    """
    return digest(ids_digest(dataset), list(image_digests(sample(dataset, samples)).values()))


def sample(dataset: Dataset, samples: int = SAMPLES) -> dict[int, Example]:
    """Some examples of a dataset by index, see `sample_places`."""
    return {place: dataset[place] for place in sample_places(len(dataset), samples)}


def sample_places(count: int, samples: int = SAMPLES) -> list[int]:
    """At most `samples` evenly spaced integers below `count`, including the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(samples, count)).round().astype(int)).tolist() if count else []


def ids_digest(dataset: Dataset) -> str:
    """A digest of the number of images and, for a list of examples, of their ids."""
    ids = "\n".join(example.id for example in dataset) if isinstance(dataset, Sequence) else None
    return digest(len(dataset), ids)


def image_digests(examples: Mapping[int, Example]) -> dict[int, str]:
    """Digests of the ids and pixels of examples."""
    found = {}
    for place, example in examples.items():
        image = example.image
        if isinstance(image, pathlib.Path):
            image = image.read_bytes() if image.is_file() else image.name
        found[place] = digest(example.id, image)
    return found
