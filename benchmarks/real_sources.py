"""Reads real captions, boxes and images in all supported formats, up to batches:

    python -m benchmarks.real_sources --data=FOLDER

Reads the files, prints their statistics as tables, and counts everything a second time in a simpler way. A different
count is an error. Missing data are skipped with a line. Takes one or two minutes.

FOLDER has flickr8k_1000/flickr8k_1000.json and coco_small/coco_small.json (each with its folder of images),
annotations/ with captions_val2017.json, coco_val2017_boxes_yolo4tf.txt and chair_gt_objects_123287.json.gz, and
bottom_up/train2014_obj36.tsv.
"""

import argparse
import base64
import collections
import csv
import gzip
import json
import logging
import pathlib
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from lrp_jax.captions.data.batches import CaptionBatches
from lrp_jax.captions.data.bottom_up import RegionStore, convert
from lrp_jax.captions.data.images import load_all
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import Example
from lrp_jax.captions.words import END, PAD, UNK, Vocabulary, tokenize
from lrp_jax.captions.words.objects import CATEGORIES, coco_words, mentions, present

SIZE = (224, 224)
LENGTHS = (8, 12, 16, 24)  # padded lengths of the batches; longer captions are truncated
THRESHOLDS = (3, 4)  # of the vocabulary: Flickr30k's and COCO's in the paper

Splits = dict[str, list[Example]]


