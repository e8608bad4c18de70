"""Word ablation, against sentences and probabilities that are made up, and against words deleted one by one."""

import json
import types

import numpy as np
import pandas as pd
import pytest
from small_speaker import small_scenes, small_speaker

from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import WordAblation, cases, read_rows
from lrp_jax.captions.words import UNK
from lrp_jax.captions.words.objects import Mention

WEIGHTS = (0.02, 0.05, 0.01, 0.03, 0.08, 0.1, 0.2, 0.04, 0.06)
WORDS = ("a", "man", "and", "a", "red", "dog", "near", "the", "kite")


class MadeUp:
    """Each preceding word has a weight; a word is as probable as the weights of what is left."""

    def __init__(self):
        self.weights = dict(zip(range(10, 19), WEIGHTS, strict=True))

    def explain_words(self, features, caption, method):
        relevance = np.zeros((len(caption), len(caption)))
        relevance[:, 0] = 99  # the start token
        for at in range(len(caption)):
            relevance[at, 1 : at + 1] = [self.weights[word] for word in caption[:at]]
        return -relevance if method == "opposite" else relevance

    def log_p_next(self, features, beginnings, words):
        assert len({(tuple(b), w) for b, w in zip(beginnings, words, strict=True)}) == len(words)  # none twice
        return np.log([sum(self.weights.get(word, 0) for word in beginning) for beginning in beginnings])


def made_up_case():
    caption, speaker = np.arange(10, 19), MadeUp()
    before = np.log(np.maximum(np.cumsum([0, *speaker.weights.values()])[:-1], 1e-9))
    return types.SimpleNamespace(
        index=3,
        caption=caption,
        words=WORDS,
        features=None,
        speaker=speaker,
        log_p=before,
        present=frozenset(["dog"]),
        mentions=[Mention(1, ("man",), "man"), Mention(5, ("dog",), "dog"), Mention(8, ("kite",), "kite")],
    )


def test_by_hand():
    experiment = WordAblation(methods=("lrp", "opposite"), draws=4, listed=("near",))
    rows = experiment.rows(made_up_case())
    json.dumps(rows)  # numbers and strings only
    table = pd.DataFrame(rows).set_index(["place", "method", "how"]).sort_index()
    # From the seventh word on, five choices each, in two ways.
    assert len(table) == 3 * 5 * 2
    kinds = table.groupby("place")[["word", "kind", "listed"]].first()
    assert kinds.values.tolist() == [["near", "other", True], ["the", "stop", False], ["kite", "object", False]]
    assert set(table.loc[9, "true"]) == {False}
    # The start token has the largest relevance of all and is never taken.
    assert table.loc[(7, "lrp", "deleted"), "taken"] == "2 5 6"
    assert table.loc[(7, "opposite", "deleted"), "taken"] == "1 3 4"
    assert table.loc[(9, "lrp", "deleted"), "taken"] == "5 6 7"
    assert table.loc[(9, "last", "unk"), "taken"] == "6 7 8"
    p = np.exp(table[["before", "after"]])
    np.testing.assert_allclose(p.loc[(7, "lrp", "deleted")], [0.29, 0.29 - 0.23])
    np.testing.assert_allclose(p.loc[(7, "opposite", "deleted")], [0.29, 0.29 - 0.06])
    np.testing.assert_allclose(p.loc[(9, "last", "unk")], [0.53, 0.53 - 0.34])
    # The mean over draws is one of probabilities.
    rng = experiment.rng(made_up_case())
    draws = dict(experiment._choices(6, {}, rng))["random"]
    found = [sum(0.29 if not draw else 0.29 - sum(WEIGHTS[i] for i in draw) for draw in draws) / 4]
    np.testing.assert_allclose(p.loc[(7, "random", "deleted"), "after"], found)


def test_unk_stands_in_the_place_and_deletion_closes_the_gap():
    asked = []
    case = made_up_case()
    case.speaker.log_p_next = lambda _, beginnings, words: asked.extend(map(tuple, beginnings)) or np.zeros(len(words))
    WordAblation(methods=("lrp",), draws=1).rows(case)
    assert (10, 12, 13) in asked
    assert (10, UNK, 12, 13, UNK, UNK) in asked


def test_the_published_random_choice_never_takes_the_last_word():
    experiment = WordAblation(draws=200)
    choices = dict(experiment._choices(8, {}, np.random.default_rng(0)))
    assert {len(set(draw)) for draws in choices.values() for draw in draws} == {3}
    assert {place for draw in choices["random"] for place in draw} == set(range(8))
    assert {place for draw in choices["random_published"] for place in draw} == set(range(7))


