"""The measuring method: each contender runs in its own process, and they take turns.

The speed of a shared or hot machine changes from minute to minute, so only times that were measured in turn are
compared. In each round every way runs once, in an order that is reversed from round to round. The first call of each,
which compiles, is listed separately. Frameworks do not share a process, in which their thread pools and allocators
would disturb each other.
"""

import argparse
import contextlib
import dataclasses
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

PAUSE = 0.02  # seconds; long enough for spinning worker threads to go to sleep
PACKAGES = ("jax", "jaxlib", "numpy", "torch", "zennit", "captum", "pycocoevalcap", "pillow")


@dataclasses.dataclass(frozen=True)
class Contender:
    """A process that does the work in one or several ways.

    Attributes:
        name: prefix of the names of its ways; may be empty.
        ways: "module:function" as for benchmarks/worker.py.
        settings: arguments of the function; must be JSON.
        unit: the unit of its ways: one of them, or the full name of a row of another contender.
        needs: a package without which the contender is skipped.
    """

    name: str
    ways: str
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    unit: str | None = None
    needs: str | None = None


@dataclasses.dataclass
class Row:
    """The measurements of one way.

    Attributes:
        name: of contender and way.
        unit: the name of the row that is the unit.
        units: its time in this unit, by the fastest rounds and by the medians.
        first: seconds of the first call.
        seconds: of each round.
        gigabytes: peak memory of the whole process.
        remark: the reason for missing values, or another remark.
    """

    name: str
    unit: str | None = None
    units: list[float] = dataclasses.field(default_factory=list)
    first: float | None = None
    seconds: list[float] = dataclasses.field(default_factory=list)
    gigabytes: float | None = None
    remark: str = ""


class Worker:
    """A running contender."""

    def __init__(self, contender: Contender):
        command = [sys.executable, "-m", "benchmarks.worker", contender.ways, json.dumps(contender.settings)]
        self.contender = contender
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ways = self._answer()

    def ask(self, request: str, way: str, *arguments) -> Any:
        print(json.dumps([request, way, *arguments]), file=self.process.stdin, flush=True)
        return self._answer()

    def value(self, way: str) -> np.ndarray:
        """The return value of the way."""
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "value.npy")
            self.ask("save", way, file)
            return np.load(file)

    def row(self, way: str) -> str:
        return ": ".join(filter(None, (self.contender.name, way)))

    def _answer(self) -> Any:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.contender.ways} ended with code {self.process.wait()}; see its error above")
        return json.loads(line)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def working(contenders: Iterable[Contender]) -> Iterator[tuple[list[Worker], list[Row]]]:
    """The running contenders, and rows for those that could not be started."""
    workers, missing = [], []
    with contextlib.ExitStack() as stack:
        for contender in contenders:
            if contender.needs and _version(contender.needs) is None:
                remark = f"{contender.needs} is not installed"
                print(f'{contender.name}: {remark}; pip install -e ".[bench]"', file=sys.stderr)
                missing.append(Row(contender.name, remark=remark))
            else:
                workers.append(Worker(contender))
                stack.callback(workers[-1].close)
        yield workers, missing


def alternate(contenders: Sequence[Contender], rounds: int) -> list[Row]:
    """Measures all ways of the contenders in turn."""
    with working(contenders) as (workers, missing):
        return take_turns(workers, rounds) + missing


def take_turns(workers: Sequence[Worker], rounds: int) -> list[Row]:
    """Measures all ways of the workers in turn, and their memory after the last round."""
    rows = {}
    for worker in workers:
        unit = worker.contender.unit
        for way in worker.ways:
            row = Row(worker.row(way), worker.row(unit) if unit in worker.ways else unit)
            row.first = worker.ask("seconds", way)
            rows[row.name] = (worker, way, row)
    for turn in range(rounds):
        for worker, way, row in rows.values() if turn % 2 else reversed(rows.values()):
            time.sleep(PAUSE)
            row.seconds.append(worker.ask("seconds", way))
    for worker, way, row in rows.values():
        row.gigabytes = worker.ask("gigabytes", way)
        if row.unit:
            unit = rows[row.unit][-1].seconds
            row.units = [of(row.seconds) / of(unit) for of in (min, statistics.median)]
    return [row for _, _, row in rows.values()]


