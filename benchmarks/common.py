"""Shared by several benchmarks: random weights, and a file of figures."""

import json
import platform
import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np


def random_variables(module, *inputs, **options):
    """Variables like those of `init`, but made by NumPy: XLA takes minutes to compile an `init` of this size."""
    rng = np.random.default_rng(0)

    def leaf(path, shape):
        name = path[-1].key
        if name in ("scale", "var"):
            return jnp.ones(shape.shape, shape.dtype)
        if name in ("bias", "mean"):
            return jnp.asarray(rng.normal(0, 0.1, shape.shape), shape.dtype)
        # The fan-in is all axes but the last; attention kernels have separate axes for heads and channels on one side.
        fan_in = np.prod(shape.shape[: 2 if path[-2].key == "out" else max(1, len(shape.shape) - 1)])
        if path[-2].key in ("query", "key", "value"):
            fan_in = shape.shape[0]
        return jnp.asarray(rng.normal(0, fan_in**-0.5, shape.shape), shape.dtype)

    shapes = jax.eval_shape(partial(module.init, **options), jax.random.key(0), *inputs)
    return jax.tree_util.tree_map_with_path(leaf, shapes)


def write_figures(path: str | None, figures: dict) -> None:
    """Writes the figures as JSON, with a description of the machine; does nothing without a path."""
    if path:
        machine = {"machine": platform.processor() or platform.machine(), "backend": jax.default_backend()}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(machine | {"jax": jax.__version__} | figures, file, indent=2)


def run_script(script: str, *flags: str) -> None:
    """Runs train.py or explain.py from the root of the repository; raises if it fails."""
    subprocess.run([sys.executable, script, *flags], check=True)
