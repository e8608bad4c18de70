"""Boxes of every source, on photographs that lie on their side in the file."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.data.bottom_up import Regions
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import Example, load_image

HALF = [0.0, 0.0, 0.5, 1.0]  # the left half of what lies in the file is red


def photograph(orientation=6):
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = (220, 30, 30), (30, 30, 220)
    exif = Image.Exif()
    exif[0x0112] = orientation
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG", quality=95, exif=exif)
    return written.getvalue()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def red_inside(example):
    pixels = load_image(example.image)
    height, width = pixels.shape[:2]
    for box in example.boxes:
        x0, y0, x1, y1 = np.rint(box * [width, height, width, height]).astype(int)
        yield (pixels[y0:y1, x0:x1, 0] > 150).mean()


def instances(images, size=(64, 48), box=(0, 0, 32, 48)):
    width, height = size
    return {
        "images": [{"id": k, "width": width, "height": height} for k in images],
        "annotations": [{"id": k, "image_id": k, "category_id": 18, "bbox": list(box)} for k in images],
        "categories": [{"id": 18, "name": "dog"}],
    }


def coco(root, **how):
    for part, ids in (("train", range(1, 9)), ("val", (11, 12))):
        for k in ids:
            write(root / f"{part}2017" / f"{k}.jpg", photograph(1 + k % 8))
        images = [{"id": k, "file_name": f"{k}.jpg"} for k in ids]
        captions = [{"id": k, "image_id": k, "caption": "a dog"} for k in ids]
        write(root / f"annotations/captions_{part}2017.json", {"images": images, "annotations": captions})
        write(root / f"annotations/instances_{part}2017.json", instances(ids, **how))
    return f"coco:{root},validation=2"


def karpathy(root):
    records = []
    for k, split in enumerate(("train", "train", "val", "test")):
        write(root / "images" / f"{k}.jpg", photograph(5 + k))
        records.append({"filename": f"{k}.jpg", "cocoid": k, "split": split, "sentences": [{"raw": "a dog"}]})
    write(root / "dataset.json", {"images": records, "dataset": "coco"})
    write(root / "instances.json", instances(range(4)))
    return f"karpathy:{root}/dataset.json,instances={root}/instances.json"


def flickr30k(root):
    lines = []
    for k in range(1, 13):
        write(root / "flickr30k-images" / f"{k}.jpg", photograph(1 + k % 8))
        lines += [f"{k}.jpg#{n}\tA dog ." for n in range(2)]
        write(root / "Sentences" / f"{k}.txt", f"[/EN#{k}/animals A dog] .\n".encode())
        corners = "<xmin>1</xmin><ymin>1</ymin><xmax>32</xmax><ymax>48</ymax>"
        write(
            root / "Annotations" / f"{k}.xml",
            f"<annotation><size><width>64</width><height>48</height></size><object><name>{k}</name><bndbox>{corners}"
            "</bndbox></object></annotation>".encode(),
        )
    write(root / "results_20130124.token", "\n".join(lines).encode())
    return f"flickr30k:{root}"


def folder(root):
    """Of one's own: boxes of the image as it is seen, whatever lies in the file."""
    lines = []
    for k in range(6):
        write(root / f"{k}.jpg", photograph(6))
        box = {"category": "dog", "box": [0.0, 0.0, 1.0, 0.5]}
        lines.append(json.dumps({"file": f"{k}.jpg", "captions": ["a dog"], "boxes": [box]}))
    write(root / "captions.jsonl", "\n".join(lines).encode())
    return f"folder:{root}"


@pytest.mark.parametrize("kind", [coco, karpathy, flickr30k, folder])
def test_boxes_are_where_their_objects_are(tmp_path, kind):
    splits = source(kind(tmp_path))
    examples = [example for split in splits.values() for example in split]
    shares = [share for example in examples for share in red_inside(example)]
    assert len(shares) == len(examples) >= 4
    assert min(shares) > 0.95
    assert not splits.skipped


def test_an_image_that_was_upright_when_it_was_annotated(tmp_path):
    """Size and boxes are of the turned image: the upper half is red."""
    for k in range(4):
        write(tmp_path / "images" / f"{k}.jpg", photograph(6))
    spec = karpathy(tmp_path)
    for k in range(4):
        write(tmp_path / "images" / f"{k}.jpg", photograph(6))
    write(tmp_path / "instances.json", instances(range(4), size=(48, 64), box=(0, 0, 48, 32)))
    splits = source(spec)
    assert min(share for split in splits.values() for example in split for share in red_inside(example)) > 0.95


def test_folds_leave_the_files_unread(tmp_path):
    spec = flickr30k(tmp_path)
    splits = source(f"{spec},fold=0/3")
    examples = [example for split in splits.values() for example in split]
    assert len(examples) == 12 and all("boxes" not in vars(example) for example in examples)
    assert min(share for example in examples for share in red_inside(example)) > 0.95
    assert {example.split for example in splits["test"]} == {"test"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_detected_regions_follow(tmp_path, orientation):
    """Of a detector that did not turn the image, and of one that did: the size says so where the sides differ."""
    path = tmp_path / "a.jpg"
    path.write_bytes(photograph(orientation))
    features = np.ones((1, 3), np.float32)
    upright = load_image(path).shape[:2]
    if orientation > 4:
        lying = Regions("a", features, np.array([HALF]), size=(48, 64)).of(path)
        assert min(red_inside(Example("a", path, (), lying.boxes, ("dog",)))) > 0.95
    seen = Regions("a", features, np.array([HALF]), size=upright)
    np.testing.assert_array_equal(seen.of(path).boxes, seen.boxes)
    unknown = Regions("a", features, np.array([HALF]))
    np.testing.assert_array_equal(unknown.of(path).boxes, unknown.boxes)
    np.testing.assert_array_equal(seen.of(load_image(path)).boxes, seen.boxes)


def test_records_of_tfds_hold_the_bytes_of_the_file():
    pytest.importorskip("tensorflow_datasets")
    from lrp_jax.captions.data.sources.prepared import PreparedSplit

    record = {
        "image/id": 7,
        "image": photograph(6),
        "captions": {"text": [b"a dog"]},
        "objects": {"bbox": [(0.0, 0.0, 1.0, 0.5)], "label": [0]},  # y0, x0, y1, x1
    }
    split = PreparedSplit("tfds:x", "train", [[record]], ["dog"], {})
    np.testing.assert_allclose(split[0].boxes, [[0, 0, 1, 0.5]], atol=1e-6)
    assert min(red_inside(split[0])) > 0.95
