"""The encoder for drawn scenes that ships with the package."""

import importlib.resources

import jax
import numpy as np
import pytest

from lrp_jax.captions import scenes
from lrp_jax.captions.images import load_image
from lrp_jax.captions.models import Preprocessing
from lrp_jax.captions.models.scene_cnn import SceneCNN
from lrp_jax.captions.training.scene_encoder import accuracies, draw_pool
from lrp_jax.captions.weights.scene_encoder import load_scene_encoder, scene_encoder_record


@pytest.fixture(scope="module")
def loaded():
    return load_scene_encoder()


@pytest.fixture(scope="module")
def encode(loaded):
    """encode(preprocessed) of three images at once: one compilation."""
    encoder, params, _ = loaded
    return jax.jit(lambda images: encoder.apply(params, images))


def test_file_is_small_and_holds_no_objects():
    file = importlib.resources.files("lrp_jax.captions.weights").joinpath("data", "scene_encoder.npz")
    assert len(file.read_bytes()) < 1.5e6
    with np.load(file.open("rb"), allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fU" for name in arrays.files)


def test_features(loaded, encode):
    encoder, _, preprocessing = loaded
    assert isinstance(encoder, SceneCNN) and isinstance(preprocessing, Preprocessing)
    images = np.stack([example.image for example in scenes.dataset("test_broken", count=3)])
    features = np.asarray(encode(preprocessing(images)))
    assert features.shape == (3, 8, 8, 96) and features.dtype == np.float32
    assert np.isfinite(features).all() and (features >= 0).all()
    assert features.std(axis=(0, 1, 2)).min() >= 0 and (features.max(axis=(0, 1, 2)) > 0).mean() > 0.8


def test_record_says_what_was_made(loaded):
    record = scene_encoder_record()
    assert tuple(record["things"]) == (*scenes.KINDS, *scenes.BACKGROUNDS)
    assert tuple(record["colours"]) == tuple(scenes.COLOURS)
    assert record["seed"] >= 0 and record["scenes"] >= 8000
    assert set(record["accuracy on 1000 held-out unbiased scenes"]) >= {"kind", "colour", "background"}


def test_it_sees_what_the_record_says(loaded):
    encoder, params, _ = loaded
    measured = accuracies(encoder, params, draw_pool("test_broken", seed=4, count=150), batch_size=150)
    for name, value in scene_encoder_record()["accuracy on 1000 held-out unbiased scenes"].items():
        assert measured[name] > value - 0.12, name


def test_it_does_not_mind_the_size_of_the_drawing(loaded, encode):
    preprocessing = loaded[2]
    scene = scenes.dataset("test_broken").scene(1)
    drawings = scenes.draw(scene, 144), scenes.draw(scene, 288), load_image(scenes.draw(scene, 144), (96, 96))
    sharp, other, shrunk = np.asarray(encode(np.stack([preprocessing(drawing) for drawing in drawings])))
    for features in (other, shrunk):
        assert abs(features - sharp).mean() < 0.2 * sharp.mean()


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.save(tmp_path / "array.npy", np.zeros(3))
    for name in ("other.npz", "array.npy"):
        with pytest.raises(ValueError, match="no scene encoder"):
            load_scene_encoder(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load_scene_encoder(tmp_path / "missing.npz")
