import json
import logging

import numpy as np
import pytest
import source_files

from lrp_jax.captions.data.sources import source
from lrp_jax.captions.data.sources.choice import choose
from lrp_jax.captions.data.sources.reading import parse_json
from lrp_jax.captions.images import load_image

CATEGORIES = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}, {"id": 10, "name": "traffic light"}]


def captions_file(part, ids, captions=None):
    images = [{"id": id, "file_name": f"{id:012d}.jpg", "width": 64, "height": 48} for id in ids]
    captions = captions or {id: [f"A dog {id}.", "A man."] for id in ids}
    pairs = [(id, text) for id, texts in captions.items() for text in texts]
    annotations = [{"image_id": id, "id": 100 + number, "caption": text} for number, (id, text) in enumerate(pairs)]
    return {"info": {"description": part}, "licenses": [], "images": images, "annotations": annotations}


def instances_file(ids, annotations):
    boxes = [{"id": number, "iscrowd": 0, "segmentation": [[1, 2, 3]]} | box for number, box in enumerate(annotations)]
    images = [{"id": id, "width": 640, "height": 480} for id in ids]
    return {"images": images, "annotations": boxes, "categories": CATEGORIES}


def coco(folder, year=2017, train=range(1, 9), val=range(101, 107), **contents):
    """COCO's layout with tiny pictures; `contents` replaces files of annotations."""
    files = {"captions_train": captions_file("train", train), "captions_val": captions_file("val", val)} | contents
    for name, content in files.items():
        source_files.write_json(folder / "annotations" / f"{name}{year}.json", content)
    for part, ids in (("train", train), ("val", val)):
        source_files.photographs(folder / f"{part}{year}", *(f"{id:012d}.jpg" for id in ids))
    return f"coco:{folder}"


def test_the_paper_s_split_of_2017(tmp_path):
    spec = coco(tmp_path) + ",validation=3"
    splits = source(spec)
    assert source_files.sizes(splits) == {"train": 5, "validation": 3, "test": 6} and not splits.skipped
    assert source_files.ids(splits)["test"] == [str(id) for id in range(101, 107)]
    drawn = source_files.ids(splits)["validation"]
    assert sorted(drawn + source_files.ids(splits)["train"]) == list("12345678")
    example = splits["test"][0]
    assert example.captions == ("A dog 101.", "A man.") and example.split == "test" and example.boxes.shape == (0, 4)
    assert example.image == tmp_path / "val2017" / "000000000101.jpg"
    assert load_image(example.image, (12, 16)).shape == (12, 16, 3)
    # What was drawn is kept, and what is kept is taken.
    kept = tmp_path / "annotations" / "split2017_validation3_seed0.json"
    record = json.loads(kept.read_text())
    assert record["seed"] == 0 and record["ids"] == {"validation": drawn} and len(record["sha256"]) == 64
    others = [id for id in "12345678" if id not in drawn][:3]
    source_files.write_json(kept, record | {"ids": {"validation": others}})
    assert source_files.ids(source(spec))["validation"] == others
    assert source_files.ids(source(str(tmp_path) + ",validation=3"))["validation"] == others
    assert source_files.ids(source(spec + f",split_file={tmp_path}/mine.json"))["validation"] == drawn
    assert json.loads((tmp_path / "mine.json").read_text())["ids"] == {"validation": drawn}


def test_the_draw_depends_on_the_seed_and_not_on_the_order(tmp_path):
    drawn = source_files.ids(source(coco(tmp_path / "a") + ",validation=3"))["validation"]
    backwards = captions_file("train", range(8, 0, -1))
    splits = source(coco(tmp_path / "b", captions_train=backwards) + ",validation=3")
    assert source_files.ids(splits)["validation"] == drawn
    assert {example.id: example.captions for example in splits["train"]} == {
        example.id: example.captions for example in source(coco(tmp_path / "a") + ",validation=3")["train"]
    }
    ids = [str(id) for id in range(1000)]
    first, other = (choose(ids, {"validation": 100}, seed)["validation"] for seed in (0, 1))
    # Two independent draws of a tenth share a tenth: 10, with a standard deviation of less than 3.
    assert len(set(first)) == 100 and len(set(first) & set(other)) < 20
    assert choose(ids, {"validation": 2}, 0) == {"validation": ["61", "798"]}  # in any version
    assert set(choose(ids, {"validation": 50}, 0)["validation"]) < set(first)


