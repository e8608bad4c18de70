"""Preprocessing of images."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models import IMAGENET, Preprocessing


def test_a_pixel_by_hand():
    image = np.zeros((224, 224, 3), np.uint8)
    image[5, 7] = [255, 51, 0]
    out = IMAGENET(image)
    assert out.dtype == jnp.float32
    expected = [(1 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, -0.406 / 0.225]
    np.testing.assert_allclose(out[5, 7], expected, rtol=1e-5)
    np.testing.assert_allclose(out[0, 0, 0], -0.485 / 0.229, rtol=1e-5)


def test_resizes_batches_without_keeping_the_aspect():
    images = np.random.default_rng(0).integers(0, 256, (2, 30, 50, 3), np.uint8)
    out = Preprocessing(size=(15, 10))(images)
    assert out.shape == (2, 15, 10, 3)
    np.testing.assert_allclose(out[1], Preprocessing(size=(15, 10))(images[1]), atol=1e-6)
    assert Preprocessing()(images).shape == images.shape


def test_shrinking_averages():
    """A fine chessboard becomes grey, not black or white."""
    board = np.indices((64, 64)).sum(0) % 2 * np.uint8(255)
    small = Preprocessing(size=(8, 8))(np.stack([board] * 3, -1).astype(np.uint8))
    np.testing.assert_allclose(small, 0.5, atol=0.02)


def test_an_image_of_the_right_size_is_not_resampled():
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    np.testing.assert_allclose(Preprocessing(size=(8, 8))(image), image / 255, atol=1e-7)


def test_survives_json_and_is_static_under_jit():
    again = Preprocessing(**json.loads(json.dumps(dataclasses.asdict(IMAGENET))))
    assert again == IMAGENET
    image = np.full((10, 12, 3), 100, np.uint8)
    jitted = jax.jit(lambda p, x: p(x), static_argnums=0)
    np.testing.assert_allclose(jitted(again, image), IMAGENET(image), rtol=1e-5)


def test_refuses_what_is_no_pixel():
    with pytest.raises(TypeError, match="float32 images; pass uint8"):
        IMAGENET(np.zeros((8, 8, 3), np.float32))
