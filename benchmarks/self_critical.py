"""The gain of SCST on drawn scenes, three seeds: python -m benchmarks.self_critical [--out=runs/scst]

Trains Ada-LSTM with cross-entropy for four epochs and then with SCST for ten, by train.py. Finished parts are not
repeated. Prints CIDEr before and after, and the reward of the sampled captions in the first and in the last tenth of
the steps.
"""

import argparse
import json
import pathlib

import numpy as np

from benchmarks.common import run_script
from lrp_jax.captions.training import read_metrics

SEEDS = (0, 1, 2)
SMALL = (
    "--config.source=scenes:strong,size=96,train=6000,validation=300,test_broken=1000,test_biased=1000",
    "--config.epochs=4",
)
REWARD = ("--config.batch_size=64", "--config.learning_rate=5e-4", "--config.epochs=10", "--config.log_every=10")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=pathlib.Path("runs/scst"), type=pathlib.Path)
    options = parser.parse_args()
    table = []
    for seed in SEEDS:
        first, second = options.out / f"ce-{seed}", options.out / f"scst-{seed}"
        common = (f"--config.seed={seed}", f"--config.features_folder={options.out / 'features'}")
        train(first, "configs/ada_scenes.py", *SMALL, *common)
        train(second, "configs/scst.py", f"--config.init_from={first}", *REWARD, *common)
        before, after = (json.loads((run / "results.json").read_text()) for run in (first, second))
        rewards = [line["reward/train"] for line in read_metrics(second) if "reward/train" in line]
        tenth = max(1, len(rewards) // 10)
        table.append([(before[name], after[name]) for name in before])
        table[-1].append((np.mean(rewards[:tenth]), np.mean(rewards[-tenth:])))
        names = [*before, "reward"]
        each = "; ".join(f"{n} {a:.3f} to {b:.3f}" for n, (a, b) in zip(names, table[-1], strict=True))
        print(f"seed {seed}: {each}", flush=True)
    for name, (before, after) in zip(names, np.mean(table, axis=0), strict=True):
        print(f"mean {name:20} {before:.3f} to {after:.3f}")


def train(workdir: pathlib.Path, config: str, *flags: str) -> None:
    if not (workdir / "results.json").exists():
        run_script("train.py", f"--config={config}", f"--workdir={workdir}", "--resume", *flags)


if __name__ == "__main__":
    main()
