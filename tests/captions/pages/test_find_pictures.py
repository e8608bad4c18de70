"""What explain.py feeds a model is what it was trained on."""

import os
import types

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.data.images import LazyImages, load_all
from lrp_jax.captions.images import Example, load_image
from lrp_jax.captions.models import Preprocessing
from lrp_jax.captions.pages.batch import Outcome
from lrp_jax.captions.pages.pictures import find_pictures, split_specs


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


@pytest.mark.parametrize(
    ("images", "specs"),
    [
        ("a.png", ["a.png"]),
        ("a.png, b,c*.jpg", ["a.png", "b", "c*.jpg"]),
        ("scenes:test_broken:1,3-4,a.png,7", ["scenes:test_broken:1,3-4", "a.png", "7"]),
        (("a", "b,c"), ["a", "b", "c"]),
        ("scenes:train,3", ["scenes:train", "3"]),
    ],
)
def test_several_are_separated_by_commas(images, specs):
    assert split_specs(images) == specs


def images_in(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(folder / name)


def names_of(images, tmp_path):
    return [picture.name for picture in find_pictures(images, tmp_path / "out", run_of((8, 8)))]


def test_a_comma_in_the_name_of_a_file_is_no_separator(tmp_path):
    images_in(tmp_path, "red,blue.png")
    assert names_of(f"{tmp_path}/red,blue.png", tmp_path) == ["red,blue.png"]


def test_patterns_and_folders_give_each_image_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images_in(tmp_path, "one/a.png", "one/b.png", "two/a.png", "two/deep/c.png")
    assert names_of("one/*.png,one", tmp_path) == ["a.png", "b.png"]
    assert names_of(["two/**/*.png"], tmp_path) == ["a.png", "c.png"]
    # Of one name in two folders: the whole paths.
    assert names_of("one,two", tmp_path) == ["one/a.png", "b.png", "two/a.png", "deep/c.png"]


def test_what_is_not_there_is_an_image_that_fails(tmp_path):
    images_in(tmp_path, "a.png")
    good, bad = find_pictures(f"{tmp_path}/a.png,{tmp_path}/none.png", tmp_path / "out", run_of((8, 8)))
    assert good.read().shape == (8, 8, 3)
    with pytest.raises(ValueError, match="no such file or folder"):
        bad.read()
    with pytest.raises(ValueError, match="cannot be read"):
        find_pictures("x" * 5000, tmp_path, run_of((8, 8)))


def test_a_pipe_or_a_closed_folder_among_images_costs_no_other(tmp_path, monkeypatch):
    images_in(tmp_path, "photos/a.png", "photos/closed/b.png")
    os.mkfifo(tmp_path / "photos" / "pipe.png")  # whoever opens it waits for a writer
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    a, pipe, closed = find_pictures(str(tmp_path / "photos"), tmp_path / "out", run_of((8, 8)))
    assert (a.name, pipe.name, closed.name) == ("a.png", "pipe.png", "closed") and a.read().shape == (8, 8, 3)
    with pytest.raises(ValueError, match="got a pipe or a device, wanted a file"):
        pipe.read()
    with pytest.raises(PermissionError):
        closed.read()


def test_a_folder_is_told_by_content(tmp_path):
    """Every file is a picture, a picture that fails, or among those that are none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    for name, kind in (
        *(
            ("a.jpg", "JPEG"),
            ("b.jfif", "JPEG"),
            ("c.avif", "AVIF"),
            ("e.jp2", "JPEG2000"),
            ("f", "PNG"),
            ("g.JPE", "JPEG"),
        ),
        *(("h.dat", "WEBP"), (".hidden.png", "PNG"), ("deep/i.jp2", "JPEG2000")),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        noise.save(folder / name, format=kind)
    (folder / "d.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (folder / "notes.txt").write_text("BMW")
    (folder / "deep" / "captions.jsonl").write_text("{}")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf")
    (folder / "empty.png").write_bytes(b"")
    os.mkfifo(folder / "pipe")
    others = []
    found = {picture.name: picture for picture in find_pictures(str(folder), tmp_path / "out", run_of((8, 8)), others)}
    bad = {name: found.pop(name) for name in ("d.heic", "empty.png")}
    assert sorted(found) == [".hidden.png", "a.jpg", "b.jfif", "c.avif", "deep/i.jp2", "e.jp2", "f", "g.JPE", "h.dat"]
    assert all(picture.read().shape == (8, 8, 3) for picture in found.values())
    with pytest.raises(ValueError, match="a HEIC picture, which is not read here: save it as JPEG or PNG"):
        bad["d.heic"].read()
    with pytest.raises(ValueError, match="of no known format"):
        bad["empty.png"].read()
    assert others == ["deep/captions.jsonl", "notes.txt", "pipe"]


def test_many_files_that_are_none_are_counted(tmp_path):
    images_in(tmp_path, "one/a.png", "two/b.png")
    for number in range(5):
        for folder in ("one", "two"):
            (tmp_path / folder / f"{number}.txt").write_text("x")
    others = []
    found = find_pictures(f"{tmp_path}/one,{tmp_path}/two", tmp_path / "out", run_of((8, 8)), others)
    assert [picture.name for picture in found] == ["a.png", "b.png"] and len(others) == 10
    outcome = Outcome(explained=2, others=others)
    assert outcome.complete
    assert str(outcome) == ("2 explained in 0 s, 10 files that are no images (0.txt, 1.txt, 2.txt, 3.txt, 4.txt, ...)")


def test_a_folder_without_images_names_what_it_has(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"no image in this folder, but 1 file that is no image \(notes.txt\)$"):
        find_pictures(str(tmp_path), tmp_path / "out", run_of((8, 8)))
