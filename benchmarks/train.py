"""A training step of each stage, beside torch: python -m benchmarks.train [--small] [--rounds 5] [--json FILE]

Whole steps (dropout, gradients, Adam) of one captioner on one batch at the paper's sizes: hidden 512, 196 regions of
512 channels, 11026 words, 64 captions of 20 words, cached features; random weights. The unit is a step of
cross-entropy. For comparison the same step of an Ada-LSTM written in torch, whose loss without dropout must be the
same.

LRP inference reads one column of the last layer for each word. The additional cost of LRP-IFT is a last layer for
p-hat, and one forward pass of the last layer without dropout to determine the word to explain. Besides the ratio of the
times, the ratio of the arithmetic (multiplications and additions of all matrix products in the two programs) is
printed, and the ratio if only a second last layer, forward and backward, were added. SCST decodes two captions and
computes log p of one.
"""

import math
import pathlib
import tempfile
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxprs_in_params
from safetensors.numpy import load_file

from benchmarks import harness
from benchmarks.harness import Contender
from benchmarks.paper_size import SIZES, write_models
from lrp_jax.captions.data.batches import Batch, ImageBatch, pad_references
from lrp_jax.captions.metrics.cider_tokens import document_frequencies
from lrp_jax.captions.runs.arms import Arm
from lrp_jax.captions.training import create_state, cross_entropy, make_optimiser, make_step
from lrp_jax.captions.training.objectives import cross_entropy_objective, lrp_ift_objective, self_critical_objective
from lrp_jax.captions.weights import captioner_from_state_dict

FULL = {"regions": 196, "channels": 512, "words": SIZES["V"], "captions": 64, "length": 20}
SMALL = {"regions": 49, "channels": 128, "words": 2000, "captions": 16, "length": 10}
UNIT = "cross-entropy"


def write_batch(folder: pathlib.Path, sizes: dict[str, int]) -> None:
    """Writes random captions and random features, batch.npz."""
    rng = np.random.default_rng(1)
    count, words = sizes["captions"], sizes["words"]
    features = np.maximum(rng.normal(size=(count, sizes["regions"], sizes["channels"])), 0).astype(np.float32)
    inputs, targets = rng.integers(4, words, (2, count, sizes["length"]), np.int32)
    references = rng.integers(4, words, (count, 5, sizes["length"] - 1), np.int32)
    np.savez(folder / "batch.npz", features=features, inputs=inputs, targets=targets, references=references)


def ways(folder: str) -> dict[str, Callable]:
    """A jitted step of each stage; each call continues from the state of the previous one."""
    captioner, params = captioner_from_state_dict(load_file(pathlib.Path(folder) / "captioner.safetensors"))
    arrays = np.load(pathlib.Path(folder) / "batch.npz")
    features, inputs, targets = (jnp.asarray(arrays[name]) for name in ("features", "inputs", "targets"))
    length, words = inputs.shape[1], captioner.vocabulary_size
    texts = arrays["references"].tolist()
    captions, images = (
        Batch(features, inputs, targets),
        ImageBatch(features, jnp.asarray(pad_references(texts, length))),
    )
    stages = {
        UNIT: (cross_entropy_objective(captioner), captions, None),
        "LRP-IFT": (lrp_ift_objective(captioner, Arm(), tuple(range(min(150, words // 10)))), captions, None),
        "SCST": (
            self_critical_objective(captioner, max_length=length),
            images,
            jax.device_put(document_frequencies(texts, words)),
        ),
    }
    optimiser = make_optimiser(b1=0.8, b2=0.999, clip=0.1)
    first = create_state(captioner, optimiser, features, seed=0, params=jax.device_put(params))
    found, flops = {}, {}
    for name, (objective, batch, constants) in stages.items():
        step = make_step(objective, optimiser)
        if name != "SCST":  # its loops have no fixed length
            flops[name] = product_flops(jax.make_jaxpr(step)(first, batch, 5e-4, constants).jaxpr)
        found[name] = _Steps(name, jax.jit(step, donate_argnums=0), jax.tree.map(jnp.copy, first), batch, constants)
    last_layer = 3 * 2 * inputs.size * captioner.hidden * words
    found["_arithmetic"] = lambda: [flops["LRP-IFT"] / flops[UNIT], 1 + last_layer / flops[UNIT]]
    found["_loss"] = lambda: cross_entropy(captioner.apply(params, features, inputs), targets)
    return found


class _Steps:
    """Runs successive training steps."""

    def __init__(self, name, step, state, batch, constants):
        self.name, self.step, self.state, self.of = name, step, state, (batch, 5e-4, constants)

    def __call__(self):
        self.state, metrics = jax.block_until_ready(self.step(self.state, *self.of))
        if self.state.failed >= 0:
            raise ValueError(f"the loss of {self.name} is {metrics['loss']}; wanted a finite one")


def product_flops(jaxpr) -> int:
    """Multiplications and additions of the matrix products of a program; those in loops count in every iteration."""
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


def main() -> None:
    parser = harness.parser(__doc__, rounds=5)
    parser.add_argument("--small", action="store_true", help="small sizes that take seconds")
    options = parser.parse_args()
    sizes = SMALL if options.small else FULL
    report = harness.Report("train")
    with tempfile.TemporaryDirectory() as temporary:
        folders = {}
        for kind in ("ada", "mhfc"):
            folder = pathlib.Path(temporary) / kind
            write_models(folder, kind, width=sizes["channels"] // 8, words=sizes["words"])
            write_batch(folder, sizes)
            folders[kind] = {"folder": str(folder)}
        contenders = [
            Contender("Ada-LSTM", "benchmarks.train:ways", folders["ada"], UNIT),
            Contender("MH-FC", "benchmarks.train:ways", folders["mhfc"], UNIT),
            Contender(
                "Ada-LSTM in torch",
                "benchmarks.peers.torch_ada:training_ways",
                folders["ada"],
                f"Ada-LSTM: {UNIT}",
                "torch",
            ),
        ]
        with harness.working(contenders) as (workers, missing):
            rows = harness.take_turns(workers, options.rounds)
            for worker in workers[:2]:
                arithmetic, last_layer = worker.value("_arithmetic").tolist()
                row = next(row for row in rows if row.name == worker.row("LRP-IFT"))
                row.remark = f"its arithmetic {arithmetic:.2f}, a second last layer alone {last_layer:.2f}"
            losses = [float(worker.value("_loss")) for worker in (workers[0], *workers[2:])]
        report.add(f"Training steps of {sizes['captions']} captions", rows + missing)
        if len(losses) > 1:
            report.note(loss_of_torch_differs_by=abs(losses[1] - losses[0]))
    report.finish(options.json)


if __name__ == "__main__":
    main()
