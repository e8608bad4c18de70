"""The relevance of a caption, stage by stage: python -m benchmarks.explain [--rounds 10] [--words 12] [--json FILE]

VGG16 at 224 x 224 and captioners of the paper's sizes (hidden 512, 196 regions, 11026 words), random weights, one
image. The unit is one forward pass of VGG16. In turn, round by round, each stage beside the unit: the fastest and the
median of the rounds as a Markdown table, and the load of the machine before and after. The arithmetic limit of the
relevance of n words in the pixels is n + 2 units: a forward pass, one with the positive kernels, and n gradients with
respect to the input.

  forward       VGG16, and VGG16 on as many images as there are words
  decoder       the relevance of all words in the features and the words before (Ada-LSTM, MH-FC)
  encoder       from there to the pixels, its own forward pass included, at 1, 2, 4 and all words to a backward pass

Beside it the largest memory of a process that explains 20 words of one image with 2 to a pass, Python and JAX
included; and the time from the start of explain.py to its first explained picture of 12 words, all files written, with
nothing compiled and with what the first start left in JAX's persistent cache.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import random_variables, write_figures
from benchmarks.paper_size import write_models, write_pictures
from lrp_jax import PAPER
from lrp_jax.explain import explain_image
from lrp_jax.explain.question import ask, propagate
from lrp_jax.explain.view import View
from lrp_jax.models import MHFC, VGG16, AdaLSTM

SIDE, VOCABULARY = 224, 11026


def models():
    """An image, VGG16's variables, and the features of the image."""
    image = jnp.asarray(np.random.default_rng(1).normal(size=(SIDE, SIDE, 3)), jnp.float32)
    encoder = VGG16()
    params = random_variables(encoder, image[None])
    return encoder, params, image, View(encoder, params, image).encode()


def stages(words: int) -> dict:
    encoder, params, image, features = models()
    tokens = np.arange(1, words + 2)
    forward = jax.jit(encoder.apply)
    images = jnp.repeat(image[None], words, axis=0)
    relevance = jnp.asarray(np.random.default_rng(2).normal(size=(words, *features.shape)), jnp.float32)
    ways = {
        "unit": lambda: forward(params, image[None]),
        f"forward of {words} images": lambda: forward(params, images),
    }
    for captioner in (AdaLSTM(VOCABULARY), MHFC(VOCABULARY)):
        variables = random_variables(captioner, features, tokens)
        asked = ask(captioner, variables, features, tokens)
        ways[f"decoder, {type(captioner).__name__}"] = lambda asked=asked: propagate(asked, PAPER)
    for chunk in sorted({1, 2, 4, words}):
        ways[f"encoder, {chunk} to a pass"] = lambda chunk=chunk: View(encoder, params, image).pull_back(
            PAPER, relevance, chunk
        )
    return ways


def measure(words: int, rounds: int) -> dict:
    ways, first, times = stages(words), {}, {}
    for turn in range(rounds + 1):
        for name, way in ways.items() if turn % 2 else reversed(ways.items()):
            began = time.perf_counter()
            jax.block_until_ready(way())
            took = time.perf_counter() - began
            if turn:
                times.setdefault(name, []).append(took)
            else:
                first[name] = took
    unit = min(times["unit"])
    return {
        name: {
            "units": min(times[name]) / unit,
            "median_units": statistics.median(times[name]) / statistics.median(times["unit"]),
            "seconds": min(times[name]),
            "first_call_seconds": first[name],
        }
        for name in ways
    }


def explain_twenty() -> None:
    """Explains 20 words of an image and prints the largest memory of this process in GB."""
    encoder, params, image, features = models()
    captioner, tokens = AdaLSTM(VOCABULARY), np.arange(1, 22)
    variables = random_variables(captioner, features, tokens)
    models_of_image = {"encoder": encoder, "encoder_params": params}
    found = explain_image(captioner, variables, image, tokens, words_per_chunk=2, **models_of_image)
    jax.block_until_ready(found.pixels)
    # Not getrusage: a process begins there with what its parent had.
    status = pathlib.Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1e6)


def cold_starts() -> dict[str, float]:
    """Seconds from the start of explain.py to its first picture, with an empty cache and then with a full one."""
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
                raise ValueError(f"explain.py said {first}; wanted an explained picture")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--words", type=int, default=12)
    parser.add_argument("--json", help="file to write the figures to")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    rows = measure(options.words, options.rounds)
    load = [before, os.getloadavg()[0]]
    print(f"Load {load[0]:.1f} before and {load[1]:.1f} after; the unit is {1000 * rows['unit']['seconds']:.0f} ms.\n")
    print("| stage | units, fastest | units, medians | seconds | first call |\n|---|---|---|---|---|")
    for name, row in rows.items():
        numbers = f"{row['units']:.2f} | {row['median_units']:.2f} | {row['seconds']:.3f}"
        print(f"| {name} | {numbers} | {row['first_call_seconds']:.1f} |")
    program = "import benchmarks.explain as b; b.explain_twenty()"
    memory = float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
    print(f"\n20 words, 2 to a pass: {memory:.2f} GB at most")
    starts = cold_starts()
    print("first picture of explain.py: " + ", ".join(f"{name} {took:.1f} s" for name, took in starts.items()))
    figures = {"load": load, "stages": rows, "gigabytes_of_20_words": memory, "first_picture_seconds": starts}
    write_figures(options.json, figures)


if __name__ == "__main__":
    main()
