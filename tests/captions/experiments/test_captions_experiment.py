"""Tables 1 and 4: which references count, document frequencies of the whole test set, and what is missing."""

import numpy as np
import pandas as pd
import pytest
from said_cases import context_of, image, rows_of, through_a_file

from lrp_jax.captions.experiments import Captions
from lrp_jax.captions.experiments import captions as module
from lrp_jax.captions.experiments.captions import KNOWN, RAW
from lrp_jax.captions.metrics import cider
from lrp_jax.captions.metrics.captions import bleu, rouge_l
from lrp_jax.captions.metrics.java import MissingPartError

IMAGES = [
    image("a", [], ["A dog runs on the grass.", "the dog is running"]),
    image("b", [], ["a man rides a zebu", "a rider on a zebu in a field"]),
    image("c", [], ["a cat's ball", "a ball of a cat"]),
    image("d", [], []),
    image("e", [], ["two boats"]),
]
CAPTIONS = ["a dog runs on grass", "a man in a field", "a cat 's ball", "a dog", "a boat"]
KNOWN_WORDS = ["a dog runs on the grass is running man rides rider in field cat 's ball of two boats"]
PYTHON = ("BLEU-1", "BLEU-4", "ROUGE-L", "CIDEr")


def value(table, measure, references=RAW):
    (found,) = table[(table["measure"] == measure) & (table["references"] == references)]["value"]
    return found


def test_the_measures_of_raw_references_and_of_known_words(tmp_path):
    rows = rows_of(Captions(), IMAGES, CAPTIONS, KNOWN_WORDS)
    assert rows["unknown"].tolist() == ["", "zebu", "", "", ""]
    told = [i for i in range(5) if IMAGES[i].captions]
    said, truth = [CAPTIONS[i] for i in told], [IMAGES[i].captions for i in told]
    for read in (rows, through_a_file(rows, tmp_path / "rows.csv")):
        tables = Captions(measures=PYTHON).tables(read, context_of(IMAGES))
        assert list(tables) == ["captions"]  # nothing is missing
        table = tables["captions"]
        assert table["captions"].unique().tolist() == [4]  # the image without references is left out
        for references in (truth, [[text.replace("zebu", "") for text in texts] for texts in truth]):
            kind = RAW if references is truth else KNOWN
            assert value(table, "CIDEr", kind) == pytest.approx(cider(said, references)[0])
            assert value(table, "ROUGE-L", kind) == pytest.approx(rouge_l(said, references)[0])
            assert value(table, "BLEU-1", kind) == pytest.approx(bleu(said, references).scores()[0])
            assert value(table, "BLEU-4", kind) == pytest.approx(bleu(said, references).scores()[3])
        assert value(table, "ROUGE-L") != value(table, "ROUGE-L", KNOWN)
        assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()


def test_document_frequencies_are_of_the_whole_test_set():
    experiment = Captions(measures=("CIDEr",))
    rows = rows_of(experiment, IMAGES, CAPTIONS)
    table = experiment.tables(rows[:2], context_of(IMAGES))["captions"]
    told = [i for i in range(5) if IMAGES[i].captions]
    _, scores = cider([CAPTIONS[i] for i in told], [IMAGES[i].captions for i in told])
    assert value(table, "CIDEr") == pytest.approx(scores[:2].mean())
    assert value(table, "CIDEr") != pytest.approx(cider(CAPTIONS[:2], [e.captions for e in IMAGES[:2]])[0])


def test_starts_do_not_share_document_frequencies():
    experiment = Captions(measures=PYTHON)
    rows = rows_of(experiment, IMAGES, CAPTIONS)
    pooled = pd.concat([rows.assign(start=start) for start in range(3)], ignore_index=True)
    once, often = (experiment.tables(each, context_of(IMAGES))["captions"] for each in (rows, pooled))
    np.testing.assert_allclose(once["value"], often["value"])


def test_what_is_missing_costs_its_own_measure_alone(monkeypatch):
    def not_there(*args, **kwargs):
        raise MissingPartError("install it")

    for name in ("meteor", "spice", "f_bert"):
        monkeypatch.setattr(module, name, not_there)
    tables = Captions().tables(rows_of(Captions(), IMAGES, CAPTIONS), context_of(IMAGES))
    assert tables["captions"]["measure"].tolist()[:6] == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr"]
    assert tables["missing"]["measure"].tolist() == ["METEOR", "SPICE", "F_BERT"]
    assert tables["missing"]["wanted"].tolist() == ["install it"] * 3
    only = Captions(measures=("SPICE",)).tables(rows_of(Captions(), IMAGES, CAPTIONS), context_of(IMAGES))
    assert list(only) == ["missing"]


def test_without_references_there_is_nothing_to_compare_with():
    rows = rows_of(Captions(), IMAGES[3:4], CAPTIONS[3:4])
    assert list(Captions().tables(rows, context_of(IMAGES[3:4]))) == ["missing"]
    assert list(Captions().tables(pd.DataFrame(), context_of(IMAGES))) == ["missing"]


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="'BLEU-5', wanted measures out of BLEU-1"):
        Captions(measures=("BLEU-5",))
    with pytest.raises(ValueError, match="'spacy', wanted"):
        Captions(tokenizer="spacy")
