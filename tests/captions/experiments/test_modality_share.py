"""Shares of image and words by hand, and what takes the place of the part that is gone."""

import json
import types

import numpy as np
import pandas as pd
import pytest
from small_speaker import small_scenes, small_speaker

from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import ModalityShare, cases
from lrp_jax.captions.experiments.mean_colour import mean_colour
from lrp_jax.captions.experiments.modality_share import planted
from lrp_jax.captions.words import UNK
from lrp_jax.captions.words.objects import mentions


def said(text, background="park"):
    words = tuple(text.split())
    scene = types.SimpleNamespace(background=background)
    return types.SimpleNamespace(words=words, scene=scene, mentions=mentions(words, SCENES.words))


@pytest.mark.parametrize(
    ("text", "background", "biases"),
    [
        ("a dog holding a red kite", "park", ["V", "L"]),
        ("a dog holding a red kite", "lake", ["", "L"]),
        ("a dog clutching two big blue kites", "lake", ["", "L"]),
        ("a kite next to a dog and a ball", "stage", ["", "", "L"]),
        ("a dog holding a ball", "stage", ["", ""]),  # another phrase calls for it
        ("a man holding a dog and a kite", "stage", ["", "", ""]),  # "holding" was said of the dog
        ("a boat looking at a very very very small bird", "lake", ["V", ""]),  # too far away
        ("a man looking at a bird", "room", ["", "L"]),
    ],
)
def test_what_the_planted_biases_call_for(text, background, biases):
    case = said(text, background)
    assert [planted(case, mention) for mention in case.mentions] == biases


def made_up(**columns):
    frame = pd.DataFrame(
        {
            "place": [1, 2, 3, 4],
            "word": ["a", "dog", "runs", "kite"],
            "kind": ["stop", "object", "other", "object"],
            "true": [None, True, None, False],
            "planted": [None, "V", None, ""],
            "method": "lrp",
            "size_image": [1.0, 3.0, 1.0, 2.0],
            "size_words": [3.0, 1.0, 1.0, 8.0],
            "log_p": [-1.0, -1.0, -1.0, -1.0],
            "without_image": [-2.0, -6.0, -3.0, -1.5],
            "without_start_only": [-9.0, -2.0, -3.0, -4.0],
            "without_unknown_words": [-9.0, -2.0, -3.0, -4.0],
        }
    )
    return frame.assign(image=0, **columns)


def test_shares_by_hand():
    tables = ModalityShare(methods=("lrp",), least_words=4).tables(made_up(), None)
    share = tables["modality_share"].set_index("words")
    np.testing.assert_allclose(share.loc["all", "share"], (0.25 + 0.75 + 0.5 + 0.2) / 4)
    np.testing.assert_allclose(share.loc["object", "share"], (0.75 + 0.2) / 2)
    np.testing.assert_allclose(share.loc["true mentions", "share"], 0.75)
    np.testing.assert_allclose(share.loc["true mentions called for by the background", "share"], 0.75)
    np.testing.assert_allclose(
        share.loc["false mentions called for by neither", ["share", "without image"]].to_list(), [0.2, 0.5]
    )
    assert "false mentions called for by the background" not in share.index
    check = tables["modality_share_check"].set_index("share of the image and")["spearman"]
    # Shares rank 2 4 3 1, the effects of the image (1, 5, 2, 0.5) 2 4 3 1, those of the words (8, 1, 2, 3) 4 1 2 3.
    np.testing.assert_allclose(check["what blanking the image takes"], 1)
    np.testing.assert_allclose(check["what deleting the words before takes"], 1 - 6 * (4 + 9 + 1 + 4) / (4 * 15))
    assert ModalityShare(methods=("lrp",)).tables(made_up(), None)["modality_share_check"].empty  # too short a caption


def test_captions_of_several_starts_are_kept_apart():
    other = made_up(without_image=[-6.0, -2.0, -3.0, -7.0], start=1)
    rows = pd.concat([made_up(start=0), other], ignore_index=True)
    check = ModalityShare(methods=("lrp",), least_words=4).tables(rows, None)["modality_share_check"]
    check = check.set_index("share of the image and").loc["what blanking the image takes"]
    assert check["captions"] == 2
    np.testing.assert_allclose(check["spearman"], 0)  # 1 and -1


def test_of_a_captioner():
    speaker, dataset = small_speaker(), small_scenes(2)
    experiment = ModalityShare(least_words=2)
    rows = []
    for index, case in cases(speaker, dataset, SCENES, range(2)):
        found = experiment.rows(case)
        assert found == json.loads(json.dumps(found)) == experiment.rows(case)
        assert not {"image", "id", "start"} & set(found[0])
        rows += [{"image": index, **row} for row in found]
    ((_, case),) = cases(speaker, dataset, SCENES, [1])
    last = [row for row in found if row["method"] == "lrp"]
    assert [row["word"] for row in last] == list(case.words)
    explanation = case.explanation("lrp")
    np.testing.assert_allclose([row["size_image"] for row in last], np.abs(explanation.regions).sum(1), rtol=1e-5)
    np.testing.assert_allclose([row["size_words"] for row in last], np.abs(explanation.words).sum(1), rtol=1e-5)
    np.testing.assert_allclose([row["size_start"] for row in last], np.abs(explanation.words[:, 0]), rtol=1e-5)
    # Word by word, what is asked of the model with a part of its input gone.
    grey = np.broadcast_to(np.rint(255 * np.array(mean_colour(speaker))).astype(np.uint8), case.pixels.shape)
    for at, row in enumerate(last):
        blank = speaker.log_probabilities(speaker.encode(grey), [case.caption[:at]])[0][at]
        unknown = speaker.log_probabilities(case.features, [np.full(at, UNK)])[0][at]
        start = speaker.log_probabilities(case.features, [np.zeros(0, int)])[0][0]
        values = [p[case.caption[at]] for p in (blank, unknown, start)]
        names = ("without_image", "without_unknown_words", "without_start_only")
        np.testing.assert_allclose([row[name] for name in names], values, rtol=1e-5)
    objects = {at for m in case.mentions for at in range(m.position, m.position + len(m.words))}
    assert {row["place"] - 1 for row in last if row["kind"] == "object"} == objects
    tables = experiment.tables(pd.DataFrame(rows), None)
    assert tables["modality_share"]["share"].between(0, 1).all()
    assert experiment.figure(tables).axes


def test_no_captions_and_photographs():
    tables = ModalityShare().tables(pd.DataFrame([]), None)
    assert "no captions" in tables["modality_share"]["note"].item()
    assert ModalityShare().figure(tables) is None
    rows = made_up()
    rows["planted"] = None  # nothing is planted in photographs
    names = set(ModalityShare(methods=("lrp",)).tables(rows, None)["modality_share"]["words"])
    assert not any("called for" in name for name in names)


def test_methods_without_words_are_refused():
    ((_, case),) = cases(small_speaker(), small_scenes(1), SCENES, [0])
    with pytest.raises(ValueError, match="says nothing of words"):
        ModalityShare(methods=("attention",)).rows(case)
