"""The input pipeline: python -m benchmarks.data [--data=FOLDER] [--cores=2] [--only=speed] [--json=FILE]

JPEG files to uint8 [224, 224, 3], by a plain loop over Pillow (open, convert, resize, NumPy), which is the unit, and by
the pipeline: all images in order, as for computing features (`load_all`), and in shuffled batches of 32, as for
training an encoder (`ImageBatches` of `LazyImages`). The files are generated: 640 x 480 and quality 90 like COCO's,
with the spectrum of photographs; if FOLDER is given, its files are measured too.

Input wait: the share of time for which a training step waits for its batch, as train.py logs it: Ada-LSTM at the
paper's sizes (hidden 512, VGG16's 196 regions of 512 channels, 9585 words, batches of 32) from cached features; random
weights, pixels and captions. Features that were just written are read from memory, not from the disk.
"""

import argparse
import os
import pathlib
import statistics
import tempfile
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from benchmarks import harness
from benchmarks.common import random_variables
from benchmarks.harness import Contender
from lrp_jax.captions.data.batches import ImageBatches
from lrp_jax.captions.data.images import LazyImages, load_all
from lrp_jax.captions.images import Example, load_image
from lrp_jax.captions.models import VGG16, Preprocessing
from lrp_jax.captions.runs.encoders import Encoder
from lrp_jax.captions.runs.settings import paper_settings
from lrp_jax.captions.training import read_metrics, train_and_evaluate
from lrp_jax.captions.words import Vocabulary

SIZE = (224, 224)
BATCH = 32
VOCABULARY = 9585
PLAIN = "plain loop"


def write_photographs(folder: pathlib.Path, count: int) -> list[pathlib.Path]:
    """Writes JPEG files of 640 x 480: noise with the same contrast at every scale, like photographs."""
    rng = np.random.default_rng(0)
    paths = []
    for index in range(count):
        pixels = np.zeros((480, 640, 3))
        for cell in (256, 128, 64, 32, 16, 8, 4, 2):
            coarse = rng.normal(127.5, 20, (480 // cell + 2, 640 // cell + 2, 3)).clip(0, 255).astype(np.uint8)
            pixels += np.asarray(Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)) - 127.5
        paths.append(folder / f"{index:04d}.jpg")
        Image.fromarray((127.5 + pixels).clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return paths


def plain_loop(paths: Sequence[pathlib.Path]) -> int:
    count = 0
    for path in paths:
        with Image.open(path) as picture:
            count += len(np.asarray(picture.convert("RGB").resize(SIZE, Image.Resampling.BILINEAR))) == SIZE[0]
    return count


def in_order(paths: Sequence[pathlib.Path]) -> int:
    return sum(item.error is None for item in load_all([Example(path.stem, path) for path in paths], SIZE))


def in_batches(paths: Sequence[pathlib.Path]) -> int:
    images = LazyImages([Example(path.stem, path) for path in paths], SIZE)
    batches = ImageBatches(images, [[[4]]] * len(paths), length=2, batch_size=BATCH, seed=0, epochs=1)
    return sum(len(batch.features) for batch in batches.iterate(threads=0))


def ways(folder: str, images: int, cores: int) -> dict[str, Callable]:
    """The ways to read at most `images` JPEG files in or below a folder, on `cores` cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    paths = sorted(pathlib.Path(folder).rglob("*.jpg"))[:images]
    paths = paths[: len(paths) // BATCH * BATCH]

    def reading(way):
        if (count := way(paths)) != len(paths):
            raise ValueError(f"{way.__name__} read {count} of {len(paths)} images; wanted complete files")

    named = {PLAIN: plain_loop, "in order": in_order, "in batches": in_batches}
    return {name: lambda way=way: reading(way) for name, way in named.items()} | {
        "_sizes": lambda: [len(paths), sum(path.stat().st_size for path in paths) / len(paths) / 1e3],
        "_difference": lambda: np.abs(load_image(paths[0], SIZE) - _whole(paths[0])).mean(),
    }


def _whole(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize(SIZE, Image.Resampling.BILINEAR), int)


def input_wait(folder: pathlib.Path, images: int = 96, captions: int = 10, length: int = 11) -> dict:
    """The log of a run whose features were computed and cached before its first step."""
    rng = np.random.default_rng(0)
    words = [f"word{index}" for index in range(VOCABULARY - 4)]
    said = iter(rng.permutation(np.resize(words, images * captions * length)).reshape(-1, length))
    pixels = rng.integers(0, 256, (images, *SIZE, 3), np.uint8)
    examples = [Example(str(i), pixels[i], tuple(" ".join(next(said)) for _ in range(captions))) for i in range(images)]
    module = VGG16()
    encoder = Encoder(module, random_variables(module, pixels[:1].astype(np.float32)), Preprocessing(size=SIZE))
    config = paper_settings()
    config.update(min_count=1, lengths=(length + 1,), epochs=2, log_every=10, evaluation_batch_size=BATCH)
    config.features_folder = str(folder / "features")
    splits = {"train": examples, "validation": examples[:BATCH]}
    train_and_evaluate(config, folder / "run", encoder=encoder, splits=splits)
    kept = [path.stat().st_size for path in (folder / "features").rglob("*") if path.is_file()]
    lines = read_metrics(folder / "run")
    # The first interval includes the compilation.
    return {
        "vocabulary": len(Vocabulary.load(folder / "run" / "vocabulary.json")),
        "megabytes_kept": sum(kept) / 1e6,
        "steps_per_second": max(line.get("steps_per_second", 0) for line in lines),
        "shares": [line["input_wait"] for line in lines if "input_wait" in line][1:],
    }


def main() -> None:
    parser = harness.parser(__doc__, rounds=7)
    parser.add_argument("--data", type=pathlib.Path, help="a folder with JPEG files, also in subfolders")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--images", type=int, default=256, help="number of images decoded in a round")
    parser.add_argument("--only", choices=("speed", "wait"), help="run only one half")
    options = parser.parse_args()
    report = harness.Report("data")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        if options.only != "wait":
            made = folder / "made"
            made.mkdir()
            write_photographs(made, options.images)
            for name, place in {"Made here": made, "Photographs": options.data}.items():
                if place is not None:
                    add_speeds(report, name, place, options)
        if options.only != "speed":
            found = input_wait(folder)
            shares = found.pop("shares")
            wait = f"{statistics.median(shares):.2%} ({min(shares):.2%} to {max(shares):.2%} in intervals of 10 steps)"
            report.note(input_wait=wait, **found)
    report.finish(options.json)


def add_speeds(report: harness.Report, name: str, place: pathlib.Path, options: argparse.Namespace) -> None:
    count = sum(1 for _ in place.rglob("*.jpg"))
    if count < BATCH:
        print(f"{name}: got {count} JPEG files, wanted at least {BATCH}; not measured")
        return
    settings = {"folder": str(place), "images": options.images, "cores": options.cores}
    with harness.working([Contender("", "benchmarks.data:ways", settings, PLAIN)]) as ((worker,), _):
        images, kilobytes = worker.value("_sizes")
        rows = harness.take_turns([worker], options.rounds)
        for row in rows:
            row.remark = f"{images / statistics.median(row.seconds):.0f} images a second"
        report.add(f"{name}: {images:.0f} files of {kilobytes:.0f} kB", rows)
        report.note(**{f"{name.lower()}: a pixel differs by": float(worker.value("_difference"))})


if __name__ == "__main__":
    main()