def test_a_kept_draw_that_does_not_fit_is_refused(tmp_path, caplog):
    spec = coco(tmp_path) + ",validation=2"
    drawn = source_files.ids(source(spec))["validation"]
    kept = tmp_path / "annotations" / "split2017_validation2_seed0.json"
    record = json.loads(kept.read_text())
    for change, message in (
        ({"ids": {"validation": ["1", "99"]}}, r"image 99 is not in captions_train2017\.json; remove it"),
        ({"ids": {"validation": ["1", "1"]}}, "do not match its counts"),
        ({"seed": 4}, "chosen with seed 4"),
        ({"ids": 3}, "not a saved choice of images"),
    ):
        source_files.write_json(kept, record | change)
        with pytest.raises(ValueError, match=message):
            source(spec)
    # Another file of captions with the same images is said, and accepted.
    source_files.write_json(kept, record | {"sha256": "0"})
    with caplog.at_level(logging.WARNING):
        assert source_files.ids(source(spec))["validation"] == drawn
    assert len(caplog.messages) == 1 and "chosen from another version" in caplog.messages[0]


def test_a_draw_that_cannot_be_kept_is_said_and_is_the_same(tmp_path, caplog):
    spec = coco(tmp_path) + ",validation=2"
    with caplog.at_level(logging.WARNING):
        splits = source(f"{spec},split_file={tmp_path}/train2017/000000000001.jpg/split.json")
    assert len(caplog.messages) == 1 and "the choice of seed 0 could not be saved" in caplog.messages[0]
    assert source_files.ids(splits) == source_files.ids(source(spec))


def test_2014_in_the_sizes_of_karpathy_s_split(tmp_path):
    spec = coco(tmp_path, year=2014) + ",validation=2"
    splits = source(spec)
    assert source_files.sizes(splits) == {"train": 10, "validation": 2, "test": 2}
    every = [id for ids in source_files.ids(splits).values() for id in ids]
    assert len(set(every)) == 14
    assert all(int(id) > 100 for split in ("validation", "test") for id in source_files.ids(splits)[split])
    assert source_files.sizes(source(spec + ",restval=no")) == {"train": 8, "validation": 2, "test": 2}
    # Where both are there the paper's year is taken.
    coco(tmp_path)
    assert source(f"coco:{tmp_path},validation=2")["test"][0].image.parent.name == "val2017"
    assert source_files.ids(source(spec + ",year=2014")) == source_files.ids(splits)
    with pytest.raises(ValueError, match="year=2015, wanted 2014 or 2017"):
        source(f"coco:{tmp_path},year=2015")


def test_boxes_are_shares_of_the_size_that_the_file_says(tmp_path):
    annotations = [
        {"image_id": 101, "category_id": 18, "bbox": [64, 48, 320, 240]},
        # The outline of a crowd is of another form.
        {
            "image_id": 101,
            "category_id": 10,
            "bbox": [0, 0, 640, 480],
            "iscrowd": 1,
            "segmentation": {"counts": [3, 4], "size": [640, 480]},
        },
        {"image_id": 101, "category_id": 1, "bbox": [600, 470, 80, 20]},  # clipped
    ]
    splits = source(coco(tmp_path, instances_val=instances_file(range(101, 107), annotations)) + ",validation=2")
    example = splits["test"][0]
    assert example.names == ("dog", "traffic light", "person") and not splits.skipped
    np.testing.assert_allclose(
        example.boxes, [[0.1, 0.1, 0.6, 0.6], [0, 0, 1, 1], [0.9375, 470 / 480, 1, 1]], rtol=1e-6
    )
    assert not any(len(example.boxes) for split in ("train", "validation") for example in splits[split])


