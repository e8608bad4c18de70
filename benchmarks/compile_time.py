"""Compile time of a relevance beside that of a gradient: python -m benchmarks.compile_time [--json FILE]

The same function and shapes, alternating; tracing and compilation together, with all caches cleared. The result is the
ratio of the fastest times.
"""

import argparse
import time

import jax
import jax.numpy as jnp

import lrp_jax
from benchmarks.common import write_figures
from lrp_jax.captions.models import MHFC, VGG16, AdaLSTM, unroll


def zeros(module, *inputs):
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), *inputs))
    return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)


def vgg():
    encoder, image = VGG16(), jnp.zeros((1, 224, 224, 3))
    params = zeros(encoder, image)
    return lambda image: encoder.apply(params, image).sum(), (image,)


def captioner(model):
    features, words = jnp.zeros((196, 512)), jnp.ones(12, int)
    params = zeros(model, features, words)

    def logit(features, embeddings):
        trace = unroll(model, params, features, embeddings=embeddings)
        return model.apply(params, trace.inputs, words, method="predict").sum()

    return logit, (features, jnp.zeros((12, model.embedding)))


def seconds(f, args) -> float:
    jax.clear_caches()
    began = time.perf_counter()
    jax.jit(f).lower(*args).compile()
    return time.perf_counter() - began


def measure(f, args, rounds: int) -> dict[str, float]:
    argnums = tuple(range(len(args)))
    contestants = {"gradient": jax.grad(f, argnums), "relevance": jax.grad(lrp_jax.lrp(f, argnums=argnums), argnums)}
    times = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, g in contestants.items():
            times[name].append(seconds(g, args))
    fastest = {name: min(t) for name, t in times.items()}
    return fastest | {"ratio": fastest["relevance"] / fastest["gradient"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="also write the numbers to this file")
    options = parser.parse_args()
    jax.config.update("jax_enable_compilation_cache", False)
    programs = {
        "VGG16 at 224 x 224": vgg(),
        "Ada-LSTM, 12 words": captioner(AdaLSTM(11026)),
        "MH-FC, 12 words": captioner(MHFC(11026)),
    }
    table = {}
    for name, (f, args) in programs.items():
        row = table[name] = measure(f, args, options.rounds)
        took = f"gradient {row['gradient']:6.2f} s  relevance {row['relevance']:6.2f} s"
        print(f"{name:22} {took}  ratio {row['ratio']:.2f}", flush=True)
    write_figures(options.json, table)


if __name__ == "__main__":
    main()
