"""Runs experiments over many images: resumable image by image, distributed over processes."""

import dataclasses
import json
import logging
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from lrp_jax.captions.data.domain import Domain
from lrp_jax.captions.experiments.case import Case, cases
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.images import Dataset
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.storage.files import atomic, atomic_path


class OtherSettingsError(ValueError):
    """The folder has measurements with other settings."""


def measure(
    experiments: Sequence[Experiment],
    speaker: Speaker,
    dataset: Dataset,
    domain: Domain,
    out: str | os.PathLike,
    *,
    record: Mapping[str, Any],
    notes: Mapping[str, Any] | None = None,
    share: tuple[int, int] = (0, 1),
) -> dict[int, str]:
    """Measures images and appends their rows to files, one line for each image.

    Images that are already in the files are not measured again, so an interrupted call continues when it is repeated,
    with any number of processes. An image that could not be read is tried again.

    Args:
      experiments: the experiments to run; they share an image's caption and explanations.
      speaker, dataset, domain: the model, the images and the meaning of their words.
      out: a folder, with a subfolder for each experiment.
      record: identifies the measurement besides the experiments' settings, as JSON: model, data, versions.
      notes: further information to save, such as the commit; may differ when the measurement continues.
      share: (i, n): the i-th of n processes measures every n-th image.

    Returns:
      Index -> error message, for images that could not be measured; the others are not affected.

    Raises:
      OtherSettingsError: `out` has rows of another record or other settings.
    """
    part, parts = share
    todo: dict[int, list[Experiment]] = {}
    for experiment in experiments:
        folder = pathlib.Path(out) / experiment.name
        _check_record(folder, _described(experiment) | dict(record), dict(notes or {}))
        done = {line["index"] for line in _lines(folder) if "error" not in line}
        for index in _indices(experiment, dataset)[part::parts]:
            if index not in done:
                todo.setdefault(int(index), []).append(experiment)
    failed: dict[int, str] = {}
    files = {}
    try:
        for experiment in experiments:
            path = pathlib.Path(out) / experiment.name / f"rows-{part}.jsonl"
            _drop_torn_line(path)
            files[experiment.name] = open(path, "a", encoding="utf-8")  # noqa: SIM115
        order = sorted(todo)
        progress = tqdm(cases(speaker, dataset, domain, order), total=len(order), unit="image", disable=None)
        for index, case in progress:
            for experiment in todo[index]:
                if isinstance(case, Exception):
                    failed[index] = str(case)
                    line = {"index": index, "error": str(case)}
                else:
                    line = {"index": index, "id": case.example.id, "rows": _checked(experiment, case)}
                files[experiment.name].write(json.dumps(line, default=_plain) + "\n")
                files[experiment.name].flush()
            if index in failed:
                logging.warning("image %d is left out: %s", index, failed[index])
    finally:
        for file in files.values():
            file.close()
    return failed


def rows_of(experiment: Experiment, dataset: Dataset, out: str | os.PathLike) -> tuple[pd.DataFrame, int]:
    """All rows that an `experiment` has measured on a `dataset`, in the order of its images, from its folder in `out`.

    Returns:
      The rows, and the number of images that have not been tried yet.
    """
    wanted = set(map(int, _indices(experiment, dataset)))
    lines = list(_lines(pathlib.Path(out) / experiment.name))
    good = {line["index"]: line for line in lines if "error" not in line}
    rows = [
        {"image": index, "id": good[index]["id"], **row}
        for index in sorted(wanted & good.keys())
        for row in good[index]["rows"]
    ]
    return pd.DataFrame(rows), len(wanted - {line["index"] for line in lines})


