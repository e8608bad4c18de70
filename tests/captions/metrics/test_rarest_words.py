import math

import numpy as np
import pytest

from lrp_jax.captions.metrics.rarest_words import over_references, permutation_test, rarest_word_count
from lrp_jax.captions.words.stop_words import STOP_WORDS

COUNTS = {"dog": 30, "runs": 7, "the": 900, "grass": 12}


def test_the_rarest_word_that_is_no_stop_word():
    assert rarest_word_count("The dog RUNS on grass.", COUNTS, STOP_WORDS) == 7
    assert rarest_word_count("the dog", COUNTS, STOP_WORDS) == 30
    assert rarest_word_count("an aardvark and a dog", COUNTS, STOP_WORDS) == 0
    assert math.isnan(rarest_word_count("what is this", COUNTS, STOP_WORDS))


def test_over_the_references_of_an_image():
    assert over_references(["the dog", "it runs", "is it"], COUNTS, STOP_WORDS) == (7, (30 + 7) / 2)
    assert all(map(math.isnan, over_references(["is it"], COUNTS, STOP_WORDS)))


def test_permutations_against_all_of_them():
    from itertools import permutations

    values, share = np.array([1.0, 2, 4, 8, 16]), np.array([1, 1, -2, 1, -1]) / 3
    all_of_them = [abs(np.array(order) @ share) for order in permutations(values)]
    exact = np.mean(np.array(all_of_them) >= abs(values @ share) - 1e-9)
    assert permutation_test(values, share, draws=4000) == pytest.approx(exact, abs=0.03)
    assert 0.1 < exact < 0.9


def test_never_zero_and_never_more_than_one():
    values = np.r_[np.zeros(30), np.ones(30)]
    share = np.r_[np.full(30, -1 / 30), np.full(30, 1 / 30)]
    assert permutation_test(values, share, draws=99) == 1 / 100
    assert permutation_test(np.full(60, 0.1), share, draws=99) == 1
    assert permutation_test(values, share, draws=99, seed=1) == permutation_test(values, share, draws=99, seed=1)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="a value and a share for each"):
        permutation_test(np.zeros(2), np.zeros(3))
