"""Measures a trained captioner: the tables and figures of the paper.

Examples:

  Two experiments on the first test split of the run's data; results are
  written to runs/ada/evaluation:
    lrp-jax evaluate --experiment=chair,correctness --checkpoint=runs/ada

  All of them, on 400 images of a split:
    lrp-jax evaluate --experiment=all --checkpoint=runs/ada \\
      --split=test_broken --images=400

  Compared with a matched baseline, which was measured before:
    lrp-jax evaluate --experiment=lrp_ift_gain --checkpoint=runs/ada_lrp \\
      --against=runs/ada_baseline/evaluation/test

  For another program: stdout has a single line, which is JSON:
    lrp-jax evaluate --experiment=captions --checkpoint=runs/ada --json

The results of each image are stored: the same command continues where it
stopped. Several processes can share the images, with --processes=2
--process=0 and --process=1; the last one to finish writes the tables.

Exit codes:
  0    done
  1    some images could not be measured, and are named; or a file could not
       be read or written
  2    nothing was measured
  130  interrupted: run the same command again to continue
  141  stdout was closed by its reader
"""

import dataclasses
import functools
import json
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from absl import flags

from lrp_jax.captions import experiments
from lrp_jax.captions.data.domain import domain_of
from lrp_jax.captions.data.features import list_images
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.experiments import EXPERIMENTS, Context, Experiment, OtherSettingsError
from lrp_jax.captions.images import Dataset
from lrp_jax.captions.pages.batch import one_line
from lrp_jax.captions.pages.provenance import provenance
from lrp_jax.captions.runs.loading import load as load_speaker
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.cli.common import (
    NOT_STARTED,
    SOME_FAILED,
    CannotStartError,
    Output,
    define_common_flags,
    run_command,
    run_verb,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command line, see `define_flags`."""

    experiment: tuple[str, ...]
    checkpoint: str
    data: str | None = None
    split: str | None = None
    out: str | None = None
    images: int | None = None
    seed: int = 0
    against: str | None = None
    rows_only: bool = False
    processes: int = 1
    process: int = 0


def evaluate(options: Options) -> int:
    """Measures, and writes the tables of complete experiments; returns the exit code, see `run_experiments`."""
    return run_experiments(options)[0]


def run_experiments(options: Options) -> tuple[int, dict[str, Any]]:
    """Measures, and writes the tables of complete experiments; returns the exit code and the summary.

    Raises:
        CannotStartError, OtherSettingsError: no image can be measured; raised before the first one.
    """
    chosen = chosen_experiments(options)
    if options.process >= options.processes:
        raise CannotStartError(f"got --process={options.process}: wanted 0 to {options.processes - 1}")
    speaker = load(options)
    data = options.data or speaker.config.source
    splits = open_source(data)
    split = options.split or next((name for name in splits if name.startswith("test")), "test")
    if split not in splits:
        raise CannotStartError(f"--split={split}: wanted one of {', '.join(splits)}")
    out = pathlib.Path(options.out or pathlib.Path(options.checkpoint, "evaluation", split))
    context = Context(
        dataset=splits[split],
        domain=domain_of(data),
        training_captions=functools.cache(lambda: captions_of(speaker, data, splits, "train")),
        references=functools.cache(lambda: captions_of(speaker, data, splits, split)),
        rows_of=functools.partial(rows_of_baseline, options.against) if options.against else None,
    )
    for experiment in chosen if options.against else ():
        rows_of_baseline(options.against, experiment.name)  # reports a wrong folder before hours of work
    made_by = provenance(speaker, [])
    failed = experiments.measure(
        chosen,
        speaker,
        context.dataset,
        context.domain,
        out,
        record={"data": data, "split": split, "model": made_by["model"], "versions": made_by["versions"]},
        notes={"commit": commit()},
        share=(options.process, options.processes),
    )
    found = {experiment.name: report(experiment, context, out, options.rows_only) for experiment in chosen}
    for index, why in failed.items():
        print(f"image {index} could not be measured: {why}", file=sys.stderr)
    return SOME_FAILED if failed else 0, {"out": str(out), "experiments": found, "failed": failed}


def chosen_experiments(options: Options) -> list[Experiment]:
    """The experiments of the options, with their settings."""
    names = list(EXPERIMENTS) if options.experiment == ("all",) else options.experiment
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown or not names:
        got = unknown[0] if unknown else ""
        raise CannotStartError(f"--experiment={got}: wanted all, or any of {', '.join(EXPERIMENTS)}")
    return [EXPERIMENTS[name](images=options.images, seed=options.seed) for name in dict.fromkeys(names)]


def load(options: Options) -> Speaker:
    try:
        return load_speaker(options.checkpoint)
    except Exception as error:  # damaged files raise any error in the libraries that read them
        raise CannotStartError(f"--checkpoint={options.checkpoint}: {one_line(error)}") from error


def open_source(data: str) -> Mapping[str, Dataset]:
    try:
        return source(data)
    except (OSError, ValueError) as error:
        raise CannotStartError(f"--data={data}: {one_line(error)}") from error


def captions_of(speaker: Speaker, data: str, splits: Mapping[str, Dataset], split: str) -> list[tuple[str, ...]]:
    """The captions of all images of a split; read from the list that the run stored with its features, if it did."""
    folder = speaker.config.get("features_folder", "")
    kept = pathlib.Path(folder) / split if folder and data == speaker.config.source else None
    return [image.captions for image in list_images(splits[split], kept)]


def rows_of_baseline(against: str, name: str) -> pd.DataFrame:
    """The rows of an experiment in the results of another run."""
    path = pathlib.Path(against) / name / "rows.csv"
    try:
        return experiments.read_rows(path)
    except FileNotFoundError:
        raise CannotStartError(
            f"--against={against}: no {path}; wanted the --out of the baseline, measured by --experiment={name}"
        ) from None


def report(experiment: Experiment, context: Context, out: pathlib.Path, rows_only: bool) -> dict[str, Any]:
    """Writes and prints the tables unless other processes have not finished; returns the entries of the summary."""
    rows, missing = experiments.rows_of(experiment, context.dataset, out)
    if missing:
        print(f"{experiment.name}: {missing} images are still to be measured by other processes")
        return {"missing": missing}
    if rows_only:
        path = experiments.write_rows(experiment, rows, out)
        print(path)
        return {"files": [path]}
    tables, paths = experiments.write_tables(experiment, rows, context, out)
    print("\n".join(paths))
    for name, table in tables.items():
        print(f"\n{name}\n{experiments.as_markdown(table)}")
    return {"files": paths, "tables": {n: json.loads(table.to_json(orient="records")) for n, table in tables.items()}}


def commit() -> str:
    """The commit of the working tree, or "unknown" outside one."""
    here = pathlib.Path(__file__).resolve().parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        found = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return found.stdout.strip() if found.returncode == 0 else "unknown"


# --- the command line ---------------------------------------------------------------------------------------


def define_flags() -> None:
    listed = "; ".join(f"{name}: {kind.shows}" for name, kind in EXPERIMENTS.items())
    flags.DEFINE_list("experiment", None, f"The experiments to run, or all. {listed}.", required=True)
    flags.DEFINE_string("checkpoint", None, "Folder of a training run (its --workdir).", required=True)
    flags.DEFINE_string("data", None, "Source of the images, see docs/DATA.md; default: the run's source.")
    flags.DEFINE_string("split", None, "Split of the source; default: its first test split.")
    flags.DEFINE_string("out", None, "Folder of the results; default: evaluation/SPLIT in the run's folder.")
    flags.DEFINE_integer("images", None, "Number of images, starting from the first; default: all.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Seed of all random choices.", lower_bound=0)
    flags.DEFINE_string("against", None, "Results of the matched baseline, for comparisons: its --out.")
    flags.DEFINE_bool("rows_only", False, "Write only the measured rows, rows.csv, without tables and figures.")
    flags.DEFINE_integer("processes", 1, "Number of processes that share the images.", lower_bound=1)
    flags.DEFINE_integer("process", 0, "Index of this process, from 0.", lower_bound=0)
    define_common_flags()


def main(program: str, arguments: Sequence[str]) -> int:
    """Runs the verb; ends the process."""
    define_flags()
    return run_verb(__name__, [program, *arguments], _main)


def _main(argv: list[str]) -> int:
    values = {field.name: getattr(flags.FLAGS, field.name) for field in dataclasses.fields(Options)}
    values["experiment"] = tuple(values["experiment"])

    def work(output: Output) -> tuple[int, Mapping[str, Any]]:
        del output
        return run_experiments(Options(**values))

    codes = {CannotStartError: NOT_STARTED, OtherSettingsError: NOT_STARTED, OSError: SOME_FAILED}
    return run_command(argv, work, continue_hint="run the same command again to continue", codes=codes)
