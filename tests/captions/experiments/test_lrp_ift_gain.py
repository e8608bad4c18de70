"""Against the baseline: Table 5 by hand, paired differences, and the captions side by side."""

import functools

import numpy as np
import pandas as pd
import pytest
from said_cases import context_of, image, rows_of, through_a_file

from lrp_jax.captions.experiments import Chair, FrequentWords, LrpIftGain
from lrp_jax.captions.metrics import cider

IMAGES = (
    image("a", ["dog"], ["a dog jumps", "the dog"]),
    image("b", ["man"], ["a man sleeps", "a man"]),
    image("c", ["cat"], ["a cat sits"]),
    image("d", ["bus"], ["a bus"]),
    image("e", ["man"], []),
)
BASELINE = ("a cat jumps", "a man sleeps", "a cat sits", "a bus", "a man")
TUNED = ("a dog jumps", "a man and a dog", "a cat", "a bus", "a dog")
TRAINING = [["a dog jumps", "a dog"], ["a man sleeps", "the dog jumps"], ["a cat"], ["a bus and a man"]]
EXPERIMENT = LrpIftGain(count=3, permutations=200)


@functools.cache
def tables_of(tuned=TUNED, baseline=BASELINE, experiment=EXPERIMENT, starts=None, images=IMAGES):
    rows, before = (rows_of(experiment, images, captions) for captions in (tuned, baseline))
    if starts:
        rows, before = (
            pd.concat([each.assign(start=start) for start in range(starts)], ignore_index=True)
            for each in (rows, before)
        )
    context = context_of(images, TRAINING, lambda name: before)
    return experiment.tables(rows, context), context


def test_table_five_by_hand():
    table = tables_of()[0]["lrp_ift_gain"].set_index("references")
    # Training has dog 3, jumps 2, man 2, sleeps 1, cat 1, bus 1; "a", "the" and "and" are stop words. Image a got
    # better: its references have c = 2 (jumps) and 3 (dog). Image b got worse: 1 (sleeps) and 2 (man); c too: 0 (sits).
    # d is a tie, e has no references.
    assert table.loc["rarest", ["improved", "degraded", "difference"]].tolist() == [2, (1 + 0) / 2, 0.5 - 2]
    assert table.loc["mean", ["improved", "degraded", "difference"]].tolist() == [2.5, (1.5 + 0) / 2, 0.75 - 2.5]
    assert table.loc["rarest", ["captions_improved", "captions_degraded", "captions_equal"]].tolist() == [1, 2, 1]
    # Of the three values 2, 1 and 0, which is that of the one improved image: as far apart in 2 of 3 cases (2 or 0).
    assert table.loc["rarest", "p"] == pytest.approx(2 / 3, abs=0.1)


def test_differences_are_those_of_the_measures_alone():
    table = tables_of()[0]["against_baseline"].set_index("measure")
    context = context_of(IMAGES, TRAINING)
    for column, captions in (("baseline", BASELINE), ("fine_tuned", TUNED)):
        expected = cider(captions[:4], [example.captions for example in IMAGES[:4]])[0]
        assert table.loc["CIDEr", column] == pytest.approx(expected)
        chair = Chair().tables(rows_of(Chair(), IMAGES, captions), context)["chair"]
        assert table.loc[["CHAIRi", "CHAIRs"], column].tolist() == pytest.approx(chair["value"].tolist()[:2])
        words = FrequentWords(count=3)
        precision = words.tables(rows_of(words, IMAGES, captions), context)["frequent_words"]
        assert table[column].tolist()[3:] == pytest.approx(precision["value"].tolist())
    np.testing.assert_allclose(table["difference"], table["fine_tuned"] - table["baseline"])
    assert table.loc["CHAIRi", ["baseline", "fine_tuned"]].tolist() == pytest.approx([1 / 5, 2 / 6])


def test_equal_captions_have_no_difference_and_no_error():
    tables = tables_of(tuned=BASELINE)[0]
    assert (tables["against_baseline"][["difference", "low", "high", "error"]].fillna(0) == 0).all(axis=None)
    gains = tables["lrp_ift_gain"]
    assert gains["captions_equal"].tolist() == [4, 4] and gains["improved"].isna().all() and "p" not in gains
    assert tables["examples"].empty and EXPERIMENT.figure(tables) is None


def test_starts_are_paired_with_their_own_baseline():
    once, often = tables_of()[0], tables_of(starts=3)[0]
    np.testing.assert_allclose(once["against_baseline"]["difference"], often["against_baseline"]["difference"])
    np.testing.assert_allclose(once["lrp_ift_gain"]["difference"], often["lrp_ift_gain"]["difference"])
    assert often["lrp_ift_gain"]["captions_improved"].tolist() == [3, 3]
    # The images of all starts are the same, so that they do not make chance less likely.
    assert often["lrp_ift_gain"]["p"].tolist() == once["lrp_ift_gain"]["p"].tolist()
    assert often["examples"]["start"].tolist()[0] == 0


def test_without_a_baseline_it_says_what_is_wanted():
    rows = rows_of(EXPERIMENT, IMAGES, TUNED)
    tables = EXPERIMENT.tables(rows, context_of(IMAGES, TRAINING))
    assert list(tables) == ["missing"] and "--against" in tables["missing"]["wanted"][0]


def test_a_baseline_of_other_images_is_refused():
    rows = rows_of(EXPERIMENT, IMAGES, TUNED)
    others = rows.assign(id="else")
    with pytest.raises(ValueError, match="other images"):
        EXPERIMENT.tables(rows, context_of(IMAGES, TRAINING, lambda name: others))
    with pytest.raises(ValueError, match="column start"):
        EXPERIMENT.tables(rows, context_of(IMAGES, TRAINING, lambda name: rows.assign(start=0)))


def test_rows_through_files_give_the_same(tmp_path):
    tuned, before = (
        through_a_file(rows_of(EXPERIMENT, IMAGES, captions), tmp_path / f"{name}.csv")
        for name, captions in (("tuned", TUNED), ("before", BASELINE))
    )
    read = EXPERIMENT.tables(tuned, context_of(IMAGES, TRAINING, lambda name: before))
    for name, table in tables_of()[0].items():
        pd.testing.assert_frame_equal(read[name], table)


def test_examples_and_counts_of_what_changed():
    tables, context = tables_of()
    examples = tables["examples"].set_index("id")
    assert list(examples.index) == ["a", "b", "e"]
    assert examples.loc["a", ["baseline_marks", "fine_tuned_marks"]].tolist() == ["- gone -", "- corrected -"]
    assert examples.loc["b", ["baseline_marks", "fine_tuned_marks"]].tolist() == ["- - -", "- - - - new"]
    counts = tables["changed_mentions"].set_index("mark")["mentions"].to_dict()
    assert counts == {"kept": 0, "gone": 1, "new": 2, "corrected": 1}
    assert len(tables_of(experiment=LrpIftGain(count=3, examples=1, permutations=9))[0]["examples"]) == 1
    page = EXPERIMENT.pages(tables, context)["examples"]
    assert page.count("data:image/png;base64,") == 3 and page.count('<b class="gone"') == 2  # one in the legend
    assert "http" not in page and "<script" not in page
