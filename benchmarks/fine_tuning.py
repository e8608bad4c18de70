"""A step of LRP-IFT against a step of cross-entropy: python -m benchmarks.fine_tuning [--small]

Both are whole training steps (dropout, gradients, Adam) of one captioner on one batch at the paper's sizes: hidden 512,
196 regions of 512 channels, 11026 words, 64 captions of 20 words; random weights, jitted, in turn; the fastest of the
rounds counts. Beside the ratio of the times stands that of the arithmetic: the multiplications and additions of all
matrix products in each of the two programs, and what the ratio would be if nothing but a second last layer, forward and
backward, were added.

LRP inference itself reads one column of the last layer for each word. What it costs is a last layer for p-hat, and one
forward pass of it without dropout to know which word to explain.
"""

import argparse
import math
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.extend.core import jaxprs_in_params

from benchmarks.common import random_variables, write_figures
from lrp_jax.models import MHFC, AdaLSTM
from lrp_jax.training import ARMS, lrp_ift_loss

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
    params = random_variables(captioner, features[:1], inputs[:1])
    stop_ids = tuple(range(min(150, words // 10)))
    optimiser = optax.adam(5e-4)

    def make(arm):
        def step(params, moments, key):
            def loss_of(params):
                return lrp_ift_loss(
                    captioner, params, features, inputs, targets, arm=arm, stop_ids=stop_ids, dropout_rng=key
                )

            (loss, _), gradient = jax.value_and_grad(loss_of, has_aux=True)(params)
            updates, moments = optimiser.update(gradient, moments, params)
            return optax.apply_updates(params, updates), moments, loss

        return step

    steps = {name: make(ARMS[name]) for name in ("baseline", "lrp")}
    key = jax.random.key(0)
    moments = optimiser.init(params)
    flops = {name: product_flops(jax.make_jaxpr(step)(params, moments, key).jaxpr) for name, step in steps.items()}
    last_layer = 3 * 2 * count * length * captioner.hidden * words

    jitted = {name: jax.jit(step, donate_argnums=(0, 1)) for name, step in steps.items()}
    states = {name: jax.tree.map(jnp.copy, (params, moments)) for name in steps}
    times = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in jitted.items():
            began = time.perf_counter()
            *state, loss = step(*states[name], jax.random.fold_in(key, turn))
            states[name] = jax.block_until_ready(tuple(state))
            if not jnp.isfinite(loss):
                raise ValueError(f"the loss of {name} is {loss} after {turn} steps; wanted a finite one")
            if turn:  # the first compiles
                times[name].append(time.perf_counter() - began)
    seconds = {name: min(values) for name, values in times.items()}
    return {
        "seconds": seconds,
        "ratio": seconds["lrp"] / seconds["baseline"],
        "gigaflops": {name: value / 1e9 for name, value in flops.items()},
        "arithmetic": flops["lrp"] / flops["baseline"],
        "second_last_layer": 1 + last_layer / flops["baseline"],
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
            f"{kind.__name__}: {row['seconds']['baseline']:.3f} s a step of cross-entropy, "
            f"{row['seconds']['lrp']:.3f} s of LRP-IFT: {row['ratio']:.2f} times; its arithmetic "
            f"{row['arithmetic']:.2f} times, a second last layer alone {row['second_last_layer']:.2f} times",
            flush=True,
        )
    write_figures(options.json, results)


if __name__ == "__main__":
    main()
