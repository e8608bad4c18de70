"""CHAIR by hand, against a slow implementation, and over several starts."""

import math
import re

import numpy as np
import pytest
from said_cases import DOMAIN, WORDS, context_of, image, rows_of, through_a_file

from lrp_jax.captions.experiments import Chair
from lrp_jax.captions.experiments.chair import chair_of

IMAGES = [
    image("a", ["dog", "man"], ["a man and a cat"]),
    image("b", ["hot dog"], ["a hot dog"]),
    image("c", [], ["a bus"]),
    image("d", ["cat"], ["a cat", "a dog"]),
]
CAPTIONS = ["a dog and a puppy and a cat", "a hot dog beside a dog", "nothing here", "a dog"]


def slow_chair(captions, truths):
    """From the definition of the paper, on strings: names of two words are taken out first."""
    mentioned, false, captions_with_false = 0, 0, 0
    for caption, truth in zip(captions, truths, strict=True):
        text, wrong = f" {caption} ", 0
        for name in sorted(WORDS, key=lambda name: -len(name.split())):
            pattern = rf"(?<= ){name}(?= )"
            times = len(re.findall(pattern, text))
            text = re.sub(pattern, "_", text)
            mentioned += times
            wrong += times * (WORDS[name] not in truth)
        false += wrong
        captions_with_false += wrong > 0
    return false / mentioned, captions_with_false / len(captions)


def values(table, truth):
    return {row["measure"]: row["value"] for row in table.to_dict("records") if row["truth"] == truth}


def test_by_hand():
    rows = rows_of(Chair(), IMAGES, CAPTIONS)
    assert rows["named"].tolist() == [3, 2, 0, 1] and rows["false"].tolist() == [1, 1, 0, 1]
    assert rows["not_told"].tolist() == [2, 1, 0, 0]
    tables = Chair().tables(rows, context_of(IMAGES))
    assert values(tables["chair"], "objects") == pytest.approx({"CHAIRi": 3 / 6, "CHAIRs": 3 / 4})
    assert values(tables["chair"], "references") == pytest.approx({"CHAIRi": 3 / 6, "CHAIRs": 2 / 4})
    assert tables["chair"]["n"].tolist() == [6, 4, 6, 4]
    categories = tables["chair_by_category"].set_index("category")
    assert categories["named"].to_dict() == {"dog": 4, "cat": 1, "hot dog": 1}
    assert categories["false"].to_dict() == {"dog": 2, "cat": 1, "hot dog": 0}


def test_against_the_slow_implementation():
    rng = np.random.default_rng(0)
    vocabulary = ["a", "hot", "and", *WORDS]
    captions = [" ".join(rng.choice(vocabulary, rng.integers(1, 12))) for _ in range(60)]
    images = [
        image(str(i), list(rng.choice(sorted(set(WORDS.values())), rng.integers(0, 4), replace=False)), ["a dog"])
        for i in range(60)
    ]
    table = Chair().tables(rows_of(Chair(), images, captions), context_of(images))["chair"]
    chair_i, chair_s = slow_chair(captions, [set(example.names) for example in images])
    assert values(table, "objects") == pytest.approx({"CHAIRi": chair_i, "CHAIRs": chair_s})
    assert 0 < chair_i < 1
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()


def test_nothing_named_and_nothing_measured():
    assert math.isnan(chair_of(np.zeros((2, 2)))[0]) and chair_of(np.zeros((2, 2)))[1] == 0
    rows = rows_of(Chair(), IMAGES[2:3], CAPTIONS[2:3])
    tables = Chair().tables(rows, context_of(IMAGES))
    assert math.isnan(values(tables["chair"], "objects")["CHAIRi"]) and tables["chair_by_category"].empty
    assert Chair().tables(rows[:0], context_of(IMAGES)) == {}


def test_an_image_without_references_counts_by_its_objects_alone(tmp_path):
    images = [*IMAGES[:2], image("e", ["man"], [])]
    rows = rows_of(Chair(), images, [*CAPTIONS[:2], "a cat"])
    for read in (rows, through_a_file(rows, tmp_path / "rows.csv")):
        table = Chair().tables(read, context_of(images))["chair"]
        assert table["n"].tolist() == [6, 3, 5, 2]


def test_rows_of_several_starts_are_one_table():
    rows = rows_of(Chair(), IMAGES, CAPTIONS)
    again = rows_of(Chair(), IMAGES, ["a dog", "a hot dog", "a bus", "a cat"])
    pooled = [part.assign(start=start) for start, part in enumerate((rows, again, rows))]
    import pandas as pd

    table = Chair().tables(pd.concat(pooled, ignore_index=True), context_of(IMAGES))["chair"]
    named, false = 6 + 4 + 6, 3 + 1 + 3
    assert values(table, "objects") == pytest.approx({"CHAIRi": false / named, "CHAIRs": 7 / 12})
    assert DOMAIN.present(IMAGES[0]) == {"dog", "man"}
