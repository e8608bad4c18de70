import pytest
import source_files
from hypothesis import given
from hypothesis import strategies as st

from lrp_jax.captions.data.sources.captions import MAX_WORDS, clean, usable_captions
from lrp_jax.captions.data.sources.splits import Skips
from lrp_jax.captions.words import tokenize


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("A dog.", "A dog."),
        ("A man \n", "A man"),
        (source_files.ODD, "A man on a horse ."),
        ("A dog\r\nin the\rsnow\x85now", "A dog in the snow now"),
        ("A\x00 dog\x1b[0m", "A dog [0m"),
        ("A \ud83d dog", "A dog"),  # half of an emoji
        ("Une fille au cafe\u0301", "Une fille au café"),
        ("一只狗在草地上", "一只狗在草地上"),
        ("A 🐕 runs", "A 🐕 runs"),
    ],
)
def test_white_space_and_control_characters_become_one_space(text, cleaned):
    assert clean(text) == cleaned
    clean(text).encode()


def test_what_cannot_be_used_is_counted_and_the_order_stays():
    skips = Skips()
    long = "dog " * MAX_WORDS
    captions = ["First.", "", " \r\n", "?!...", None, 3, long, "dog " * 500, long + "s", "Last."]
    assert usable_captions(captions, "7", skips) == ("First.", long.strip(), "Last.")
    assert skips.counts == {
        "caption without a word": 3,
        "caption that is not text": 2,
        "caption of more than 100 words": 2,
    }
    assert skips.lines()[0] == "3 x caption without a word (caption 1 of image 7, caption 2 of image 7, ...)"
    assert skips.lines()[1] == "2 x caption that is not text (caption 4 of image 7, caption 5 of image 7)"


@given(st.text(max_size=12))
def test_kept_is_what_has_a_token(text):
    assert bool(usable_captions([text], "", Skips())) == bool(tokenize(clean(text)))


@given(st.text(max_size=12))
def test_a_cleaned_caption_is_one_line_and_stays_as_it_is(text):
    cleaned = clean(text)
    assert len(cleaned.splitlines()) <= 1 and cleaned == cleaned.strip() and clean(cleaned) == cleaned
