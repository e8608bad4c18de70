"""Table 2 on made-up maps, where every statistic and area can be counted."""

import json
import types

import numpy as np
import pandas as pd
import pytest
from small_speaker import small_scenes, small_speaker

from lrp_jax.captions.data.domain import SCENES, Domain
from lrp_jax.captions.experiments import Context, Hallucination, cases
from lrp_jax.captions.experiments.hallucination import STATISTICS, best_and_worst, compare_areas, statistics_of
from lrp_jax.captions.images import Example
from lrp_jax.captions.metrics.ranks import delong
from lrp_jax.captions.words.objects import Mention

DOMAIN = Domain("toy", {"dog": "dog", "hot dog": "hot dog", "kite": "kite"}, lambda example: frozenset(example.names))


def context(captions=("a dog",)):
    return Context((), DOMAIN, training_captions=lambda: [captions])


def table_of(experiment, rows, name="hallucination", **where):
    table = experiment.tables(rows, context())[name]
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def test_statistics_by_hand():
    E = np.arange(21.0) - 10  # the 5 % quantile of 21 values is the second
    relevance = np.stack([E, E, E + 3], axis=-1)[None]  # channel mean E + 1
    assert statistics_of(relevance) == dict(zip(STATISTICS, (-8, 1, 11, 1), strict=True))
    assert statistics_of(5 * relevance)["max"] == 55  # not normalised


def test_rows_by_hand():
    maps = np.stack([np.full((2, 2, 3), value) for value in (1.0, -2.0, 3.0)])
    case = types.SimpleNamespace(
        example=Example("x", np.zeros((2, 2, 3), np.uint8), ("Two dogs.", "a hot dog"), np.zeros((1, 4)), ("dog",)),
        mentions=[Mention(1, ("hot", "dog"), "hot dog"), Mention(4, ("dog",), "dog"), Mention(6, ("kite",), "kite")],
        present={"dog"},
        heat_maps=lambda method: maps,
        betas=np.linspace(0, 0.7, 8),
        caption=np.array([0, 1, 2, 0, 1, 0, 2, 0]),
        distributions=np.log(np.tile([0.5, 0.2, 0.3], (9, 1))),
    )
    rows = Hallucination(methods=("lrp",)).rows(case)
    assert [row["word"] for row in rows] == ["hot dog", "dog", "kite"]
    assert [row["in_references"] for row in rows] == [True, True, False]  # "a hot dog" has the word "dog"
    assert [row["present"] for row in rows] == [False, True, False]
    assert [row["lrp max"] for row in rows] == [1, -2, 3]
    # A hot dog is looked at where its last word is said, at 2.
    np.testing.assert_allclose([row["1 - beta"] for row in rows], [0.8, 0.6, 0.4])
    np.testing.assert_allclose([row["log p"] for row in rows], np.log([0.3, 0.2, 0.3]))
    np.testing.assert_allclose(rows[0]["margin"], np.log(0.5 / 0.3))
    np.testing.assert_allclose(rows[0]["- entropy"], sum(p * np.log(p) for p in (0.5, 0.2, 0.3)))


def made_up(true, false, **columns):
    """Rows of true and false mentions, one per image, with the same score in every column."""
    scores = [*true, *false]
    names = [f"lrp {name}" for name in STATISTICS]
    frame = pd.DataFrame({"image": range(len(scores)), "word": "dog"} | dict.fromkeys(names, scores))
    frame["in_references"] = frame["present"] = np.arange(len(scores)) < len(true)
    return frame.assign(**{"log p": -frame["lrp max"], "1 - beta": None} | columns)


def test_areas_by_hand():
    # Of six pairs 5.5 are in order: 3 > 1, 3 > 2, 2 > 1, 2 = 2, 4 > 1, 4 > 2.
    rows = made_up([3.0, 2.0, 4.0], [1.0, 2.0])
    experiment = Hallucination(methods=("lrp",))
    found = table_of(experiment, rows, words="all", true="the object is there").set_index(["method", "statistic"])
    np.testing.assert_allclose(found.loc[("lrp", "max"), "AUC"], 5.5 / 6)
    np.testing.assert_allclose(found.loc[("log p", ""), "AUC"], 0.5 / 6)
    assert ("1 - beta", "") not in found.index  # a model without a sentinel
    assert (found["true_mentions"] == 3).all()
    low, high = delong([rows["lrp max"]], rows["present"]).interval()
    np.testing.assert_allclose(found.loc[("lrp", "max"), ["low", "high"]].to_list(), [low[0], high[0]])
    found = table_of(experiment, rows, "hallucination_differences", words="all").set_index("minus")
    np.testing.assert_allclose(found.loc["log p", "difference"], 5 / 6)
    np.testing.assert_allclose(found.loc["lrp max", ["difference", "low", "high"]].astype(float), 0, atol=1e-7)


