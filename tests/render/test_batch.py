import dataclasses

import numpy as np
import pytest
from PIL import Image

from lrp_jax import render
from lrp_jax.render.batch import one_line


def picture(name, value=0):
    return render.Picture(name, lambda: np.full((20, 30, 3), value, np.uint8))


def broken(name):
    def read():
        raise ValueError(f"{name}: not an\nimage")

    return render.Picture(name, read)


@pytest.fixture
def to_case(make_case):
    """What stands for a model here; counts its calls."""
    calls = []

    def explain(picture, pixels):
        calls.append(picture.name)
        return dataclasses.replace(make_case(), name=picture.name, image=render.presentable(pixels))

    explain.calls = calls
    return explain


def test_one_bad_image_costs_no_other(to_case, tmp_path, capsys):
    outcome = render.explain_batch([picture("a.png"), broken("b.png"), picture("c.png")], to_case, tmp_path / "new")
    assert (outcome.explained, list(outcome.failed)) == (2, ["b.png"])
    printed = capsys.readouterr()
    assert printed.err == "[2/3] b.png: FAILED: b.png: not an image\n"
    assert printed.out.splitlines()[1] == "[3/3] c.png: a red ball on the grass"
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"a", "c", "index.html"}
    assert "2 explained" in str(outcome) and "1 failed (b.png)" in str(outcome)


def test_a_failing_model_is_a_line_too(make_case, tmp_path, capsys):
    def explain(picture, pixels):
        raise RuntimeError

    outcome = render.explain_batch([picture("a.png")], explain, tmp_path)
    assert outcome.failed == {"a.png": "RuntimeError"}


def test_what_was_finished_is_left_alone(to_case, tmp_path):
    batch = [picture("a.png"), picture("b.png")]
    render.explain_batch(batch, to_case, tmp_path, key=b"k")
    before = (tmp_path / "a" / "report.html").stat().st_mtime_ns
    outcome = render.explain_batch(batch, to_case, tmp_path, key=b"k", resume=True)
    assert (outcome.explained, outcome.skipped) == (0, 2) and len(to_case.calls) == 2
    assert (tmp_path / "a" / "report.html").stat().st_mtime_ns == before
    assert "2 were finished before" in str(outcome)


def test_other_pixels_another_request_or_a_missing_file_are_not_finished(to_case, tmp_path):
    render.explain_batch([picture("a.png"), picture("b.png")], to_case, tmp_path, key=b"k")
    render.explain_batch([picture("a.png", 9), picture("b.png")], to_case, tmp_path, key=b"k", resume=True)
    assert to_case.calls[2:] == ["a.png"]
    render.explain_batch([picture("a.png", 9)], to_case, tmp_path, key=b"other", resume=True)
    assert to_case.calls[3:] == ["a.png"]
    (tmp_path / "b" / "words.png").unlink()
    render.explain_batch([picture("b.png")], to_case, tmp_path, key=b"k", resume=True)
    assert to_case.calls[4:] == ["b.png"]


def test_without_resume_everything_is_done_again(to_case, tmp_path):
    for _ in range(2):
        render.explain_batch([picture("a.png")], to_case, tmp_path)
    assert len(to_case.calls) == 2


def test_an_interrupted_batch_has_an_index_of_what_is_finished(to_case, tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    batch = [picture("a.png"), render.Picture("b.png", interrupted), picture("c.png")]
    with pytest.raises(KeyboardInterrupt):
        render.explain_batch(batch, to_case, tmp_path)
    assert "a/report.html" in (tmp_path / "index.html").read_text()


def test_images_with_nothing_of_what_was_asked_are_counted(tmp_path):
    outcome = render.explain_batch([picture("a.png")], lambda *_: None, tmp_path)
    assert outcome.empty == 1 and not (tmp_path / "a").exists()
    assert "1 without the words asked for" in str(outcome)


def test_a_decompression_bomb_is_an_error(tmp_path, monkeypatch, to_case):
    Image.new("L", (50, 50)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    bomb = render.Picture("bomb.png", lambda: np.asarray(Image.open(tmp_path / "bomb.png").convert("RGB")))
    outcome = render.explain_batch([bomb], to_case, tmp_path / "out")
    assert "decompression bomb" in outcome.failed["bomb.png"]


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((96, 96), (384, 384)), ((500, 400), (500, 400)), ((600, 6000), (64, 640)), ((1, 1), (384, 384))],
)
def test_pictures_are_shown_at_a_size_to_look_at(shape, wanted):
    assert render.presentable(np.zeros((*shape, 3), np.uint8)).shape == (*wanted, 3)


def test_errors_in_one_line():
    assert one_line(ValueError("two\nlines")) == "two lines"
    assert one_line(KeyError("x")) == "KeyError: 'x'"
    assert len(one_line(ValueError("x" * 1000))) == 300
