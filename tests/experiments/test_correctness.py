"""Correctness of words, on explanations that are made up so that the answer is known."""

import math

import numpy as np
import pytest

from lrp_jax.data.records import Example
from lrp_jax.data.vocabulary import START, Vocabulary
from lrp_jax.experiments import correctness_of_words, summarise
from lrp_jax.explain import Explanation

CATEGORIES = {"dog": "dog", "puppy": "dog", "hot dog": "hot dog", "kite": "kite"}


def words_of(vocabulary, text):
    return np.array([START, *vocabulary.encode(text)])


def example(name, boxes, names):
    image = np.full((8, 8, 3), int(name), np.uint8)
    return Example(
        id=name, image=image, captions=(), boxes=np.array(boxes, np.float32), names=tuple(names), split="test"
    )


def explainer(vocabulary, said, maps):
    """`said` and `maps` by the grey value of the image."""

    def explain(image):
        key = int(image[0, 0, 0])
        tokens = words_of(vocabulary, said[key])
        pixels = np.repeat(np.asarray(maps[key], float)[..., None], 3, axis=-1)
        return Explanation("lrp", tokens, np.zeros(len(tokens) - 1), pixels=pixels)

    return explain


def left_half(height=8):
    return np.concatenate([np.ones((height, 4)), np.zeros((height, 4))], axis=1)


def test_by_hand():
    vocabulary = Vocabulary.build(["a dog and a kite", "a hot dog", "a puppy"], 1)
    examples = [
        example("1", [[0, 0, 0.5, 1], [0, 0, 1, 0.25]], ["dog", "kite"]),
        example("2", [[0.5, 0, 1, 1]], ["dog"]),
        example("3", [[0, 0, 0.25, 1]], ["hot dog"]),
    ]
    said = {1: "a dog and a kite", 2: "a puppy and a kite", 3: "a hot dog"}
    left, uniform = left_half(), np.ones((8, 8))
    maps = {
        1: [uniform, left, uniform, uniform, uniform],
        2: [uniform, 3 * uniform - 2 * left, uniform, uniform, uniform],
        3: [left, uniform, left - 2 * (1 - left)],
    }
    records = correctness_of_words(examples, explainer(vocabulary, said, maps), vocabulary, CATEGORIES)
    assert [(r.image, r.word, r.category) for r in records] == [
        ("1", "dog", "dog"),
        ("1", "kite", "kite"),
        ("2", "puppy", "dog"),
        ("3", "hot dog", "hot dog"),
    ]
    # The kite of image 2 is not there and is left out; negative relevance does not count.
    np.testing.assert_allclose([r.correctness for r in records], [1, 0.25, 0.75, 0.5])
    np.testing.assert_allclose([r.share for r in records], [0.5, 0.25, 0.5, 0.25])
    # The dog of image 1 under the map of image 2 gets 1 of 4 parts, and the other way round 0.
    np.testing.assert_allclose([r.elsewhere for r in records], [0.25, math.nan, 0, math.nan])
    summary = summarise(records)
    assert (summary.words, summary.images) == (4, 3)
    np.testing.assert_allclose(summary.correctness, 2.5 / 4)
    np.testing.assert_allclose(summary.gain, 2.5 / 1.5)
    np.testing.assert_allclose(summary.over_elsewhere, 0.75)
    assert summary.interval[0] <= summary.correctness <= summary.interval[1]


def test_nothing_named_is_an_error():
    with pytest.raises(ValueError, match="got no correctly named object"):
        summarise([])