def write_tables(
    experiment: Experiment, rows: pd.DataFrame, context: Context, out: str | os.PathLike
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Writes the tables of an experiment as CSV and Markdown, its figure as PNG and PDF, its pages as HTML.

    Args:
      experiment, out: as for `measure`; the files are written to the experiment's folder in `out`.
      rows: from `rows_of`.
      context: the data that tables need besides the rows.

    Returns:
      The tables by name, and the paths of all files.
    """
    folder, paths = pathlib.Path(out) / experiment.name, [write_rows(experiment, rows, out)]
    tables = experiment.tables(rows, context)
    for name, table in tables.items():
        paths.append(_write_csv(table, folder / f"{name}.csv"))
        with atomic(folder / f"{name}.md") as file:
            file.write(as_markdown(table))
    figure = experiment.figure(tables)
    if figure is not None:
        for kind in ("png", "pdf"):
            with atomic_path(folder / f"{experiment.name}.{kind}") as path:
                figure.savefig(path, format=kind, dpi=200, bbox_inches="tight", metadata=_NO_DATE[kind])
            paths.append(str(folder / f"{experiment.name}.{kind}"))
    for name, text in experiment.pages(tables, context).items():
        with atomic(folder / f"{name}.html") as file:
            file.write(text)
        paths.append(str(folder / f"{name}.html"))
    return tables, paths


def write_rows(experiment: Experiment, rows: pd.DataFrame, out: str | os.PathLike) -> str:
    """Writes the rows of all images as CSV, rows.csv in the experiment's folder in `out`.

    Args:
      experiment, out: as for `measure`.
      rows: from `rows_of`.

    Returns:
      The path of the file.
    """
    return _write_csv(rows, pathlib.Path(out) / experiment.name / "rows.csv")


def read_rows(path: str | os.PathLike) -> pd.DataFrame:
    """The rows in a CSV file of `write_rows` or `write_tables` at `path`; empty strings are not missing values."""
    return pd.read_csv(path, keep_default_na=False, na_values=["nan"])


def as_markdown(table: pd.DataFrame, digits: int = 3) -> str:
    """A `table` as Markdown, with numbers rounded to `digits` decimals."""
    return table.to_markdown(index=False, floatfmt=f".{digits}f", missingval="–") + "\n"


def _write_csv(table: pd.DataFrame, path: pathlib.Path) -> str:
    with atomic(path) as file:
        table.to_csv(file, index=False, lineterminator="\n", na_rep="nan")
    return str(path)


# Without dates, so that the files are reproducible.
_NO_DATE = {"png": {"Software": None}, "pdf": {"CreationDate": None}}


def _indices(experiment: Experiment, dataset: Dataset) -> np.ndarray:
    return np.arange(len(dataset) if experiment.images is None else min(experiment.images, len(dataset)))


def _described(experiment: Experiment) -> dict[str, Any]:
    """The settings without the number of images, because more images can be measured later."""
    settings = {name: repr(value) for name, value in dataclasses.asdict(experiment).items() if name != "images"}
    return {"experiment": experiment.name, "settings": settings}


def _check_record(folder: pathlib.Path, record: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
    """Writes the record beside the rows, or raises if it differs from an earlier one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "record.json"
    record = json.loads(json.dumps(record, default=str))
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))["measured"]
        changed = sorted(name for name in before.keys() | record.keys() if before.get(name) != record.get(name))
        if changed:
            name = changed[0]
            raise OtherSettingsError(
                f"{folder}: holds measurements with {name} {before.get(name)!r}, got {record.get(name)!r}; "
                "use another --out, or delete the folder"
            )
    else:
        with atomic(path) as file:
            json.dump({"measured": record, "notes": notes}, file, indent=2)


def _lines(folder: pathlib.Path) -> Iterable[dict[str, Any]]:
    """The complete lines of the files of all processes; a killed process leaves an incomplete line."""
    for path in sorted(folder.glob("rows-*.jsonl")):
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)


def _drop_torn_line(path: pathlib.Path) -> None:
    """Removes the incomplete last line of a killed process, so that the next line is not appended to it."""
    if not path.exists():
        return
    with open(path, "rb+") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def _checked(experiment: Experiment, case: Case) -> list[Row]:
    rows = experiment.rows(case)
    for row in rows:
        taken = {"image", "id", "start"} & row.keys()
        if taken:
            raise ValueError(f"{experiment.name}: got a column {taken.pop()!r} in a row, which is the frame's own")
    return rows


def _plain(value: Any) -> Any:
    """Converts NumPy numbers and arrays to JSON values."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"got a {type(value).__name__} in a row, wanted numbers, strings, or lists of them")
