"""Correctness of words: by hand, against the definition pixel by pixel, and what the published code got wrong."""

import json
import types

import numpy as np
import pandas as pd
import pytest
from small_speaker import small_scenes, small_speaker

from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import Context, Correctness, cases, correctness_of
from lrp_jax.captions.experiments.coarse import GRID, pack, unpack
from lrp_jax.captions.experiments.correctness import ALL, shares
from lrp_jax.captions.images import Example
from lrp_jax.captions.words.objects import Mention

LEFT, TOP = [0, 0, 0.5, 1], [0, 0, 1, 0.25]


def map_of(left, right, height=16):
    """A map with one value on each half."""
    return np.concatenate([np.full((height, 8, 3), float(left)), np.full((height, 8, 3), float(right))], axis=1)


def case_of(names, boxes, said, maps, captioner=None):
    """A case that says `said`, [(words, category)], with made-up maps: (method, head) -> one for each."""
    places = np.cumsum([0, *[len(words) for words, _ in said]])
    mentions = [Mention(int(at), tuple(w), c) for at, (w, c) in zip(places, said, strict=False)]
    example = Example("x", np.zeros((16, 16, 3), np.uint8), (), np.array(boxes, np.float32).reshape(-1, 4), names)
    return types.SimpleNamespace(
        example=example,
        mentions=mentions,
        scene=None,
        speaker=types.SimpleNamespace(captioner=captioner),
        heat_maps=lambda method, head=None, numbers=None: np.stack(maps[method, head])[
            slice(None) if numbers is None else numbers
        ],
    )


def rows_of(experiment, of_images):
    return pd.DataFrame([{"image": i, **row} for i, case in enumerate(of_images) for row in experiment.rows(case)])


def test_rows_by_hand():
    case = case_of(
        ("dog", "kite", "dog"),
        [LEFT, TOP, TOP],
        [(["puppy"], "dog"), (["boat"], "boat"), (["kite"], "kite")],
        {("lrp", None): [map_of(3, -1), map_of(1, 1), map_of(1, -2)]},
    )
    dog, kite = Correctness(methods=("lrp",)).rows(case)  # nobody knows where a boat should be
    assert (dog["word"], dog["category"], dog["place"], dog["literal"]) == ("puppy", "dog", 1, False)
    assert (kite["word"], kite["category"], kite["place"], kite["literal"]) == ("kite", "kite", 3, True)
    # Both boxes of the dog: the left half and the upper quarter, 5/8 of the image and 1/4 of the right half.
    np.testing.assert_allclose([dog["chance"], dog["positive"], dog["negative"]], [0.625, 1, 0.25])
    np.testing.assert_allclose([dog["best_box_chance"], dog["best_box"], dog["best_box_negative"]], [0.5, 1, 0.25])
    np.testing.assert_allclose([kite["chance"], kite["positive"], kite["negative"]], [0.25, 0.25, 0.25])
    assert dog["head"] == ALL
    assert dog["in_mask"] is None


def test_a_part_that_is_nowhere():
    found = shares(map_of(1, 2), np.array([LEFT]), None)
    assert (found["negative"], found["best_box_negative"], found["published_negative"]) == (None, None, None)
    found = shares(-map_of(1, 2), np.array([LEFT]), None)
    assert found["positive"] == found["best_box"] == found["published"] == 0  # it points nowhere, and so not there
    assert found["negative"] == pytest.approx(1 / 3, abs=1e-6)


def test_channels_are_averaged_before_they_are_rectified():
    relevance = map_of(0, 1)
    relevance[:, :8] = [6, -6, -3]  # the mean is -1: it speaks against the word
    found = shares(relevance, np.array([LEFT]), None)
    assert (found["positive"], found["negative"]) == (0, 1)
    # The published order makes support of it: 6 of 6 + 3.
    assert found["published"] == pytest.approx(2 / 3, abs=1e-6)


def published_in_place(relevance, boxes):
    """The published measure of both parts with its slip: each threshold stays in the map that the next one gets."""
    found = []
    for box in boxes:
        for sign in (1, -1):
            relevance[sign * relevance < 0] = 0
            size = np.abs(relevance).sum()
            x0, y0, x1, y1 = (np.array(box) * 16).astype(int)
            found.append(np.abs(relevance[y0:y1, x0:x1]).sum() / size if size else 0.0)
    return found


