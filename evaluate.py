"""Measures a trained captioner: the tables and figures of the paper.

    python evaluate.py --experiment=chair,correctness --checkpoint=runs/ada
    python evaluate.py --experiment=all --checkpoint=runs/ada --split=test_broken --images=400
    python evaluate.py --experiment=lrp_ift_gain --checkpoint=runs/ada_lrp --against=runs/ada_baseline

Every image is measured once and kept: the same command goes on where it stopped. Several processes share the images,
--processes=2 --process=0 and --process=1; the one that ends last writes the tables.
"""

import functools
import pathlib
import subprocess
import sys

from absl import app, flags, logging

from lrp_jax import experiments
from lrp_jax.data import Splits, source
from lrp_jax.data.features import list_images
from lrp_jax.experiments import EXPERIMENTS, Context, OtherSettingsError
from lrp_jax.provenance import provenance
from lrp_jax.render import one_line
from lrp_jax.subjects import domain_of, subject_of
from lrp_jax.training import Run, load_run

_EXPERIMENT = flags.DEFINE_list("experiment", None, "Names of experiments, or all: " + ", ".join(EXPERIMENTS))
_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Folder of a training run.")
_DATA = flags.DEFINE_string("data", None, "Source of the images, see docs/DATA.md; default: that of the run.")
_SPLIT = flags.DEFINE_string("split", None, "Split of the source; default: its first test split.")
_OUT = flags.DEFINE_string("out", None, "Folder of the results; default: evaluation/SPLIT in the run's folder.")
_IMAGES = flags.DEFINE_integer("images", None, "How many images are measured, from the first on; default: all.")
_SEED = flags.DEFINE_integer("seed", 0, "Of everything that is drawn.")
_AGAINST = flags.DEFINE_string("against", None, "Results of the matched baseline, for comparisons: its --out.")
_PROCESSES = flags.DEFINE_integer("processes", 1, "How many processes share the images.", lower_bound=1)
_PROCESS = flags.DEFINE_integer("process", 0, "Which of them this is, from 0.", lower_bound=0)


class CannotStartError(Exception):
    """Something is wrong that concerns every image; the message is one line."""


def main(argv: list[str]) -> None:
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)
    try:
        if len(argv) > 1:
            raise CannotStartError(f"cannot read {argv[1]!r}: wanted flags of the form --name=value")
        sys.exit(evaluate())
    except (CannotStartError, OtherSettingsError) as error:
        sys.exit(f"evaluate.py: {error}")


def evaluate() -> int:
    """Measures, and writes the tables where nothing is missing; returns the exit code.

    Raises:
        CannotStartError, OtherSettingsError: before the first image.
    """
    if _PROCESS.value >= _PROCESSES.value:
        raise CannotStartError(f"got --process={_PROCESS.value}: wanted 0 to {_PROCESSES.value - 1}")
    try:
        run = load_run(_CHECKPOINT.value)
    except Exception as error:  # whatever a damaged file makes of the libraries that read it
        raise CannotStartError(f"--checkpoint={_CHECKPOINT.value}: {one_line(error)}") from error
    data = _DATA.value or run.config.source
    try:
        splits = source(data)
    except (ValueError, FileNotFoundError) as error:
        raise CannotStartError(f"--data={data}: {one_line(error)}") from error
    split = _SPLIT.value or next((name for name in splits if name.startswith("test")), None)
    if split not in splits:
        raise CannotStartError(f"--split={split}: wanted one of {', '.join(splits)}")
    dataset, domain = splits[split], domain_of(data)
    out = pathlib.Path(_OUT.value or pathlib.Path(_CHECKPOINT.value) / "evaluation" / split)
    chosen = chosen_experiments()
    made_by = provenance(run, {}, [])
    record = {"data": data, "split": split, "model": made_by["model"], "versions": made_by["versions"]}
    failed = experiments.measure(
        chosen,
        subject_of(run),
        dataset,
        domain,
        out,
        record=record,
        notes={"commit": _commit()},
        share=(_PROCESS.value, _PROCESSES.value),
    )
    context = Context(
        dataset=dataset,
        domain=domain,
        training_captions=functools.cache(lambda: captions_of(run, data, splits, "train")),
        references=functools.cache(lambda: captions_of(run, data, splits, split)),
        rows_of=_rows_of_baseline if _AGAINST.value else None,
    )
    for experiment in chosen:
        rows, missing = experiments.rows_of(experiment, dataset, out)
        if missing:
            print(f"{experiment.name}: {missing} images are still to be measured by other processes")
            continue
        tables, paths = experiments.write_tables(experiment, rows, context, out)
        print("\n".join(paths))
        for name, table in tables.items():
            print(f"\n{name}\n{experiments.as_markdown(table)}")
    for index, why in failed.items():
        print(f"image {index} could not be measured: {why}", file=sys.stderr)
    return int(bool(failed))


def captions_of(run: Run, data: str, splits: Splits, split: str) -> list[tuple[str, ...]]:
    """The captions of all images of a split; those that the run has listed beside its features are not made again."""
    folder = run.config.get("features_folder", "")
    kept = pathlib.Path(folder) / split if folder and data == run.config.source else None
    return [image.captions for image in list_images(splits[split], kept)]


def chosen_experiments() -> list[experiments.Experiment]:
    """The experiments that were asked for, with the settings that were."""
    names = list(EXPERIMENTS) if _EXPERIMENT.value == ["all"] else _EXPERIMENT.value
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        raise CannotStartError(f"--experiment={unknown[0]}: wanted all, or some of {', '.join(EXPERIMENTS)}")
    return [EXPERIMENTS[name](images=_IMAGES.value, seed=_SEED.value) for name in names]


def _rows_of_baseline(name: str):
    path = pathlib.Path(_AGAINST.value) / name / "rows.csv"
    try:
        return experiments.read_rows(path)
    except FileNotFoundError:
        raise CannotStartError(
            f"--against={_AGAINST.value}: no {path}; run --experiment={name} for the baseline first"
        ) from None


def _commit() -> str:
    """The commit of the working tree, or "unknown" outside one."""
    here = pathlib.Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True
        )
    except OSError:
        return "unknown"
    return found.stdout.strip() if found.returncode == 0 else "unknown"


if __name__ == "__main__":
    flags.mark_flags_as_required(["experiment", "checkpoint"])
    app.run(main)