class Checks:
    """Compares counts that were made in two ways."""

    def __init__(self):
        self.done, self.wrong = 0, []

    def same(self, what: str, ours: Any, slow: Any) -> None:
        self.done += 1
        if ours != slow:
            self.wrong.append(f"{what}: got {str(ours)[:200]}, counted slowly {str(slow)[:200]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    data = parser.parse_args().data
    logging.disable(logging.WARNING)  # skipped entries are printed here
    if not data.is_dir():
        print(f"no real data at {data}: it is not part of the repository; nothing was read")
        return 0
    checks = Checks()
    parts: Sequence[tuple[Callable[..., None], Sequence[str]]] = (
        (photographs, ("flickr8k_1000/flickr8k_1000.json",)),
        (photographs, ("coco_small/coco_small.json",)),
        (coco_files, ("annotations/captions_val2017.json", "annotations/coco_val2017_boxes_yolo4tf.txt")),
        (hallucination_truth, ("annotations/captions_val2017.json", "annotations/chair_gt_objects_123287.json.gz")),
        (bottom_up, ("bottom_up/train2014_obj36.tsv",)),
    )
    for part, names in parts:
        missing = [name for name in names if not (data / name).is_file()]
        if missing:
            print(f"\nleft out: no {', '.join(missing)} in {data}")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            part(*(data / name for name in names), pathlib.Path(scratch), checks)
    print(f"\n{checks.done} counts were made twice, {len(checks.wrong)} of them differ")
    for line in checks.wrong:
        print(f"  {line}", file=sys.stderr)
    return 1 if checks.wrong else 0


# --- sources


def photographs(path: pathlib.Path, scratch: pathlib.Path, checks: Checks) -> None:
    """Checks a JSON file with images, and the same data in the other caption formats."""
    name = path.stem
    print(f"\n{name}")
    splits, skipped = read(f"json:{path}")
    entries = json.loads(path.read_text(encoding="utf-8"))["images"]
    listed = {"train": [], "validation": [], "test": []}
    left_out = collections.Counter()
    for entry in entries:
        split = {"train": "train", "val": "validation", "dev": "validation", "test": "test"}.get(entry["split"])
        if split and entry["captions"]:
            boxes = [b["category"] for b in entry.get("boxes") or () if has_area(b["box"])]
            left_out["box without area"] += len(entry.get("boxes") or ()) - len(boxes)
            listed[split].append((entry["file"], plain(entry["captions"]), boxes))
        left_out["image in no split"] += not split
    checks.same(f"{name}, images", contents(splits), listed)
    checks.same(f"{name}, left out", skipped, {what: count for what, count in left_out.items() if count})
    print(f"  left out: {', '.join(f'{count} x {what}' for what, count in skipped.items()) or 'nothing'}")
    table(name, splits, checks)
    objects(splits, checks)
    decoded(splits, checks)
    batches(splits["train"], checks)

    karpathy = {"dataset": name, "images": [karpathy_entry(entry) for entry in entries if entry["captions"]]}
    (scratch / "dataset.json").write_text(json.dumps(karpathy), encoding="utf-8")
    again, _ = read(f"karpathy:{scratch / 'dataset.json'},images={path.parent / 'images'}")
    without_boxes = {split: [(file, texts, []) for file, texts, _ in images] for split, images in listed.items()}
    checks.same(f"{name}, as Karpathy's", contents(again), without_boxes)

    lines = [{key: entry.get(key) for key in ("file", "captions", "split", "boxes")} for entry in entries]
    lines = [{key: value for key, value in line.items() if value is not None} for line in lines if line["captions"]]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (scratch / "captions.jsonl").write_text(text, encoding="utf-8")
    again, _ = read(f"folder:{scratch},images={path.parent / 'images'}")
    checks.same(f"{name}, as a folder", contents(again), listed)

    table_of_captions = [
        f"{entry['file']}#{i}\t{text}\n" for entry in entries for i, text in enumerate(plain(entry["captions"]))
    ]
    (scratch / "flickr").mkdir()
    (scratch / "flickr" / "results_20130124.token").write_text("".join(table_of_captions), encoding="utf-8")
    again, _ = read(f"flickr30k:{scratch / 'flickr'},images={path.parent / 'images'}")
    texts = {pathlib.Path(e.image).name: list(e.captions) for examples in again.values() for e in examples}
    slow = {entry["file"]: plain(entry["captions"]) for entry in entries if entry["captions"]}
    checks.same(f"{name}, as Flickr30k's token file", texts, slow)
    print("  the same in Karpathy's format, as your own folder, and as a token file of Flickr30k")


def coco_files(captions: pathlib.Path, boxes: pathlib.Path, scratch: pathlib.Path, checks: Checks) -> None:
    """Checks the files of COCO: real ones, half of which are used as training images; boxes without images."""
    content = json.loads(captions.read_text(encoding="utf-8"))
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    order = [image["id"] for image in content["images"]]
    halves = {"train": set(order[::2]), "val": set(order[1::2])}
    boxes_of = dict(yolo_boxes(boxes))
    (scratch / "annotations").mkdir()
    for part, ids in halves.items():
        chosen = {
            **{key: value for key, value in content.items() if key not in ("images", "annotations")},
            "images": [image for image in content["images"] if image["id"] in ids],
            "annotations": [caption for caption in content["annotations"] if caption["image_id"] in ids],
        }
        write_json(scratch / "annotations" / f"captions_{part}2017.json", chosen)
        regions = [(id, number, box) for id in sorted(ids) for number, box in boxes_of.get(id, ())]
        instances = {
            "images": [{"id": id, "width": sizes[id][0], "height": sizes[id][1]} for id in sorted(ids)],
            "categories": [{"id": category.id, "name": category.name} for category in CATEGORIES],
            "annotations": [
                {
                    "id": place,
                    "image_id": id,
                    "category_id": CATEGORIES[number].id,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                }
                for place, (id, number, (x0, y0, x1, y1)) in enumerate(regions)
            ],
        }
        write_json(scratch / "annotations" / f"instances_{part}2017.json", instances)
    print("\ncaptions_val2017 in COCO's format, with every second image as a training image")
    splits, _ = read(f"coco:{scratch},images=none,validation=500")
    texts = collections.defaultdict(list)
    for caption in content["annotations"]:
        texts[str(caption["image_id"])].extend(plain([caption["caption"]]))
    found = {example.id: list(example.captions) for examples in splits.values() for example in examples}
    checks.same("COCO, captions of each image", found, dict(texts))
    checks.same("COCO, test images", {e.id for e in splits["test"]}, {str(id) for id in halves["val"]})
    checks.same(
        "COCO, images", {s: len(e) for s, e in splits.items()}, {"train": 2000, "validation": 500, "test": 2500}
    )
    names = {example.id: list(example.names) for examples in splits.values() for example in examples}
    slow = {}
    for id in order:
        slow[str(id)] = [CATEGORIES[number].name for number, box in boxes_of.get(id, ()) if has_area(box)]
    checks.same("COCO, boxes of each image", names, slow)
    example = max(splits["train"], key=lambda example: len(example.boxes))
    width, height = sizes[int(example.id)]
    pixels = np.rint(example.boxes * [width, height, width, height]).astype(int).tolist()
    checks.same("COCO, corners", pixels, [list(box) for _, box in boxes_of[int(example.id)]])
    table("captions_val2017", splits, checks)
    objects(splits, checks)
    batches(splits["train"], checks)


def hallucination_truth(captions: pathlib.Path, truth: pathlib.Path, scratch: pathlib.Path, checks: Checks) -> None:
    """Compares the objects in images, by boxes and captions, with the published ground truth of CHAIR."""
    boxes_of = dict(yolo_boxes(captions.parent / "coco_val2017_boxes_yolo4tf.txt"))
    texts = collections.defaultdict(list)
    for caption in json.loads(captions.read_text(encoding="utf-8"))["annotations"]:
        texts[caption["image_id"]].append(caption["caption"])
    with gzip.open(truth, "rt", encoding="utf-8") as file:
        published = {int(id): set(there) for id, there in json.load(file).items()}
    print("\nthe objects in the 5000 images of captions_val2017, compared with the published ground truth of CHAIR")
    for variant in (False, True):
        equal, overlap = 0, []
        for id, captions_of in texts.items():
            names = tuple(CATEGORIES[number].name for number, _ in boxes_of.get(id, ()))
            example = Example(str(id), b"", tuple(captions_of), np.zeros((len(names), 4), np.float32), names)
            ours = present(example, coco_words(published=variant))
            equal += ours == published[id]
            union = len(ours | published[id])
            overlap.append(len(ours & published[id]) / union if union else 1.0)
        way = "as the published code counts" if variant else "with every plural right"
        print(f"  {way}: equal for {equal} images ({equal / len(texts):.2%}), mean overlap {np.mean(overlap):.4f}")
        if variant:
            checks.same("CHAIR, images that agree", equal, len(texts))
    del scratch


def bottom_up(path: pathlib.Path, scratch: pathlib.Path, checks: Checks) -> None:
    """Checks a detector's features, through the store."""
    print("\nbottom_up/train2014_obj36.tsv")
    index = convert(path, scratch / "store", dtype="float32")
    store = RegionStore(scratch / "store")
    print(f"  {len(index)} images of {index.n_v} x {index.d}, {index.damaged} damaged, {index.repeated} repeated")
    csv.field_size_limit(1 << 27)
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.reader(file, delimiter="\t"):
            height, width = int(row[1]), int(row[2])
            features = np.frombuffer(base64.b64decode(row[9]), np.float32).reshape(36, 2048)
            boxes = np.frombuffer(base64.b64decode(row[8]), np.float32).reshape(36, 4) / [width, height, width, height]
            regions = store[row[0]]
            checks.same(f"features of {row[0]}", regions.features.tobytes(), features.tobytes())
            checks.same(f"boxes of {row[0]}", float(np.abs(regions.boxes - boxes).max()) < 1e-6, True)


def read(spec: str) -> tuple[Splits, dict[str, int]]:
    """All examples of a source by split, and the counts of skipped entries."""
    splits = source(spec)
    examples = {split: [dataset[i] for i in range(len(dataset))] for split, dataset in splits.items()}
    return examples, dict(splits.skipped)


def contents(splits: Splits) -> dict[str, list]:
    return {
        split: [(pathlib.Path(e.image).name, list(e.captions), list(e.names)) for e in examples]
        for split, examples in splits.items()
    }


def has_area(box: Sequence[float]) -> bool:
    x0, y0, x1, y1 = box
    return x0 < x1 and y0 < y1


def plain(captions: Iterable[str]) -> list[str]:
    return [" ".join(caption.split()) for caption in captions]


def karpathy_entry(entry: dict) -> dict:
    """An image entry in the format of dataset_flickr8k.json."""
    split = {"dev": "val", "none": "unused"}.get(entry["split"], entry["split"])
    return {"filename": entry["file"], "split": split, "sentences": [{"raw": text} for text in entry["captions"]]}


def yolo_boxes(path: pathlib.Path) -> Iterable[tuple[int, list[tuple[int, tuple[int, int, int, int]]]]]:
    """Image id -> (class, corners in pixels) of each box."""
    for line in path.read_text(encoding="utf-8").splitlines():
        file, *boxes = line.split()
        numbers = [tuple(map(int, box.split(","))) for box in boxes]
        yield int(re.search(r"(\d+)\.jpg$", file)[1]), [(box[4], box[:4]) for box in numbers]


def write_json(path: pathlib.Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


# --- statistics


def table(name: str, splits: Splits, checks: Checks) -> None:
    """Prints images, captions, tokens and the share of <unk> by split, as a table for the docs."""
    training = [caption for example in splits["train"] for caption in example.captions]
    vocabularies = {threshold: Vocabulary.build(training, threshold) for threshold in THRESHOLDS}
    counts: dict[str, int] = {}
    for caption in training:
        for token in tokenize(caption):
            counts[token] = counts.get(token, 0) + 1
    print("  | split | images | captions | tokens | a caption | boxes | <unk> at 3 | <unk> at 4 |")
    print("  |---|---|---|---|---|---|---|---|")
    differ = 0
    for split, examples in splits.items():
        captions = [caption for example in examples for caption in example.captions]
        tokens = [tokenize(caption) for caption in captions]
        differ += sum(slow_tokens(caption) != found for caption, found in zip(captions, tokens, strict=True))
        total = sum(map(len, tokens))
        shares = []
        for threshold, vocabulary in vocabularies.items():
            unknown = sum(token not in vocabulary.ids for row in tokens for token in row)
            slow = sum(counts.get(token, 0) < threshold for row in tokens for token in row)
            checks.same(f"{name}, <unk> at {threshold} in {split}", unknown, slow)
            shares.append(f"{unknown / total:.2%}")
        boxes = sum(len(example.boxes) for example in examples)
        mean = f"{total / len(captions):.1f}"
        print("  |", " | ".join(map(str, (split, len(examples), len(captions), total, mean, boxes, *shares))), "|")
    for threshold, vocabulary in vocabularies.items():
        slow = 4 + sum(count >= threshold for count in counts.values())
        checks.same(f"{name}, words at {threshold}", len(vocabulary), slow)
        print(f"  vocabulary at {threshold}: {len(vocabulary)} words of {len(counts)}, with the four special tokens")
    captions = sum(len(example.captions) for examples in splits.values() for example in examples)
    checks.same(f"{name}, captions that a second tokenizer splits otherwise", differ, 0)
    print(f"  a second tokenizer splits {differ} of {captions} captions otherwise")


def objects(splits: Splits, checks: Checks) -> None:
    """Counts the objects that captions name, and those that have a box."""
    words = coco_words()
    examples = [example for examples in splits.values() for example in examples]
    named = boxed = with_box = 0
    by_word: collections.Counter[str] = collections.Counter()
    slow: collections.Counter[str] = collections.Counter()
    pattern = re.compile("|".join(rf"(?<= ){re.escape(name)}(?= )" for name in sorted(words, key=len, reverse=True)))
    for example in examples:
        for caption in example.captions:
            tokens = tokenize(caption)
            found = mentions(tokens, words)
            named += len(found)
            by_word.update(" ".join(mention.words) for mention in found)
            if example.names:
                boxed += len(found)
                with_box += sum(mention.category in example.names for mention in found)
            toilet = "toilet" in tokens or "toilets" in tokens
            names = pattern.findall(f" {' '.join(tokens)} ")
            slow.update(n for n in names if words[n] and not (toilet and n in ("seat", "seats")))
    checks.same("mentions", by_word, slow)
    most = ", ".join(f"{word} {count}" for word, count in by_word.most_common(10))
    share = f"; {with_box} of the {boxed} beside boxes have one of their category" if boxed else ""
    print(f"  {named} objects are named{share}\n  most often: {most}")


def decoded(splits: Splits, checks: Checks) -> None:
    """Decodes all images at the size of an encoder's input, and compares them with plain Pillow."""
    examples = [example for examples in splits.values() for example in examples]
    began = time.perf_counter()
    loaded = list(load_all(examples, SIZE))
    seconds = time.perf_counter() - began
    readable = sum(item.error is None for item in loaded)
    began, slow = time.perf_counter(), []
    for example in examples:
        with Image.open(example.image) as image:
            slow.append(np.asarray(image.convert("RGB").resize(SIZE[::-1], Image.Resampling.BILINEAR)))
    plain_seconds = time.perf_counter() - began
    checks.same("images that can be read", readable, len(slow))
    # A JPEG decoder that decodes at reduced size may round differently.
    errors = [
        float(np.abs(item.pixels.astype(float) - pixels).mean())
        for item, pixels in zip(loaded, slow, strict=True)
        if item.error is None
    ]
    checks.same("images within a grey level of Pillow's", sum(error < 1 for error in errors), len(slow))
    print(
        f"  {readable} of {len(examples)} images decoded and resized, {len(examples) / seconds:.0f} a second (plain "
        f"Pillow {len(examples) / plain_seconds:.0f}); mean difference at most {max(errors):.2f} of 255"
    )


def batches(examples: Sequence[Example], checks: Checks) -> None:
    """Checks an epoch of batches whose features are the indices of the images: captions must match their images."""
    vocabulary = Vocabulary.build((caption for example in examples for caption in example.captions), 3)
    captions = [[vocabulary.encode(caption) for caption in example.captions] for example in examples]
    numbers = np.arange(len(examples), dtype=np.float32)[:, None, None]
    epoch = CaptionBatches(numbers, captions, lengths=LENGTHS, batch_size=64, seed=0, epochs=1)
    seen: collections.Counter = collections.Counter()
    for batch in epoch.iterate():
        for number, targets in zip(batch.features[:, 0, 0], batch.targets, strict=True):
            seen[int(number), tuple(t for t in targets.tolist() if t != PAD)] += 1
    wanted: collections.Counter = collections.Counter()
    words, known = list(vocabulary.words), set(vocabulary.words)
    for number, example in enumerate(examples):
        for caption in example.captions:
            ids = [words.index(token) if token in known else UNK for token in tokenize(caption)]
            wanted[number, tuple([*ids, END][: LENGTHS[-1]])] += 1
    filled = len(epoch) * 64 - wanted.total()
    checks.same("captions of an epoch that are missing", (wanted - seen).total(), 0)
    checks.same("captions of an epoch that no image has", len(seen.keys() - wanted.keys()), 0)
    checks.same("captions of an epoch that fill the last batch", (seen - wanted).total(), filled)
    print(f"  an epoch: {len(epoch)} batches of 64, all {wanted.total()} captions with their images")


CLITICS = ("n't", "'s", "'re", "'ve", "'ll", "'d", "'m")
ABBREVIATIONS = ("st", "mt", "ft", "ave", "blvd", "rd", "dr", "mr", "mrs", "ms", "jr", "vs")


def slow_tokens(caption: str) -> list[str]:
    """An independent implementation of `tokenize`, letter by letter."""
    tokens: list[str] = []
    for piece in caption.lower().replace("’", "'").replace("‘", "'").split():
        if piece.strip(".,!?") in CLITICS:  # a separate clitic: "the dog 's ball"
            tokens.append(piece.strip(".,!?"))
            continue
        word = ""
        for place, letter in enumerate(piece + " "):
            after = piece[place + 1 : place + 2]
            goes_on = word != "" and after.isalnum()
            in_number = goes_on and word[-1].isdecimal() and after.isdecimal()
            if letter.isalpha() and ":" in word:  # 5:54pm
                tokens.append(word)
                word = letter
            elif letter.isalnum() or (letter in "-./'&" and goes_on) or (letter in ",:" and in_number):
                word += letter
            else:
                of_letters = "." in word and all(len(part) == 1 for part in word.split("."))  # t.v.
                if letter == "." and (of_letters or word in ABBREVIATIONS):
                    word += "."
                tokens += split_clitics(word)
                word = ""
                if letter == "&":
                    tokens.append("&")
    return tokens


def split_clitics(word: str) -> list[str]:
    for ending in CLITICS:
        if word.endswith(ending) and len(word) > len(ending):
            return [*split_clitics(word[: -len(ending)]), ending]
    return ["can", "not"] if word == "cannot" else [word] if word else []


if __name__ == "__main__":
    sys.exit(main())
