"""Images that cannot be read stop a run, or are left out of all of it."""

import json

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.data.features import Features
from lrp_jax.captions.images import Example
from lrp_jax.captions.runs.settings import SettingsError, paper_settings
from lrp_jax.captions.training.bad_images import FILE, check_encoded, readable


@pytest.fixture
def splits(tmp_path):
    """Number 2 of the training images and number 0 of the others is cut."""

    def examples(split, bad):
        for index in range(4):
            path = tmp_path / f"{split}{index}.png"
            Image.new("RGB", (9, 9), (index, 0, 0)).save(path)
            if index == bad:
                path.write_bytes(path.read_bytes()[:40])
            yield Example(f"{split}{index}", path, (str(index),))

    return {"train": list(examples("t", 2)), "validation": list(examples("v", 0)), "test": list(examples("x", None))}


def encoded(splits, bad):
    """Features without those of the images that are named."""
    found = {}
    for split, dataset in splits.items():
        good = np.array([i for i, example in enumerate(dataset) if example.id not in bad])
        found[split] = Features(np.zeros((len(good), 1, 1)), (1, 1), good, tuple(dataset[i].captions for i in good))
    return found


def config(bad_images):
    settings = paper_settings()
    settings.bad_images = bad_images
    return settings


def begin(workdir):
    """What the loop writes when it is sure of its data."""
    workdir.mkdir(exist_ok=True)
    (workdir / "config.json").write_text("{}")


def ids(splits):
    return {split: [dataset[i].id for i in range(len(dataset))] for split, dataset in splits.items()}


BAD = r"1 image of train \(t2\) and 1 image of validation \(v0\) cannot be read.*--config\.bad_images=skip"


def test_a_run_stops_before_it_begins(splits, tmp_path, caplog):
    with pytest.raises(SettingsError, match=BAD):
        readable(splits, config("stop"), tmp_path / "run")
    assert "t2.png: got no readable image" in caplog.text and "v0.png" in caplog.text
    with pytest.raises(SettingsError, match=BAD):
        check_encoded(encoded(splits, ("t2", "v0")), splits, config("stop"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_without_them(splits, tmp_path, caplog):
    left = readable(splits, config("skip"), tmp_path)
    assert ids(left) == {
        "train": ["t0", "t1", "t3"],
        "validation": ["v1", "v2", "v3"],
        "test": ["x0", "x1", "x2", "x3"],
    }
    assert all(example.captions == (example.id[1],) for example in (left["train"][i] for i in range(3)))
    assert json.loads((tmp_path / FILE).read_text()) == {"train": {"2": "t2"}, "validation": {"0": "v0"}}
    assert "left out because they cannot be read: 1 image of train (t2) and 1 image of validation (v0)" in caplog.text


def test_features_are_missing_as_pixels_would_be(splits, tmp_path):
    readable(splits, config("skip"), tmp_path)
    written = (tmp_path / FILE).read_text()
    check_encoded(encoded(splits, ("t2", "v0")), splits, config("skip"), tmp_path)
    assert (tmp_path / FILE).read_text() == written


def test_a_resumed_run_leaves_out_the_same_ones(splits, tmp_path):
    first = ids(readable(splits, config("skip"), tmp_path))
    begin(tmp_path)
    Image.new("RGB", (9, 9)).save(splits["train"][2].image)
    assert ids(readable(splits, config("skip"), tmp_path)) == first
    check_encoded(encoded(splits, ("t2", "v0")), splits, config("skip"), tmp_path)
    with pytest.raises(SettingsError, match=r"left out 1 image of train \(t2\) and .* and now 1 image of valid"):
        check_encoded(encoded(splits, ("v0",)), splits, config("skip"), tmp_path)
    with pytest.raises(SettingsError, match=r"and now 2 images of train \(t1, t2\)"):
        check_encoded(encoded(splits, ("t1", "t2", "v0")), splits, config("skip"), tmp_path)


def test_what_a_run_left_that_never_began_is_forgotten(splits, tmp_path):
    readable(splits, config("skip"), tmp_path)
    for example in (splits["train"][2], splits["validation"][0]):
        Image.new("RGB", (9, 9)).save(example.image)
    assert ids(readable(splits, config("stop"), tmp_path)) == ids(splits)
    assert not (tmp_path / FILE).exists()


def test_a_split_with_nothing_left_is_an_error(splits, tmp_path):
    with pytest.raises(SettingsError, match="no image of split train can be read"):
        readable({"train": [splits["train"][2]]}, config("skip"), tmp_path)


def test_two_images_of_one_id_are_left_out_both(splits, tmp_path):
    """As of two files of captions that are trained on together."""
    train = splits["train"] + [Example("t2", splits["train"][2].image, ("2",)), splits["train"][3]]
    left = readable({"train": train}, config("skip"), tmp_path)["train"]
    assert [left[i].id for i in range(len(left))] == ["t0", "t1", "t3", "t3"]
    begin(tmp_path)
    assert ids(readable({"train": train}, config("skip"), tmp_path)) == {"train": ["t0", "t1", "t3", "t3"]}
    (tmp_path / FILE).write_text('{"train": ["t2"]}')
    with pytest.raises(SettingsError, match=r"unreadable\.json is damaged"):
        readable({"train": train}, config("skip"), tmp_path)
