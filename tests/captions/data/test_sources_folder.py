import json

import numpy as np
import pytest
import source_files

from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import load_image

NAMES = [f"{number}.jpg" for number in range(10)]


def lines(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def image(name, split=None, **more):
    record = {"file": name, "captions": [f"Picture {name}.", "A dog."]} | more
    return record | ({"split": split} if split else {})


def folder(path, text, name="captions.jsonl", images=""):
    source_files.photographs(path / images, *NAMES)
    (path / name).write_bytes(text.encode())
    return f"folder:{path}"


def test_lines_of_json(tmp_path):
    records = [
        image("0.jpg", "train"),
        image("1.jpg", "val", id="one"),
        image("2.jpg", "test", boxes=[{"category": "dog", "box": [0.1, 0.2, 0.5, 1.25]}]),
        image("sub/3.jpg", "train", captions="A single one."),
    ]
    source_files.photographs(tmp_path / "sub", "3.jpg")
    splits = source(folder(tmp_path, lines(*records)))
    assert source_files.ids(splits) == {"train": ["0", "sub/3"], "validation": ["one"], "test": ["2"]}
    assert not splits.skipped
    example = splits["test"][0]
    assert example.captions == ("Picture 2.jpg.", "A dog.") and example.names == ("dog",)
    np.testing.assert_allclose(example.boxes, [[0.1, 0.2, 0.5, 1]])
    assert load_image(example.image).shape == (48, 64, 3)
    assert splits["train"][1].captions == ("A single one.",)
    for spec in (str(tmp_path), str(tmp_path / "captions.jsonl"), f"folder:{tmp_path}/captions.jsonl"):
        assert source_files.ids(source(spec)) == source_files.ids(splits)


def test_rows_of_a_table(tmp_path):
    rows = [
        "file,caption,split\n",
        '0.jpg,"A dog, a cat.",train\n',
        "1.jpg,Un chien à la plage.,val\n",
        "0.jpg,A dog.,train\n",
        "2.jpg,Two.,test\n",
        "0.jpg,Elsewhere.,test\n",
        "3.jpg,too,many,fields\n",
    ]
    splits = source(folder(tmp_path, "".join(rows), "captions.csv", "images"))
    assert source_files.ids(splits) == {"train": ["0"], "validation": ["1"], "test": ["2"]}
    assert splits["train"][0].captions == ("A dog, a cat.", "A dog.")
    assert splits["train"][0].image == tmp_path / "images" / "0.jpg"
    assert splits["validation"][0].captions == ("Un chien à la plage.",)
    assert splits.skipped == {
        "caption with another split than its image": 1,
        "line that is not a row of the table": 1,
    }
    assert source_files.ids(source(str(tmp_path))) == source_files.ids(splits)


def test_without_splits_a_tenth_each_is_drawn(tmp_path):
    spec = folder(tmp_path, lines(*map(image, NAMES)))
    splits = source(spec)
    assert source_files.sizes(splits) == {"train": 8, "validation": 1, "test": 1}
    assert sorted(id for ids in source_files.ids(splits).values() for id in ids) == [name[0] for name in NAMES]
    folder(tmp_path, lines(*map(image, reversed(NAMES))))
    again, other = source_files.ids(source(spec)), [source_files.ids(source(f"{spec},seed={n}")) for n in range(1, 5)]
    assert again["test"] == source_files.ids(splits)["test"]
    assert any(drawn["test"] != again["test"] for drawn in other)
    assert source_files.sizes(source(folder(tmp_path, lines(*map(image, NAMES[:3]))))) == {
        "train": 1,
        "validation": 1,
        "test": 1,
    }
    with pytest.raises(ValueError, match="got 2 images, wanted 1 for validation and 1 for test, and some to train on"):
        source(folder(tmp_path, lines(*map(image, NAMES[:2]))))


def test_damaged_lines_cost_no_other(tmp_path):
    good = [image("0.jpg", "train"), image("1.jpg", "val"), image("2.jpg", "test")]
    bad = [
        '{"file": "3.jpg", "captions": ["half\n',
        "[1]\n",
        lines(image("4.jpg", "train", captions=None)),
        lines(image(5, "train")),
        lines(image("6.jpg", "train", captions=["", 7, "dog " * 500])),
        lines(image("0.jpg", "train")),
        lines(image("7.jpg", "spare")),
        lines(image("8.jpg")),
        lines(image("9.jpg", "train", boxes=[{"box": [0, 0, 1, 1]}, 3, {"category": "dog", "box": [0, 0, 1, 1]}])),
        lines(image("none.jpg", "train")),
        lines(image("6.jpg", "train", captions=["Line\u2028separator", "carriage\rreturn", "Straße"])),
    ]
    splits = source(folder(tmp_path, "".join([lines(good[0]), *bad, lines(*good[1:])])))
    assert source_files.ids(splits) == {"train": ["0", "9", "6"], "validation": ["1"], "test": ["2"]}
    assert splits["train"][2].captions == ("Line separator", "carriage return", "Straße")
    assert all(e.captions[0] == f"Picture {e.id}.jpg." for e in (*splits["train"][:2], *splits["test"]))
    assert splits["train"][1].names == ("dog",)
    assert splits.skipped == {
        "line without file and captions": 4,
        "caption without a word": 1,
        "caption that is not text": 1,
        "caption of more than 100 words": 1,
        "image without a caption": 1,
        "repeated image": 1,
        "image in no split": 2,
        "box without category and corners": 2,
        "image whose file is missing": 1,
    }


@pytest.mark.parametrize("name", ["../0.jpg", "/etc/passwd", "a/../../0.jpg", "..\\0.jpg", "C:\\0.jpg", ".."])
def test_a_file_outside_the_folder_is_refused(tmp_path, name):
    spec = folder(tmp_path, lines(image("0.jpg", "train"), image(name, "train")))
    with pytest.raises(ValueError, match="wanted a path inside the folder of the images"):
        source(spec)


def test_missing_pieces_are_one_error_each(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no captions in .*looked for captions\.jsonl and captions\.csv"):
        source(f"folder:{tmp_path}")
    with pytest.raises(FileNotFoundError, match=r"no file .*mine\.csv"):
        source(f"folder:{tmp_path}/mine.csv")
    (tmp_path / "captions.jsonl").write_text(lines(*map(image, NAMES)))
    with pytest.raises(FileNotFoundError, match=r"no images: looked for .*0\.jpg and .*images/0\.jpg"):
        source(f"folder:{tmp_path},seed=3")
    (tmp_path / "captions.csv").write_text("file,caption\n0.jpg,A dog.\n")
    with pytest.raises(ValueError, match=r"both captions\.jsonl and captions\.csv: choose one"):
        source(f"folder:{tmp_path}")
    (tmp_path / "captions.jsonl").write_text("nothing\n")
    with pytest.raises(ValueError, match=r"captions\.jsonl: got no captions; 1 x line without file and captions"):
        source(f"folder:{tmp_path}/captions.jsonl")


@pytest.mark.parametrize("name", ["", "a/", ".", "\0", "a" * 300, f"{'a' * 300}/0.jpg", "loop/0.jpg"])
def test_a_name_that_no_file_can_have_costs_its_image_alone(tmp_path, name):
    spec = folder(tmp_path, lines(image("0.jpg", "train"), image(name, "train"), image("1.jpg", "train")))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    splits = source(spec)
    assert source_files.ids(splits) == {"train": ["0", "1"]} and splits.skipped.total() == 1


def test_too_few_images_to_draw_from_say_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"captions\.jsonl: got 2 images, wanted 1 for .*; give each a split, or add"):
        source(folder(tmp_path, lines(image("0.jpg"), image("1.jpg"))))
