import numpy as np
import pytest
import source_files

from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import load_image


def image(number, split, captions=("A dog.", "A hound."), folder="val2014"):
    """An entry as in dataset_coco.json."""
    sentences = [
        {"tokens": text.lower().strip(".").split(), "raw": text, "imgid": number, "sentid": 10 * number + i}
        for i, text in enumerate(captions)
    ]
    return {
        "filepath": folder,
        "sentids": [sentence["sentid"] for sentence in sentences],
        "filename": f"COCO_{folder}_{number:012d}.jpg",
        "imgid": number,
        "split": split,
        "sentences": sentences,
        "cocoid": number,
    }


IMAGES = [
    image(1, "train", folder="train2014"),
    image(2, "restval"),
    image(3, "val"),
    image(4, "test", ["Two cats."]),
    image(5, "train", folder="train2014"),
]


def karpathy(folder, images=IMAGES, name="dataset_coco.json", pictures="images"):
    path = source_files.write_json(folder / name, {"images": images, "dataset": "coco"})
    files = [f"{entry['filepath']}/{entry['filename']}" for entry in IMAGES]
    source_files.photographs(folder / pictures, *files)
    return f"karpathy:{path}"


def test_karpathy_s_coco(tmp_path):
    splits = source(karpathy(tmp_path))
    assert source_files.ids(splits) == {"train": ["1", "2", "5"], "validation": ["3"], "test": ["4"]}
    assert not splits.skipped
    example = splits["train"][1]
    assert example.image == tmp_path / "images/val2014/COCO_val2014_000000000002.jpg" and example.split == "train"
    assert example.captions == ("A dog.", "A hound.") and load_image(example.image).shape == (48, 64, 3)
    # restval is trained on, as in the field, unless it is not wanted.
    assert source_files.ids(source(karpathy(tmp_path) + ",restval=no"))["train"] == ["1", "5"]
    assert source_files.ids(source(str(tmp_path))) == source_files.ids(splits)
    assert source_files.ids(source(f"{tmp_path}/dataset_coco.json,restval=no"))["train"] == ["1", "5"]


def test_images_elsewhere_or_all_in_one_folder(tmp_path):
    spec = karpathy(tmp_path, pictures="../photographs")
    with pytest.raises(FileNotFoundError, match=r"no images: looked for .*train2014/COCO_train2014_000000000001\.jpg"):
        source(spec)
    assert source(f"{spec},images={tmp_path}/../photographs")["test"][0].image.is_file()
    flat = tmp_path / "flat"
    source_files.photographs(flat, *(entry["filename"] for entry in IMAGES))
    assert source(f"{spec},images={flat}")["test"][0].image == flat / "COCO_val2014_000000000004.jpg"
    assert source_files.sizes(source(f"{spec},images=none")) == {"train": 3, "validation": 1, "test": 1}


def test_boxes_of_coco_are_joined_by_its_ids(tmp_path):
    names = []
    for part, id, category in (("train", 5, "dog"), ("val", 4, "traffic light")):
        content = {
            "images": [{"id": id, "width": 200, "height": 100}, {"id": 999, "width": 200, "height": 100}],
            "categories": [{"id": 1, "name": category}],
            "annotations": [
                {"id": 1, "image_id": id, "category_id": 1, "bbox": [20, 20, 100, 40]},
                {"id": 2, "image_id": 999, "category_id": 1, "bbox": [0, 0, 9, 9]},
            ],
        }
        names.append(str(source_files.write_json(tmp_path / f"instances_{part}2014.json", content)))
    splits = source(f"{karpathy(tmp_path)},instances={'+'.join(names)}")
    assert [example.names for example in splits["train"]] == [(), (), ("dog",)]
    assert splits["test"][0].names == ("traffic light",) and splits["validation"][0].names == ()
    np.testing.assert_allclose(splits["test"][0].boxes, [[0.1, 0.2, 0.6, 0.6]], rtol=1e-6)
    assert splits.skipped == {"box of an image that is not listed": 2}
    content = {"images": [entry | {"cocoid": [5]} if entry is IMAGES[0] else entry for entry in IMAGES]}
    path = source_files.write_json(tmp_path / "dataset_coco.json", content)
    assert source(f"karpathy:{path},instances={names[0]}")["train"][0].names == ()
    with pytest.raises(FileNotFoundError, match=r"no file .*instances_none\.json: .*cocodataset\.org"):
        source(f"{karpathy(tmp_path)},instances={tmp_path}/instances_none.json")


def test_flickr8k_has_no_folders_and_no_ids_of_coco(tmp_path):
    images = [image(n, split) for n, split in enumerate(("train", "val", "test"))]
    for number, entry in enumerate(images):
        del entry["filepath"], entry["cocoid"]
        entry["filename"] = f"12{number}_{number}ab.jpg"
    path = source_files.write_json(tmp_path / "dataset_flickr8k.json", {"images": images, "dataset": "flickr8k"})
    source_files.photographs(tmp_path / "Flicker8k_Dataset", *(entry["filename"] for entry in images))
    assert source_files.ids(source(str(path))) == {"train": ["120_0ab"], "validation": ["121_1ab"], "test": ["122_2ab"]}


def test_damaged_entries_are_counted(tmp_path):
    damaged = [
        "nothing",
        {"filename": "a.jpg", "split": "train"},
        image(3, "train"),  # it is in the validation set
        image(6, "unknown"),
        image(7, "train", ["", "?"]),
        image(8, "train"),  # has no file
        image(1, "train", folder="train2014") | {"sentences": [{"tokens": ["no", "raw"]}]},
    ]
    splits = source(karpathy(tmp_path, [*IMAGES, *damaged]))
    assert source_files.ids(splits) == source_files.ids(source(karpathy(tmp_path)))
    splits = source(karpathy(tmp_path, [*IMAGES, *damaged]))
    assert splits.skipped == {
        "image entry that is damaged": 3,
        "repeated image": 1,
        "image in no split": 1,
        "caption without a word": 2,
        "image without a caption": 1,
        "image whose file is missing": 1,
    }
    odd = image(5, "train", [source_files.ODD, "Ein Hund läuft."], folder="train2014")
    assert source(karpathy(tmp_path, [*IMAGES[:4], odd]))["train"][2].captions == (
        "A man on a horse .",
        "Ein Hund läuft.",
    )


def test_missing_or_foreign_files_are_one_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*dataset_coco\.json: .*cs\.stanford\.edu.*karpathy"):
        source(f"karpathy:{tmp_path}/dataset_coco.json")
    path = source_files.write_json(tmp_path / "dataset_coco.json", {"images": [{"file": "a.jpg"}]})
    with pytest.raises(ValueError, match="wanted images with filename, split and sentences"):
        source(f"karpathy:{path}")
    with pytest.raises(ValueError, match=r"/\.\./\.\./secret\.jpg': wanted a path inside the folder"):
        source(karpathy(tmp_path, [*IMAGES, image(9, "train") | {"filename": "../../secret.jpg"}]))
