"""Trains and explains both captioners on a thousand photographs, with grid features and with regions:

    python -m benchmarks.photographs --data=FOLDER [--out=runs/photographs]

Trains each with three seeds by train.py, explains test photographs by explain.py, and prints
  - the difference of SqueezeNet from its reference output,
  - CIDEr on both test splits, greedy and with beam 3, the mean over seeds,
  - the correctness of LRP on COCO's boxes, with its chance level.
Finished parts are not repeated, so an interrupted run can be continued.

FOLDER has weights/squeezenet1_1_oihw.npz, flickr8k_1000/flickr8k_1000.json and coco_small/coco_small.json (each with
its folder of images).
"""

import argparse
import json
import pathlib
import shutil

import jax.numpy as jnp
import numpy as np

from benchmarks.common import run_script
from lrp_jax.captions.data.domain import Domain
from lrp_jax.captions.data.sources import json_source
from lrp_jax.captions.experiments import correctness_of
from lrp_jax.captions.metrics import cider
from lrp_jax.captions.models.decoding import Beam, Greedy
from lrp_jax.captions.runs.encoders import encode_dataset
from lrp_jax.captions.runs.folder import load_run
from lrp_jax.captions.weights import squeezenet_from_arrays
from lrp_jax.captions.words.objects import coco_words, present

CAPTIONERS, SEEDS = ("ada", "ada_bu", "mhfc", "mhfc_bu"), (0, 1, 2)  # bu: bottom-up, with regions
SETS = ("flickr8k_1000", "coco_small")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--out", default=pathlib.Path("runs/photographs"), type=pathlib.Path)
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"no photographs at {options.data}: they are not part of the repository; nothing was done")
        return
    options.out.mkdir(parents=True, exist_ok=True)
    results = {"squeezenet": squeezenet_error(options.data)}
    print(f"SqueezeNet, largest difference from its reference output: {results['squeezenet']:.1e}", flush=True)
    for captioner in CAPTIONERS:
        for seed in SEEDS:
            train(captioner, seed, options.data, options.out)
    for captioner in CAPTIONERS:
        results[captioner] = ciders(captioner, options) | {"correctness": localisation(captioner, options)}
    (options.out / "results.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
    explain(options)


def squeezenet_error(data: pathlib.Path) -> float:
    with np.load(weights(data), allow_pickle=False) as file:
        arrays = dict(file)
    encoder, params = squeezenet_from_arrays(arrays)
    images = jnp.asarray(arrays["test0_input"].transpose(0, 2, 3, 1))
    classes = encoder.apply(params, images, method="classify")
    return float(jnp.abs(classes - arrays["test0_output"]).max())


def weights(data: pathlib.Path) -> pathlib.Path:
    return data / "weights" / "squeezenet1_1_oihw.npz"


def features_folder(captioner: str, out: pathlib.Path) -> pathlib.Path:
    """The folder of features, one for each encoder: both captioners use the same grid, or the same regions."""
    return out / ("features-regions" if captioner.endswith("_bu") else "features-grid")


def train(captioner: str, seed: int, data: pathlib.Path, out: pathlib.Path) -> None:
    workdir = out / f"{captioner}-{seed}"
    if (workdir / "results.json").exists():
        return
    print(f"training {workdir}", flush=True)
    source = ",".join(str(data / name / f"{name}.json") for name in SETS)
    run_script(
        "train.py",
        f"--config=configs/photos.py:{captioner}",
        f"--workdir={workdir}",
        "--resume",
        f"--config.source=json:{source}",
        f"--config.encoder_weights={weights(data)}",
        f"--config.features_folder={features_folder(captioner, out)}",
        f"--config.seed={seed}",
    )


def ciders(captioner: str, options: argparse.Namespace) -> dict:
    table = {}
    for name in SETS:
        dataset = json_source(options.data / name / f"{name}.json")["test"]
        scores = {"greedy": [], "beam 3": []}
        for seed in SEEDS:
            model = load_run(options.out / f"{captioner}-{seed}")
            folder = features_folder(captioner, options.out)
            features = encode_dataset(model.encoder, dataset, folder=folder, name=f"test_{name}")
            longest = max(model.config.lengths)
            decoders = {"greedy": Greedy(max_length=longest), "beam 3": Beam(width=3, max_length=longest)}
            for way, decoder in decoders.items():
                captions = [str(said) for said in model.caption(features.array, decoder, batch_size=128)]
                scores[way].append(cider(captions, features.captions)[0])
        table[name] = {way: {"mean": float(np.mean(runs)), "runs": runs} for way, runs in scores.items()}
        means = ", ".join(
            f"{way} {np.mean(runs):.3f} ({' '.join(f'{x:.3f}' for x in runs)})" for way, runs in scores.items()
        )
        print(f"{captioner:7} CIDEr on {name:14} {means}", flush=True)
    return table


def localisation(captioner: str, options: argparse.Namespace) -> dict:
    """Correctness of LRP for the objects that captions of the test photographs name correctly."""
    model = load_run(options.out / f"{captioner}-0")
    examples = [e for e in json_source(options.data / "coco_small" / "coco_small.json")["test"] if len(e.boxes)]
    words = coco_words()
    found = correctness_of(model, examples, Domain("coco", words, lambda e: present(e, words)))
    print(
        f"{captioner:7} LRP's correctness {found['correctness']:.3f} "
        f"[{found['correctness_low']:.3f}, {found['correctness_high']:.3f}] where boxes cover {found['chance']:.3f} "
        f"({found['correctness'] / found['chance']:.2f} times); maps of other images {found['elsewhere']:.3f}; "
        f"{found['words']} words in {found['images']} photographs",
        flush=True,
    )
    return found


def explain(options: argparse.Namespace) -> None:
    """Explains ten test photographs of each set, as pages."""
    samples = options.out / "samples"
    samples.mkdir(exist_ok=True)
    for name in SETS:
        for example in json_source(options.data / name / f"{name}.json")["test"][:10]:
            shutil.copy(example.image, samples)
    for captioner in CAPTIONERS:
        pages = options.out / f"pages-{captioner}"
        run_script(
            "explain.py",
            f"--checkpoint={options.out / captioner}-0",
            f"--images={samples}",
            f"--out={pages}",
            "--resume",
        )
        print(f"{captioner:7} pages: {pages / 'index.html'}", flush=True)


if __name__ == "__main__":
    main()
