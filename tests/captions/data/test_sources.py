import logging

import numpy as np
import pytest
import source_files

from lrp_jax.captions.data.sources import json_source, source
from lrp_jax.captions.images import load_image

IMAGES = [
    {"file": "a.jpg", "split": "train", "captions": ["A dog.", "A hound."]},
    {"file": "b.jpg", "split": "dev", "captions": ["A cat."], "image_id": 7},
    {
        "file": "sub/c.jpg",
        "split": "test",
        "captions": ["Two cats."],
        "boxes": [
            {"category": "cat", "box": [0.1, 0.2, 0.5, 1.0], "iscrowd": 0},
            {"category": "cat", "box": [0, 0, 1, 1], "iscrowd": 1},
        ],
    },
    {"file": "d.jpg", "split": "val", "captions": ["A car."], "boxes": None},
    {"file": "e.jpg", "split": "unused", "captions": ["x"]},
    {"file": "f.jpg", "split": "train", "captions": []},
]


def write(folder, images, name="captions.json"):
    path = source_files.write_json(folder / name, {"note": "", "images": images})
    source_files.photographs(folder / "images", "a.jpg", "b.jpg", "sub/c.jpg", "d.jpg", "e.jpg", "f.jpg")
    return f"json:{path}"


def test_photographs_from_json(tmp_path):
    splits = source(write(tmp_path, IMAGES))
    assert source_files.ids(splits) == {"train": ["a"], "validation": ["7", "d"], "test": ["sub/c"]}
    assert splits.skipped == {"image in no split": 1, "image without a caption": 1}
    example = splits["test"][0]
    assert example.image == tmp_path / "images" / "sub" / "c.jpg" and load_image(example.image).shape == (48, 64, 3)
    assert example.captions == ("Two cats.",) and example.split == "test"
    np.testing.assert_allclose(example.boxes, [[0.1, 0.2, 0.5, 1.0], [0, 0, 1, 1]])
    assert example.boxes.dtype == np.float32 and example.names == ("cat", "cat")
    assert splits["validation"][1].boxes.shape == (0, 4)


def test_several_files_share_a_training_split(tmp_path):
    spec = write(tmp_path, IMAGES) + f",{tmp_path}/more/other.json"
    write(tmp_path / "more", [*IMAGES[:3], {**IMAGES[0], "captions": []}], "other.json")
    splits = source(spec)
    assert source_files.ids(splits) == {
        "train": ["a", "a"],
        "validation": ["7", "d", "7"],
        "test_captions": ["sub/c"],
        "test_other": ["sub/c"],
    }
    assert splits["train"][1].image == tmp_path / "more" / "images" / "a.jpg"
    assert splits.skipped == {"image in no split": 1, "image without a caption": 1, "repeated image": 1}
    with pytest.raises(ValueError, match="different names"):
        source(write(tmp_path, IMAGES) + f",{tmp_path}/captions.json")


def test_an_image_may_be_in_several_splits_of_our_own_file_but_once_in_each(tmp_path):
    images = [{**IMAGES[0], "split": split} for split in ("train", "val", "test", "train")]
    splits = source(write(tmp_path, images))
    assert source_files.sizes(splits) == {"train": 1, "validation": 1, "test": 1}
    assert splits.skipped == {"repeated image": 1}


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([{"split": "train", "captions": []}], r"image 0 .*file"),
        ([IMAGES[0], {**IMAGES[0], "captions": "A dog."}], r"image 1 .*list of strings"),
        ([{**IMAGES[2], "boxes": [{"category": "cat", "box": [1, 2, 3]}]}], "image 0"),
        ([{**IMAGES[1], "file": 3}], "image 0 .*file is 3, wanted the name of a file"),
        ([{**IMAGES[1], "file": "\ud83d.jpg"}], "image 0 .*wanted the name of a file"),
        (3, "images is a int"),
        ([], "no images are listed"),
        ([{**IMAGES[0], "file": "../a.jpg"}], r"'\.\./a\.jpg': wanted a path inside the folder"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, images, message):
    with pytest.raises(ValueError, match=message):
        source(write(tmp_path, images))


