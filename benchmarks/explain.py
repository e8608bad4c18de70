"""The relevance of a caption, beside its peers: python -m benchmarks.explain [--words 12] [--rounds 10] [--json FILE]

VGG16 at 224 x 224 and captioners of the paper's sizes (hidden 512, 196 regions, 11026 words), random weights, one
image. The unit is a forward pass of VGG16 in the same framework and the same run. The arithmetic limit for n words in
the pixels is n + 2 units: a forward pass, one with the positive kernels, and n gradients with respect to the input.

  encoder   from the relevance of the features to the pixels, forward pass included, with 1, 2, 4 and all words per
            backward pass; for comparison hand-written torch, zennit and captum, which use a copy of the image for
            each word, and forward passes of as many images as there are words. The difference between their pixels and
            ours is printed too.
  methods   decoder: the relevance of all words in the features and the preceding words; and each method as a user calls
            it, from an image and a caption to the pixels
  memory    20 words at several numbers of words per pass, each in a process of its own
  starts    from the start of explain.py to its first explained image of 12 words with all files written, without any
            compiled program and with JAX's persistent cache from the first start

See benchmarks/README.md for how to read the tables. torch, zennit and captum are skipped if they are not installed.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from benchmarks import harness
from benchmarks.harness import Contender
from benchmarks.paper_size import write_models, write_pictures, write_question
from benchmarks.stages import UNIT
from lrp_jax.captions.explain import METHODS

SLOW = ("integrated_gradients", "smooth_grad", "occlusion")  # methods with many passes per word


def encoder(folder: str, words: int, rounds: int) -> list[harness.Row]:
    chunks = sorted({1, 2, 4, words})
    peers = "benchmarks.peers"
    contenders = [
        Contender("lrp_jax", "benchmarks.stages:encoder_ways", {"folder": folder, "chunks": chunks}, UNIT),
        Contender("torch by hand", f"{peers}.torch_plain:ways", {"folder": folder, "chunks": chunks}, UNIT, "torch"),
        Contender("zennit", f"{peers}.zennit_copies:ways", {"folder": folder}, UNIT, "zennit"),
        Contender("captum", f"{peers}.captum_copies:ways", {"folder": folder}, UNIT, "captum"),
    ]
    with harness.working(contenders) as (workers, missing):
        rows = harness.take_turns(workers, rounds)
        ours, *others = (worker.value(worker.ways[-1]) for worker in workers)
    for worker, theirs in zip(workers[1:], others, strict=True):
        row = next(row for row in rows if row.name == worker.row(worker.ways[-1]))
        row.remark = f"pixels {np.abs(theirs - ours).max() / np.abs(ours).max():.0e} from ours"
    return rows + missing


def methods(folder: str, words: int, rounds: int) -> list[harness.Row]:
    fast = [name for name in METHODS if name not in SLOW]
    asked = {"folder": folder, "words": words}
    of_all = [
        Contender("Ada-LSTM", "benchmarks.stages:caption_ways", {**asked, "kind": "Ada-LSTM", "methods": fast}, UNIT),
        Contender("MH-FC", "benchmarks.stages:caption_ways", {**asked, "kind": "MH-FC", "methods": ["lrp"]}, UNIT),
    ]
    return harness.alternate(of_all, rounds)


def slow_methods(folder: str, words: int) -> list[harness.Row]:
    settings = {"folder": folder, "words": words, "methods": SLOW}
    return harness.alternate([Contender("Ada-LSTM", "benchmarks.stages:caption_ways", settings, UNIT)], 1)


def memory(folder: str, words: int, rounds: int) -> list[harness.Row]:
    asked = {"folder": folder, "words": words, "methods": ["lrp"]}
    return harness.alternate(
        [
            Contender(f"{chunk} to a pass", "benchmarks.stages:caption_ways", {**asked, "chunk": chunk}, UNIT)
            for chunk in (1, 2, 4, words)
        ],
        rounds,
    )


def cold_starts() -> dict[str, float]:
    """Seconds from the start of explain.py to its first explained image, with an empty and then with a filled cache."""
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        flags = [*write_models(folder / "models"), f"--images={folder / 'pictures'}", "--max_length=12", "--json"]
        write_pictures(folder / "pictures", 1)
        cache = {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        for name in ("nothing compiled", "persistent cache"):
            command = [sys.executable, "explain.py", f"--out={folder / name}", *flags]
            began = time.perf_counter()
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | cache
            ) as process:
                first = json.loads(process.stdout.readline())
                found[name] = time.perf_counter() - began
                process.communicate()
            if first.get("status") != "explained":
                raise ValueError(f"explain.py printed {first}; wanted an explained image")
    return found


def main() -> None:
    parser = harness.parser(__doc__, rounds=10)
    parser.add_argument("--words", type=int, default=12, help="number of words of the caption; 12")
    parts = ("encoder", "methods", "slow", "memory", "starts")
    parser.add_argument("--only", choices=parts, action="append", help="run only this part; may be repeated")
    options = parser.parse_args()
    chosen = options.only or parts
    report = harness.Report("explain")
    with tempfile.TemporaryDirectory() as folder:
        write_models(pathlib.Path(folder))
        write_question(pathlib.Path(folder), options.words)
        if "encoder" in chosen:
            report.add(f"Encoder, {options.words} words", encoder(folder, options.words, options.rounds))
        if "methods" in chosen:
            report.add(f"Methods, {options.words} words", methods(folder, options.words, -(-options.rounds // 3)))
        if "slow" in chosen:
            report.add(f"Methods of many passes, {options.words} words", slow_methods(folder, options.words))
        if "memory" in chosen:
            report.add("Memory, 20 words", memory(folder, 20, min(options.rounds, 3)))
    if "starts" in chosen:
        for name, seconds in cold_starts().items():
            report.note(**{f"first picture of explain.py, {name}, seconds": seconds})
    report.finish(options.json)


if __name__ == "__main__":
    main()
