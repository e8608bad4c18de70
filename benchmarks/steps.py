"""A step of SCST and of LRP-IFT as multiples of a step of cross-entropy: python -m benchmarks.steps [--small]

All are whole training steps (dropout, gradients, Adam) of one captioner on one batch at the paper's sizes: hidden 512,
196 regions of 512 channels, 11026 words, 64 captions of 20 words, features at hand; random weights, jitted, in turn;
the fastest of the rounds counts. Beside the ratio of the times of LRP-IFT stands that of the arithmetic: the
multiplications and additions of all matrix products in each of the two programs, and what the ratio would be if nothing
but a second last layer, forward and backward, were added.

LRP inference itself reads one column of the last layer for each word. What it costs is a last layer for p-hat, and one
forward pass of it without dropout to know which word to explain. SCST decodes two captions and takes log p of one.
"""

import argparse
import math
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxprs_in_params

from benchmarks.common import random_variables, write_figures
from lrp_jax.data import Batch, ImageBatch, pad_references
from lrp_jax.metrics.cider_tokens import document_frequencies
from lrp_jax.models import MHFC, AdaLSTM
from lrp_jax.training import Arm, create_state, make_optimiser, make_step
from lrp_jax.training.objectives import (
    cross_entropy_objective,
    lrp_ift_objective,
    self_critical_objective,
)

SIZES = {"hidden": 512, "regions": 196, "channels": 512, "words": 11026, "captions": 64, "length": 20}
SMALL = {"hidden": 128, "regions": 49, "channels": 128, "words": 2000, "captions": 16, "length": 10}


def product_flops(jaxpr) -> int:
    """Multiplications and additions of the matrix products of a program, those in loops as often as they run."""
    total = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left = equation.invars[0].aval.shape
            total += 2 * math.prod(equation.outvars[0].aval.shape) * math.prod(left[i] for i in contracted)
        else:
            inner = sum(product_flops(body) for body in jaxprs_in_params(equation.params))
            total += equation.params.get("length", 1) * inner
    return total


def measure(captioner, sizes: dict, rounds: int) -> dict:
    rng = np.random.default_rng(1)
    count, length, words = sizes["captions"], sizes["length"], sizes["words"]
    features = jnp.asarray(np.maximum(rng.normal(size=(count, sizes["regions"], sizes["channels"])), 0), jnp.float32)
    inputs, targets = jnp.asarray(rng.integers(4, words, (2, count, length)))
    texts = rng.integers(4, words, (count, 5, length - 1)).tolist()
    captions = Batch(features, inputs, targets)
    images = ImageBatch(features, jnp.asarray(pad_references(texts, length)))
    stop_ids = tuple(range(min(150, words // 10)))
    stages = {
        "cross-entropy": (cross_entropy_objective(captioner), captions, None),
        "LRP-IFT": (lrp_ift_objective(captioner, Arm(), stop_ids), captions, None),
        "SCST": (
            self_critical_objective(captioner, max_length=length),
            images,
            jax.device_put(document_frequencies(texts, words)),
        ),
    }
    optimiser = make_optimiser(b1=0.8, b2=0.999, clip=0.1)
    params = random_variables(captioner, features[:1], inputs[:1])
    first = create_state(captioner, optimiser, features, seed=0, params=params)

    steps, flops, times = {}, {}, {name: [] for name in stages}
    for name, (objective, batch, constants) in stages.items():
        step = make_step(objective, optimiser)
        if name != "SCST":  # its loops end when all captions have
            flops[name] = product_flops(jax.make_jaxpr(step)(first, batch, 5e-4, constants).jaxpr)
        steps[name] = jax.jit(step, donate_argnums=0)
    states = {name: jax.tree.map(jnp.copy, first) for name in stages}
    for turn in range(rounds + 1):
        for name, (_, batch, constants) in stages.items():
            began = time.perf_counter()
            states[name], metrics = jax.block_until_ready(steps[name](states[name], batch, 5e-4, constants))
            if states[name].failed >= 0:
                raise ValueError(f"the loss of {name} is {metrics['loss']} after {turn} steps; wanted a finite one")
            if turn:  # the first compiles
                times[name].append(time.perf_counter() - began)
    seconds = {name: min(values) for name, values in times.items()}
    last_layer = 3 * 2 * count * length * captioner.hidden * words
    return {
        "seconds": seconds,
        "ratio": {name: value / seconds["cross-entropy"] for name, value in seconds.items()},
        "gigaflops": {name: value / 1e9 for name, value in flops.items()},
        "arithmetic": flops["LRP-IFT"] / flops["cross-entropy"],
        "second_last_layer": 1 + last_layer / flops["cross-entropy"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="sizes that take seconds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="file to write the figures to")
    options = parser.parse_args()
    sizes = SMALL if options.small else SIZES
    results = {"sizes": sizes}
    for kind in (AdaLSTM, MHFC):
        captioner = kind(sizes["words"], hidden=sizes["hidden"], embedding=sizes["hidden"])
        row = results[kind.__name__] = measure(captioner, sizes, options.rounds)
        print(
            f"{kind.__name__}: {row['seconds']['cross-entropy']:.3f} s a step of cross-entropy; LRP-IFT "
            f"{row['ratio']['LRP-IFT']:.2f} times, its arithmetic {row['arithmetic']:.2f} times, a second last layer "
            f"alone {row['second_last_layer']:.2f} times; SCST {row['ratio']['SCST']:.2f} times",
            flush=True,
        )
    write_figures(options.json, results)


if __name__ == "__main__":
    main()
