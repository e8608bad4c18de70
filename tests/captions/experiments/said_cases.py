"""Images with references, and captions that somebody gave them: cases without a model."""

import types

import numpy as np
import pandas as pd

from lrp_jax.captions.data.domain import Domain
from lrp_jax.captions.experiments import Case, Context
from lrp_jax.captions.images import Example
from lrp_jax.captions.words import Vocabulary

WORDS = {"dog": "dog", "dogs": "dog", "puppy": "dog", "hot dog": "hot dog", "cat": "cat", "man": "man", "bus": "bus"}
DOMAIN = Domain("toy", WORDS, lambda example: frozenset(example.names))


def image(name, objects, references, pixels=None):
    pixels = np.zeros((4, 4, 3), np.uint8) if pixels is None else pixels
    boxes = np.tile(np.float32([0, 0, 1, 1]), (len(objects), 1)).reshape(-1, 4)
    return Example(id=name, image=pixels, captions=tuple(references), boxes=boxes, names=tuple(objects))


def case(example, caption, index=0, known=None):
    words = caption.split()
    vocabulary = Vocabulary.build([" ".join(words), *(known or [])])
    speaker = types.SimpleNamespace(words=vocabulary)
    ids = np.array([vocabulary.ids.get(word, 3) for word in words], int)
    return Case(index, example, None, np.zeros((1, 1)), ids, speaker, DOMAIN)


def rows_of(experiment, images, captions, known=None):
    """The rows of an experiment, as `experiments.rows_of` would give them."""
    found = []
    for index, (example, caption) in enumerate(zip(images, captions, strict=True)):
        for row in experiment.rows(case(example, caption, index, known)):
            found.append({"image": index, "id": example.id, **row})
    return pd.DataFrame(found)


def context_of(images, training=(), rows_of=None):
    return Context(
        dataset=images, domain=DOMAIN, training_captions=lambda: [list(texts) for texts in training], rows_of=rows_of
    )


def through_a_file(rows, path):
    """Rows as the study reads them."""
    from lrp_jax.captions.experiments import read_rows

    rows.to_csv(path, index=False, lineterminator="\n", na_rep="nan")
    return read_rows(path)
