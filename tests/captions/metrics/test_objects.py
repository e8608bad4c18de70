import math

import numpy as np
import pytest

from lrp_jax.captions.metrics import named_objects
from lrp_jax.captions.words import tokenize
from lrp_jax.captions.words.objects import mentions

CATEGORIES = {"dog": "dog", "dogs": "dog", "puppy": "dog", "hot dog": "hot dog", "car": "car", "cat": "cat"}


def test_mentions_from_left_to_right_with_their_places():
    found = mentions(tokenize("a puppy eats a hot dog near two dogs"), CATEGORIES)
    assert [(m.position, m.words, m.category) for m in found] == [
        (1, ("puppy",), "dog"),
        (4, ("hot", "dog"), "hot dog"),
        (8, ("dogs",), "dog"),
    ]
    assert mentions([], CATEGORIES) == [] and mentions(["dog"], {}) == []


def test_counts_by_hand():
    captions = ["a dog and a puppy and a cat", "a car", "nothing here", "a cat on a car"]
    present = [{"dog"}, {"car", "dog"}, {"cat"}, set()]
    result = named_objects([tokenize(caption) for caption in captions], present, CATEGORIES)
    np.testing.assert_array_equal(result.named, [3, 1, 0, 2])
    np.testing.assert_array_equal(result.false, [1, 0, 0, 2])
    assert result.precision == pytest.approx(3 / 6)
    assert result.chair_i == pytest.approx(3 / 6)
    assert result.chair_s == pytest.approx(2 / 4)


def test_no_mention_has_no_precision():
    assert math.isnan(named_objects([["nothing"]], [{"dog"}], CATEGORIES).precision)


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="2 for 1 images"):
        named_objects([["dog"], ["cat"]], [{"dog"}], CATEGORIES)


def test_a_name_that_names_nothing_keeps_its_parts():
    words = CATEGORIES | {"cat food": None}
    assert [m.category for m in mentions(tokenize("a cat beside cat food"), words)] == ["cat"]
    result = named_objects([tokenize("cat food"), tokenize("cat")], [set(), set()], words)
    np.testing.assert_array_equal(result.named, [0, 1])
