"""Precision of frequent words: by hand, against a slow implementation, and where folding plurals would change it."""

import math

import numpy as np
import pandas as pd
import pytest
from said_cases import WORDS, context_of, image, rows_of, through_a_file

from lrp_jax.captions.experiments import FrequentWords

IMAGES = [
    image("a", ["dog", "man"], ["A man with dogs.", "a man"]),
    image("b", ["hot dog"], ["a hot dog"]),
    image("c", ["bus"], ["a cat on a bus"]),
    image("d", ["cat"], ["a kitten"]),
]
CAPTIONS = ["a dog and a man and a man", "a dog", "a cat in a bus", "a cat"]
TRAINING = [["a man", "a man and a dog"], ["a dog and a man"], ["a cat", "two dogs", "a hot dog"], ["a bus", "a bus"]]


def values(table, truth):
    return table[table["truth"] == truth]["value"].tolist()


def test_by_hand(tmp_path):
    experiment = FrequentWords(count=6)
    rows = rows_of(experiment, IMAGES, CAPTIONS)
    for read in (rows, through_a_file(rows, tmp_path / "rows.csv")):
        tables = experiment.tables(read, context_of(IMAGES, TRAINING))
        each = tables["words_of_captions"].set_index("word")
        # Ties in alphabetical order; a hot dog is a word of its own.
        assert list(each.index) == ["man", "bus", "dog", "cat", "dogs", "hot dog"]
        assert each["training_captions"].tolist() == [3, 2, 2, 1, 1, 1]
        assert each["captions"].tolist() == [1, 1, 2, 2, 0, 0]
        assert each["true_by_references"].tolist() == [1, 1, 0, 1, 0, 0]  # "dog" where the reference has "dogs": false
        assert each["true_by_objects"].tolist() == [1, 1, 1, 1, 0, 0]
        means = (1 + 1 + 0 + 0.5) / 6, (1 + 1 + 0 + 0.5) / 4, 3 / 6
        assert values(tables["frequent_words"], "references") == pytest.approx(means)
        means = (1 + 1 + 0.5 + 0.5) / 6, (1 + 1 + 0.5 + 0.5) / 4, 4 / 6
        assert values(tables["frequent_words"], "objects") == pytest.approx(means)


def slow_precision(captions, references, words):
    precisions = []
    for word in words:
        hits = misses = 0
        for caption, texts in zip(captions, references, strict=True):
            if word in caption.split():
                if any(word in text.split() for text in texts):
                    hits += 1
                else:
                    misses += 1
        precisions.append((hits, misses))
    each = [hits / (hits + misses) if hits + misses else None for hits, misses in precisions]
    said = [value for value in each if value is not None]
    together = sum(hits for hits, _ in precisions) / sum(hits + misses for hits, misses in precisions)
    return sum(said) / len(each), sum(said) / len(said), together


def test_against_the_slow_implementation():
    rng = np.random.default_rng(1)
    words = ["dog", "dogs", "cat", "man", "bus", "street", "bu"]
    vocabulary = [*words[:-1], "a", "and", "grass"]

    def sentence():
        return " ".join(rng.choice(vocabulary, rng.integers(1, 8)))

    captions = [sentence() for _ in range(50)]
    references = [[sentence() for _ in range(rng.integers(1, 4))] for _ in range(50)]
    images = [image(str(i), [], texts) for i, texts in enumerate(references)]
    experiment = FrequentWords(words=tuple(words))
    table = experiment.tables(rows_of(experiment, images, captions), context_of(images))["frequent_words"]
    expected = slow_precision(captions, references, words)
    assert values(table, "references") == pytest.approx(expected)
    assert expected[0] < expected[1]  # "bu" is never said
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    # "street" and "bu" name no category; the words whose objects can be there are the other five.
    assert table.groupby("truth")["words"].first().to_dict() == {"objects": 5, "references": 7}


def test_cutting_an_s_off_would_be_found():
    # The published evaluation matches plurals by `rstrip("s")`: then all four of these words would be true.
    captions = ["a dog", "two dogs", "a bus", "a glass"]
    references = ["two dogs", "a dog", "a bu", "a glas"]
    words = ["dog", "dogs", "bus", "glass"]
    folded = [
        any(word.rstrip("s") == other.rstrip("s") for other in text.split())
        for word, text in zip(words, references, strict=True)
    ]
    assert all(folded)
    images = [image(str(i), [], [text]) for i, text in enumerate(references)]
    experiment = FrequentWords(words=tuple(words))
    table = experiment.tables(rows_of(experiment, images, captions), context_of(images))["frequent_words"]
    assert values(table, "references") == [0, 0, 0]


def test_several_starts_and_none():
    experiment = FrequentWords(words=("dog", "man"))
    rows = rows_of(experiment, IMAGES, CAPTIONS)
    pooled = pd.concat([rows.assign(start=start) for start in range(4)], ignore_index=True)
    once, often = (experiment.tables(each, context_of(IMAGES))["frequent_words"] for each in (rows, pooled))
    assert values(once, "references") == values(often, "references")
    assert experiment.tables(rows[:0], context_of(IMAGES)) == {}
    nothing = rows_of(experiment, IMAGES, ["a"] * 4)
    found = values(experiment.tables(nothing, context_of(IMAGES))["frequent_words"], "references")
    assert found[0] == 0 and all(math.isnan(value) for value in found[1:])


def test_figure_seven():
    experiment = FrequentWords(count=3)
    tables = experiment.tables(rows_of(experiment, IMAGES, CAPTIONS), context_of(IMAGES, TRAINING))
    said, training = experiment.figure(tables).axes
    assert [bar.get_height() for bar in said.containers[0]] == [1, 1, 2]  # captions said
    assert [bar.get_height() for bar in said.containers[1]] == [1, 1, 0]  # of them true
    assert training.lines[0].get_ydata().tolist() == [3, 2, 2]
    assert [label.get_text() for label in said.get_xticklabels()] == ["man", "bus", "dog"]
    assert experiment.figure({}) is None and set(WORDS) > {"man", "bus"}
