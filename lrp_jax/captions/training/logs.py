"""The metrics of a run, as JSON lines and as TensorBoard files."""

import json
import pathlib

import tensorboardX

from lrp_jax.captions.storage.files import atomic


class MetricLog:
    """Appends metrics, by step, to `metrics.jsonl` and to `tensorboard/` in a run's folder.

    A run that is resumed at step n drops the lines of later steps, because it will write them again.
    """

    def __init__(self, workdir: pathlib.Path, step: int = 0):
        path = workdir / "metrics.jsonl"
        if path.exists():
            kept = [line for line in _records(path) if line["step"] <= step]
            with atomic(path) as file:
                file.writelines(json.dumps(line) + "\n" for line in kept)
        self._lines = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed by __exit__
        self._board = tensorboardX.SummaryWriter(str(workdir / "tensorboard"), purge_step=step or None)

    def write(self, step: int, **numbers: float) -> None:
        """Writes the metrics of a step and flushes the file."""
        self._lines.write(json.dumps({"step": step, **numbers}) + "\n")
        self._lines.flush()
        for name, number in numbers.items():
            self._board.add_scalar(name, number, step)

    def __enter__(self) -> "MetricLog":
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.close()
        self._board.close()


def read_metrics(workdir: pathlib.Path) -> list[dict[str, float]]:
    """The lines of `metrics.jsonl` in a run's `workdir`; a last line truncated by a crash is left out."""
    return _records(pathlib.Path(workdir) / "metrics.jsonl")


def _records(path: pathlib.Path) -> list[dict[str, float]]:
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records
