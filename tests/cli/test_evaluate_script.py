"""evaluate.py with a small captioner: what it says, what it writes, how it ends."""

import dataclasses
import importlib
import json
import pathlib
import subprocess
import sys

import ml_collections
import pandas as pd
import pytest
from small_speaker import SIZE, small_speaker

from lrp_jax.captions.experiments import EXPERIMENTS, OtherSettingsError

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "evaluate.py"
SOURCE = f"scenes:strong,size={SIZE},train=6,validation=2,test_broken=4,test_biased=2"


@pytest.fixture(scope="module")
def script():
    return importlib.import_module("lrp_jax.cli.evaluate")


@pytest.fixture
def call(script, tmp_path, monkeypatch):
    """call(**options) -> exit code; the results are in tmp_path/out."""
    speaker = small_speaker()
    config = ml_collections.ConfigDict({"source": SOURCE, "lengths": [10], "features_folder": ""})
    monkeypatch.setattr(script, "load_speaker", lambda path: dataclasses.replace(speaker, config=config))

    def start(*names, **options):
        options = {"out": str(tmp_path / "out")} | options
        return script.evaluate(script.Options(experiment=names, checkpoint="run", **options))

    return start


def test_tables_of_the_first_test_split(call, tmp_path, capsys):
    assert call("chair", "frequent_words") == 0
    said = capsys.readouterr().out
    assert "| CHAIRi" in said and str(tmp_path / "out" / "chair" / "chair.csv") in said
    assert set(pd.read_csv(tmp_path / "out" / "chair" / "rows.csv")["image"]) == {0, 1, 2, 3}
    record = json.loads((tmp_path / "out" / "chair" / "record.json").read_text())
    assert record["measured"]["split"] == "test_broken" and record["measured"]["data"] == SOURCE
    assert record["notes"]["commit"]
    assert (tmp_path / "out" / "frequent_words" / "frequent_words.png").stat().st_size > 1000


def test_the_last_of_several_processes_writes_the_tables(call, tmp_path, capsys):
    assert call("chair", processes=2, process=1) == 0
    assert "2 images are still to be measured" in capsys.readouterr().out
    assert not (tmp_path / "out" / "chair" / "chair.csv").exists()
    assert call("chair", processes=2, process=0) == 0
    assert (tmp_path / "out" / "chair" / "chair.csv").exists()


def test_rows_without_tables_are_the_rows_that_tables_are_made_of(call, tmp_path):
    assert call("chair", rows_only=True) == 0
    rows = (tmp_path / "out" / "chair" / "rows.csv").read_bytes()
    assert not (tmp_path / "out" / "chair" / "chair.csv").exists()
    assert call("chair") == 0  # nothing is measured again
    assert (tmp_path / "out" / "chair" / "rows.csv").read_bytes() == rows
    assert (tmp_path / "out" / "chair" / "chair.csv").exists()


def test_against_a_baseline(call, script, tmp_path, capsys):
    with pytest.raises(script.CannotStartError, match=r"nowhere: no .*measured by --experiment=lrp_ift_gain"):
        call("lrp_ift_gain", against=str(tmp_path / "nowhere"))
    assert not (tmp_path / "out").exists()  # told before anything was measured
    assert call("lrp_ift_gain", out=str(tmp_path / "before")) == 0
    assert call("lrp_ift_gain", against=str(tmp_path / "before")) == 0
    table = pd.read_csv(tmp_path / "out" / "lrp_ift_gain" / "against_baseline.csv").set_index("measure")
    assert table.loc["CIDEr", "difference"] == 0 and table.loc["CHAIRi", "baseline"] > 0


@pytest.mark.parametrize(
    ("names", "options", "line"),
    [
        (("chairs",), {}, "--experiment=chairs: wanted all, or any of captions, word_ablation"),
        ((), {}, "--experiment=: wanted all"),
        (("chair",), {"split": "val"}, "--split=val: wanted one of train, validation, test_broken"),
        (("chair",), {"data": "scenes:red"}, "--data=scenes:red: "),
        (("chair",), {"data": "/no/such/path"}, "--data=/no/such/path: "),
        (("chair",), {"processes": 2, "process": 2}, "--process=2: wanted 0 to 1"),
    ],
)
def test_what_cannot_be_done_is_one_line(call, script, names, options, line):
    with pytest.raises(script.CannotStartError) as caught:
        call(*names, **options)
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_other_settings_do_not_mix(call):
    assert call("chair") == 0
    with pytest.raises(OtherSettingsError, match="use another --out"):
        call("chair", seed=1)


@pytest.mark.slow
def test_every_experiment(call, tmp_path):
    assert call("all") == 0
    for name in EXPERIMENTS:
        assert (tmp_path / "out" / name / "rows.csv").exists(), name
        assert list((tmp_path / "out" / name).glob("*.md")), name


def test_a_wrong_command_line_is_told_in_a_line_with_its_exit_code():
    command = [sys.executable, str(SCRIPT), "--experiment=chair", "--checkpoint=/no/such/run"]
    result = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert result.stderr.startswith("evaluate.py: --checkpoint=/no/such/run: ") and result.stderr.count("\n") == 1
    summary = json.loads(result.stdout)["summary"]
    assert summary["exit_code"] == 2 and "--checkpoint=/no/such/run: " in summary["error"]
    result = subprocess.run([*command, "--experimnt=chair"], capture_output=True, text=True)
    assert result.returncode == 2 and "Did you mean: experiment" in result.stderr and result.stderr.count("\n") == 1


def test_the_summary_has_the_tables(call, script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "evaluate", lambda options: script.run_experiments(options))
    code, summary = call("chair")
    assert code == 0 and summary["failed"] == {} and summary["out"] == str(tmp_path / "out")
    found = summary["experiments"]["chair"]
    assert str(tmp_path / "out" / "chair" / "chair.csv") in found["files"]
    assert json.loads(json.dumps(summary)) == summary and found["tables"]["chair"][0].keys() >= {"measure"}
