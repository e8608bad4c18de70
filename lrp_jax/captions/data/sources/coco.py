"""COCO in its published files: captions_train2017.json and so on, and folders of images."""

import hashlib
import logging
import os
import pathlib

from lrp_jax.captions.data.sources.boxes import Annotated
from lrp_jax.captions.data.sources.choice import kept_choice, split_of
from lrp_jax.captions.data.sources.gather import Entry, gather
from lrp_jax.captions.data.sources.images import ImageFolder, find_images
from lrp_jax.captions.data.sources.instances import COCO, read_instances
from lrp_jax.captions.data.sources.reading import parse_json, path_of, read_bytes, rows_of
from lrp_jax.captions.data.sources.splits import TEST, TRAIN, VALIDATION, Skips, Splits

YEARS = (2017, 2014)


def coco_source(
    folder: str | os.PathLike,
    *,
    year: int = 0,
    seed: int = 0,
    validation: int = 5000,
    split_file: str = "",
    restval: bool = True,
    images: str = "",
    missing: str = "error",
) -> Splits:
    """COCO's captions, and its boxes if there are instances files.

    2017: the validation images are the test set, and `validation` of the training images are chosen for validation
    (section 5.1 of the paper). 2014: `validation` of the validation images are chosen for validation and as many for
    the test, and the rest is for training; these are the sizes of Karpathy's split, but his choice is only in his JSON
    file. The choice is saved in a file beside the captions, and read from there the next time.

    Args:
      folder: with `annotations/captions_train2017.json` and so on, and the images in `train2017` and `val2017`, or in
        these folders below `images`.
      year: 2017 or 2014; 0: the one that exists, 2017 if both do.
      seed: of the choice.
      validation: number of images chosen for validation.
      split_file: the file of the choice; "" for a file beside the captions.
      restval: whether the validation images of 2014 that are not chosen are used for training.
      images: see `find_images`.
      missing: see `gather`.

    Raises:
      FileNotFoundError: captions or images are missing.
      ValueError: a file is damaged, `year` is another number, or there are too few images to choose from.
    """
    folder = pathlib.Path(folder)
    annotations = annotations_folder(folder)
    year = year or next((y for y in YEARS if (annotations / f"captions_train{y}.json").is_file()), YEARS[0])
    if year not in YEARS:
        raise ValueError(f"got year={year}, wanted 2014 or 2017")
    name, skips = f"coco:{folder}", Skips()
    files, texts, digests = {}, {}, {}
    for part in ("train", "val"):
        path = annotations / f"captions_{part}{year}.json"
        files[part], texts[part], digests[part] = _read_captions(path, f"{part}{year}", skips)
    drawn_from = "train" if year == 2017 else "val"
    counts = {VALIDATION: validation} if year == 2017 else {VALIDATION: validation, TEST: validation}
    ids = {str(id) for id in files[drawn_from]}
    default = annotations / f"split{year}_validation{validation}_seed{seed}.json"
    chosen = kept_choice(
        path_of(split_file) if split_file else default,
        ids,
        counts,
        seed,
        of=f"captions_{drawn_from}{year}.json",
        sha256=digests[drawn_from],
        remedy="draw fewer with validation=N",
    )
    drawn = split_of(ids, chosen)
    boxes = {}
    for part in ("train", "val"):
        path = annotations / f"instances_{part}{year}.json"
        if path.is_file():
            boxes |= read_instances([path], skips, known=files[part])
        else:
            logging.info("%s: no boxes for the images of %s%d: there is no %s", name, part, year, path)
    entries = []
    # "val" first: an image in both files is then not used for training.
    for part in ("val", "train"):
        for id in sorted(files[part]):
            split = drawn[str(id)] if part == drawn_from else TEST if part == "val" else TRAIN
            if restval or (part, split) != ("val", TRAIN):
                found = boxes.get(id, Annotated())
                entries.append(Entry(str(id), files[part][id], texts[part].get(id, ()), split, found))
    places = [ImageFolder(folder), ImageFolder(folder / "images")]
    found = find_images(places, [entry.file for entry in entries], option=images, download=COCO)
    return gather(name, entries, found, skips, download=COCO, missing=missing)


def annotations_folder(folder: pathlib.Path) -> pathlib.Path:
    """The folder of COCO's JSON files: `annotations`, as in the published archive, or the folder itself."""
    return folder / "annotations" if (folder / "annotations").is_dir() else folder


def _read_captions(
    path: pathlib.Path, images: str, skips: Skips
) -> tuple[dict[int, str], dict[int, list[object]], str]:
    """The file and the captions of each image by id, in the order of the JSON file, and its SHA-256."""
    content = read_bytes(path, COCO)
    parsed = parse_json(content, path)
    files: dict[int, str] = {}
    unclear: set[int] = set()
    for number, record in enumerate(rows_of(parsed, "images", path)):
        try:
            id, file = record["id"], f"{images}/{record['file_name']}"
            if type(id) is not int:  # isinstance would accept True, and int() would turn 7.9 into 7
                raise TypeError
        except (KeyError, TypeError):
            skips.add("image entry that is damaged", f"{path.name}, image number {number}")
            continue
        if files.get(id, file) != file:
            # It is unknown to which of the two its captions belong.
            unclear.add(id)
        elif id in files:
            skips.add("repeated image", f"{path.name}, image {id}")
        files[id] = file
    for id in unclear:
        skips.add("image id of two files", f"{path.name}, image {id}")
        del files[id]
    texts: dict[int, list[object]] = {}
    seen: set[object] = set()
    for number, record in enumerate(rows_of(parsed, "annotations", path)):
        try:
            id, image, caption = record["id"], record["image_id"], record["caption"]
            repeated = id in seen
            seen.add(id)
        except (KeyError, TypeError):
            skips.add("caption entry that is damaged", f"{path.name}, annotation number {number}")
            continue
        if repeated:
            skips.add("repeated caption id", f"{path.name}, annotation {id}")
        elif type(image) is not int or image not in files:
            skips.add("caption of an image that is not listed", f"{path.name}, annotation {id}")
        else:
            texts.setdefault(image, []).append(caption)
    return files, texts, hashlib.sha256(content).hexdigest()
