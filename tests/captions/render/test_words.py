import numpy as np
import pytest

from lrp_jax.captions.render import context, signed
from lrp_jax.captions.render.words import words_scale


def test_a_word_is_explained_by_what_was_read_before_it(make_case):
    case = make_case()
    tokens = context(case, 2)
    assert [token.text for token in tokens] == ["<start>", "a", "red"]
    np.testing.assert_allclose([token.value for token in tokens], case.explanation.words[2, :3])


def test_the_tokens_of_all_shown_words_share_a_scale(make_case):
    words = np.zeros((6, 6))
    words[1, 0], words[3, 2], words[5, 5] = 1, -4, 100
    case = make_case(words=words, case={"rows": [1, 3]})
    assert words_scale(case) == 4
    assert context(case, 1)[0].strength == 0.25
    assert context(case, 3)[2].strength == -1


def test_methods_without_words_have_no_context(make_case):
    case = make_case(method="attention")
    assert context(case, 3) == [] and words_scale(case) == 0


def test_no_relevance_anywhere_is_no_colour(make_case):
    tokens = context(make_case(words=np.zeros((6, 6))), 3)
    assert [token.strength for token in tokens] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.31249, "+0.312"),
        (-4.567, "−4.57"),
        (60.24, "+60.2"),
        (-1234.5, "−1234"),
        (0.00288, "+0.00288"),
        (2.5e-7, "+2.50e−7"),
        (-3.1e7, "−3.10e7"),
    ],
)
def test_numbers_for_people(value, text):
    assert signed(value) == text
