"""Images in order and by number, and what becomes of those that cannot be read."""

import io

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.data.images import LazyImages, Subset, UnreadableImageError, load_all
from lrp_jax.captions.images import Example, load_image


@pytest.fixture
def dataset(tmp_path):
    """Nine JPEG files, of which number 3 is cut and number 6 is not there."""
    examples = []
    for index in range(9):
        buffer = io.BytesIO()
        Image.new("RGB", (20 + index, 16), (20 * index, 100, 200)).save(buffer, "JPEG")
        path = tmp_path / f"{index}.jpg"
        if index != 6:
            path.write_bytes(buffer.getvalue()[: 300 if index == 3 else None])
        examples.append(Example(f"id{index}", path, (f"caption {index}",)))
    return examples


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_all_in_order_with_errors_in_their_places(dataset, threads):
    loaded = list(load_all(dataset, (8, 8), threads=threads))
    assert [item.index for item in loaded] == list(range(9))
    assert all(item.example is example for item, example in zip(loaded, dataset, strict=True))
    assert [item.index for item in loaded if item.error] == [3, 6]
    for item in loaded:
        assert (item.pixels is None) == (item.error is not None)
        if item.pixels is not None:
            np.testing.assert_array_equal(item.pixels, load_image(item.example.image, (8, 8)))
    assert "3.jpg" in str(loaded[3].error) and isinstance(loaded[6].error, FileNotFoundError)


def test_all_of_nothing_and_at_their_own_sizes(dataset):
    assert list(load_all([])) == [] == list(load_all(dataset, first=9))
    assert [item.index for item in load_all(dataset, first=7)] == [7, 8]
    assert [item.pixels.shape[1] for item in load_all(dataset[:3])] == [20, 21, 22]


def test_by_number(dataset):
    images = LazyImages(dataset, (6, 5))
    assert len(images) == 9
    chosen = images[np.array([8, 0, 8])]
    assert chosen.shape == (3, 6, 5, 3) and chosen.dtype == np.uint8
    np.testing.assert_array_equal(chosen[0], load_image(dataset[8].image, (6, 5)))
    np.testing.assert_array_equal(chosen[0], chosen[2])


@pytest.mark.parametrize("index", [3, 6])
def test_an_unreadable_one_is_named(dataset, index):
    with pytest.raises(UnreadableImageError, match=rf"^image id{index}: .*{index}\.jpg"):
        LazyImages(dataset, (6, 5))[np.array([1, index])]


def test_some_of_a_dataset(dataset):
    some = Subset(dataset, [7, 2])
    assert len(some) == 2 and [example.id for example in some] == ["id7", "id2"]
