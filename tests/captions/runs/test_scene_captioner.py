"""The captioner for drawn scenes that ships with the package."""

import importlib.resources
import importlib.util
import json
import pathlib

import numpy as np
import pytest

from lrp_jax.captions import metrics, scenes
from lrp_jax.captions.models import AdaLSTM
from lrp_jax.captions.models.decoding import Greedy
from lrp_jax.captions.runs import scene_captioner
from lrp_jax.captions.runs.encoders import encode_dataset
from lrp_jax.captions.runs.scene_captioner import load_scene_captioner, scene_captioner_record, write_scene_captioner
from lrp_jax.captions.words import tokenize

CONFIG = pathlib.Path(__file__).parents[3] / "configs" / "ada_scenes.py"
SCENES = 50


@pytest.fixture(scope="module")
def run():
    return load_scene_captioner()


def test_the_file_is_small_and_holds_no_objects():
    file = importlib.resources.files("lrp_jax.captions.weights").joinpath("data", "scene_captioner.npz")
    assert len(file.read_bytes()) < 2.5e6
    with np.load(file.open("rb"), allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fU" for name in arrays.files)


def test_it_was_trained_by_the_config_of_the_repository(run):
    spec = importlib.util.spec_from_file_location("ada_scenes", CONFIG)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wanted = json.loads(json.dumps(module.get_config().to_dict()))
    record = scene_captioner_record()
    assert record["config"] == wanted
    assert isinstance(run.captioner, AdaLSTM) and run.captioner.hidden == wanted["hidden"]
    assert run.config.source == wanted["source"] and len(run.words) == len(record["words"])
    assert set(record["results"]) == {"cider/validation", "cider/test_broken", "cider/test_biased"}
    assert min(record["results"].values()) > 0.8
    assert record["changed"] <= 0.01 * record["compared"]  # captions that half precision changed


def test_it_names_what_is_there(run):
    dataset = scenes.dataset("test_broken", count=SCENES)
    features = encode_dataset(run.encoder, dataset, name="test_broken").array
    said = [str(caption) for caption in run.caption(features, Greedy(max_length=17))]
    present = [{thing.kind for thing in dataset.scene(i).objects} for i in range(SCENES)]
    tokens = [tokenize(text) for text in said]
    found = metrics.named_objects(tokens, present, scenes.SYNONYMS)
    by_chance = metrics.named_objects(tokens, present[1:] + present[:1], scenes.SYNONYMS)
    assert found.named.sum() > SCENES and found.precision > 0.65 > 0.4 > by_chance.precision
    assert min(map(len, tokens)) >= 5 and not any("<unk>" in text for text in said)


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "encoder.npz", about=np.array("{}"))
    np.save(tmp_path / "array.npy", np.zeros(3))
    for name in ("other.npz", "encoder.npz", "array.npy"):
        with pytest.raises(ValueError, match="no scene captioner"):
            load_scene_captioner(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load_scene_captioner(tmp_path / "missing.npz")


def test_a_run_becomes_a_file_and_the_same_captioner(run, tmp_path, monkeypatch):
    monkeypatch.setattr(scene_captioner, "load_run", lambda folder: run)
    with pytest.raises(FileNotFoundError, match="wanted a finished run"):
        write_scene_captioner(tmp_path, tmp_path / "made.npz")
    (tmp_path / "results.json").write_text('{"cider/validation": 1.25}')
    about = write_scene_captioner(tmp_path, tmp_path / "made.npz", compared=2)
    assert about["results"] == {"cider/validation": 1.25} and about["changed"] == 0
    again = load_scene_captioner(tmp_path / "made.npz")
    assert again.words == run.words and again.captioner == run.captioner
    np.testing.assert_array_equal(again.params["params"]["fc"]["kernel"], run.params["params"]["fc"]["kernel"])
    encoder = {"params": {"other": np.zeros(2)}}
    monkeypatch.setattr(scene_captioner, "load_scene_encoder", lambda: (run.encoder.module, encoder, run.preprocessing))
    with pytest.raises(ValueError, match="trained with another scene encoder"):
        load_scene_captioner(tmp_path / "made.npz")
    with pytest.raises(ValueError, match="wanted a run with the encoder of the package"):
        write_scene_captioner(tmp_path, tmp_path / "made.npz")
