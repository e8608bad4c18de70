"""Time from the command to the first explained picture: python -m benchmarks.first_picture [--against=FOLDER]

Two captioners, one picture each: the one that ships with the package, and one of the paper's size with VGG16 and twelve
words (random weights). Programs are compiled before, into a cache of their own. With --against, another checkout takes
turns with this one, explains the same picture, and has its own cache. Prints the median wall time until the picture is
reported and of the processor time of the whole command, and how many modules were loaded.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.common import write_figures
from benchmarks.paper_size import write_models, write_pictures

HERE = pathlib.Path(__file__).parents[1]
COUNT = "import runpy, sys; sys.argv = sys.argv[1:]\ntry: runpy.run_path(sys.argv[0], run_name='__main__')\n\
finally: print(len(sys.modules), file=sys.stderr)"


def explain(root: pathlib.Path, cache: pathlib.Path, flags: list[str], count: bool = False) -> dict[str, float]:
    """Runs explain.py of a checkout once, in a process of its own."""
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache), "PYTHONPATH": str(root)}
    environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, *(("-c", COUNT) if count else ()), "explain.py", f"--out={out}", "--json", *flags]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        with subprocess.Popen(
            command, cwd=root, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            first = process.stdout.readline()
            seconds = time.perf_counter() - began
            _, errors = process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not first or json.loads(first)["status"] != "explained":
        raise SystemExit(f"explain.py in {root} explained nothing: {first or errors[-500:]}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"modules": int(errors.split()[-1])} if count else {"seconds": seconds, "processor": processor}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=pathlib.Path, help="the folder of another checkout")
    parser.add_argument("--json", help="a file for the figures")
    options = parser.parse_args()
    roots = {"this": HERE} | ({"against": options.against.resolve()} if options.against else {})
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_pictures(folder / "pictures", 1)
        captioners = {
            "packaged": ["--images=scenes:test_broken:0"],
            "paper": [*write_models(folder / "models"), f"--images={folder / 'pictures'}", "--max_length=12"],
        }
        for captioner, flags in captioners.items():
            times = {root: [] for root in roots}
            modules = {r: explain(path, folder / r, flags, count=True)["modules"] for r, path in roots.items()}
            for _ in range(options.rounds):
                for root, path in roots.items():
                    times[root].append(explain(path, folder / root, flags))
            for root, runs in times.items():
                medians = {key: statistics.median(run[key] for run in runs) for key in ("seconds", "processor")}
                figures[f"{captioner}, {root}"] = medians | {"modules": modules[root]}
                print(f"{captioner}, {root}: {figures[f'{captioner}, {root}']}", flush=True)
    write_figures(options.json, figures)


if __name__ == "__main__":
    main()
