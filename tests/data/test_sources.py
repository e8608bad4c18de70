import json

import numpy as np
import pytest

from lrp_jax.data import load_image, source

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


def write(folder, images):
    path = folder / "captions.json"
    path.write_text(json.dumps({"note": "", "images": images}))
    return f"json:{path}"


def test_photographs_from_json(tmp_path):
    splits = source(write(tmp_path, IMAGES))
    assert {split: [e.id for e in examples] for split, examples in splits.items()} == {
        "train": ["a"],
        "validation": ["7", "d"],
        "test": ["c"],
    }
    example = splits["test"][0]
    assert example.image == tmp_path / "images" / "sub" / "c.jpg"
    assert example.captions == ("Two cats.",) and example.split == "test"
    np.testing.assert_allclose(example.boxes, [[0.1, 0.2, 0.5, 1.0], [0, 0, 1, 1]])
    assert example.boxes.dtype == np.float32 and example.names == ("cat", "cat")
    assert splits["validation"][1].boxes.shape == (0, 4)


def test_several_files_share_a_training_split(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "other.json").write_text(json.dumps({"images": IMAGES[:3]}))
    splits = source(write(tmp_path, IMAGES) + f",{tmp_path}/more/other.json")
    assert {split: [e.id for e in examples] for split, examples in splits.items()} == {
        "train": ["a", "a"],
        "validation": ["7", "d", "7"],
        "test_captions": ["c"],
        "test_other": ["c"],
    }
    assert splits["train"][1].image == tmp_path / "more" / "images" / "a.jpg"
    with pytest.raises(ValueError, match="different names"):
        source(write(tmp_path, IMAGES) + f",{tmp_path}/captions.json")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([{"split": "train", "captions": []}], r"image 0 .*file"),
        ([IMAGES[0], {**IMAGES[0], "captions": "A dog."}], r"image 1 .*list of strings"),
        ([{**IMAGES[2], "boxes": [{"category": "cat", "box": [1, 2, 3]}]}], "image 0"),
        (3, "images is a int, wanted a list"),
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


@pytest.mark.parametrize("spec", ["", "coco", "scenes:strong,count=3", "scenes:strong,seed=x", "scenes:none,seed"])
def test_an_unknown_source_is_refused(spec):
    with pytest.raises(ValueError, match="wanted"):
        source(spec)


def test_drawn_scenes_with_options():
    splits = source("scenes:weak,seed=3,size=48,train=20,test_biased=2")
    assert {split: len(dataset) for split, dataset in splits.items()} == {
        "train": 20,
        "validation": 1000,
        "test_broken": 3000,
        "test_biased": 2,
    }
    assert splits["train"][1].image.shape == (48, 48, 3) and splits["train"].bias == "weak"
    assert splits["train"].seed == 3 and len(splits["train"][1].captions) == 5


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "sizes"), [("flickr8k_1000", (753, 113, 125)), ("coco_small", (283, 40, 128))])
def test_real_photographs(realdata, name, sizes):
    splits = source(f"json:{realdata / name / name}.json")
    assert tuple(len(splits[split]) for split in ("train", "validation", "test")) == sizes
    example = splits["test"][0]
    assert load_image(example.image, (224, 224)).shape == (224, 224, 3) and len(example.captions) >= 5
    if name == "coco_small":
        boxes = np.concatenate([example.boxes for example in splits["test"]])
        assert len(boxes) > 500 and 0 <= boxes.min() < boxes.max() <= 1
        assert (boxes[:, 2:] > boxes[:, :2]).all()
