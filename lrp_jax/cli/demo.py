"""Trains a captioner on drawn scenes, measures it, and explains its words: `make demo`.

It prints, with a value for comparison:

- CIDEr on scenes that the captioner has not seen, and that of the same captions for shuffled images, which is the
  score of fluent captions without relation to the image;
- the precision of the objects that it names, on scenes where the biases of the training scenes hold and on scenes where
  they are broken: the difference comes from objects that are named because of the bias;
- the correctness of LRP for object words (Eqs. 23, 24) with its bootstrap interval over images, the fraction of the
  image that the boxes cover, and the correctness of maps of the same object word from other images.

    lrp-jax demo [--workdir=runs/demo] [--out=out/demo]
"""

import argparse
import pathlib
import shutil
import sys
import time
from collections.abc import Sequence

import ml_collections

from lrp_jax.captions import experiments, metrics, scenes
from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.runs.encoders import encode_dataset
from lrp_jax.captions.runs.loading import load
from lrp_jax.captions.runs.settings import paper_settings
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.training import train_and_evaluate
from lrp_jax.captions.words import words_of
from lrp_jax.cli.common import INTERRUPTED
from lrp_jax.cli.explain import Options, explain_all

PAGES = 12  # scenes with a page
LOCATED = 150  # scenes whose object words are explained to measure the correctness


def demo_settings() -> ml_collections.ConfigDict:
    """Settings that train in minutes on two cores; comments give the reason where they differ from the paper's."""
    config = paper_settings()
    config.source = "scenes:strong,size=96,train=6000,validation=300,test_broken=1000,test_biased=1000"
    config.encoder = "scenes"
    config.lengths = (12, 14, 17)  # 9 to 16 words and <end>
    config.hidden = 128  # a few hundred words for 40 kinds of objects do not need 512 dimensions
    config.embedding = 128
    config.ada.attention = 64  # the number of regions, like the paper's 196
    config.batch_size = 64
    # So few steps need a large rate and no dropout: three epochs reach a validation CIDEr of 1.07, but only 0.70 at
    # 2e-3 with the published dropout. A fourth epoch adds little.
    config.learning_rate = 6e-3
    config.ada.dropout = 0.0
    config.epochs = 4
    return config


def demo(workdir: pathlib.Path, out: pathlib.Path) -> int:
    """Trains, measures, and writes the pages; returns the exit code."""
    began = time.monotonic()
    config = demo_settings()
    config.features_folder = str(workdir / "features")
    if (workdir / "config.json").exists():
        shutil.rmtree(workdir)  # the run of an earlier demo

    _headline("Drawing scenes and training a captioner on them")
    train_and_evaluate(config, workdir)

    speaker = load(workdir)
    print(f"{time.monotonic() - began:.0f} s so far")
    _headline("Captions of scenes that it has not seen")
    print_captions(speaker)
    _headline("Correctness: whether heat maps lie on the named objects")
    print_correctness(speaker)
    _headline("Pages")
    code = write_pages(workdir, out)
    print(f"{time.monotonic() - began:.0f} s in total")
    return code


def print_captions(speaker: Speaker) -> None:
    """Prints CIDEr and the precision of named objects on both test splits."""
    config = speaker.config
    for split, bias in (("test_broken", "broken"), ("test_biased", "as in training")):
        dataset = source(config.source)[split]
        features = encode_dataset(speaker.encoder, dataset, folder=config.features_folder, name=split)
        captions = [str(said) for said in speaker.caption(features.array, batch_size=config.evaluation_batch_size)]
        present = [{thing.kind for thing in dataset.scene(i).objects} for i in features.indices]
        named = metrics.named_objects([words_of(text) for text in captions], present, scenes.SYNONYMS)
        score, _ = metrics.cider(captions, features.captions)
        shuffled, _ = metrics.cider(captions[1:] + captions[:1], features.captions)
        print(f"{len(captions)} scenes, biases {bias}:")
        print(f"  CIDEr                      {score:.3f}, for shuffled images {shuffled:.3f}")
        print(f"  precision of named objects {named.precision:.3f} of {named.named.sum()}")
        for index in (0, 1, 2) if split == "test_broken" else ():
            print(f"  for example: {captions[index]!r}; a reference: {features.captions[index][0]!r}")


def print_correctness(speaker: Speaker) -> None:
    """Prints the correctness of LRP for object words, and its chance levels."""
    dataset = source(speaker.config.source)["test_broken"]
    found = experiments.correctness_of(speaker, dataset, SCENES, LOCATED)
    if found is None:
        print("no object was named correctly: the correctness cannot be measured")
        return
    print(f"{found['words']} correctly named objects in {found['images']} scenes:")
    ends = f"{found['correctness_low']:.3f} to {found['correctness_high']:.3f}"
    print(f"  correctness of LRP         {found['correctness']:.3f}, 95 % interval {ends}")
    print(f"  uniform map                {found['chance']:.3f}, the fraction of the image that the boxes cover")
    ends = f"{found['over_elsewhere_low']:.3f} to {found['over_elsewhere_high']:.3f}"
    print(f"  maps of other images       {found['elsewhere']:.3f}, lower by {ends}")


def write_pages(workdir: pathlib.Path, out: pathlib.Path) -> int:
    """Explains scenes like `lrp-jax explain`, and prints that command; returns its exit code."""
    options = Options(checkpoint=str(workdir), images=f"scenes:test_broken:0-{PAGES - 1}", out=str(out))
    print(f"lrp-jax explain --checkpoint={workdir} --images={options.images} --out={out}", flush=True)
    return explain_all(options)


def _headline(text: str) -> None:
    print(f"\n--- {text}", flush=True)


def main(program: str, arguments: Sequence[str]) -> int:
    """Runs the verb; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog=program, description="Train a captioner on drawn scenes and explain its words."
    )
    parser.add_argument("--workdir", type=pathlib.Path, default=pathlib.Path("runs/demo"), help="(%(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/demo"), help="(%(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        return demo(chosen.workdir, chosen.out)
    except KeyboardInterrupt:
        print("interrupted; the same command starts again and reuses the cached features", file=sys.stderr)
        return INTERRUPTED
