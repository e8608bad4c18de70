"""What tells weights from other weights, and images from other images."""

import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from lrp_jax.captions.images import Dataset, Example

# Images that are read to tell a dataset from another: a second's work, and a change of the source shows in most.
SAMPLES = 256


def digest(*things: Any) -> str:
    """A hexadecimal SHA-256 of things: strings, numbers, None, arrays, and lists, tuples and dicts of them.

    Raises:
      TypeError: something is of another type.
    """
    sha = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(things, is_leaf=lambda leaf: leaf is None):
        if not (leaf is None or isinstance(leaf, (str, bytes, bool, int, float, np.generic, np.ndarray, jax.Array))):
            raise TypeError(f"cannot digest a {type(leaf).__name__}: wanted strings, numbers, arrays, containers")
        if isinstance(leaf, (np.ndarray, np.generic, jax.Array)):  # a number comes back from a file as an array
            array = np.ascontiguousarray(leaf)
            leaf, content = f"{array.dtype}{array.shape}", array.tobytes()
        else:
            content = leaf if isinstance(leaf, bytes) else b""
        sha.update(f"{jax.tree_util.keystr(path)} {type(leaf).__name__} {leaf!r}\n".encode())
        sha.update(content)
    return sha.hexdigest()


def dataset_digest(dataset: Dataset, samples: int = SAMPLES) -> str:
    """A digest of a dataset's images: of how many there are, and of id and pixels of some, spread over them.

    Captions and boxes are not in it: features do not change with them. In a list of examples the ids of all images
    are.

    Args:
      dataset: the images.
      samples: how many are read at most.
    """
    return digest(ids_digest(dataset), list(image_digests(sample(dataset, samples)).values()))


def sample(dataset: Dataset, samples: int = SAMPLES) -> dict[int, Example]:
    """Some examples of a dataset by their places in it, see `sample_places`."""
    return {place: dataset[place] for place in sample_places(len(dataset), samples)}


def sample_places(count: int, samples: int = SAMPLES) -> list[int]:
    """At most so many of the numbers below `count`, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(samples, count)).round().astype(int)).tolist() if count else []


def ids_digest(dataset: Dataset) -> str:
    """A digest of how many images there are and, in a list of examples, of their ids."""
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
