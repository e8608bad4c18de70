import json

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions import scenes
from lrp_jax.captions.data.inspect import contact_sheet, describe, report
from lrp_jax.captions.images import Example
from lrp_jax.captions.words.objects import coco_words
from lrp_jax.cli.inspect import main

RED = "#c8102e"  # the colour of the first category of an image


def picture(shade=200, size=(64, 48)):
    return np.full((size[1], size[0], 3), shade, np.uint8)


def example(id, captions=(), boxes=(), names=(), image=None):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return Example(id, picture() if image is None else image, tuple(captions), boxes, tuple(names), "train")


BOX = (0.25, 0.25, 0.75, 0.75)
TRAIN = [
    example(
        "1", ["A man and two men.", "A man rides a bus"], [BOX, BOX, (0, 0, 0.2, 0.2)], ["person", "person", "bus"]
    ),
    example("2", ["Dogs", "men, dogs and a street in the rain"], [BOX], ["dog"]),
    example("3"),
]
TEST = [example("4", ["a street, a man", "zebras"])]


class Source(dict):
    def __init__(self, skipped, **splits):
        super().__init__(splits)
        self.skipped = skipped


def described(**options):
    source = Source({"image without a caption": 7}, train=TRAIN, test=TEST)
    return describe(source, coco_words(), min_count=2, **options)


def test_counts_by_hand():
    found = described(chosen=("street", "man", "zebra"))
    train = found.splits["train"]
    assert (train.images, train.captions, train.boxes, train.without_captions) == (3, 4, 4, 1)
    assert train.captions_per_image.counts == {0: 1, 2: 2}
    assert train.lengths.counts == {1: 1, 5: 2, 8: 1} and train.tokens == 19
    assert (train.lengths.least, train.lengths.median, train.lengths.most) == (1, 5.0, 8)
    assert train.lengths.mean == pytest.approx(19 / 4)
    assert train.lengths.percentile_95 == pytest.approx(np.percentile([1, 5, 5, 8], 95))
    # a 4, man 2, and 2, men 2, dogs 2: the other seven words are said once.
    assert (found.vocabulary, found.words) == (5 + 4, 12)
    assert train.unknown == pytest.approx(7 / 19)
    # The test split's tokens are a, street, a, man, zebras.
    assert found.splits["test"].unknown == pytest.approx(2 / 5)
    assert found.skipped == {"image without a caption": 7}
    words = [(c.name, c.category, c.images, c.times) for c in found.objects]
    assert words == [
        ("dogs", "dog", 1, 2), ("man", "person", 1, 2), ("men", "person", 2, 2), ("bus", "bus", 1, 1),
    ]  # fmt: skip
    assert [(c.name, c.images, c.times) for c in found.boxes] == [("person", 1, 2), ("bus", 1, 1), ("dog", 1, 1)]
    assert [(c.name, c.category, c.images, c.times) for c in found.chosen] == [
        ("man", "person", 1, 2), ("street", "", 1, 1),
    ]  # fmt: skip
    # Seven objects are named beside boxes; the men of the second image have none.
    assert found.mentions_with_boxes == (7, 6)


def test_another_split_keeps_the_vocabulary():
    found = described(split="test")
    assert found.vocabulary == described().vocabulary
    assert [(c.name, c.times) for c in found.objects] == [("man", 1), ("zebras", 1)]
    with pytest.raises(ValueError, match="no split 'none': wanted one of train, test"):
        described(split="none")


def test_sizes_and_images_that_cannot_be_read(tmp_path):
    images = [example("1"), example("2", image=picture(size=(30, 50))), example("3", image=tmp_path / "none.jpg")]
    sizes = describe({"train": images}, {}).sizes
    assert sizes.looked_at == 3 and sizes.widths.counts == {30: 1, 64: 1} and sizes.heights.counts == {48: 1, 50: 1}
    assert len(sizes.unreadable) == 1 and "none.jpg" in sizes.unreadable[0]


def test_nothing_at_all():
    found = describe({"train": []}, {})
    assert found.vocabulary is None and found.splits["train"].lengths.mean is None
    assert "no vocabulary" in report(found)


def test_the_report_says_the_numbers():
    text = report(described(chosen=("street",)), most=2)
    for line in (
        r"  train       3      4         4     0 to 2            1       5   4.8   7.5    8  36.84%",
        "1 images of train have no caption",
        "vocabulary: 9 words with the four special tokens; train has 12 different words, 5 of them at least 2 times",
        "skipped: 7 x image without a caption",
        "          5 ######################################## 2",
        "object words, train: the first 2 of 4",
        "  dogs  dog          1         2",
        "  street 1/1",
        "6 of 7 mentions in images with boxes (85.7%) have a box",
        "width 64, height 48",
    ):
        assert line in text, text
    assert "bus " not in text.split("object words")[1].split("boxes")[0]  # beyond the first two


def colour_at(sheet, x, y):
    return "#{:02x}{:02x}{:02x}".format(*sheet.getpixel((x, y)))


