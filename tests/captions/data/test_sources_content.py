"""Captions stay with their images, from files of every format to the batches, whatever is left out on the way.

The colour of an image is its number, and so is the only word of its captions.
"""

import json

import numpy as np
import pytest
import source_files

from lrp_jax.captions.data.batches import CaptionBatches, ImageBatches
from lrp_jax.captions.data.features import compute_features
from lrp_jax.captions.data.images import LazyImages, Subset, load_all
from lrp_jax.captions.data.sources import source

NUMBERS = range(10, 30)
SPLITS = {10: "val", 29: "test"}
MISSING, CUT, WORDLESS = 12, 14, 17


def said(number):
    if number == WORDLESS:
        return ["...", "no " * 500]
    return [f"n{number}", f"n{number} \r", "", f"n{number}"][: 1 + number % 4]


def split_of(number):
    return SPLITS.get(number, "train")


def images(folder, name="{}.jpg"):
    folder.mkdir(parents=True, exist_ok=True)
    for number in NUMBERS:
        if number != MISSING:
            content = source_files.coloured(number)
            (folder / name.format(number)).write_bytes(content[:250] if number == CUT else content)


def karpathy(folder):
    images(folder / "val2014")
    rows = [
        {"filepath": "val2014", "filename": f"{n}.jpg", "cocoid": n, "split": split_of(n), "sentences": sentences}
        for n in NUMBERS
        for sentences in [[{"raw": text} for text in said(n)]]
    ]
    rows.insert(3, {"filename": "99.jpg"})
    rows.insert(8, rows[6] | {"sentences": [{"raw": "n99"}]})
    source_files.write_json(folder / "dataset_coco.json", {"images": rows})
    return f"karpathy:{folder}/dataset_coco.json"


def coco(folder):
    for part, numbers in (("train", [n for n in NUMBERS if n != 29]), ("val", [29])):
        images(folder / f"{part}2017")
        annotations = [(n, text) for n in numbers for text in said(n)]
        annotations[4:4] = [(99, "n99"), ("11", "n99"), (True, "n99"), (11.5, "n99")]
        source_files.write_json(
            folder / "annotations" / f"captions_{part}2017.json",
            {
                "images": [{"id": n, "file_name": f"{n}.jpg"} for n in reversed(numbers)]
                + [{"id": 11.5}, {"id": None}],
                "annotations": [{"id": i, "image_id": n, "caption": c} for i, (n, c) in enumerate(annotations)],
            },
        )
    source_files.write_json(
        folder / "split.json",
        {"seed": 0, "counts": {"validation": 1}, "of": "", "sha256": "", "ids": {"validation": ["10"]}},
    )
    return f"coco:{folder},validation=1,split_file={folder}/split.json"


def flickr30k(folder, write):
    images(folder / "flickr30k-images")
    rows = [write(f"{n}.jpg", i, text.strip()) for n in NUMBERS for i, text in enumerate(said(n))]
    rows[5:5] = ["nothing", "|||", ",,", '99.jpg,"n99']
    header = ["image_name| comment_number| comment"] if "|" in rows[0] else []
    name = "results.csv" if header else "results_20130124.token"
    (folder / name).write_text("\r\n".join([*header, *rows]))
    for split, of in (("train", "train"), ("val", "val"), ("test", "test")):
        (folder / f"{split}.txt").write_text("\n".join(str(n) for n in NUMBERS if split_of(n) == of))
    return f"flickr30k:{folder}"


def flickr30k_token(folder):
    return flickr30k(folder, lambda file, number, text: f"{file}#{number}\t{text}")


def flickr30k_csv(folder):
    return flickr30k(folder, lambda file, number, text: f"{file}| {number}| {text}")


def folder_jsonl(folder):
    images(folder / "below")
    rows = [
        json.dumps({"file": f"below/{n}.jpg", "captions": said(n), "split": split_of(n), "boxes": 3}) for n in NUMBERS
    ]
    rows[3:3] = [
        "{",
        "[]",
        '{"file": 3, "captions": ["n99"]}',
        '{"file": "\\ud83d.jpg", "captions": ["n99"]}',
        '{"file": "", "captions": ["n99"]}',
        "",
    ]
    (folder / "captions.jsonl").write_text("\n".join(rows))
    return f"folder:{folder}"


def folder_csv(folder):
    images(folder / "images")
    rows = [f'{n}.jpg,"{text.strip()}",{split_of(n)}' for n in NUMBERS for text in said(n)]
    rows[4:4] = ['11.jpg,"n99', "n99,", '"', "99.jpg", "11.jpg,n99,val", ",,", ",n99,train"]
    (folder / "captions.csv").write_text("\n".join(["file,caption,split", *rows]))
    return f"folder:{folder}"


def json_file(folder):
    images(folder / "images")
    rows = [{"file": f"{n}.jpg", "image_id": 100 - n, "captions": said(n), "split": split_of(n)} for n in NUMBERS]
    rows.insert(6, rows[5] | {"captions": ["n99"]})
    rows.insert(2, rows[2] | {"split": "nowhere", "captions": ["n99"]})
    source_files.write_json(folder / "captions.json", {"images": rows})
    return f"json:{folder}/captions.json"


FORMATS = [karpathy, coco, flickr30k_token, flickr30k_csv, folder_jsonl, folder_csv, json_file]


def number(text):
    return int(text.removeprefix("n").split()[0])


@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_every_caption_is_of_its_image(tmp_path, write):
    splits = source(write(tmp_path))
    assert source_files.sizes(splits) == {"train": 16, "validation": 1, "test": 1}
    train = splits["train"]
    readable = Subset(train, [item.index for item in load_all(train, (8, 8)) if item.error is None])
    features = compute_features(train, lambda images: images.mean((1, 2)).reshape(-1, 1, 3), size=(8, 8), batch_size=4)
    assert len(readable) == len(features) == 15
    texts = [readable[index].captions for index in range(15)]
    assert list(features.captions) == texts
    numbers = {number(text) for of_image in texts for text in of_image}
    assert numbers == set(NUMBERS) - {MISSING, CUT, WORDLESS} - SPLITS.keys()
    for of_image in texts:
        assert len(of_image) == sum(bool(text.strip()) for text in said(number(of_image[0])))

    captions = [[[100 + number(text)] for text in of_image] for of_image in texts]
    options = {"batch_size": 4, "seed": 1, "epochs": 2}
    for images in (features.array, LazyImages(readable, (8, 8))):
        for batches in (
            CaptionBatches(images, captions, lengths=(2, 3), **options),
            ImageBatches(images, captions, length=3, **options),
        ):
            for batch in batches.iterate(threads=2):
                rows = batch[-1].reshape(len(batch.features), -1)
                for pixels, row in zip(np.asarray(batch.features), rows, strict=True):
                    assert row[0] == 100 + source_files.number_of(pixels.reshape(-1, 3).mean(0))
