import pytest

from lrp_jax.captions.pages.found import pictures_at


def names(pictures):
    return [picture.name for picture in pictures]


def test_a_folder_gives_its_images_and_those_below_by_name(tmp_path):
    for name in ("b.PNG", "a.jpg", "below/c.webp", ".hidden/d.png", "out/e.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = pictures_at(tmp_path, lambda path: path, skip=tmp_path / "out")
    assert names(found) == ["a.jpg", "b.PNG", "below/c.webp"]
    assert found[2].read() == tmp_path / "below" / "c.webp"
    assert "out/e.png" in names(pictures_at(tmp_path, lambda path: path))


def test_a_file_may_have_any_ending_and_a_name_that_cannot_be_printed(tmp_path):
    path = tmp_path / "line\nbreak.raw"
    path.touch()
    assert names(pictures_at(path, lambda path: path)) == ["line\\nbreak.raw"]


def test_nothing_there(tmp_path):
    assert pictures_at(tmp_path, lambda path: path) == []
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        pictures_at(tmp_path / "missing", lambda path: path)
