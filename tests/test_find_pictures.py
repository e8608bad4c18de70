"""What explain.py feeds a model is what it was trained on."""

import types

import numpy as np
import pytest
from PIL import Image

from lrp_jax.data import Example, load_image
from lrp_jax.data.images import LazyImages, load_all
from lrp_jax.models import Preprocessing
from lrp_jax.pictures import find_pictures


def run_of(size):
    preprocessing = None if size is None else Preprocessing(size=size)
    return types.SimpleNamespace(preprocessing=preprocessing, config={})


@pytest.fixture
def path(tmp_path):
    """A JPEG file of more than four times the size, lying on its side."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "photo.jpg"
    Image.fromarray(pixels).resize((600, 450)).save(path, exif=exif)
    return path


def test_pixels_are_the_same_in_training_in_the_cache_and_in_an_explanation(path, tmp_path):
    (picture,) = find_pictures(str(path), tmp_path / "out", run_of((96, 100)))
    dataset = [Example("photo", path)]
    np.testing.assert_array_equal(picture.read(), LazyImages(dataset, (96, 100))[np.array([0])][0])
    np.testing.assert_array_equal(picture.read(), next(load_all(dataset, (96, 100))).pixels)
    twice = load_image(load_image(path), (96, 100))
    assert (picture.read() != twice).any()  # or this test could not fail
    np.testing.assert_array_equal(picture.show(), load_image(path))
    assert picture.show().shape == (600, 450, 3)


def test_without_an_encoder_the_whole_picture_is_read(path, tmp_path):
    (picture,) = find_pictures(str(path), tmp_path / "out", run_of(None))
    assert picture.read().shape == (600, 450, 3) and picture.show is None


def test_a_scene_is_read_at_the_size_of_the_model(tmp_path):
    (picture,) = find_pictures("scenes:test_broken:3", tmp_path, run_of((96, 96)))
    assert picture.read().shape == (96, 96, 3) and picture.show().shape == (480, 480, 3)
