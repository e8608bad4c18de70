"""What a captioner is given by people: captions and indices of which it says what is wrong with them."""

import dataclasses

import jax
import numpy as np
import pytest
from small_speaker import SIZE, small_speaker

from lrp_jax.captions.runs.speaker import Caption
from lrp_jax.captions.words import Vocabulary

IMAGE = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def speaker():
    return small_speaker("mhfc")


@pytest.fixture(scope="module")
def features(speaker):
    return speaker.encode(IMAGE)


def test_given_reads_what_it_made_itself(speaker):
    said = speaker.given("a red ball")
    assert speaker.given(said) is said
    for tokens in (said.tokens, [*said.tokens, 2], [*said.tokens, 2, 0, 0], [*said.tokens, 0]):
        assert str(speaker.given(np.array(tokens))) == "a red ball"


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([7, 4, 5], "the start token 1 first"),
        ([1, 7, 2, 5], "the end token 2 at position 2 is followed by 5"),
        ([1, 0, 5], "padding 0 at position 1 is followed by 5"),
        ([1, 1, 5], "comes again"),
        ([1, 9999], "got token 9999; wanted ids from 0 to"),
        ([1, -1], "got token -1"),
        ([[1, 5], [1, 6]], r"got tokens of shape \(2, 2\); wanted one caption"),
    ],
)
def test_what_is_no_caption_is_refused_everywhere(speaker, features, tokens, message):
    with pytest.raises(ValueError, match=message):
        speaker.given(np.array(tokens))
    with pytest.raises(ValueError, match=message):
        speaker.explain(IMAGE, np.array(tokens))
    if np.ndim(tokens) == 1:
        with pytest.raises(ValueError, match=message):
            speaker.logits(features, np.array(tokens))


def test_logits_of_a_beginning_and_inside_of_jit(speaker, features):
    start = speaker.logits(features, np.array([1]))
    assert start.shape == (1, len(speaker.words))
    tokens = np.array([1, 5, 6])
    inside = jax.jit(lambda tokens: speaker.logits(features, tokens))(tokens)
    np.testing.assert_allclose(inside, speaker.logits(features, tokens), rtol=0, atol=1e-4)
    np.testing.assert_allclose(inside[:1], start, rtol=0, atol=1e-4)


def test_a_caption_of_another_vocabulary_is_refused(speaker):
    words = list(speaker.words.words)
    words[5], words[6] = words[6], words[5]
    other = dataclasses.replace(speaker, words=Vocabulary(tuple(words)))
    said = other.given(np.array([1, 4, 5]))
    with pytest.raises(ValueError, match=f"id 5 is {words[5]!r} in it, and here {words[6]!r}; wanted its text"):
        speaker.given(said)
    assert str(speaker.given(str(said))) == str(said)
    forged = Caption(np.array([1, len(words)]), ("nothing",))
    with pytest.raises(ValueError, match=f"got token {len(words)}"):
        speaker.explain(IMAGE, forged)


def test_a_vocabulary_of_another_size_is_no_captioners(speaker):
    fewer = Vocabulary(speaker.words.words[:-1])
    with pytest.raises(ValueError, match=f"got a vocabulary of {len(fewer)} words for a captioner of {len(fewer) + 1}"):
        dataclasses.replace(speaker, words=fewer)


def test_rows_and_heads_count_from_the_last_word_of_the_caption(speaker):
    said = speaker.given("a red ball")  # padded to four words: row -1 is "ball" all the same
    last = speaker.explain(IMAGE, said, rows=[-1], head=-1)
    wanted = speaker.explain(IMAGE, said, rows=[2], head=1)
    assert last.head == 1
    assert np.isfinite(last.pixels[2]).all()
    assert np.isnan(last.pixels[:2]).all()
    np.testing.assert_array_equal(last.pixels, wanted.pixels)
    np.testing.assert_array_equal(last.words, wanted.words)


