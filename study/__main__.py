"""Runs or continues the study: python -m study --part=small [--out=runs/study] [--jobs=2]

Every run is a folder, and every command can also be given by hand: OUT/ada-strong-0/start is the first start, its
fine-tuned models are beside it, and each folder has its log. Completed commands are not repeated. docs/STUDY.md
describes the runs and their reasons.
"""

import argparse
import os
import pathlib
import sys

from study.jobs import run_chains
from study.plan import PARTS, PHOTOGRAPHS, commands


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--part", choices=[*PARTS, "all"], default="small", help="the part to run; all: all parts on scenes"
    )
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/study"), help="folder of the runs")
    parser.add_argument("--data", type=pathlib.Path, help="folder of the photographs, for the part photographs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="number of programs that run at a time")
    parser.add_argument("--train-only", action="store_true", help="only train; measure later")
    options = parser.parse_args()
    drawn = {name: parts for name, parts in PARTS.items() if name != PHOTOGRAPHS}
    parts = PARTS[PHOTOGRAPHS] if options.part == PHOTOGRAPHS else drawn.get(options.part, sum(drawn.values(), ()))
    if options.part == PHOTOGRAPHS and not (options.data and options.data.is_dir()):
        sys.exit(f"--data={options.data}: no such folder; the part {PHOTOGRAPHS} needs photographs, see docs/STUDY.md")
    chains = [
        (start.name, list(commands(part, start, options.out))) for part in parts for start in part.starts(options.data)
    ]
    if options.train_only:
        chains = [(name, [one for one in chain if "train.py" in one[1]]) for name, chain in chains]
    failed = run_chains(chains, options.jobs, say=lambda line: print(line, flush=True))
    sys.exit(f"{failed} of {len(chains)} failed; run the same command again to continue" if failed else 0)


if __name__ == "__main__":
    main()
