from lrp_jax.captions.words import END, PAD, START, UNK, Vocabulary, tokenize
from lrp_jax.captions.words.stop_words import NLTK_ENGLISH, STOP_WORDS, stop_ids


def test_the_list_is_the_one_of_179_words():
    assert len(NLTK_ENGLISH) == len(set(NLTK_ENGLISH)) == 179
    assert NLTK_ENGLISH[:3] == ("i", "me", "my")
    assert NLTK_ENGLISH[-2:] == ("wouldn", "wouldn't")
    assert "won't" in NLTK_ENGLISH and "shan" in NLTK_ENGLISH and "cannot" not in NLTK_ENGLISH


def test_every_token_of_a_stop_word_is_one():
    for word in NLTK_ENGLISH:
        assert set(tokenize(word)) <= STOP_WORDS, word
    assert set(tokenize("I'm sure it's not what they've said: don't, won't, shan't, he'd")) - STOP_WORDS == {
        "sure",
        "said",
    }
    # What other lists drop, and captions are about.
    assert not STOP_WORDS & {"man", "men", "room", "old", "fire", "top", "front", "side", "two", "white"}


def test_ids_of_a_vocabulary():
    vocabulary = Vocabulary.build(["a dog does n't sit on the old mat"])
    ids = stop_ids(vocabulary)
    assert ids == tuple(sorted(ids))
    assert {PAD, START, END, UNK} <= set(ids)
    assert {vocabulary.words[i] for i in ids[4:]} == {"a", "does", "n't", "on", "the"}
