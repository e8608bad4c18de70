"""Examples, and images read from arrays, bytes and paths."""

import io

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.images import Example, load_image


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def photograph(height, width, seed=0):
    """Smooth colours, an edge, and a little noise, so that JPEG has something to do at every scale."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    colours = np.stack([x, y, (1 + np.sin(12 * x * y)) / 2], -1)
    colours[height // 3 :, width // 2 :] *= 0.4
    noise = np.random.default_rng(seed).normal(0, 0.02, colours.shape)
    return Image.fromarray((255 * np.clip(colours + noise, 0, 1)).astype(np.uint8))


def encoded(picture, format="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def test_example_defaults_to_no_boxes():
    example = Example("a", b"")
    assert example.boxes.shape == (0, 4) and example.boxes.dtype == np.float32
    assert example.captions == () and example.names == () and example.split == ""


@pytest.mark.parametrize("boxes", [np.zeros((1, 4)), np.zeros((2, 3)), np.zeros(8)])
def test_example_wants_one_name_per_box(boxes):
    with pytest.raises(ValueError, match=r"wanted \(2, 4\)"):
        Example("a", b"", boxes=boxes, names=("dog", "cat"))


def test_array_bytes_and_path_agree(pixels, tmp_path):
    data = encoded(Image.fromarray(pixels))
    path = tmp_path / "image.png"
    path.write_bytes(data)
    for image in (pixels, data, path, str(path)):
        loaded = load_image(image)
        assert loaded.dtype == np.uint8
        np.testing.assert_array_equal(loaded, pixels)


def test_result_is_a_writable_copy(pixels):
    loaded = load_image(pixels)
    loaded[:] = 0
    assert pixels.any()


def test_greyscale_becomes_rgb(pixels):
    grey = pixels[..., 0]
    for image in (grey, grey[..., None], encoded(Image.fromarray(grey))):
        np.testing.assert_array_equal(load_image(image), np.repeat(grey[..., None], 3, -1))


def test_sixteen_bit_greyscale_is_scaled_not_clipped():
    values = np.array([[0, 257 * 100], [257 * 200, 65535]], np.uint16)
    loaded = load_image(encoded(Image.fromarray(values)))
    np.testing.assert_array_equal(loaded[..., 0], [[0, 100], [200, 255]])


def test_transparency_lies_over_white():
    clear = np.zeros((2, 2, 4), np.uint8)
    clear[0, 0] = (10, 20, 30, 255)
    for image in (clear, encoded(Image.fromarray(clear))):
        loaded = load_image(image)
        np.testing.assert_array_equal(loaded[0, 0], (10, 20, 30))
        assert (loaded[1, 1] == 255).all()


@pytest.mark.parametrize("orientation, turn", [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_exif_orientation_is_applied(pixels, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(pixels), exif=exif)
    np.testing.assert_array_equal(load_image(data), np.rot90(pixels, turn))


def test_size_is_height_then_width_and_keeps_no_aspect(pixels):
    assert load_image(pixels, (4, 20)).shape == (4, 20, 3)
    flat = np.full((31, 17, 3), 77, np.uint8)
    assert (load_image(flat, (8, 8)) == 77).all()


def plainly(data, size):
    """The whole picture decoded, then resized."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.array(picture.convert("RGB").resize(size[::-1], Image.Resampling.BILINEAR))


def test_a_jpeg_of_less_than_twice_the_size_is_decoded_whole():
    data = encoded(photograph(240, 320), "JPEG", quality=90)
    np.testing.assert_array_equal(load_image(data, (130, 96)), plainly(data, (130, 96)))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_large_jpeg_is_decoded_at_a_part_of_its_size(mode, options, monkeypatch):
    data = encoded(photograph(400, 560).convert(mode), "JPEG", quality=90, **options)
    sizes = []
    resize = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda image, *args: sizes.append(image.size) or resize(image, *args))
    loaded = load_image(data, (90, 110))
    monkeypatch.undo()
    assert sizes == [(140, 100)]  # a quarter; an eighth has less than 90 rows
    assert np.abs(loaded.astype(int) - plainly(data, (90, 110))).mean() < 3
    assert load_image(data).shape == (400, 560, 3)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_what_lies_on_its_side_is_decoded_for_the_size_it_has_upright(orientation, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photograph(160, 480), "JPEG", quality=95, exif=exif)
    sizes = []
    resize = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda image, *args: sizes.append(image.size) or resize(image, *args))
    upright = (50, 130) if orientation in (1, 3) else (130, 50)
    loaded = load_image(data, upright)
    monkeypatch.undo()
    assert loaded.shape == (*upright, 3)
    # Both sides to a half. Taken for the other way round, no part of it would be large enough.
    assert sizes == [(240, 80) if orientation in (1, 3) else (80, 240)]
    whole = load_image(load_image(data), upright)
    assert np.abs(loaded.astype(int) - whole).mean() < 3


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_cut_anywhere_is_an_error_at_any_size(progressive):
    data = encoded(photograph(256, 256), "JPEG", quality=90, progressive=progressive)
    for share in (0.02, 0.1, 0.5, 0.9, 0.99):
        for size in (None, (200, 200), (24, 24), (8, 8)):
            with pytest.raises(ValueError, match="bytes: got no readable image"):
                load_image(data[: int(share * len(data))], size)


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    inner = load_image(stripes, (8, 8))[2:-2, 2:-2]
    assert abs(inner.astype(int) - 128).max() < 8  # picking single pixels would give 0 or 255


@pytest.mark.parametrize("size", [(0, 5), (5,), (5, 5.5), (-1, 3)])
def test_bad_size(pixels, size):
    with pytest.raises(ValueError, match="wanted"):
        load_image(pixels, size)


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_bad_array(image):
    with pytest.raises(ValueError, match="wanted"):
        load_image(image)


def test_bad_files(tmp_path, pixels):
    with pytest.raises(ValueError, match="no readable image"):
        load_image(b"not an image")
    with pytest.raises(ValueError, match="no readable image"):
        load_image(encoded(Image.fromarray(np.repeat(pixels, 40, 0)))[:200])
    with pytest.raises(FileNotFoundError):
        load_image(tmp_path / "missing.png")


@pytest.mark.parametrize(
    ("pixels", "why"),
    [(np.full((3, 4), 0.5, np.float32), "not integers"), (np.full((3, 4), 70000, np.int32), "more than 16 bits")],
)
def test_pixels_of_which_white_is_not_known_are_refused(tmp_path, pixels, why):
    """Pillow would make a black image of the one and a white one of the other."""
    Image.fromarray(pixels).save(tmp_path / "image.tif")
    with pytest.raises(ValueError, match=f"image.tif: got no readable image .*{why}"):
        load_image(tmp_path / "image.tif")
