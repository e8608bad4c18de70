import io
import json
import logging
import pathlib
import shutil
import sys

import numpy as np
import pytest
import source_files

from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import load_image


def record(number, captions=("A dog.", "A hound."), boxes=(("dog", (0.1, 0.2, 0.6, 0.7)),)):
    import tensorflow_datasets as tfds

    return {
        "image": io.BytesIO(source_files.jpeg(number)),
        "image/filename": f"COCO_val2014_{number:012d}.jpg",
        "image/id": number,
        "captions": [{"id": 10 * number + i, "text": text} for i, text in enumerate(captions)],
        "objects": [
            {
                "area": 5,
                # (ymin, xmin, ymax, xmax) in this order
                "bbox": tfds.features.BBox(ymin=y0, xmin=x0, ymax=y1, xmax=x1),
                "id": i,
                "is_crowd": False,
                "label": category,
            }
            for i, (category, (x0, y0, x1, y1)) in enumerate(boxes)
        ],
    }


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The folder of a small dataset as TFDS prepares it."""
    import tiny_coco_captions

    damaged = [source_files.ODD, "", "dog " * 500, "Straße"]
    records = {
        "train": [record(1), record(2, damaged, [("person", (0.0, 0.0, 1.0, 1.0)), ("dog", (0.5, 0.5, 0.5, 0.9))])],
        "restval": [record(3), record(4, ["A cat."], ())],
        "val": [record(5)],
        "test": [record(6), record(7, ["..."])],
    }
    return tiny_coco_captions.prepare(tmp_path_factory.mktemp("tfds"), records)


def test_records_are_read_one_by_one_without_tensorflow(prepared, caplog):
    splits = source(f"tfds:{prepared}")
    assert source_files.sizes(splits) == {"train": 4, "validation": 1, "test": 2}
    assert not splits.skipped  # nothing was read
    with caplog.at_level(logging.WARNING):
        train = {example.id: example for example in splits["train"]}
        assert list(train)[2:] == ["3", "4"] or list(train)[2:] == ["4", "3"]  # restval comes last; TFDS shuffles
        again = [splits["train"][np.int64(index)].id for index in range(4)]
    assert again == list(train)
    assert train["1"].captions == ("A dog.", "A hound.") and train["1"].names == ("dog",)
    np.testing.assert_allclose(train["1"].boxes, [[0.1, 0.2, 0.6, 0.7]], rtol=1e-6)
    assert train["1"].image == source_files.jpeg(1) and load_image(train["1"].image).shape == (48, 64, 3)
    assert train["4"].boxes.shape == (0, 4) and train["4"].split == "train"
    assert train["2"].captions == ("A man on a horse .", "Straße") and train["2"].names == ("person",)
    # Counted once, however often the record is read.
    assert splits.skipped == {"caption without a word": 1, "caption of more than 100 words": 1, "box without area": 1}
    assert len([line for line in caplog.messages if "skipped" in line]) == 3
    assert splits["validation"][0].id == "5"
    with pytest.raises(IndexError):
        splits["validation"][1]
    # What has no caption of use keeps its place, and cannot be read.
    tests = {splits["test"][index].id: splits["test"][index] for index in range(2)}
    assert tests["6"].captions and not tests["7"].captions and tests["7"].image == b""
    assert splits.skipped["image without a caption"] == 1 and splits.skipped["caption without a word"] == 2
    assert "tensorflow" not in sys.modules


def test_options_and_folders_above(prepared):
    above = prepared.rsplit("/", 2)[0]
    assert source_files.sizes(source(f"tfds:{prepared},restval=no"))["train"] == 2
    for spec in (f"tfds:{above}", above, prepared, f"{above}/tiny_coco_captions"):
        assert source(spec).name == f"tfds:{prepared}"


def test_without_the_extra_the_line_that_installs_it_is_said(prepared, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ValueError, match=r'tensorflow_datasets is not installed; pip install "lrp_jax\[tfds\]"'):
        source(f"tfds:{prepared}")


def test_what_is_missing_or_damaged_is_said(prepared, tmp_path, caplog):
    with pytest.raises(
        FileNotFoundError, match=r"no prepared dataset in .*array_record.*tensorflow\.org.*coco_captions"
    ):
        source(f"tfds:{tmp_path}")
    copy = pathlib.Path(shutil.copytree(prepared, tmp_path / "1.1.0"))
    info = (copy / "dataset_info.json").read_text()
    (copy / "dataset_info.json").write_text(info.replace("array_record", "tfrecord"))
    with pytest.raises(ValueError, match="prepared as tfrecord, which only TensorFlow can read; prepare it once"):
        source(f"tfds:{copy}")
    (copy / "dataset_info.json").write_text(info[:100])
    with pytest.raises(ValueError, match=r"1\.1\.0: damaged"):
        source(f"tfds:{copy}")
    (copy / "dataset_info.json").write_text(info)
    (records,) = copy.glob("*-val.array_record*")
    records.write_bytes(records.read_bytes()[:1000])
    splits = source(f"tfds:{copy}")
    example = splits["validation"][0]
    assert (example.id, example.image, example.captions) == ("validation record 0", b"", ())
    assert splits["train"][0].captions and splits.skipped["record that is damaged"] == 1
    assert "1 x record that is damaged (record 0 of validation: " in caplog.text
    records.unlink()
    with pytest.raises(
        FileNotFoundError, match=r"no file .*val\.array_record.* of the records of val; copy it, or prepare"
    ):
        source(f"tfds:{copy}")
    shutil.copytree(prepared, tmp_path / "1.2.0")
    with pytest.raises(ValueError, match="several prepared datasets"):
        source(f"tfds:{tmp_path}")


def test_a_damaged_record_is_an_unreadable_image_and_moves_no_other(tmp_path):
    """By content: the colour of an image says its id, through encoding to the captions beside it."""
    import tiny_coco_captions

    from lrp_jax.captions.data.features import compute_features
    from lrp_jax.captions.data.images import load_all

    ids = range(20, 29)
    kept = {str(id) for id in ids} - {"23", "26"}
    records = [record(id, ["..."] if id == 23 else [f"picture {id}"]) for id in ids]
    for id, one in zip(ids, records, strict=True):
        one["image"] = io.BytesIO(source_files.coloured(id))
    records[6]["image"] = io.BytesIO(source_files.coloured(26)[:200])
    dataset = source(f"tfds:{tiny_coco_captions.prepare(tmp_path, {'train': records})}")["train"]
    assert {item.example.id for item in load_all(dataset) if item.error is not None} == {"23", "26"}
    features = compute_features(dataset, lambda images: images.mean((1, 2)).reshape(-1, 1, 3), batch_size=4)
    assert len(features) == 7 and {dataset[i].id for i in features.indices} == kept
    for row, captions in zip(features.array, features.captions, strict=True):
        assert captions == (f"picture {source_files.number_of(row[0])}",)


def test_another_dataset_is_refused(prepared, tmp_path):
    copy = pathlib.Path(shutil.copytree(prepared, tmp_path / "1.1.0"))
    described = (copy / "features.json").read_text()
    for name in ("image/id", "captions", "text"):
        content = json.loads(described)
        parts = content["featuresDict"]["features"]
        if name == "text":
            parts = parts["captions"]["sequence"]["feature"]["featuresDict"]["features"]
        parts["other"] = parts.pop(name)
        source_files.write_json(copy / "features.json", content)
        with pytest.raises(ValueError, match=rf"1\.1\.0: the records have no .*{name}.*wanted those of coco_captions"):
            source(f"tfds:{copy}")
    assert source(f"tfds:{prepared}")["train"][0].captions