def test_each_word_against_a_word_of_its_own(speaker):
    said, ids = speaker.given("a red ball"), np.array([4, -1, 6])
    together = speaker.explain(IMAGE, said, against=ids)
    np.testing.assert_array_equal(together.against, [4, len(speaker.words) - 1, 6])
    for t, other in enumerate(together.against):
        alone = speaker.explain(IMAGE, said, against=int(other))
        np.testing.assert_allclose(together.words[t], alone.words[t], rtol=1e-5, atol=1e-7)
    by_word = speaker.explain(IMAGE, said, against=speaker.words.words[6])
    np.testing.assert_array_equal(by_word.words, speaker.explain(IMAGE, said, against=6).words)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"rows": [3]}, "got rows=3; wanted 0 to 2"),  # padding has a fourth row
        ({"rows": [-4]}, "got rows=-4"),
        ({"rows": [0.5]}, "wanted integers"),
        ({"rows": []}, "wanted at least one"),
        ({"head": 2}, "got head=2; wanted 0 to 1"),
        ({"head": -3}, "got head=-3"),
        ({"against": 9999}, "got against=9999; wanted 0 to"),
        ({"against": -9999}, "got against=-9999"),
        ({"against": [4, 5, 9999]}, "got against=9999"),
        ({"against": [4, 5]}, r"got against of shape \(2,\)"),
        ({"against": "zebra crossing"}, "got against='zebra crossing'; wanted a word of the vocabulary"),
        ({"length": 2}, "got a caption of 3 words; wanted at most length=2"),
    ],
)
def test_what_is_out_of_range_is_refused(speaker, how, message):
    with pytest.raises(ValueError, match=message):
        speaker.explain(IMAGE, "a red ball", **how)


def test_likelihoods_refuse_words_that_there_are_not(speaker, features):
    size = len(speaker.words)
    last = speaker.log_p_next(features, [[4, 5]], [-1])
    np.testing.assert_array_equal(last, speaker.log_p_next(features, [[4, 5]], [size - 1]))
    with pytest.raises(ValueError, match=f"got word={size}"):
        speaker.log_p_next(features, [[4, 5]], [size])
    with pytest.raises(ValueError, match="got word 9999"):
        speaker.log_p_next(features, [[4, 9999]], [5])
    with pytest.raises(ValueError, match="got 2 beginnings, 1 words"):
        speaker.log_p_next(features, [[4], [5]], [5])
    with pytest.raises(ValueError, match="got word -1"):
        speaker.log_probabilities(features, [[4, -1]])
    too_long = [4] * (speaker.max_length + 1)
    with pytest.raises(
        ValueError, match=f"got a caption of {len(too_long)} words; wanted at most {speaker.max_length}"
    ):
        speaker.log_probabilities(features, [too_long])


def test_explanations_count_their_words(speaker):
    found = speaker.explain(IMAGE, "a red ball")
    assert found.first(2).words.shape == (2, 2)
    for wrong in (4, -1):
        with pytest.raises(ValueError, match=f"got count={wrong}; wanted 0 to 3"):
            found.first(wrong)


def test_no_words_have_no_relevance(speaker, features):
    assert speaker.explain_words(features, np.array([], int), "lrp").shape == (0, 0)


@pytest.mark.parametrize("size", [0, -2])
def test_a_batch_of_nothing_is_refused(speaker, features, size):
    for ask in (
        lambda: speaker.encode([IMAGE], batch_size=size),
        lambda: small_speaker("mhfc", talkative=False).caption(features[None], batch_size=size),
        lambda: speaker.log_probabilities(features, [[4]], batch_size=size),
        lambda: speaker.log_p_next(features, [[4]], [5], batch_size=size),
    ):
        with pytest.raises(ValueError, match=f"got batch_size={size}; wanted at least 1"):
            ask()


def test_no_images_have_no_features(speaker):
    with pytest.raises(ValueError, match="got no images; wanted at least one"):
        speaker.encode([])