def test_against_words_deleted_one_by_one():
    speaker = small_speaker()
    experiment = WordAblation(methods=("lrp",), draws=2)
    (_, case), *_ = cases(speaker, small_scenes(1), SCENES, [0])
    rows = experiment.rows(case)
    assert rows == experiment.rows(case)
    assert {row["place"] for row in rows} == set(range(7, len(case.caption) + 1))
    relevance = speaker.explain_words(case.features, case.caption, "lrp")
    for row in rows:
        at = row["place"] - 1
        assert row["before"] == pytest.approx(case.log_p[at])
        if row["method"] != "lrp" or row["how"] != "deleted":
            continue
        ranked = sorted(range(at), key=lambda place: -relevance[at, place + 1])[:3]
        left = np.array([word for place, word in enumerate(case.caption) if place < at and place not in ranked])
        slowly = speaker.log_probabilities(case.features, [left])[0][len(left), case.caption[at]]
        assert row["after"] == pytest.approx(slowly, abs=1e-5)
        assert row["fell"] == (slowly < case.log_p[at])


def test_log_p_next_with_one_image_for_each_beginning():
    speaker = small_speaker("mhfc")
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, 4, 96)).astype(np.float32)
    beginnings = [rng.integers(4, 20, length) for length in (0, 3, 10, 1, 7)]
    words = [4, 9, 5, 5, 8]
    expected = [
        speaker.log_probabilities(image, [beginning])[0][len(beginning), word]
        for image, beginning, word in zip(features, beginnings, words, strict=True)
    ]
    # Fewer at once than there are, and the last batch is not full.
    np.testing.assert_allclose(speaker.log_p_next(features, beginnings, words, batch_size=2), expected, atol=1e-5)
    shared = [speaker.log_probabilities(features[0], [b])[0][len(b), w] for b, w in zip(beginnings, words, strict=True)]
    np.testing.assert_allclose(speaker.log_p_next(features[0], beginnings, words, batch_size=2), shared, atol=1e-5)


def made_up_rows(starts=(None,)):
    after = {"lrp": (0.1, 0.2, 0.6), "gradient": (0.3, 0.6, 0.3)}
    rows = []
    for start in starts:
        for method, values in after.items():
            for (image, place, kind), value in zip(
                [(0, 7, "stop"), (0, 8, "object"), (1, 7, "stop")], values, strict=True
            ):
                row = {"image": image, "place": place, "kind": kind, "listed": False, "method": method}
                row |= {"how": "deleted", "before": np.log(0.5), "after": np.log(value), "fell": float(value < 0.5)}
                rows += [row | {"start": start} if start is not None else row]
    frame = pd.DataFrame(rows)
    return pd.concat([frame, frame.assign(how="unk")], ignore_index=True)


def test_tables_by_hand(tmp_path):
    tables = WordAblation(methods=("lrp", "gradient")).tables(made_up_rows(), None)
    means = tables["word_ablation"].set_index(["kind", "how", "method"])
    np.testing.assert_allclose(means.loc[("all", "deleted", "lrp"), ["drop", "fell"]].tolist(), [0.2, 2 / 3])
    np.testing.assert_allclose(means.loc[("stop", "unk", "lrp"), ["drop", "fell"]].tolist(), [0.15, 0.5])
    assert means.loc[("object", "deleted", "gradient"), "words"] == 1
    # Image 0 has mean drop 0.35, image 1 -0.1: no other draw can give more or less.
    np.testing.assert_allclose(means.loc[("all", "deleted", "lrp"), ["drop_low", "drop_high"]].tolist(), [-0.1, 0.35])
    pairs = tables["word_ablation_differences"].set_index(["kind", "how", "minus"])
    np.testing.assert_allclose(pairs.loc[("all", "deleted", "gradient"), "drop"], (0.2 + 0.4 - 0.3) / 3)
    np.testing.assert_allclose(pairs.loc[("all", "deleted", "gradient"), "fell"], (0 + 1 - 1) / 3, atol=1e-12)
    assert WordAblation().figure(tables) is not None
    made_up_rows().to_csv(tmp_path / "rows.csv", index=False, na_rep="nan")
    again = WordAblation(methods=("lrp", "gradient")).tables(read_rows(tmp_path / "rows.csv"), None)
    for name, table in again.items():
        pd.testing.assert_frame_equal(table, tables[name])


def test_pooled_rows_of_several_starts():
    rows = made_up_rows((0, 1, 2))
    tables = WordAblation(methods=("lrp", "gradient")).tables(rows[rows["kind"] == "stop"], None)
    means = tables["word_ablation"].set_index(["kind", "how", "method"])
    assert means.loc[("stop", "deleted", "lrp"), "words"] == 6
    np.testing.assert_allclose(means.loc[("stop", "deleted", "lrp"), "drop"], 0.15)
    assert set(tables["word_ablation_differences"]["words"]) == {6}


def test_nothing_to_measure():
    case = made_up_case()
    case.caption = case.caption[:6]
    assert WordAblation().rows(case) == []
    experiment = WordAblation()
    tables = experiment.tables(pd.DataFrame([]), None)
    assert "place 7" in tables["word_ablation"]["note"][0]
    assert experiment.figure(tables) is None


def test_refusals():
    with pytest.raises(ValueError, match="first_place"):
        WordAblation(first_place=4)
    with pytest.raises(ValueError, match="attention"):
        case = made_up_case()
        case.speaker.explain_words = lambda *_: None
        WordAblation(methods=("attention",)).rows(case)
