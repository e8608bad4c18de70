"""An end-to-end check of bottom-up features on ten images: python -m benchmarks.detected_regions

    python -m benchmarks.detected_regions --data=FOLDER [--out=runs/detected_regions]

Converts bottom_up/train2014_obj36.tsv, trains Ada-LSTM on sentences that list the objects of each image (in every
order, so that a word depends on the regions and not on the words before it), and explains them with explain.py, in the
boxes of the detector. Ten images are too few to learn a language; they show that reading, training and explaining work
together.

FOLDER has bottom_up (the tsv, the images) and annotations/chair_gt_objects_123287.json.gz.
"""

import argparse
import gzip
import itertools
import json
import pathlib
import re
import shutil

from benchmarks.common import run_script
from lrp_jax.captions.data.bottom_up import RegionStore, convert


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--out", default=pathlib.Path("runs/detected_regions"), type=pathlib.Path)
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"no images at {options.data}: they are not part of the repository; nothing was done")
        return
    convert(options.data / "bottom_up" / "train2014_obj36.tsv", options.out / "store")
    captions = write_captions(options.data, options.out)
    run_script(
        "train.py",
        "--config=configs/ada_bu.py",
        f"--workdir={options.out / 'run'}",
        "--resume",
        f"--config.source=json:{captions}",
        f"--config.bottom_up={options.out / 'store'}",
        "--config.hidden=128",
        "--config.embedding=32",
        "--config.min_count=1",
        "--config.lengths=12,20",
        "--config.epochs=40",
        "--config.stop_after=40",
        "--config.learning_rate=2e-3",
    )
    run_script(
        "explain.py",
        f"--checkpoint={options.out / 'run'}",
        f"--images={options.out / 'images'}",
        f"--out={options.out / 'pages'}",
    )


def write_captions(data: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    """Writes a file of captions with the images beside it, with all images in every split, to be memorised."""
    with gzip.open(data / "annotations" / "chair_gt_objects_123287.json.gz", "rt", encoding="utf-8") as file:
        objects = json.load(file)
    (out / "images").mkdir(parents=True, exist_ok=True)
    entries = []
    for name in RegionStore(out / "store").ids:
        shutil.copy(data / "bottom_up" / "images" / f"{name}.jpg", out / "images")
        seen = sorted(set(objects[re.sub(r".*_0*", "", name)]))[:4]
        texts = ["there is " + " and ".join(f"a {thing}" for thing in order) for order in itertools.permutations(seen)]
        for split in ("train", "val", "test"):
            entries.append({"file": f"{name}.jpg", "image_id": name, "captions": texts, "split": split})
    path = out / "captions.json"
    path.write_text(json.dumps({"images": entries}), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
