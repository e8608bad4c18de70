import json

import pytest

from lrp_jax.captions.words import END, PAD, START, UNK, Vocabulary

CAPTIONS = ["A dog runs.", "a dog and a ball", "The ball is red", "a cat"]


def test_ids_of_special_tokens():
    assert (PAD, START, END, UNK) == (0, 1, 2, 3)
    assert Vocabulary.build([]).words == ("<pad>", "<start>", "<end>", "<unk>")


def test_build_keeps_frequent_words_in_a_fixed_order():
    # a 4; ball 2, dog 2; the rest 1 each
    assert Vocabulary.build(CAPTIONS, min_count=2).words[4:] == ("a", "ball", "dog")
    assert " ".join(Vocabulary.build(CAPTIONS).words[4:]) == "a ball dog and cat is red runs the"
    assert Vocabulary.build(reversed(CAPTIONS)) == Vocabulary.build(CAPTIONS)


def test_encode_and_decode():
    vocabulary = Vocabulary.build(CAPTIONS, min_count=2)
    assert len(vocabulary) == 7
    assert vocabulary.encode("A dog, a zebra!") == [4, 6, 4, UNK]
    assert vocabulary.decode([START, 4, 6, UNK, END, 5, PAD]) == ["a", "dog", "<unk>"]
    assert vocabulary.decode([START, 4, PAD, PAD]) == ["a"]
    assert vocabulary.encode("<start> <end>") == [UNK, UNK]  # markup in a caption is no control token


def test_saved_and_loaded(tmp_path):
    vocabulary = Vocabulary.build([*CAPTIONS, "ein Fußgänger"])
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == vocabulary
    assert [path.name for path in tmp_path.iterdir()] == ["vocabulary.json"]  # no temporary file is left


def test_what_is_no_vocabulary_is_refused(tmp_path):
    with pytest.raises(ValueError, match="starts with"):
        Vocabulary(("a", "b"))
    with pytest.raises(ValueError, match="each word once; got several of dog"):
        Vocabulary(("<pad>", "<start>", "<end>", "<unk>", "dog", "dog"))
    (tmp_path / "x.json").write_text(json.dumps({"words": []}))
    with pytest.raises(ValueError, match="JSON list of words"):
        Vocabulary.load(tmp_path / "x.json")


def test_a_word_map_in_our_order(tmp_path):
    path = tmp_path / "wordmap.json"
    path.write_text(json.dumps({"two": 1, "guys": 3, "young": 2, "<unk>": 4, "<start>": 5, "<end>": 6, "<pad>": 0}))
    vocabulary, numbers = Vocabulary.from_word_map(path)
    assert vocabulary.words == ("<pad>", "<start>", "<end>", "<unk>", "two", "young", "guys")
    assert numbers == (0, 5, 6, 4, 1, 2, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('["<pad>"]', "not a word map: wanted a JSON object {word: number}"),
        ('{"a": "b"}', "not a word map"),
        ('{"a": true}', "not a word map"),
        ('{"a": 0, "b": 0}', "2 words, but their numbers are not 0 to 1 each once"),
        ('{"<pad>": 0, "a": 1, "<end>": 2}', "<start>, <unk> missing"),
        ("{", "not a JSON file"),
    ],
)
def test_what_is_no_word_map_is_refused(tmp_path, content, message):
    path = tmp_path / "wordmap.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"wordmap.json.*{message}"):
        Vocabulary.from_word_map(path)