def test_thresholds_do_not_stay_in_the_map():
    relevance = map_of(3, -1)
    before = relevance.copy()
    one, other = (shares(relevance, np.array(boxes), None) for boxes in ([LEFT, TOP], [TOP, LEFT]))
    np.testing.assert_array_equal(relevance, before)
    assert one == other  # no box sees what an earlier one left
    assert one["best_box_negative"] == 0.25
    assert published_in_place(relevance.copy(), [LEFT, TOP]) == [1, 0, 0, 0]  # the negative part is lost at once


def slowly(relevance, boxes, sign, first, union):
    """Eqs. 23 and 24 pixel by pixel; `first`: rectified before the channel mean."""
    height, width = relevance.shape[:2]
    inside, total = np.zeros(len(boxes)), 0.0
    in_any = 0.0
    for i in range(height):
        for j in range(width):
            channels = [sign * float(c) for c in relevance[i, j]]
            value = sum(max(c, 0) for c in channels) / 3 if first else max(sum(channels) / 3, 0)
            y, x = (i + 0.5) / height, (j + 0.5) / width
            within = [x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in boxes]
            total += value
            inside += value * np.array(within)
            in_any += value * any(within)
    return in_any / total if union else inside.max() / total


@pytest.mark.parametrize("seed", range(3))
def test_shares_are_their_definition(seed):
    rng = np.random.default_rng(seed)
    relevance = rng.normal(size=(9, 12, 3))
    corners = np.sort(rng.random((2, 2, 2)), axis=0)
    boxes = np.hstack(corners) + np.array((0, 0, 0.2, 0.2))
    found = shares(relevance, boxes, None)
    wanted = {
        "positive": slowly(relevance, boxes, 1, False, True),
        "negative": slowly(relevance, boxes, -1, False, True),
        "best_box": slowly(relevance, boxes, 1, False, False),
        "best_box_negative": slowly(relevance, boxes, -1, False, False),
        "published": slowly(relevance, boxes, 1, True, False),
        "published_negative": slowly(relevance, boxes, -1, True, False),
    }
    np.testing.assert_allclose([found[name] for name in wanted], list(wanted.values()), atol=1e-6)


def test_packed_maps():
    part = np.random.default_rng(0).random((48, 48)) ** 4
    cells = part.reshape(16, 3, 16, 3).sum((1, 3))
    np.testing.assert_allclose(unpack(pack(part)), (cells / cells.sum()).ravel(), atol=0.01 * cells.max() / cells.sum())
    np.testing.assert_array_equal(unpack(pack(np.zeros((48, 48)))), np.zeros(GRID[0] * GRID[1]))
    assert len(pack(part)) == 344


def test_maps_of_other_images_by_hand():
    """The map of each of three dogs in the boxes of the others."""
    method = {"methods": ("lrp",)}
    halves, boxes = ((1, 0), (0, 1), (1, 3)), (LEFT, LEFT, TOP)
    images = [
        case_of(("dog",), [box], [(["dog"], "dog")], {("lrp", None): [map_of(*half)]})
        for half, box in zip(halves, boxes, strict=True)
    ]
    images.append(case_of(("kite",), [LEFT], [(["kite"], "kite")], {("lrp", None): [map_of(1, 0)]}))
    rows = rows_of(Correctness(**method), images)
    words = Correctness(**method).words(rows)
    # Left half of maps 1 and 2: 0 and 1/4; of maps 0 and 2: 1 and 1/4; the top quarter of any map: 1/4.
    np.testing.assert_allclose(words["elsewhere"], [1 / 8, 5 / 8, 1 / 4, np.nan], atol=0.002)
    np.testing.assert_allclose(words["positive"], [1, 0, 0.25, 1], atol=1e-6)
    # Maps of another start are those of another model.
    again = pd.concat([rows.assign(start=0), rows[rows["image"] < 2].assign(start=1)])
    words = Correctness(**method).words(again)
    np.testing.assert_allclose(words[words["start"] == 1]["elsewhere"], [0, 1], atol=1e-6)
    np.testing.assert_allclose(words[words["start"] == 0]["elsewhere"], [1 / 8, 5 / 8, 1 / 4, np.nan], atol=0.002)
    tables = Correctness(**method).tables(again, None)
    (line,) = tables["correctness"].to_dict("records")
    assert (line["words"], line["images"]) == (6, 6)
    np.testing.assert_allclose(line["correctness"], (1 + 0 + 0.25 + 1 + 1 + 0) / 6, atol=1e-6)


