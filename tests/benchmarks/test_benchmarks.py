"""How benchmarks are measured, and that the page shows what was measured."""

import json
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks import harness, tables
from benchmarks.harness import Contender, Row

ROOT = pathlib.Path(__file__).parents[2]
HERE = "tests.benchmarks.test_benchmarks"


def ways(folder: str, name: str) -> dict:
    """Two ways that write down when they work, one of which is slow."""
    log = pathlib.Path(folder) / "log.txt"

    def work(way, seconds=0.0):
        with open(log, "a") as file:
            print(name, way, file=file)
        time.sleep(seconds)
        print("noise of a library")
        return np.arange(3) if way == "fast" else np.ones(20_000_000).sum()

    def fails():
        raise RuntimeError("no memory")

    return {"fast": lambda: work("fast"), "slow": lambda: work("slow", 0.05), "_fails": fails}


def contender(tmp_path, name, **options):
    return Contender(name, f"{HERE}:ways", {"folder": str(tmp_path), "name": name}, **options)


def test_contenders_take_turns_in_an_order_that_is_turned_round(tmp_path):
    contenders = [contender(tmp_path, "a", unit="fast"), contender(tmp_path, "b", unit="a: fast")]
    rows = harness.alternate(contenders, 2)
    calls = (tmp_path / "log.txt").read_text().split("\n")[:-1]
    order = ["a fast", "a slow", "b fast", "b slow"]
    assert calls == [*order, *order[::-1], *order, *order]  # first calls, two rounds, memory
    assert [row.name for row in rows] == ["a: fast", "a: slow", "b: fast", "b: slow"]
    for row in rows:
        assert len(row.seconds) == 2 and row.first > 0 and row.unit == "a: fast"
    fast, slow = rows[:2]
    assert min(slow.seconds) >= 0.05 > min(fast.seconds)
    assert slow.units[0] == pytest.approx(min(slow.seconds) / min(fast.seconds)) and fast.units == [1, 1]
    if sys.platform == "linux":
        assert slow.gigabytes > fast.gigabytes + 0.1


def test_a_contender_that_is_not_installed_is_left_out(tmp_path, capsys):
    rows = harness.alternate([contender(tmp_path, "a"), contender(tmp_path, "b", needs="no-such-package")], 1)
    assert [row.name for row in rows] == ["a: fast", "a: slow", "b"]
    assert "no-such-package is not installed" in capsys.readouterr().err
    assert "| b | no-such-package is not installed |" in harness.markdown(rows)


def test_a_worker_gives_values_and_its_failure_is_told(tmp_path, capfd):
    with harness.working([contender(tmp_path, "a")]) as ((worker,), _):
        np.testing.assert_array_equal(worker.value("fast"), [0, 1, 2])
        with pytest.raises(RuntimeError, match=f"{HERE}:ways ended with code 1; see its error above"):
            worker.ask("seconds", "_fails")
    assert "no memory" in capfd.readouterr().err


def test_a_table_says_what_was_measured():
    rows = [
        Row("a", "a", [1.0, 1.0], 2.5, [0.1, 0.2, 0.12], 1.234),
        Row("b", "a", [10.0, 12.5], 3.0, [1.0, 3.0, 1.5], None, "pixels as ours"),
    ]
    assert harness.markdown(rows).split("\n")[2:] == [
        "| a | 1.00 | 1.00 | 0.100 | 0.120 (0.100 to 0.200) | 2.5 | 1.23 GB |",
        "| b (pixels as ours) | 10.00 | 12.50 | 1.00 | 1.50 (1.00 to 3.00) | 3.0 |  |",
    ]


def test_a_report_is_written_whole_and_comes_back(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", "--rounds=2", f"--json={tmp_path / 'x.json'}", "--json", "y"])
    report = harness.Report("x")
    report.add("Rows", [Row("a", None, [], 0.123456, [0.123456], None)])
    report.note(difference=1.23456e-7)
    report.finish(str(tmp_path / "x.json"))
    assert "Rows" in capsys.readouterr().out
    (found,) = tables.read(tmp_path).values()
    assert found["tables"]["Rows"][0]["seconds"] == [0.1235] and len(found["load"]) == 2
    assert found["command"].endswith("--rounds=2") and "json" not in found["command"]
    page = tables.filled("before\n<!-- x -->\nold\n<!-- end of x -->\nafter", {"x": found})
    assert page.startswith("before\n<!-- x -->\n\n    python -m") and page.endswith("<!-- end of x -->\nafter")
    assert "| a |  |  | 0.123 |" in page and "- difference: 1.23e-07" in page and "old" not in page
    with pytest.raises(ValueError, match=r"no markers for y.json; wanted <!-- y --> and"):
        tables.filled(page, {"y": found})


def test_the_page_shows_what_was_measured():
    page = (ROOT / "docs" / "BENCHMARKS.md").read_text(encoding="utf-8")
    reports = tables.read(ROOT / "docs" / "benchmarks")
    assert reports and tables.filled(page, reports) == page, "run: python -m benchmarks.tables"
    for report in reports.values():
        assert "/" not in report["command"], f"{report['command']}: wanted no paths of the machine"


def test_torch_is_left_out_with_a_line_where_it_is_not_installed():
    """The whole program on its smallest question, in the environment of the suite, which has no torch."""
    command = [sys.executable, "-m", "benchmarks.train", "--small", "--rounds=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "| Ada-LSTM: SCST |" in done.stdout and json.dumps("loss") not in done.stdout
    if harness._version("torch") is None:
        assert "torch is not installed" in done.stderr
    else:
        assert "loss of torch differs by" in done.stdout
