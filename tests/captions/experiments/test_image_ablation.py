"""Image ablation, against pictures painted cell by cell, and tables by hand."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from small_speaker import SIZE, small_scenes, small_speaker

from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.experiments import ImageAblation, cases, read_rows
from lrp_jax.captions.experiments.image_ablation import _says, masked_picture
from lrp_jax.captions.experiments.mean_colour import mean_colour
from lrp_jax.captions.words import START
from lrp_jax.captions.words.objects import mentions

SMALL = {"methods": ("lrp",), "cells": 20, "curve": (5, 20), "draws": 2, "without": None}


def first_case(speaker=None):
    """The first scene of which the captioner names something that is there and something that is not."""
    for _, case in cases(speaker or small_speaker(), small_scenes(6), SCENES, range(6)):
        late = [m.category in case.present for m in case.mentions if m.position >= 1]
        if any(late) and not all(late):
            return case
    raise AssertionError("no caption of the small speaker is of use here")


@pytest.fixture(scope="module")
def case():
    return first_case()


def slowly_painted(case, number, cells):
    """The most relevant cells of a word in the mean colour, pixel by pixel: a cell is 24 / 28 of a pixel wide."""
    relevance = case.heat_maps("lrp")[number].sum(axis=-1)
    width = SIZE / 28

    def part(pixel, cell):
        return max(0, min(pixel + 1, (cell + 1) * width) - max(pixel, cell * width))

    parts = np.array([[part(pixel, cell) for pixel in range(SIZE)] for cell in range(28)])
    sums = {(i, j): parts[i] @ relevance @ parts[j] for i in range(28) for j in range(28)}
    painted = case.pixels.astype(float)
    for i, j in sorted(sums, key=sums.get, reverse=True)[:cells]:
        painted += np.outer(parts[i], parts[j])[..., None] * (127.5 - case.pixels)
    return np.rint(painted).astype(np.uint8)


def test_against_pictures_painted_cell_by_cell(case):
    experiment = ImageAblation(**SMALL, fill=(0.5, 0.5, 0.5))
    rows = experiment.rows(case)
    json.dumps(rows)
    assert rows == experiment.rows(case)
    expected = [(number, m) for number, m in enumerate(case.mentions) if m.position >= 1]
    assert [(row["place"], row["method"]) for row in rows] == [
        (m.position + 1, method) for _, m in expected for method in ("lrp", "random")
    ]
    speaker = case.speaker
    for row, (number, mention) in zip(rows[::2], expected, strict=True):
        at = mention.position
        for cells, column in ((5, "after_5"), (20, "after")):
            picture = masked_picture(case, number, "lrp", dataclasses.replace(experiment, cells=cells))
            slowly = slowly_painted(case, number, cells)
            np.testing.assert_allclose(picture.astype(int), slowly.astype(int), atol=1)  # halves go either way
            features = speaker.encode(picture)
            log_p = speaker.log_probabilities(features, [case.caption])[0][at, case.caption[at]]
            assert row[column] == pytest.approx(log_p, abs=1e-5)
        words = list(speaker.caption(features[None])[0].words)
        assert row["vanished"] == (mention.words[0] not in words)
        assert row["unnamed"] == (mention.category not in {m.category for m in mentions(words, SCENES.words)})
        assert (row["word"], row["true"]) == (mention.words[0], mention.category in case.present)
        assert row["before"] == pytest.approx(case.log_p[at])


def test_random_cells_are_a_mean_over_draws_and_the_same_for_all_words(case):
    experiment = ImageAblation(methods=(), curve=(), cells=80, draws=3, fill=(0, 0, 0), without=None)
    rows = experiment.rows(case)
    (at, *_) = [m.position for m in case.mentions if m.position >= 1]
    rng, p = experiment.rng(case), []
    for _ in range(3):
        cells = rng.permutation(784)[:80]
        black = np.zeros((28, 28), bool)
        black.flat[cells] = True
        # At 28 times the size the cells are whole pixels.
        large = np.where(
            np.kron(black, np.ones((SIZE, SIZE)))[..., None], 0, np.kron(case.pixels, np.ones((28, 28, 1)))
        )
        picture = np.rint(large.reshape(SIZE, 28, SIZE, 28, 3).mean(axis=(1, 3))).astype(np.uint8)
        log_p = case.speaker.log_probabilities(case.speaker.encode(picture), [case.caption])[0]
        p.append(np.exp(log_p[at, case.caption[at]]))
    assert np.exp(rows[0]["after"]) == pytest.approx(np.mean(p), rel=0.02)
    assert {3 * row["vanished"] for row in rows} <= {0, 1, 2, 3}


def test_the_object_drawn_away_is_measured_where_it_was(case):
    asked = []

    def without(case, category):
        if category not in case.present:
            return None
        asked.append(category)
        return np.zeros_like(case.pixels)

    rows = ImageAblation(**SMALL | {"methods": (), "without": without}).rows(case)
    drawn = [row for row in rows if row["method"] == "without"]
    assert [row["category"] for row in drawn] == asked == [c for c in asked if c in case.present]
    assert {row["category"] for row in rows} > set(asked)
    features = case.speaker.encode(np.zeros_like(case.pixels))
    for row in drawn:
        at = row["place"] - 1
        log_p = case.speaker.log_probabilities(features, [case.caption])[0][at, case.caption[at]]
        assert row["after"] == pytest.approx(log_p, abs=1e-5)
        assert row["after_5"] is None
    assert len([row for row in rows if row["method"] == "random"]) > len(drawn)


def test_the_colour_is_that_of_the_training_images(case):
    speaker = case.speaker
    assert mean_colour(speaker) == (0.5, 0.5, 0.5)  # nobody said what it was trained on
    config = speaker.config.copy_and_resolve_references()
    config.source = f"scenes:strong,size={SIZE},train=3"
    trained, images = dataclasses.replace(speaker, config=config), source(config.source)["train"]
    expected = np.mean([images[i].image.mean(axis=(0, 1)) for i in range(3)], axis=0) / 255
    np.testing.assert_allclose(mean_colour(trained), expected)
    assert not np.allclose(expected, 0.5, atol=0.01)
    experiment = ImageAblation(**SMALL | {"cells": 784, "curve": ()})
    other = first_case(trained)
    np.testing.assert_array_equal(
        masked_picture(other, 0, "random", experiment), np.broadcast_to(np.rint(expected * 255), (SIZE, SIZE, 3))
    )


def test_encode_many_is_encode(case):
    pixels = np.stack([small_scenes(6)[i].image for i in range(5)])
    expected = [case.speaker.encode(image) for image in pixels]
    np.testing.assert_allclose(case.speaker.encode(pixels, batch_size=2), expected, atol=1e-5)


def test_exactly_the_word():
    caption = ["a", "hot", "dog", "and", "kites"]
    assert _says(caption, ("hot", "dog"))
    assert _says(caption, ("dog",))
    assert not _says(caption, ("kite",))
    assert not _says(caption, ("dog", "hot"))
    assert not _says([], ("dog",))


def test_without_pixels_there_is_one_clear_line(case):
    blind = type(case)(0, case.example, None, case.features, case.caption, case.speaker, case.domain)
    experiment = ImageAblation()
    assert experiment.rows(blind) == []
    tables = experiment.tables(pd.DataFrame([]), None)
    assert "no pixels" in tables["image_ablation"]["note"][0]
    assert experiment.figure(tables) is None


def test_nothing_named_needs_no_pictures(case):
    silent = type(case)(0, case.example, case.pixels, case.features, np.array([START]), case.speaker, case.domain)
    before = mean_colour.cache_info()
    assert ImageAblation().rows(silent) == []
    assert mean_colour.cache_info() == before


def test_tables_by_hand(tmp_path):
    p = {"lrp": (0.1, 0.4, 0.2), "random": (0.5, 0.5, 0.4), "without": (0.0625, None, 0.125)}
    gone = {"lrp": (1, 0, 1), "random": (0.2, 0, 0.4), "without": (1, None, 1)}
    rows = [
        {"image": image, "place": place, "true": true, "method": method, "vanished": v, "unnamed": v}
        | {
            "before": np.log(0.5),
            "after": np.log(value),
            "after_80": None if method == "without" else np.log(value / 2),
        }
        for method in p
        for (image, place, true), value, v in zip(
            [(0, 2, True), (0, 9, False), (1, 2, True)], p[method], gone[method], strict=True
        )
        if value is not None
    ]
    experiment = ImageAblation(methods=("lrp",), curve=(80,))
    tables = experiment.tables(pd.DataFrame(rows), None)
    means = tables["image_ablation"].set_index(["mentions", "method"])
    np.testing.assert_allclose(means.loc[("all", "lrp"), ["count", "vanished", "drop"]].tolist(), [3, 2 / 3, 0.8 / 3])
    np.testing.assert_allclose(means.loc[("true", "random"), "vanished"], 0.3)
    assert ("false", "without") not in means.index
    pairs = tables["image_ablation_differences"].set_index(["method", "minus"])
    np.testing.assert_allclose(pairs.loc[("lrp", "random"), "vanished"], (0.8 + 0 + 0.6) / 3)
    # With the object drawn away, only where it was.
    np.testing.assert_allclose(pairs.loc[("lrp", "without"), ["count", "drop"]].tolist(), [2, (-0.0375 - 0.075) / 2])
    curve = tables["image_ablation_curve"].set_index(["method", "cells"])["p"]
    np.testing.assert_allclose(curve.loc["lrp"], [0.5, 0.7 / 3, 0.35 / 3])
    assert "without" not in curve.index
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False, na_rep="nan")
    for name, table in experiment.tables(read_rows(tmp_path / "rows.csv"), None).items():
        pd.testing.assert_frame_equal(table, tables[name])
    assert experiment.figure(tables) is not None
    with pytest.raises(ValueError, match="784"):
        ImageAblation(cells=1000)


def test_on_scenes_the_object_is_drawn_away(case):
    experiment = ImageAblation()
    mention = next(m for m in case.mentions if m.category in case.present)
    picture = experiment.without(case, mention.category)
    assert picture.shape == case.pixels.shape
    assert (picture != case.pixels).any()
    absent = next(m.category for m in case.mentions if m.category not in case.present)
    assert experiment.without(case, absent) is None
    # The settings are written down, and read in another process.
    assert repr(dataclasses.asdict(experiment)) == repr(dataclasses.asdict(ImageAblation()))
    assert " at 0x" not in repr(dataclasses.asdict(experiment))
