import logging

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.data.features import Listed, compute_features, dataset_digest, digest, list_images
from lrp_jax.captions.images import Example


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


def test_features_of_regions():
    """An encoder of regions: [B, n_v, C] and no grid."""
    dataset = drawn(5, size=(4, 6))
    features = compute_features(dataset, lambda images: images.reshape(len(images), 8, 9), batch_size=2)
    assert features.grid is None and features.boxes is None and features.array.shape == (5, 8, 9)
    np.testing.assert_array_equal(features.array[4], dataset[4].image.reshape(8, 9))
    with pytest.raises(ValueError, match=r"shape \(2, 72\)"):
        compute_features(dataset, lambda images: images.reshape(len(images), -1), batch_size=2)


def test_a_dataset_without_images_is_said():
    with pytest.raises(ValueError, match="without images"):
        compute_features([], CountingEncoder(2))


def test_digest_tells_values_shapes_and_types_apart():
    a = np.arange(4, dtype=np.float32)
    things = [a, a + 1, a.reshape(2, 2), a.astype(int), {"w": a}, {"v": a}, [a], [a, None], "a", b"a", 1, 1.0]
    assert len({digest(thing) for thing in things}) == len(things)
    assert digest({"w": a}) == digest({"w": jnp.asarray(a)}) == digest({"w": a.copy()})
    with pytest.raises(TypeError, match="object"):
        digest(object())


class Lazy:
    """A dataset that makes its examples when they are asked for, and counts them."""

    def __init__(self, examples):
        self.examples, self.read = examples, 0

    def __len__(self):
        return len(self.examples)

    def __getitem__(self, index):
        self.read += 1
        return self.examples[index]


def test_dataset_digest_sees_ids_pixels_and_length_and_no_captions(tmp_path):
    examples = drawn()
    renamed = [*examples[:6], Example("g", examples[6].image)]
    silent = [Example(example.id, example.image) for example in examples]
    assert len({dataset_digest(d) for d in (examples, drawn(seed=1), examples[:6], renamed, [])}) == 5
    assert dataset_digest(examples) == dataset_digest(drawn()) == dataset_digest(silent)
    # The ids of a list are all seen, of another dataset those that are read.
    swapped = [examples[i] for i in (0, 2, 1, 3, 4, 5, 6)]
    assert dataset_digest(examples, 2) != dataset_digest(swapped, 2)
    lazy = Lazy(examples)
    assert dataset_digest(lazy, 3) == dataset_digest(Lazy(drawn()), 3) != dataset_digest(Lazy(drawn(seed=1)), 3)
    assert lazy.read == 3
    # A file is what it holds, wherever it lies.
    digests = []
    for folder, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.jpg").write_bytes(content)
        digests.append(dataset_digest([Example("x", tmp_path / folder / "x.jpg")]))
    assert digests[0] == digests[1] != digests[2]


def test_a_dataset_is_read_once_for_its_captions(tmp_path, caplog):
    wanted = [(f"{i}", (f"image {i}",)) for i in range(7)]
    assert list_images(drawn()) == wanted and list_images(Lazy(drawn())) == wanted

    many, folder = drawn(600, size=(1, 1)), tmp_path / "kept"
    first, again = Lazy(many), Lazy(many)
    assert list_images(first, folder) == list_images(again, folder) == list_images(many)
    assert first.read == 600 and again.read == 256
    seen = {place: Listed(f"{place}", (f"image {place}",)) for place in range(590)}
    assert list_images(again, folder / "new", seen) == list_images(many) and again.read == 256 + 10
    changed = Lazy([*many[:-1], Example("599", many[-1].image, captions=("another caption",))])
    assert list_images(changed, folder)[-1] == ("599", ("another caption",))
    assert len(list_images(Lazy(many[:500]), folder)) == 500
    (folder / "captions.json").write_text("{")
    with caplog.at_level(logging.WARNING):
        assert list_images(Lazy(many), folder) == list_images(many)
    assert "captions.json is damaged" in caplog.text