def test_only_frequent_words_and_known_truth():
    rows = made_up([3.0, 2.0], [1.0, 2.0])
    rows["word"] = ["dog", "kite", "dog", "kite"]
    rows["in_references"] = rows["in_references"].astype(object)
    rows.loc[0, "in_references"] = None  # no reference
    table = Hallucination(methods=("lrp",)).tables(rows, context())["hallucination"]
    counts = table.drop_duplicates(["words", "true"])[["words", "true", "true_mentions", "false_mentions"]]
    assert counts.to_numpy().tolist() == [
        ["20 frequent", "a reference says the word", 0, 1],
        ["20 frequent", "the object is there", 1, 1],
        ["all", "a reference says the word", 1, 2],
        ["all", "the object is there", 2, 2],
    ]
    assert np.isnan(table["AUC"].iloc[0])  # nothing to tell apart


def test_the_published_choice_of_mentions_raises_the_area():
    # Each word is said twice. One value per mention tells nothing; the best of the true and the worst of the false do.
    rows = made_up([1.0, 2.0], [1.0, 2.0], image=[0, 0, 1, 1])
    best = best_and_worst(rows, "present", ["lrp max", "lrp mean"])
    assert best[["present", "lrp max"]].to_numpy().tolist() == [[True, 2], [False, 1]]
    experiment = Hallucination(methods=("lrp",))
    where = {"words": "all", "true": "the object is there", "statistic": "max"}
    assert table_of(experiment, rows, **where)["AUC"].item() == 0.5
    assert table_of(experiment, rows, "hallucination_published", **where)["AUC"].item() == 1


def test_several_models_are_not_ranked_together():
    rows = pd.DataFrame({"image": [0, 1, 2, 3, 4] * 2, "start": [0] * 5 + [1] * 5})
    labels = np.array([1, 1, 1, 0, 0] * 2, bool)
    one = np.array([1.2, 1.1, 1.4, 1.0, 1.3])  # 4 of 6 pairs in order
    scores = np.array([[*one, *100 * one], [*one, *-one]])
    (first, second), (same, against) = compare_areas(scores, labels, rows, 0)
    np.testing.assert_allclose([first[0], second[0]], [4 / 6, 0.5])  # among all ten 14 of 24 would be
    assert first[1] < first[0] < first[2]
    np.testing.assert_allclose(same, 0, atol=1e-12)
    np.testing.assert_allclose(against[0], 1 / 6)


def test_as_printed():
    rows = made_up([3.0, 2.0, 4.0], [1.0, 2.0], **{"1 - beta": [1.0, 1.0, 0.0, 0.0, 0.0]})
    tables = Hallucination(methods=("lrp",)).tables(rows, context())
    printed = tables["hallucination_table_2"]
    assert printed["AUC"].tolist() == list(STATISTICS)
    np.testing.assert_allclose(printed["LRP"], 5.5 / 6)
    np.testing.assert_allclose(printed["1 - beta"].iloc[0], 5 / 6)
    assert len(Hallucination(methods=("lrp",)).figure(tables).axes) == 5


def test_nothing_named_and_wrong_settings():
    experiment = Hallucination()
    tables = experiment.tables(pd.DataFrame([]), context())
    assert "no caption names" in tables["hallucination"]["note"].item()
    assert experiment.figure(tables) is None
    with pytest.raises(ValueError, match="wanted one of"):
        Hallucination(statistic="lrp median")


def test_of_a_captioner():
    speaker, dataset = small_speaker(), small_scenes(4)
    experiment = Hallucination(methods=("lrp",))
    rows = [
        {"image": i, **row} for i, case in cases(speaker, dataset, SCENES, range(4)) for row in experiment.rows(case)
    ]
    assert rows == json.loads(json.dumps(rows))
    captions = [dataset[i].captions for i in range(4)]
    tables = experiment.tables(pd.DataFrame(rows), Context(dataset, SCENES, training_captions=lambda: captions))
    known = tables["hallucination"][["AUC", "low", "high"]].dropna()
    assert len(known)
    assert ((known >= 0) & (known <= 1)).all(axis=None)
    assert "1 - beta" in set(tables["hallucination"]["method"])
