"""Training on features that were computed elsewhere: from one npz an image to a run that can be read."""

import numpy as np
import pytest

from lrp_jax.captions.data.bottom_up import RegionStore, convert
from lrp_jax.captions.explain import explain_features
from lrp_jax.captions.images import Example
from lrp_jax.captions.runs.folder import load_run
from lrp_jax.captions.runs.settings import SettingsError, paper_settings
from lrp_jax.captions.training import train_and_evaluate

WORDS = ("dog", "cat")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Features of 40 images in which channel 0 or 1 says what is seen."""
    folder, rng = tmp_path_factory.mktemp("features"), np.random.default_rng(0)
    (folder / "files").mkdir()
    for index in range(40):
        features = rng.uniform(0, 0.1, (4, 6)).astype(np.float32)
        features[:, index % 2] += 1
        corners = rng.uniform(0, 40, (4, 2)).astype(np.float32)
        boxes = np.concatenate([corners, corners + 20], axis=1)
        np.savez(folder / "files" / f"{index}.npz", x=features, bbox=boxes, image_h=60, image_w=60)
    convert(folder / "files", folder / "store", regions=4)
    return folder / "store"


def split(first, last):
    return [Example(str(i), np.zeros((2, 2, 3), np.uint8), (f"a {WORDS[i % 2]}",) * 4) for i in range(first, last)]


def config(folder):
    config = paper_settings()
    config.update(encoder="bottom_up", bottom_up=str(folder), min_count=1, lengths=(5,), epochs=6, learning_rate=3e-2)
    config.update(hidden=8, embedding=8, batch_size=16, evaluation_batch_size=8, clip=1.0)
    config.captioner = "mhfc"  # which compiles in half the time
    config.mhfc.update(heads=2, dropout=0.0)
    return config


def test_a_captioner_learns_from_stored_features(folder, tmp_path):
    splits = {"train": split(0, 32), "validation": split(32, 36), "test": split(36, 40)}
    train_and_evaluate(config(folder), tmp_path / "run", splits=splits)
    run = load_run(tmp_path / "run")
    assert run.encoder is None and run.preprocessing is None
    regions = RegionStore(run.config.bottom_up)["38"]
    tokens = np.array([1, *run.words.encode("a dog")])
    explanation = explain_features(run.captioner, run.params, regions.features, tokens, boxes=regions.boxes)
    np.testing.assert_array_equal(explanation.boxes, regions.boxes)
    by_channel = np.asarray(explanation.features[1]).sum(axis=0)
    assert by_channel[0] > np.abs(by_channel[1:]).max()  # channel 0 said "dog"


@pytest.mark.parametrize("missing", ["nowhere", ""])
def test_features_that_are_not_there_are_named(folder, tmp_path, missing):
    wanted = config(folder)
    wanted.bottom_up = missing
    with pytest.raises(SettingsError, match=r"config\.bottom_up"):
        train_and_evaluate(wanted, tmp_path / "run", splits={"train": split(0, 4), "validation": split(4, 6)})


def test_features_of_other_images_are_refused(folder, tmp_path):
    with pytest.raises(SettingsError, match=r"features of none of the 2 images"):
        train_and_evaluate(
            config(folder), tmp_path / "run", splits={"train": split(100, 102), "validation": split(102, 104)}
        )
