"""Captions per second of a batch against the same search for one image at a time: python -m benchmarks.decoding

Full-size captioners (hidden 512, 196 regions of 512 channels, 11026 words), random weights, beam 3; both ways jitted,
the same images, in turn; the fastest of the rounds counts. The captions have to be the same.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import random_variables, write_figures
from lrp_jax.models import MHFC, AdaLSTM
from lrp_jax.models.decoding import Beam, decode


def measure(captioner, images: int, width: int, rounds: int) -> dict:
    features = jnp.asarray(np.maximum(np.random.default_rng(1).normal(size=(images, 196, 512)), 0), jnp.float32)
    params = random_variables(captioner, features[:1], jnp.ones((1, 1), int))
    decoder = Beam(width=width, max_length=20)

    def together():
        return decode(decoder, captioner, params, features).tokens

    def alone():
        return jnp.concatenate([decode(decoder, captioner, params, features[i : i + 1]).tokens for i in range(images)])

    ways = {"together": together, "alone": alone}
    same = float((ways["together"]() == ways["alone"]()).all(axis=(1, 2)).mean())
    times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            jax.block_until_ready(way())
            times[name].append(time.perf_counter() - began)
    rates = {name: images / min(values) for name, values in times.items()}
    return {"same": same, "captions_per_second": rates, "ratio": rates["together"] / rates["alone"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--width", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="file to write the figures to")
    options = parser.parse_args()
    results = {}
    for captioner in (AdaLSTM(11026), MHFC(11026)):
        name = type(captioner).__name__
        row = results[name] = measure(captioner, options.images, options.width, options.rounds)
        rates = row["captions_per_second"]
        print(
            f"{name}: {rates['together']:.1f} captions a second together, {rates['alone']:.1f} one at a time: "
            f"{row['ratio']:.1f} times; {row['same']:.0%} of the images have the same captions",
            flush=True,
        )
    write_figures(options.json, results)


if __name__ == "__main__":
    main()