@pytest.mark.parametrize("indent", [None, 1])
def test_outlines_are_cut_out_and_nothing_else(tmp_path, indent):
    records = [
        {"segmentation": [[1.5, -2e-05, 3], [4, 5]], "id": 1},
        {"id": 2, "segmentation": []},
        {"id": 3, "name": 'a "segmentation": [1, 2], b', "segmentation": {"counts": [1, 2]}, "last": [1]},
        {"segmentation": "none", "id": 4},
    ]
    content = json.dumps(records, indent=indent).encode()
    read = parse_json(content, tmp_path, without="segmentation")
    assert read == [{"id": 1}, *records[1:]] and parse_json(content, tmp_path) == records


def test_every_damaged_box_is_counted_and_costs_no_other(tmp_path):
    good = {"image_id": 101, "category_id": 18, "bbox": [0, 0, 64, 48]}
    annotations = [
        good,
        good | {"bbox": [700, 0, 64, 48]},
        good | {"bbox": [0, 0, 0, 48]},
        good | {"bbox": [float("nan"), 0, 4, 4]},
        good | {"bbox": [1, 2, 3]},
        good | {"bbox": None},
        good | {"category_id": 99},
        good | {"image_id": 5555},
        good | {"image_id": 106},
        good | {"id": 0},
        {"id": 77},
        good | {"bbox": [10**400, 0, 1, 1]},
        good | {"category_id": 50},
    ]
    instances = instances_file(range(101, 107), annotations)
    instances["images"][-1]["width"] = 0
    instances["images"] += [{"id": [3], "width": 1, "height": 1}, 3]
    instances["categories"] += [{"id": {}, "name": "cat"}, {"id": 50, "name": 7}]
    splits = source(coco(tmp_path, instances_val=instances) + ",validation=2")
    assert splits["test"][0].names == ("dog",) and splits["test"][5].names == ()
    assert splits.skipped == {
        "box outside the image": 1,
        "box without area": 1,
        "box without four finite numbers": 1,
        "box entry that is damaged": 5,
        "box whose category has no name": 1,
        "box of an unknown category": 1,
        "box of an image that is not listed": 1,
        "repeated box id": 1,
    }


def test_damaged_captions_never_move_to_another_image(tmp_path):
    good = captions_file("train", range(1, 9))
    annotations = good["annotations"]
    damaged = [
        {"image_id": 999, "id": 500, "caption": "Of no image."},
        {"image_id": 1, "id": 501, "caption": ""},
        {"image_id": 2, "id": 502, "caption": "dog " * 500},
        {"image_id": 3, "id": 503, "caption": source_files.ODD},
        {"image_id": 4, "id": 504, "caption": "Ein Hund läuft über die Straße."},
        {"image_id": 5, "id": 504, "caption": "An id that was there."},
        {"image_id": 6, "id": 505},
        {"image_id": "7", "id": 506, "caption": "An id in quotation marks."},
        {"image_id": [8], "id": 507, "caption": "No id."},
        "nothing",
    ]
    # Damaged ones stand between the others.
    mixed = [a for pair in zip(damaged, annotations, strict=False) for a in pair] + annotations[len(damaged) :]
    content = good | {"annotations": mixed}
    splits = source(coco(tmp_path, captions_train=content) + ",validation=2")
    texts = {e.id: e.captions for split in ("train", "validation") for e in splits[split]}
    expected = {str(id): (f"A dog {id}.", "A man.") for id in range(1, 9)}
    expected["3"] = ("A man on a horse .", *expected["3"])
    expected["4"] = ("Ein Hund läuft über die Straße.", *expected["4"])
    assert texts.keys() == expected.keys()
    assert all(sorted(texts[id]) == sorted(expected[id]) for id in texts)
    assert splits.skipped == {
        "caption of an image that is not listed": 3,
        "caption without a word": 1,
        "caption of more than 100 words": 1,
        "repeated caption id": 1,
        "caption entry that is damaged": 2,
    }


