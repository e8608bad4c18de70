import json
import logging

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from lrp_jax.data import Example, cached_features, compute_features, dataset_digest, digest


def drawn(count=7, size=(6, 8), seed=0):
    rng = np.random.default_rng(seed)
    return [Example(f"{i}", rng.integers(0, 256, (*size, 3), np.uint8), captions=(f"image {i}",)) for i in range(count)]


class CountingEncoder:
    """Means over 2 x 2 grids of cells; counts its calls and holds them to one shape."""

    def __init__(self, batch_size):
        self.calls, self.batch_size = 0, batch_size

    def __call__(self, images):
        assert len(images) == self.batch_size and images.dtype == np.uint8
        self.calls += 1
        height, width = images.shape[1] // 2, images.shape[2] // 2
        cells = images.reshape(len(images), 2, height, 2, width, 3)
        return jnp.asarray(cells.mean(axis=(2, 4)), jnp.float32)


def test_features_row_by_row():
    dataset = drawn()
    encode = CountingEncoder(batch_size=3)
    features = compute_features(dataset, encode, batch_size=3)
    assert encode.calls == 3 and len(features) == 7
    assert features.array.shape == (7, 4, 3) and features.array.dtype == np.float32
    assert features.grid == (2, 2)
    assert features.captions == tuple((f"image {i}",) for i in range(7))
    for row, example in zip(features.array, dataset, strict=True):
        # Position 1 of a 2 x 2 grid is the upper right one.
        np.testing.assert_allclose(row[1], example.image[:3, 4:].mean((0, 1)), rtol=1e-6)
        np.testing.assert_allclose(row[2], example.image[3:, :4].mean((0, 1)), rtol=1e-6)


def test_images_are_resized_and_unreadable_ones_left_out(tmp_path, caplog):
    for name, size in (("a", (10, 8)), ("b", (20, 16))):
        Image.new("RGB", size, (200, 100, 50)).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    names = ("a", "broken", "missing", "b")
    dataset = [Example(name, tmp_path / f"{name}.png", captions=(name,)) for name in names]
    with caplog.at_level(logging.WARNING):
        features = compute_features(dataset, CountingEncoder(2), size=(4, 4), batch_size=2)
    assert features.indices.tolist() == [0, 3] and features.captions == (("a",), ("b",))
    np.testing.assert_allclose(features.array, np.broadcast_to([200.0, 100, 50], (2, 4, 3)))
    assert "broken" in caplog.text and "missing" in caplog.text
    with pytest.raises(ValueError, match="none of the 2 images"):
        compute_features(dataset[1:3], CountingEncoder(2), batch_size=2)


def test_cache_is_used_only_for_the_same_encoder_and_images(tmp_path):
    encode, dataset = CountingEncoder(4), drawn()

    def features(dataset=dataset, key="weights", **options):
        before = encode.calls
        result = cached_features(tmp_path, dataset, encode, key=key, batch_size=4, **options)
        return result, encode.calls - before

    first, calls = features()
    assert calls == 2
    again, calls = features()
    assert calls == 0 and isinstance(again.array, np.memmap)
    np.testing.assert_array_equal(first.array, again.array)
    assert (first.grid, first.captions) == (again.grid, again.captions)
    np.testing.assert_array_equal(again.array, compute_features(dataset, encode, batch_size=4).array)
    assert features(key="other weights")[1] == 2
    assert features(dataset=drawn(seed=1))[1] == 2
    assert features(dataset=dataset[:5])[1] == 2
    assert features(size=(8, 8))[1] == 2
    assert features()[1] == 0  # none of them overwrote the first


def test_a_cache_that_is_damaged_or_of_another_key_is_computed_anew(tmp_path):
    encode, dataset = CountingEncoder(4), drawn()

    def features():
        before = encode.calls
        result = cached_features(tmp_path, dataset, encode, key="k", batch_size=4)
        assert len(result) == 7
        return encode.calls - before

    features()
    (header,), (array,) = tmp_path.glob("*.json"), tmp_path.glob("*.npy")
    content = json.loads(header.read_text())
    header.write_text(json.dumps({**content, "key": "0" * 64}))
    assert features() == 2
    array.write_bytes(array.read_bytes()[:100])
    assert features() == 2
    header.write_text(json.dumps({**content, "grid": [3, 3]}))
    assert features() == 2
    header.unlink()
    assert features() == 2 and features() == 0
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".npy"]


def test_a_computation_that_fails_leaves_nothing_behind(tmp_path):
    def encode(images):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        cached_features(tmp_path, drawn(), encode, key="k", batch_size=4)
    assert list(tmp_path.iterdir()) == []


def test_digest_tells_values_shapes_and_types_apart():
    a = np.arange(4, dtype=np.float32)
    things = [a, a + 1, a.reshape(2, 2), a.astype(int), {"w": a}, {"v": a}, [a], [a, None], "a", b"a", 1, 1.0]
    assert len({digest(thing) for thing in things}) == len(things)
    assert digest({"w": a}) == digest({"w": jnp.asarray(a)}) == digest({"w": a.copy()})
    with pytest.raises(TypeError, match="object"):
        digest(object())


def test_dataset_digest_sees_pixels_captions_and_length():
    digests = {
        dataset_digest(dataset)
        for dataset in (drawn(), drawn(seed=1), drawn()[:6], [*drawn()[:6], Example("6", drawn()[6].image)], [])
    }
    assert len(digests) == 5
    assert dataset_digest(drawn()) == dataset_digest(drawn())