def pixels_of(sheet, colour, area):
    part = np.asarray(sheet.crop(area))
    return int((part == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=-1).sum())


def test_a_sheet_shows_images_boxes_and_captions():
    sheet = contact_sheet(TRAIN, coco_words(), "title")
    one, caption = (18, 76, 418, 376), (18, 394, 418, 440)
    assert colour_at(sheet, 218, 226) == "#c8c8c8"  # the middle of the first image, 200 grey
    # Two boxes of one place: its edges from a quarter to three quarters of 400 x 300 pixels.
    assert pixels_of(sheet, RED, one) > 1000 and colour_at(sheet, 18 + 100, 76 + 150) == RED
    assert pixels_of(sheet, RED, caption) > 20  # man and men, in the colour of their boxes
    second = (18 + 418, 76, 18 + 818, 376)
    assert pixels_of(sheet, RED, second) > 1000
    assert sheet.size == (4 * 418 + 18, 76 + 402)


def test_a_sheet_of_awkward_images(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 this is no image")
    many = [[i / 40, i / 40, i / 40 + 0.001, i / 40] for i in range(40)]
    awkward = [
        example("missing", ["a man"], image=tmp_path / "none.jpg"),
        example("broken", image=tmp_path / "broken.jpg"),
        example("x" * 300, ["word " * 200, "b"], many, [f"kind {i}" for i in range(40)]),
        example("long", ["w" * 500 + " été Привет"], [[0, 0, 1, 1], [1, 1, 1, 1]], ["all", "corner"]),
        example("narrow", image=picture(size=(2, 400))),
        *TRAIN * 5,
    ]
    sheet = contact_sheet(awkward, coco_words(), "t" * 1000)
    assert sheet.size == (4 * 418 + 18, 76 + 3 * 402)
    assert contact_sheet([], {}).size == (4 * 418 + 18, 76 + 402)


# --- the command


@pytest.fixture
def photographs(tmp_path):
    (tmp_path / "images").mkdir()
    entries = []
    for number, split in enumerate(["train", "train", "val", "test"]):
        Image.fromarray(picture(40 * number)).save(tmp_path / "images" / f"{number}.jpg")
        boxes = [{"category": "dog", "box": list(BOX)}]
        captions = ["a dog on the grass", "the dogs play with a ball"]
        entries.append({"file": f"{number}.jpg", "captions": captions, "split": split, "boxes": boxes})
    (tmp_path / "data.json").write_text(json.dumps({"images": entries}), encoding="utf-8")
    return tmp_path / "data.json"


def test_the_command_prints_and_draws(photographs, tmp_path, capsys):
    assert main("lrp-jax inspect", [f"json:{photographs}", f"--out={tmp_path / 'a' / 'out'}", "--min_count=2"]) == 0
    text = capsys.readouterr().out
    assert "  dog   dog" in text and "dog 2/2, " in text
    with Image.open(tmp_path / "a" / "out" / "contact_sheet.png") as sheet:
        assert sheet.size == (4 * 418 + 18, 76 + 402)


def test_the_command_prints_json(photographs, tmp_path, capsys):
    assert main("lrp-jax inspect", [f"json:{photographs}", f"--out={tmp_path}", "--json", "--split=test"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["splits"]["train"]["captions"] == 4 and found["split"] == "test"
    assert found["splits"]["train"]["lengths"]["counts"] == {"5": 2, "6": 2}
    assert found["objects"][0] == {"name": "ball", "category": "sports ball", "images": 1, "times": 1}


def test_scenes_have_words_of_their_own(tmp_path, capsys):
    spec = "scenes:strong,size=32,train=3,validation=1,test_broken=1,test_biased=1"
    assert main("lrp-jax inspect", [spec, f"--out={tmp_path}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {count["category"] for count in found["objects"]} <= set(scenes.KINDS)
    named, with_box = found["mentions_with_boxes"]
    assert named == with_box > 0 and found["chosen"] == []


def test_words_of_your_own(photographs, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("lawn, grass\n", encoding="utf-8")
    assert (
        main(
            "lrp-jax inspect",
            [f"json:{photographs}", f"--out={tmp_path}", "--json", f"--words={tmp_path / 'words.txt'}"],
        )
        == 0
    )
    assert [count["name"] for count in json.loads(capsys.readouterr().out)["objects"]] == ["grass"]


@pytest.mark.parametrize("flags", [["--split=none"], ["--words=none.txt"]])
def test_what_cannot_be_read_is_said_in_a_line(photographs, tmp_path, capsys, flags):
    assert main("lrp-jax inspect", [f"json:{photographs}", f"--out={tmp_path}", *flags]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main("lrp-jax inspect", ["json:none.json", f"--out={tmp_path}"]) == 1


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_a_wrong_command_line(capsys, number):
    with pytest.raises(SystemExit) as error:
        main("lrp-jax inspect", ["scenes:strong", f"--min_count={number}"])
    assert error.value.code == 2 and "at least 1" in capsys.readouterr().err
