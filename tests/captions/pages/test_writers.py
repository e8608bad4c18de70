import json

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions import render
from lrp_jax.captions.pages import writers
from lrp_jax.captions.pages.writers import finished, write, write_index


def test_all_formats_are_written_and_listed(make_case, tmp_path):
    record = write(tmp_path / "ball", make_case(), fingerprint="f")
    words = [
        "word_01_a",
        "word_02_red",
        "word_03_ball",
        "word_04_on",
        "word_05_the",
        "word_06_grass",
        "words",
    ]
    expected = {f"{word}.png" for word in words} | {"relevance.npz", "report.html", "thumbnail.jpg"}
    assert set(record["files"]) == expected
    assert {path.name for path in (tmp_path / "ball").iterdir()} == expected | {"record.json"}
    for name, size in record["files"].items():
        assert (tmp_path / "ball" / name).stat().st_size == size > 0


def test_pictures_are_the_overlays(make_case, tmp_path):
    case = make_case(case={"rows": [2]})
    write(tmp_path, case, ["png"])
    drawn = np.asarray(Image.open(tmp_path / "word_03_ball.png"))
    wanted = render.overlay(case.image, render.maps(case)[0], render.common_scale(render.maps(case)))
    np.testing.assert_array_equal(drawn, wanted)
    sheet = Image.open(tmp_path / "words.png")
    assert sheet.width > 2 * 240 and sheet.height > 180


@pytest.mark.parametrize("rows", [None, [1, 4]])
def test_raw_arrays_come_back_exactly(make_case, tmp_path, rows):
    case = make_case(case={"rows": rows})
    write(tmp_path, case, ["npz"])
    with np.load(tmp_path / "relevance.npz", allow_pickle=False) as arrays:
        shown = list(case.shown)
        for name in ("logits", "features", "regions", "words", "betas", "pixels"):
            np.testing.assert_array_equal(arrays[name], getattr(case.explanation, name)[shown])
            assert arrays[name].dtype == getattr(case.explanation, name).dtype
        assert arrays["inputs"].tolist() == list(case.words)
        assert arrays["positions"].tolist() == [row + 1 for row in shown]
        assert arrays["grid"].tolist() == [3, 3]
        assert arrays["tokens"].tolist() == list(range(1, 8))


def test_the_record_says_what_was_explained_and_by_what(make_case, tmp_path):
    case = make_case(case={"rows": [2], "notes": ["given"]}, name="käse.png")
    written = write(tmp_path, case, ["json"], provenance={"rules": "conv: alpha", "versions": {"jax": "1"}})
    read = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert read == written
    assert read["name"] == "käse.png" and read["caption"] == "a red ball on the grass" and read["method"] == "lrp"
    assert read["rules"] == "conv: alpha" and read["versions"] == {"jax": "1"} and read["notes"] == ["given"]
    (word,) = read["words"]
    assert (word["position"], word["word"], word["token"]) == (3, "ball", 4)
    assert word["logit"] == case.explanation.logits[2] and word["beta"] == case.explanation.betas[2]
    assert [token["word"] for token in word["preceding"]] == ["<start>", "a", "red"]
    np.testing.assert_allclose([token["relevance"] for token in word["preceding"]], case.explanation.words[2, :3])
    parts = word["relevance"]
    np.testing.assert_allclose(parts["picture"] + parts["words"] + parts["rest"], word["logit"])


def test_a_second_explanation_leaves_nothing_of_the_first(make_case, tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    write(tmp_path, make_case())
    write(tmp_path, make_case(case={"rows": [0]}), ["png"])
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"word_01_a.png", "words.png", "record.json", "mine.txt"}


def test_an_unknown_format_is_refused_before_anything_is_written(make_case, tmp_path):
    with pytest.raises(ValueError, match="got format pdf; wanted any of png, npz, json, html"):
        write(tmp_path / "new", make_case(), ["png", "pdf"])
    assert not (tmp_path / "new").exists()


def test_a_write_that_fails_keeps_the_old_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), writers.atomic(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    with writers.atomic(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_finished_means_all_files_of_the_same_request(make_case, tmp_path):
    assert not finished(tmp_path, "f")
    write(tmp_path, make_case(), ["html", "npz"], fingerprint="f")
    assert finished(tmp_path, "f") and not finished(tmp_path, "g")
    with open(tmp_path / "relevance.npz", "r+b") as file:
        file.truncate(100)
    assert not finished(tmp_path, "f")
    write(tmp_path, make_case(), ["html", "npz"], fingerprint="f")
    (tmp_path / "report.html").unlink()
    assert not finished(tmp_path, "f")


def test_an_explanation_that_was_interrupted_is_not_finished(make_case, tmp_path, monkeypatch):
    write(tmp_path, make_case(), fingerprint="f")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writers, "WRITERS", {**writers.WRITERS, "html": full_disk})
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, make_case(seed=1), fingerprint="g")
    assert not finished(tmp_path, "f") and not finished(tmp_path, "g")


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"files": 3, "fingerprint": "f"}'])
def test_a_damaged_record_is_no_record(tmp_path, text):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "record.json").write_text(text)
    assert not finished(tmp_path / "one", "f")
    assert write_index(tmp_path) == 0


def test_the_index_holds_every_page_in_natural_order(make_case, tmp_path):
    for name in ("scene 10", "scene 9"):
        write(tmp_path / name, make_case(name=f"{name}.png"))
    write(tmp_path / "no page", make_case(), ["npz"])
    assert write_index(tmp_path) == 2
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert text.index("scene%209/report.html") < text.index("scene%2010/report.html")
    assert "no%20page" not in text
