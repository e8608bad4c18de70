import numpy as np
import pytest

from lrp_jax.captions.words import Vocabulary, check_caption, check_index

SIZE = 10


@pytest.mark.parametrize(
    "tokens",
    [
        [1, 5],
        [1, 5, 3, 2],
        [1, 5, 2, 0, 0],
        [1, 5, 0, 0],
        [1, 2],
        [[1, 5, 6, 2], [1, 7, 0, 0]],
        np.array([1, 9], np.uint8),
    ],
)
def test_captions_pass_as_they_are(tokens):
    np.testing.assert_array_equal(check_caption(tokens, SIZE), tokens)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([5, 6], "wanted the start token 1 first"),
        ([0, 1, 5], "wanted the start token 1 first"),
        ([2, 5], "wanted the start token 1 first"),
        ([1, 1, 5], "the start token 1 comes again at position 1"),
        ([1, 5, 1, 6], "the start token 1 comes again at position 2"),
        ([1, 5, 2, 6], "the end token 2 at position 2 is followed by 6"),
        ([1, 5, 2, 2], "the end token 2 at position 2 is followed by 2"),
        ([1, 5, 2, 0, 6], "the end token 2 at position 2 is followed by 6"),
        ([1, 0, 5], "padding 0 at position 1 is followed by 5"),
        ([1, 5, 0, 0, 2], "padding 0 at position 2 is followed by 2"),
        ([1, 10], "got token 10; wanted ids from 0 to 9, of the 10 words"),
        ([1, -100], "got token -100"),
        ([1.0, 5.0], "got tokens of type float64; wanted integers"),
        ([True, True], "got tokens of type bool"),
        ([1], "wanted at least 1 word after the start token"),
        ([1, 0, 0], "wanted at least 1 word after the start token"),
        ([], "wanted the start token 1 first"),
        ([[1, 5, 6], [5, 6, 2]], r"got tokens \[5, 6, 2\]: wanted the start token"),
        ([1, *[5] * 30, 2, 5], r"5, \.\.\.\]: the end token 2 at position 31 is followed by 5"),
    ],
)
def test_what_is_no_caption_is_refused(tokens, message):
    with pytest.raises(ValueError, match=message):
        check_caption(np.array(tokens), SIZE)


def test_a_beginning_may_have_no_word_yet():
    np.testing.assert_array_equal(check_caption([1], SIZE, words=0), [1])


@pytest.mark.parametrize(("index", "wanted"), [(0, 0), (-1, 3), (-4, 0), ([3, -2], [3, 2]), ([], [])])
def test_indices_are_those_of_numpy(index, wanted):
    found = check_index("row", index, 4)
    np.testing.assert_array_equal(found, np.array(wanted, int))
    np.testing.assert_array_equal(np.arange(4)[found], np.arange(4)[np.asarray(index, int)])


@pytest.mark.parametrize(
    ("index", "message"),
    [(4, "got row=4; wanted 0 to 3, or -1 to -4 from the last on"), ([0, -5], "got row=-5"), (1.0, "wanted integers")],
)
def test_other_indices_are_refused(index, message):
    with pytest.raises(ValueError, match=message):
        check_index("row", index, 4)


def test_a_vocabulary_has_no_word_for_other_ids():
    words = Vocabulary.build(["a dog"])
    assert words.decode([1, 4, 5, 2, 99]) == ["a", "dog"]  # what follows the end token is not read
    for wrong in (6, -1):
        with pytest.raises(ValueError, match=f"got id {wrong}; wanted ids from 0 to 5"):
            words.decode([1, wrong])
