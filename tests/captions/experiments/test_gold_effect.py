"""Gold effects: what is measured, its rank correlation, and the tables."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
from small_speaker import SIZE, small_scenes, small_speaker

from lrp_jax.captions import scenes
from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import Context, DrawnAway, GoldEffect, cases
from lrp_jax.captions.experiments.drawn_away import picture, scene_of
from lrp_jax.captions.experiments.gold_effect import AREA, NAMED, RECENCY, object_effects, word_effects
from lrp_jax.captions.images import load_image

METHODS = ("lrp", "attention")


@functools.cache
def some_cases():
    found = dict(cases(small_speaker(), small_scenes(6), SCENES, range(6)))
    assert not any(isinstance(case, Exception) for case in found.values())
    return found


def with_objects(least=3):
    return next(case for case in some_cases().values() if len(scene_of(case).objects) >= least)


def log_p(case, pixels, caption):
    """Slowly: encoded and teacher-forced one by one."""
    found = case.speaker.log_probabilities(case.speaker.encode(pixels), [caption])[0]
    return found[np.arange(len(caption)), case.caption[: len(caption)]]


def test_a_picture_of_the_scene_is_what_the_subject_saw():
    for case in some_cases().values():
        np.testing.assert_array_equal(picture(case, scene_of(case)), case.pixels)
    drawn = next(
        iter(dict(cases(small_speaker(), dataclasses.replace(small_scenes(1), style="outline"), SCENES, [0])).values())
    )
    np.testing.assert_array_equal(picture(drawn, scene_of(drawn)), drawn.pixels)
    assert (drawn.pixels != some_cases()[0].pixels).any()


def test_an_object_is_drawn_away_with_all_of_its_kind():
    case = with_objects()
    scene = scene_of(case)
    kind = scene.objects[0].kind
    rest = tuple(thing for thing in scene.objects if thing.kind != kind)
    wanted = scenes.draw(dataclasses.replace(scene, objects=rest), SIZE)
    np.testing.assert_array_equal(DrawnAway()(case, kind), load_image(wanted, (SIZE, SIZE)))
    assert DrawnAway()(case, "no such thing") is None
    case = cases_without_scenes()[0]
    assert DrawnAway()(case, kind) is None
    assert repr(DrawnAway()) == "DrawnAway()"


def cases_without_scenes():
    return dict(cases(small_speaker(), small_scenes(1), dataclasses.replace(SCENES, scene=None), [0]))


def test_the_effect_of_an_object_is_what_the_word_loses_without_it():
    case = with_objects()
    scene = scene_of(case)
    found = object_effects(case, scene)
    assert found.shape == (len(case.caption), len(scene.objects)) and np.ptp(found) > 0
    for number in range(len(scene.objects)):
        rest = tuple(thing for i, thing in enumerate(scene.objects) if i != number)
        changed = scenes.draw(dataclasses.replace(scene, objects=rest), SIZE)
        wanted = log_p(case, case.pixels, case.caption) - log_p(case, changed, case.caption)
        np.testing.assert_allclose(found[:, number], wanted, atol=3e-5)


def test_the_effect_of_a_word_is_what_later_words_lose_by_another_of_its_class():
    case = with_objects()
    words = case.speaker.words.words
    found = word_effects(case, 2, np.random.default_rng(0))
    rng, checked = np.random.default_rng(0), 0
    for j in range(len(case.caption) - 1):
        mine = scenes.WORD_CLASSES.get(case.words[j])
        means = scenes.SYNONYMS.get(case.words[j], case.words[j])
        same = [
            i for i, word in enumerate(words)
            if scenes.WORD_CLASSES.get(word) == mine and mine and scenes.SYNONYMS.get(word, word) != means
        ]  # fmt: skip
        if not same:
            assert np.isnan(found[:, j]).all()
            continue
        lost = []
        for other in rng.choice(same, min(2, len(same)), replace=False):
            changed = case.caption.copy()
            changed[j] = other
            lost.append(log_p(case, case.pixels, case.caption) - log_p(case, case.pixels, changed))
        np.testing.assert_allclose(found[j + 1 :, j], np.mean(lost, axis=0)[j + 1 :], atol=1e-5)
        assert np.isnan(found[: j + 1, j]).all()
        checked += 1
    assert checked >= 4


@functools.cache
def all_rows():
    experiment = GoldEffect(methods=METHODS, word_methods=("lrp",), least_words=3)
    return {index: experiment.rows(case) for index, case in some_cases().items()}


def test_rows_follow_from_the_explanation_and_the_masks():
    rho = 0
    for index, case in some_cases().items():
        scene = scene_of(case)
        effects, masks = object_effects(case, scene), scenes.masks(scene, SIZE)
        rows = {(row["of"], row["place"], row["method"]): row for row in all_rows()[index]}
        assert any(of == "words" for of, *_ in rows)
        if len(scene.objects) < 3:
            assert not any(of == "objects" for of, *_ in rows)
            continue
        for at, word in enumerate(case.words):
            for method in METHODS:
                map_ = np.asarray(case.explanation(method).pixels)[at].mean(axis=-1)
                for column, score in (
                    ("rho", np.sum),
                    ("rho_mean", lambda x: x.mean() if x.size else 0),
                    ("rho_positive", lambda x: x[x > 0].sum()),
                ):
                    scores = pd.Series([float(score(map_[mask])) for mask in masks])
                    wanted = scores.corr(pd.Series(effects[at]), method="spearman") if scores.nunique() > 1 else 0
                    assert rows["objects", at + 1, method][column] == pytest.approx(wanted, abs=1e-6)
                    rho += wanted != 0
            row = rows["objects", at + 1, AREA]
            assert (row["word"], row["pieces"], row["rho_mean"]) == (word, len(scene.objects), None)
            named = [i for i, thing in enumerate(scene.objects) if thing.kind == scenes.SYNONYMS.get(word)]
            assert (("objects", at + 1, NAMED) in rows) == bool(named)
            if named:
                assert row["effect_named"] == pytest.approx(effects[at][named].mean()) and row["true"]
            else:
                assert row["effect_named"] is None and row["effect_other"] == pytest.approx(effects[at].mean())
    assert rho > 20


def test_preceding_words_are_ranked_by_their_relevance_but_for_the_start_token():
    methods = {row["method"] for rows in all_rows().values() for row in rows if row["of"] == "words"}
    assert methods == {"lrp", RECENCY}
    case = with_objects()
    row = next(r for r in all_rows()[case.index] if r["of"] == "words" and r["method"] == "lrp")
    experiment = GoldEffect(methods=METHODS, word_methods=("lrp",), least_words=3)
    effects, at = word_effects(case, 3, experiment.rng(case)), row["place"] - 1
    before = np.flatnonzero(~np.isnan(effects[at, :at]))
    relevance = pd.Series(case.explanation("lrp").words[at][before + 1])
    assert row["rho"] == pytest.approx(relevance.corr(pd.Series(effects[at, before]), method="spearman"))
    assert row["pieces"] == len(before) >= 3


def test_a_case_gives_the_same_rows_again_whatever_was_asked_before():
    case = with_objects()
    experiment = GoldEffect(methods=("lrp",), word_methods=("lrp",), least_words=3)
    assert experiment.rows(case) == experiment.rows(case)
    fresh = dict(cases(small_speaker(), small_scenes(6), SCENES, [case.index]))[case.index]
    again = GoldEffect(methods=("attention", "lrp"), word_methods=("lrp",), least_words=3).rows(fresh)
    mine = {(r["of"], r["place"]): r["rho"] for r in experiment.rows(case) if r["method"] == "lrp"}
    assert mine == pytest.approx({(r["of"], r["place"]): r["rho"] for r in again if r["method"] == "lrp"})


def test_images_that_were_not_drawn_have_no_rows_and_a_note():
    assert GoldEffect().rows(cases_without_scenes()[0]) == []
    tables = GoldEffect().tables(pd.DataFrame(), None)
    assert list(tables["gold_effect"].columns) == ["note"] and GoldEffect().figure(tables) is None


def row(image, place, method, rho, of="objects", kind="object", true=True, **more):
    same = rho if of == "objects" else None
    base = {"rho_mean": same, "rho_positive": same, "effect_named": 1.0, "effect_other": 0.25, "class": "noun"}
    about = {"image": image, "place": place, "method": method, "rho": rho, "of": of, "kind": kind, "true": true}
    return base | about | more


def test_tables_by_hand():
    rows = pd.DataFrame(
        [
            *(row(image, 3, "lrp", 1.0) for image in range(4)),
            *(row(image, 3, "attention", 0.5) for image in range(4)),
            *(row(image, 5, "lrp", -0.5, true=False, effect_named=None) for image in range(4)),
            *(row(image, 7, "lrp", 0.2, of="words", kind="stop", true=None, effect_named=None) for image in range(4)),
        ]
    )
    context = Context(dataset=None, domain=SCENES, training_captions=list)
    experiment = GoldEffect(methods=METHODS)
    tables = experiment.tables(rows, context)
    found = tables["gold_effect"].set_index(["of", "kind", "method"])
    assert found.loc[("objects", "all", "lrp"), ["words", "rho", "rho_low", "rho_high"]].tolist() == [
        8,
        0.25,
        0.25,
        0.25,
    ]
    assert found.loc[("objects", "true", "lrp"), "rho"] == found.loc[("objects", "true", "lrp"), "rho_mean"] == 1
    assert found.loc[("objects", "false", "lrp"), "rho"] == -0.5
    assert found.loc[("words", "stop", "lrp"), "rho"] == pytest.approx(0.2)
    assert ("objects", "stop", "lrp") not in found.index
    difference = tables["gold_effect_differences"].set_index(["of", "kind", "minus"])
    assert difference.loc[("objects", "all", "attention"), ["words", "rho"]].tolist() == [4, 0.5]
    sizes = tables["gold_effect_sizes"].set_index(["of", "kind", "without"])
    assert sizes.loc[("objects", "object", "named"), ["words", "effect"]].tolist() == [4, 1.0]
    assert sizes.loc[("objects", "object", "other"), ["words", "effect"]].tolist() == [8, 0.25]
    assert len(experiment.figure(tables).axes) == 3


def test_tables_of_several_starts_and_of_what_a_file_gives_back(tmp_path):
    rows = pd.DataFrame(
        [row(image, 3, "lrp", rho, start=s) for s, rho in enumerate((0.0, 0.5, 1.0)) for image in range(3)]
    )
    path = tmp_path / "rows.csv"
    rows.to_csv(path, index=False, na_rep="nan")
    again = pd.read_csv(path, keep_default_na=False, na_values=["nan"])
    found = GoldEffect().tables(again, None)["gold_effect"].set_index(["kind"])
    assert found.loc["true", "rho"] == 0.5
    assert found.loc["true", "rho_low"] < 0.2 and found.loc["true", "rho_high"] > 0.8  # starts are drawn too


def test_methods_without_relevance_of_words_are_refused_for_words():
    with pytest.raises(ValueError, match=r"got word_methods with 'attention', .* leave it out"):
        GoldEffect(methods=(), word_methods=("attention",)).rows(with_objects())


@pytest.mark.parametrize("bad", [{"least_objects": 1}, {"least_words": 0}, {"replacements": 0}])
def test_settings_that_rank_nothing_are_refused(bad):
    with pytest.raises(ValueError, match=r"wanted at least 2, 2 and 1"):
        GoldEffect(**bad)