def test_mentions_of_a_category_are_one_word():
    said = [(["dog"], "dog"), (["puppy"], "dog")]
    case = case_of(("dog",), [LEFT], said, {("lrp", None): [map_of(1, 0), map_of(0, 1)]})
    rows = rows_of(Correctness(methods=("lrp",)), [case])
    tables = Correctness(methods=("lrp",)).tables(rows, None)
    assert tables["correctness"]["words"].item() == 1
    assert tables["correctness"]["correctness"].item() == 0.5  # the mean of both
    assert tables["correctness_published"]["correctness"].item() == 1  # the best, of those that say the very word
    assert tables["correctness_published"]["words"].item() == 1
    rows["literal"] = [False, True]
    assert Correctness(methods=("lrp",)).tables(rows, None)["correctness_published"]["correctness"].item() == 0


def test_heads_by_hand():
    """Two heads: the first is right on three images of four, the second on the fourth."""
    captioner = types.SimpleNamespace(heads=2)
    images = [
        case_of(
            ("dog",),
            [LEFT],
            [(["dog"], "dog")],
            {
                ("lrp", None): [map_of(1, 1)],
                ("lrp", 0): [map_of(1, 0) if i < 3 else map_of(0, 1)],
                ("lrp", 1): [map_of(0, 1) if i < 3 else map_of(1, 0)],
            },
            captioner,
        )
        for i in range(4)
    ]
    experiment = Correctness(methods=("lrp",), head_methods=("lrp",))
    tables = experiment.tables(rows_of(experiment, images), None)
    found = tables["correctness"].set_index("through")
    np.testing.assert_allclose(found.loc["all heads", ["correctness", "elsewhere"]].to_list(), [0.5, 0.5], atol=1e-6)
    # The best head knows the box. So it does of maps of other images: on these boxes one of the heads is always right.
    np.testing.assert_allclose(found.loc["best head", ["correctness", "elsewhere"]].to_list(), [1, 1], atol=1e-6)
    # On the even images 0 and 2 the first head is best, and misses image 3; on the odd ones both are equal, and the
    # first of equal ones is taken.
    np.testing.assert_allclose(found.loc["validated head", "correctness"], 0.75, atol=1e-6)
    assert set(tables["correctness_published"]["through"]) == {"all heads", "best head"}


def test_differences_are_paired():
    images = [
        case_of(
            ("dog",),
            [LEFT],
            [(["dog"], "dog")],
            {("lrp", None): [map_of(a, -1)], ("attention", None): [map_of(a, 1)]},
        )
        for a in (1, 3)
    ]
    experiment = Correctness(methods=("lrp", "attention"))
    tables = experiment.tables(rows_of(experiment, images), None)
    found = tables["correctness_differences"].set_index(["of", "minus"])["difference"]
    np.testing.assert_allclose(found["lrp", "attention"], 1 - (0.5 + 0.75) / 2)
    np.testing.assert_allclose(found["lrp", "its negative part"], 1)
    np.testing.assert_allclose(found["half of lrp", "its negative part"], 0.5)
    assert ("attention", "its negative part") not in found  # it has none
    assert experiment.figure(tables).axes


def test_nothing_named():
    experiment = Correctness()
    tables = experiment.tables(pd.DataFrame([]), None)
    assert "no caption names" in tables["correctness"]["note"].item()
    assert experiment.figure(tables) is None


@pytest.mark.parametrize("kind", ["ada", "mhfc"])
def test_of_a_captioner(kind):
    speaker, dataset = small_speaker(kind), small_scenes(8)
    experiment = Correctness(methods=("lrp", "attention"), head_methods=("attention",))
    rows = [
        {"image": index, **row}
        for index, case in cases(speaker, dataset, SCENES, range(8))
        for row in experiment.rows(case)
    ]
    assert rows == json.loads(json.dumps(rows))
    rows = pd.DataFrame(rows)
    assert len(rows)
    heads = {"ada": {ALL}, "mhfc": {ALL, 0, 1}}[kind]
    assert set(rows[rows["method"] == "attention"]["head"]) == heads
    assert set(rows[rows["method"] == "lrp"]["head"]) == {ALL}
    shown = rows[rows["in_mask"].notna()]
    assert (shown["mask_chance"] <= shown["chance"] + 0.05).all()  # masks lie in boxes, but for pixels on their edges
    tables = experiment.tables(rows, Context(dataset, SCENES, training_captions=list))
    assert tables["correctness"]["correctness"].between(0, 1).all()
    if kind == "ada":
        line = correctness_of(speaker, dataset, SCENES, 8)
        assert line["correctness"] == tables["correctness"].set_index("method").loc["lrp", "correctness"]
