"""What mentions rest on: effects against one-by-one changes, labels, tables by hand, the page."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
from small_speaker import SIZE, small_scenes, small_speaker

from lrp_jax.captions import scenes
from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import Causes, Context, cases
from lrp_jax.captions.experiments.causes import BACKGROUND, LEAST, NOTHING, OBJECT, WORD, background_effects
from lrp_jax.captions.experiments.causes_page import pack_signed, page, unpack_signed
from lrp_jax.captions.experiments.drawn_away import scene_of
from lrp_jax.captions.scenes.backdrops import BACKDROPS


@functools.cache
def some_cases():
    return dict(cases(small_speaker(), small_scenes(4), SCENES, range(4)))


@functools.cache
def all_rows():
    return {index: Causes().rows(case) for index, case in some_cases().items()}


def test_the_effect_of_the_background_is_what_words_lose_on_others():
    case = some_cases()[0]
    scene = scene_of(case)
    found = background_effects(case, scene, 3, np.random.default_rng(5))
    others = np.random.default_rng(5).choice(sorted(set(BACKDROPS) - {scene.background}), 3, replace=False)
    places = np.arange(len(case.caption))

    def log_p(pixels):
        return case.speaker.log_probabilities(case.speaker.encode(pixels), [case.caption])[0][places, case.caption]

    lost = [
        log_p(case.pixels) - log_p(scenes.draw(dataclasses.replace(scene, background=str(name)), SIZE))
        for name in others
    ]
    np.testing.assert_allclose(found, np.mean(lost, axis=0), atol=1e-5)
    assert np.abs(found).max() > 1e-3


def test_a_mention_rests_on_what_takes_most_if_that_is_half():
    seen = set()
    for index, rows in all_rows().items():
        case = some_cases()[index]
        assert [row["word"] for row in rows] == [" ".join(mention.words) for mention in case.mentions]
        for row in rows:
            effects = {OBJECT: row["effect_object"], BACKGROUND: row["effect_background"], WORD: row["effect_word"]}
            known = {name: effect for name, effect in effects.items() if effect is not None}
            most = max(known, key=known.get)
            assert row["cause"] == (most if known[most] >= LEAST else NOTHING)
            assert bool(row["of"]) == (row["cause"] != NOTHING)
            if row["cause"] == OBJECT:
                assert row["of"] in {thing.kind for thing in scene_of(case).objects}
            if row["cause"] == WORD:
                assert row["of"] in case.words[: row["place"] - 1]
            assert -1 <= row["share_image"] <= 1
            seen.add(row["cause"])
    assert len(seen) >= 2


def test_images_that_were_not_drawn_have_no_rows_and_a_note():
    (case,) = dict(cases(small_speaker(), small_scenes(1), dataclasses.replace(SCENES, scene=None), [0])).values()
    assert Causes().rows(case) == []
    tables = Causes().tables(pd.DataFrame(), None)
    assert list(tables["causes"].columns) == ["note"]
    assert Causes().figure(tables) is None and Causes().pages(tables, None) == {}


def made_rows():
    def row(image, true, cause, mean, planted=""):
        what = {"image": image, "true": true, "cause": cause, "of": "x", "planted": planted, "word": "dog", "place": 2}
        what |= {"caption": "a dog <b>runs</b>", "map": pack_signed(np.eye(16)), "quantile-5%": 2 * mean, "mean": mean}
        return what | {"share_image": 0.5, "effect_object": 1.0, "effect_background": 0.5, "effect_word": None}

    return pd.DataFrame(
        [
            *(row(image, True, OBJECT, 1.0) for image in range(3)),
            *(row(image, False, WORD, -1.0, "L") for image in range(3)),
            row(0, False, OBJECT, 3.0),
        ]
    )


def test_tables_by_hand():
    tables = Causes().tables(made_rows(), None)
    found = tables["causes"].set_index(["mentions", "rests on"])
    assert found.loc[("true", OBJECT), ["count", "of", "share"]].tolist() == [3, 3, 1.0]
    assert found.loc[("false", WORD), ["count", "of", "share"]].tolist() == [3, 4, 0.75]
    assert found.loc[("false, called for by the phrase before", WORD), "share"] == 1
    assert "false, called for by the background" not in found.index.get_level_values(0)
    maps = tables["causes_maps"].set_index("rests on")
    assert maps.loc[WORD, ["mean", "mean_low", "quantile-5%"]].tolist() == [-1, -1, -2]
    assert maps.loc[OBJECT, "mean"] == 3 and NOTHING not in maps.index
    assert len(tables["causes_examples"]) == 4 and not tables["causes_examples"]["true"].any()
    assert len(Causes().figure(tables).axes) == 2


def test_the_page_marks_the_word_and_escapes_the_caption():
    examples = Causes(examples=1).tables(made_rows(), None)["causes_examples"]
    context = Context(dataset=small_scenes(4), domain=SCENES, training_captions=list)
    (text,) = Causes(examples=1).pages(Causes(examples=1).tables(made_rows(), None), context).values()
    assert text.count("<mark>dog</mark>") == len(examples) == 2
    assert "&lt;b&gt;runs" in text and "<b>runs" not in text
    assert text.count("data:image/png") == 4 and "http" not in text
    assert "1.00 by the object, 0.50 by the background." in " ".join(text.split())


def test_a_packed_map_keeps_signs_and_proportions():
    E = np.zeros((32, 32))
    E[:2, :2], E[30:, 30:] = 1.0, -0.5
    found = unpack_signed(pack_signed(E))
    assert found[0, 0] == 1 and found[15, 15] == pytest.approx(-0.5, abs=0.005) and np.count_nonzero(found) == 2
    assert not unpack_signed(pack_signed(0 * E)).any()
    assert page(pd.DataFrame(), {}, {}).count("<article>") == 0
