"""Decoding of a batch, of single images, and in torch: python -m benchmarks.decode [--images 64]

Captioners of the paper's sizes (hidden 512, 196 regions of 512 channels, 11026 words), random weights, captions of 20
words. The unit is beam 3 of one image after the other, whose captions must equal those of the batch. For comparison
greedy captions of an Ada-LSTM written in torch, which must be the same too, except for ties within rounding.
"""

import pathlib
import tempfile
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file

from benchmarks import harness
from benchmarks.harness import Contender
from benchmarks.paper_size import write_models
from lrp_jax.captions.models.decoding import Beam, Greedy, decode
from lrp_jax.captions.weights import captioner_from_state_dict

LENGTH = 20
ALONE = "one by one"


def ways(folder: str, images: int, width: int) -> dict[str, Callable]:
    captioner, params = captioner_from_state_dict(load_file(pathlib.Path(folder) / "captioner.safetensors"))
    features = jnp.asarray(np.load(pathlib.Path(folder) / "features.npy"))[:images]
    beam, greedy = Beam(width=width, max_length=LENGTH), Greedy(max_length=LENGTH)

    def captions(decoder, features):
        return np.asarray(decode(decoder, captioner, params, features).tokens)

    return {
        f"beam {width}, together": lambda: captions(beam, features),
        f"beam {width}, {ALONE}": lambda: np.concatenate([captions(beam, one[None]) for one in features]),
        "greedy, together": lambda: captions(greedy, features),
    }


def main() -> None:
    parser = harness.parser(__doc__, rounds=5)
    parser.add_argument("--images", type=int, default=64, help="number of images captioned together; 64")
    parser.add_argument("--width", type=int, default=3, help="of the beam; 3")
    options = parser.parse_args()
    asked = {"images": options.images}
    report = harness.Report("decode")
    with tempfile.TemporaryDirectory() as temporary:
        folders = {}
        for kind in ("ada", "mhfc"):
            folder = pathlib.Path(temporary) / kind
            write_models(folder, kind)
            features = np.random.default_rng(1).normal(size=(options.images, 196, 512))
            np.save(folder / "features.npy", np.maximum(features, 0).astype(np.float32))
            folders[kind] = str(folder)
        ours, unit = {**asked, "width": options.width}, f"beam {options.width}, {ALONE}"
        torch = {"folder": folders["ada"], "length": LENGTH, **asked}
        contenders = [
            Contender("Ada-LSTM", "benchmarks.decode:ways", {"folder": folders["ada"], **ours}, unit),
            Contender("MH-FC", "benchmarks.decode:ways", {"folder": folders["mhfc"], **ours}, unit),
            Contender(
                "Ada-LSTM in torch", "benchmarks.peers.torch_ada:decoding_ways", torch, f"Ada-LSTM: {unit}", "torch"
            ),
        ]
        with harness.working(contenders) as (workers, missing):
            rows = harness.take_turns(workers, options.rounds)
            report.add(f"Captions of {options.images} images, {LENGTH} words each", rows + missing)
            for worker in workers[:2]:
                together, alone = map(worker.value, worker.ways[:2])
                name = worker.contender.name
                report.note(**{f"captions of {name} that are the same alone": float((together == alone).mean())})
            for worker in workers[2:]:
                same = worker.value(worker.ways[0]) == workers[0].value("greedy, together").reshape(-1, LENGTH)
                report.note(words_that_are_the_same_in_torch=float(same.mean()))
    report.finish(options.json)


if __name__ == "__main__":
    main()
