import math

import numpy as np
import pytest

from lrp_jax.captions.metrics.frequent_words import names_said, word_precision

WORDS = {"dog": "dog", "hot dog": "hot dog", "home plate": None}


def test_a_name_of_several_words_is_one_word():
    assert names_said(["a", "hot", "dog", "and", "a", "dog"], WORDS) == {"a", "and", "hot dog", "dog"}
    assert names_said(["a", "hot", "dog"], WORDS) == {"a", "hot dog"}
    assert names_said([], WORDS) == frozenset()


def test_the_three_means_by_hand():
    said = [frozenset({"dog", "cat"}), frozenset({"dog"}), frozenset({"dog"}), frozenset()]
    true = [frozenset({"dog"}), frozenset({"cat", "dogs"}), frozenset({"dog"}), frozenset({"man"})]
    found = word_precision(said, true, ["dog", "cat", "man"])
    np.testing.assert_allclose(found.of_words(), [2 / 3, 0, math.nan])
    assert found.means() == pytest.approx(((2 / 3 + 0 + 0) / 3, (2 / 3 + 0) / 2, 2 / 4))
    twice = np.array([0.0, 2, 1, 1])  # the first caption does not count
    np.testing.assert_allclose(found.of_words(twice), [1 / 3, math.nan, math.nan])
    assert found.means(twice) == pytest.approx((1 / 9, 1 / 3, 1 / 3))
    nothing = found.means(np.zeros(4))
    assert nothing.of_all == 0 and math.isnan(nothing.of_said) and math.isnan(nothing.pooled)


def test_one_caption_per_image():
    with pytest.raises(ValueError, match="got 2 for 1 images"):
        word_precision([frozenset(), frozenset()], [frozenset()], ["dog"])