def parser(documentation: str, rounds: int) -> argparse.ArgumentParser:
    """A parser with the flags of all benchmarks."""
    made = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rounds", type=int, default=rounds, help=f"number of rounds; {rounds}")
    made.add_argument("--json", metavar="FILE", help="file to write all figures to")
    return made


@dataclasses.dataclass
class Report:
    """The results of a benchmark: tables, single figures, and the machine."""

    benchmark: str
    tables: dict[str, list[Row]] = dataclasses.field(default_factory=dict)
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)
    machine: dict[str, Any] = dataclasses.field(default_factory=lambda: machine())
    load: list[float] = dataclasses.field(default_factory=lambda: [os.getloadavg()[0]])
    command: str = dataclasses.field(default_factory=lambda: _command(sys.argv[1:]))

    def add(self, title: str, rows: list[Row]) -> None:
        """Adds a table and prints it."""
        self.tables[title] = rows
        print(f"\n{title}\n\n{markdown(rows)}", flush=True)

    def note(self, **figures: Any) -> None:
        """Adds figures and prints them."""
        self.figures.update(figures)
        for name, value in figures.items():
            print(f"{name.replace('_', ' ')}: {figure(value)}", flush=True)

    def finish(self, file: str | None) -> None:
        """Prints the machine, and writes all results as JSON if there is a `file`."""
        self.load.append(os.getloadavg()[0])
        print(f"\n{on_what(dataclasses.asdict(self))}", flush=True)
        if file:
            path = pathlib.Path(file)
            part = path.with_name(path.name + ".part")
            part.write_text(json.dumps(_rounded(dataclasses.asdict(self)), indent=1) + "\n", encoding="utf-8")
            part.replace(path)


def machine() -> dict[str, Any]:
    """The machine: processor, memory, system and versions."""
    found = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                found["processor"] = line.partition(":")[2].strip()
                break
        found["memory_gb"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    versions = {name: version for name in PACKAGES if (version := _version(name))}
    return found | {
        "system": platform.system(),
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "versions": versions,
    }


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    header = ("", "units, fastest", "units, medians", "seconds, fastest", "median (range)", "first call", "memory")
    lines = [_line(header), _line(["---"] * len(header))]
    for row in rows:
        if not row.seconds:
            lines.append(_line([row.name, row.remark, "", "", "", "", ""]))
            continue
        ratios = [f"{units:.2f}" for units in row.units] or ["", ""]
        low, high = min(row.seconds), max(row.seconds)
        spread = f"{_seconds(statistics.median(row.seconds))} ({_seconds(low)} to {_seconds(high)})"
        memory = "" if row.gigabytes is None else f"{row.gigabytes:.2f} GB"
        name = f"{row.name} ({row.remark})" if row.remark else row.name
        lines.append(_line([name, *ratios, _seconds(low), spread, f"{row.first:.1f}", memory]))
    return "\n".join(lines)


def on_what(report: dict[str, Any]) -> str:
    """A sentence about the machine and its load."""
    on = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in on["versions"].items())
    load = " before and ".join(f"{value:.1f}" for value in report["load"]) + " after"
    processor = f"{on['processor']}, {on['cores']} cores, {on.get('memory_gb', '?')} GB"
    return f"{processor}, {on['system']}, Python {on['python']}, {versions}; load {load}; {on['date']}."


def figure(value: Any) -> str:
    """A number for display."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}" if value >= 0.01 else f"{value:.5f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rounded(value: Any) -> Any:
    """Rounds to four digits, more than the precision of a time."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _command(arguments: Sequence[str]) -> str:
    """The command that repeats this run: the module and its flags, without output files."""
    spec = sys.modules["__main__"].__spec__
    flags = " ".join(arguments)
    flags = re.sub(r"--(json|plot)[ =]\S+", "", flags)
    return " ".join(f"python -m {spec.name if spec else pathlib.Path(sys.argv[0]).stem} {flags}".split())
