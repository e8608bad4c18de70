"""What is done to pixels is done to boxes: all eight orientations, against the pixels themselves."""

import copy
import dataclasses
import io
import pickle

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.images import Example, boxes_as_seen, filed_example, load_image, upright_boxes
from lrp_jax.captions.images.turned import lying

WIDTH, HEIGHT = 64, 48
RED = (8, 16, 24, 40)  # x0, y0, x1, y1 in pixels of the file: in a corner, so that every turn moves it elsewhere
SHARES = np.array([[8 / 64, 16 / 48, 24 / 64, 40 / 48]], np.float32)


def photograph(orientation, kind="JPEG", size=(WIDTH, HEIGHT), **options):
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 2] = 220
    pixels[RED[1] : RED[3], RED[0] : RED[2]] = (220, 30, 30)
    exif = Image.Exif()
    exif[0x0112] = orientation
    written = io.BytesIO()
    picture = Image.fromarray(pixels).resize(size)
    options = {"quality": 95} | options if kind in ("JPEG", "WEBP") else options
    picture.save(written, kind, exif=exif, **options)
    return written.getvalue()


def red_share(pixels, box):
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = np.rint(box * [width, height, width, height]).astype(int)
    is_red = pixels[..., 0] > 125
    return is_red[y0:y1, x0:x1].mean(), is_red[y0:y1, x0:x1].sum() / is_red.sum()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_box_stays_on_its_object(orientation, kind):
    content = photograph(orientation, kind)
    pixels = load_image(content)
    assert pixels.shape[:2] == ((WIDTH, HEIGHT) if orientation > 4 else (HEIGHT, WIDTH))
    for size in (None, (WIDTH, HEIGHT)):  # also where a JPEG is decoded smaller
        box = upright_boxes(SHARES, orientation)[0]
        inside, covered = red_share(load_image(content, size), box)
        assert inside > 0.9 and covered > 0.9
    assert lying(content) == (orientation, (HEIGHT, WIDTH))
    for size in ((HEIGHT, WIDTH), (480, 640), None):
        np.testing.assert_array_equal(boxes_as_seen(SHARES, content, size, unsure=True)[0], box)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_back_they_are_what_they_were(orientation):
    back = {6: 8, 8: 6}.get(orientation, orientation)
    np.testing.assert_allclose(upright_boxes(upright_boxes(SHARES, orientation), back), SHARES, atol=1e-7)


@pytest.mark.parametrize(
    ("orientation", "size", "turned"),
    [
        (6, (480, 640), True),  # as it lies in the file, which is smaller now
        (6, (640, 480), False),  # upright when it was annotated
        (8, (64, 48), False),
        (6, (100, 100), "unsure"),
        (6, None, "unsure"),
        (3, (480, 640), "unsure"),  # upside down it has the same sides
        (2, (48, 64), "unsure"),
        (1, (64, 48), False),
        (9, (48, 64), False),  # there is no such orientation, and no pixel is turned
    ],
)
@pytest.mark.parametrize("unsure", [True, False])
def test_the_size_tells_what_the_boxes_are_of(orientation, size, turned, unsure):
    content = photograph(orientation)
    found = boxes_as_seen(SHARES, content, size, unsure=unsure)
    turned = unsure if turned == "unsure" else turned
    np.testing.assert_array_equal(found, upright_boxes(SHARES, orientation) if turned else SHARES)
    if orientation == 9:
        assert load_image(content).shape == (HEIGHT, WIDTH, 3)


def test_what_cannot_be_read_keeps_its_boxes(tmp_path):
    for image in (b"no image", tmp_path / "nowhere.jpg", np.zeros((4, 4, 3), np.uint8), photograph(6)[:12]):
        assert boxes_as_seen(SHARES, image, None, unsure=True) is SHARES
        assert lying(image) is None


def test_a_file_is_read_when_boxes_are_asked_for(tmp_path):
    path = tmp_path / "dog.jpg"
    example = filed_example("dog", path, ("a dog",), SHARES, ("dog",), "train", (HEIGHT, WIDTH))
    assert isinstance(example, Example) and example.names == ("dog",)
    moved = example.in_split("test")
    path.write_bytes(photograph(6))  # not there before
    wanted = upright_boxes(SHARES, 6)
    for one in (moved, example, copy.copy(example), pickle.loads(pickle.dumps(example))):
        np.testing.assert_array_equal(one.boxes, wanted)
        assert one.boxes.dtype == np.float32
    assert (moved.split, example.split) == ("test", "train")
    np.testing.assert_array_equal(dataclasses.replace(example, split="x").boxes, wanted)  # and not turned twice
    with pytest.raises(ValueError, match="give every box one name"):
        filed_example("dog", path, (), SHARES, (), "train")


def test_no_file_is_opened_for_no_boxes(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("opened")

    monkeypatch.setattr(Image, "open", refuse)
    nothing = np.zeros((0, 4), np.float32)
    example = filed_example("dog", b"", (), nothing, (), "train")
    assert example.boxes is nothing