def test_ids_of_images_that_occur_twice(tmp_path):
    content = captions_file("train", range(1, 9))
    content["images"] += [
        content["images"][0],  # once more
        content["images"][1] | {"file_name": "000000000003.jpg"},  # 2 is now two files: whose are its captions?
        {"id": 9},
        {"id": float("inf"), "file_name": "000000000001.jpg"},
        {"id": 1.5, "file_name": "000000000001.jpg"},
        {"id": True, "file_name": "000000000001.jpg"},
    ]
    val = captions_file("val", [8, *range(101, 107)])
    splits = source(
        coco(tmp_path, captions_train=content, captions_val=val, val=[8, *range(101, 107)]) + ",validation=2"
    )
    ids = source_files.ids(splits)
    # 8 is also a test image, and therefore not trained on.
    assert sorted(ids["train"] + ids["validation"]) == list("134567") and "8" in ids["test"]
    assert splits.skipped == {
        "repeated image": 2,
        "image id of two files": 1,
        "image entry that is damaged": 4,
        "caption of an image that is not listed": 2,
    }


def test_missing_pieces_are_one_error_each(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*captions_train2017\.json: .*cocodataset\.org/#download"):
        source(f"coco:{tmp_path}")
    spec = coco(tmp_path) + ",validation=2"
    (tmp_path / "val2017").rename(tmp_path / "val")
    with pytest.raises(FileNotFoundError, match=r"6 of the 6 test images .*val2017/000000000101\.jpg; .*cocodataset"):
        source(spec)
    (tmp_path / "train2017").rename(tmp_path / "train")
    with pytest.raises(FileNotFoundError, match=r"no images: looked for .*000000000101\.jpg and .*images/val2017"):
        source(spec)
    assert source_files.sizes(source(spec + ",images=none")) == {"train": 6, "validation": 2, "test": 6}
    (tmp_path / "annotations" / "captions_val2017.json").write_text('{"images": []}')
    with pytest.raises(ValueError, match=r"captions_val2017\.json: wanted JSON of the form .*annotations"):
        source(spec)
    with pytest.raises(
        ValueError,
        match=r"train2017\.json: got 8 images, wanted 5000 for validation, and .*; draw fewer with validation=N",
    ):
        source(coco(tmp_path))


@pytest.mark.realdata
def test_real_captions_of_coco(realdata, tmp_path):
    small, captions = realdata / "coco_small" / "images", realdata / "annotations" / "captions_val2017.json"
    val = {image["id"] for image in json.loads(captions.read_bytes())["images"]}
    train = [id for id in sorted(int(path.stem) for path in small.iterdir()) if id not in val][:20]
    source_files.write_json(tmp_path / "annotations/captions_train2017.json", captions_file("train", train))
    (tmp_path / "annotations/captions_val2017.json").symlink_to(captions)
    for part in ("train2017", "val2017"):
        (tmp_path / part).symlink_to(small)
    splits = source(f"{tmp_path},validation=4,images=none")
    assert source_files.sizes(splits) == {"train": 16, "validation": 4, "test": 5000} and not splits.skipped
    texts = [text for example in splits["test"] for text in example.captions]
    assert len(texts) == 25014 and not any("\n" in text for text in texts)
    # Of the 5000 pictures some are there.
    splits = source(f"{tmp_path},validation=4,missing=skip")
    assert splits.skipped == {"image whose file is missing": 5000 - len(splits["test"])} and len(splits["test"]) > 50
    assert load_image(splits["test"][0].image, (224, 224)).shape == (224, 224, 3)