def test_missing_or_foreign_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no captions at .*nothing\.json"):
        source(f"json:{tmp_path}/nothing.json")
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"list\.json: wanted JSON of the form"):
        source(f"json:{tmp_path}/list.json")
    (tmp_path / "half.json").write_text('{"images": [{"file": "a.j')
    with pytest.raises(ValueError, match=r"half\.json: not a complete JSON file .*download or write it again"):
        source(f"json:{tmp_path}/half.json")


def test_an_empty_split_is_an_error_that_says_why(tmp_path):
    wordless = {**IMAGES[1], "captions": ["...", " "]}
    with pytest.raises(ValueError, match=r"none of the 1 images of split validation .*2 x caption without a word"):
        source(write(tmp_path, [IMAGES[0], wordless]))
    with pytest.raises(ValueError, match="has no images to train on: its splits are validation, test"):
        source(write(tmp_path, IMAGES[1:4]))
    splits = source(write(tmp_path, [IMAGES[0], IMAGES[1]]))
    assert source_files.sizes(splits) == {"train": 1, "validation": 1}
    with pytest.raises(KeyError, match="no images of split 'test', only of train, validation"):
        splits["test"]


def test_single_missing_images_are_skipped_and_a_missing_folder_is_an_error(tmp_path, caplog):
    images = [{"file": f"{n}.jpg", "split": "train", "captions": ["A dog."]} for n in range(4)]
    path = source_files.write_json(tmp_path / "some.json", {"images": images})
    with pytest.raises(FileNotFoundError, match=r"no images: looked for .*images/0\.jpg.*images=FOLDER.*images=none"):
        source(f"json:{path}")
    source_files.photographs(tmp_path / "images", "0.jpg", "2.jpg")
    with caplog.at_level(logging.WARNING):
        splits = source(f"json:{path}")
    assert source_files.ids(splits) == {"train": ["0", "2"]}
    assert splits.skipped == {"image whose file is missing": 2}
    (line,) = caplog.messages
    assert line.startswith(f"json:{path}: skipped 2 x image whose file is missing ({tmp_path}/images/1.jpg, ")
    (tmp_path / "images" / "2.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"3 of the 4 train images are missing, the first is .*1\.jpg"):
        source(f"json:{path}")
    assert source_files.ids(source(f"json:{path},missing=skip")) == {"train": ["0"]}
    # Features that were computed elsewhere need no image.
    splits = source(f"json:{path},images=none")
    assert len(splits["train"]) == 4 and splits["train"][3].image == tmp_path / "images" / "3.jpg"
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    assert source_files.ids(source(f"json:{path},images={tmp_path}/elsewhere,missing=skip")) == {"train": ["0"]}


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([0.5, 0.1, 0.5, 0.9], "box without area"),
        ([0.6, 0.1, 0.5, 0.9], "box without area"),
        ([1.0, 0.1, 1.5, 0.9], "box outside the image"),
        ([float("nan"), 0.1, 0.5, 0.9], "box without four finite numbers"),
        (["a", 0.1, 0.5, 0.9], "box without four finite numbers"),
        ([-(10**400), 0.1, 0.5, 0.9], "box without four finite numbers"),
    ],
)
def test_a_box_that_is_none_is_skipped_and_counted(tmp_path, box, reason):
    boxes = [{"category": "cat", "box": box}, {"category": "dog", "box": [-0.2, 0.25, 0.5, 1.25]}]
    splits = source(write(tmp_path, [{**IMAGES[0], "boxes": boxes}]))
    assert splits.skipped == {reason: 1}
    assert splits["train"][0].names == ("dog",)
    np.testing.assert_array_equal(splits["train"][0].boxes, [[0, 0.25, 0.5, 1]])


@pytest.mark.parametrize("category", [None, 3, ["cat"], "\ud83d"])
def test_a_box_of_no_name_is_skipped_and_counted(tmp_path, category):
    boxes = [{"category": category, "box": [0, 0, 1, 1]}, {"category": "dog", "box": [0, 0, 1, 1]}]
    splits = source(write(tmp_path, [{**IMAGES[0], "boxes": boxes}, {**IMAGES[0], "image_id": "\ud83d"}]))
    assert splits["train"][0].names == ("dog",) and len(splits["train"]) == 1
    assert splits.skipped == {"box whose category has no name": 1, "image whose id is not text": 1}


