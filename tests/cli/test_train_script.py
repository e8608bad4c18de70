"""train.py as a person calls it."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

from lrp_jax.captions.models import VGG16
from lrp_jax.captions.runs.folder import load_run

ROOT = pathlib.Path(__file__).resolve().parents[2]


def call(*arguments):
    environment = {**os.environ, "XLA_FLAGS": ""}
    return subprocess.run(
        [sys.executable, ROOT / "train.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        timeout=300,
    )


def narrow_vgg(path, width=4):
    """Random weights under torchvision's names."""
    rng = np.random.default_rng(0)
    channels = [3, *[width * m for m in (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8)]]
    indices = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    arrays = {}
    for index, before, after in zip(indices, channels, channels[1:], strict=False):
        arrays[f"features.{index}.weight"] = (
            rng.normal(size=(after, before, 3, 3)) * (2 / (9 * before)) ** 0.5
        ).astype(np.float32)
        arrays[f"features.{index}.bias"] = np.zeros(after, np.float32)
    np.savez(path, **arrays)
    return path


def test_a_mistyped_setting_is_one_line_with_the_nearest_name(tmp_path):
    result = call("--config=configs/ada_scenes.py", f"--workdir={tmp_path}/run", "--config.learning_rat=1e-3")
    assert result.returncode == 2
    assert result.stderr == ("train.py: the config has no setting 'learning_rat'; did you mean 'learning_rate'?\n")
    assert not (tmp_path / "run").exists()


def test_an_unknown_flag_is_one_line(tmp_path):
    result = call("--config=configs/ada_scenes.py", f"--workdir={tmp_path}/run", "--resum")
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == "train.py: Unknown command line flag 'resum'. Did you mean: resume ? See --help.\n"


def test_from_the_command_line_to_a_run(tmp_path):
    arguments = [
        "--config=configs/photos.py:mhfc",
        f"--workdir={tmp_path}/run",
        "--config.source=scenes:none,size=32,train=32,validation=8,test_broken=8,test_biased=8",
        "--config.encoder=vgg16",
        f"--config.encoder_weights={narrow_vgg(tmp_path / 'vgg.npz')}",
        "--config.image_size=32",
        "--config.epochs=1",
        "--config.hidden=16",
        "--config.embedding=16",
        "--config.lengths=12,18",
        "--config.mhfc.heads=4",
    ]
    result = call(*arguments)
    assert result.returncode == 0, result.stderr
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert set(results) == {"cider/validation", "cider/test_broken", "cider/test_biased"}
    assert "epoch   1  loss" in result.stdout and "cider/test_broken" in result.stdout
    assert result.stderr == ""
    run = load_run(tmp_path / "run")
    assert (run.captioner.heads, run.captioner.hidden) == (4, 16)
    assert isinstance(run.encoder.module, VGG16) and run.preprocessing.size == (32, 32)

    again = call(*arguments, "--json")
    assert again.returncode == 2 and "--resume" in again.stderr and again.stderr.count("\n") == 1
    assert json.loads(again.stdout)["summary"] == {"exit_code": 2, "error": again.stderr.strip()[len("train.py: ") :]}


def test_settings_that_cannot_work_are_one_line_before_anything_is_read(tmp_path):
    """Those of the table are tried one by one in captions/training/test_ranges.py."""
    for setting in ("lengths=()", "batch_size=0", "ada.dropout=1.0", "beam=0"):
        result = call("--config=ada_scenes", f"--workdir={tmp_path}/run", f"--config.{setting}")
        name = setting.partition("=")[0]
        assert result.returncode == 2 and result.stdout == ""
        assert result.stderr.startswith(f"train.py: config.{name} is ") and result.stderr.count("\n") == 1
        assert not (tmp_path / "run").exists()