@pytest.mark.parametrize("kind", ["karpathy", "json", "folder"])
def test_a_folder_where_a_file_is_wanted_is_said(tmp_path, kind):
    (tmp_path / "captions.jsonl").mkdir()
    wanted = "is a folder, wanted a file" if kind != "folder" else "no captions in .*looked for"
    with pytest.raises(OSError, match=wanted):
        source(f"{kind}:{tmp_path}/captions.jsonl")


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "coco",
        "coco:",
        "coca:/data",
        "scenes:strong,count=3",
        "scenes:strong,seed=x",
        "scenes:none,seed",
        "scenes:",
        "coco:/data,seed=x",
        "coco:/data,restval=perhaps",
        "folder:/data,year=2017",
        "folder:/data,missing=ignore",
        r"C:\data\coco",
        "~nobody-of-this-name/photos",
        "coco:~nobody-of-this-name/photos",
    ],
)
def test_an_unknown_source_is_refused(spec):
    with pytest.raises(ValueError, match="wanted"):
        source(spec)


def test_drawn_scenes_with_options():
    splits = source("scenes:weak,seed=3,size=48,train=20,test_biased=2")
    assert source_files.sizes(splits) == {"train": 20, "validation": 1000, "test_broken": 3000, "test_biased": 2}
    assert splits["train"][1].image.shape == (48, 48, 3) and splits["train"].bias == "weak"
    assert splits["train"].seed == 3 and len(splits["train"][1].captions) == 5
    assert not splits.skipped and splits.name.startswith("scenes:weak")


def test_a_path_alone_is_enough(tmp_path, monkeypatch):
    folder = tmp_path / "a, b=c"
    write(folder, IMAGES)
    wanted = source_files.ids(source(f"json:{folder}/captions.json"))
    assert source_files.ids(source(str(folder))) == wanted
    assert source_files.ids(source(f"{folder}/captions.json")) == wanted
    assert source_files.sizes(source(f"{folder},images=none")) == {"train": 1, "validation": 2, "test": 1}
    monkeypatch.setenv("HOME", str(tmp_path))
    assert source_files.ids(source("~/a, b=c")) == wanted
    assert source_files.ids(source("json:~/a, b=c/captions.json")) == wanted


def test_what_no_kind_knows_is_told_what_was_looked_for(tmp_path):
    with pytest.raises(ValueError, match=r"looked for karpathy: .*coco: .*tfds: .*flickr30k: .*folder: .*json: "):
        source(str(tmp_path))
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(ValueError, match=r"notes\.txt is not a known kind of source"):
        source(str(tmp_path / "notes.txt"))
    write(tmp_path, IMAGES)
    write(tmp_path, IMAGES, "others.json")
    with pytest.raises(ValueError, match=r"several sources: choose one, json:.*captions\.json or json:.*others\.json"):
        source(str(tmp_path))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "sizes", "skipped"),
    [
        ("flickr8k_1000", (753, 113, 125), {"image in no split": 9}),
        # One box of a pair of skis has no width.
        ("coco_small", (283, 40, 128), {"image in no split": 204, "box without area": 1}),
    ],
)
def test_real_photographs(realdata, name, sizes, skipped):
    splits = source(f"json:{realdata / name / name}.json")
    assert tuple(len(splits[split]) for split in ("train", "validation", "test")) == sizes
    assert splits.skipped == skipped
    example = splits["test"][0]
    assert load_image(example.image, (224, 224)).shape == (224, 224, 3) and len(example.captions) >= 5
    if name == "coco_small":
        boxes = np.concatenate([example.boxes for split in splits.values() for example in split])
        assert len(boxes) > 2000 and boxes.min() >= 0 and boxes.max() <= 1
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_json_source_alone_needs_no_training_images(tmp_path):
    path = write(tmp_path, IMAGES[1:3]).removeprefix("json:")
    assert source_files.sizes(json_source(path)) == {"validation": 1, "test": 1}
