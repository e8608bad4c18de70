"""Training from a config to a folder, on eight fake devices and pictures of coloured squares."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.images import Example
from lrp_jax.captions.metrics import cider
from lrp_jax.captions.models import MHFC, AdaLSTM, Preprocessing
from lrp_jax.captions.models.decoding import Beam
from lrp_jax.captions.models.scene_cnn import SceneCNN
from lrp_jax.captions.runs.encoders import Encoder
from lrp_jax.captions.runs.folder import load_run
from lrp_jax.captions.runs.settings import EARLIER, paper_settings
from lrp_jax.captions.training import MetricLog, read_metrics, train_and_evaluate

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220), "white": (240, 240, 240)}


def squares(count, seed):
    """A square of one colour at the left or the right, and two sentences that say so."""
    rng = np.random.default_rng(seed)
    examples = []
    for index in range(count):
        colour, side = rng.choice(list(COLOURS)), rng.choice(["left", "right"])
        image = rng.integers(60, 90, (32, 32, 3)).astype(np.uint8)
        x = 2 if side == "left" else 18
        image[10:22, x : x + 12] = COLOURS[colour]
        captions = (f"a {colour} square on the {side}", f"on the {side} is a {colour} square .")
        examples.append(Example(str(index), image, captions))
    return examples


SPLITS = {"train": squares(64, 0), "validation": squares(24, 1), "test": squares(24, 2)}
SPLITS["train"].insert(5, Example("cut", b"no whole image", ("a caption of nothing",)))


def small_encoder():
    module = SceneCNN(width=2)
    params = jax.jit(module.init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3), jnp.float32))
    return Encoder(module, params, Preprocessing(mean=(0.3,) * 3, std=(0.2,) * 3, size=(32, 32)))


def small_config(**changes):
    config = paper_settings()
    config.update(
        source="",
        encoder="",
        min_count=1,
        lengths=(9,),
        bad_images="skip",
        hidden=16,
        embedding=16,
        batch_size=16,
        evaluation_batch_size=16,
        epochs=3,
        learning_rate=2e-2,
        log_every=3,
    )
    config.ada.update(attention=8, dropout=0.1)
    config.mhfc.update(heads=2, dropout=0.1)
    config.update(changes)
    return config


def train(workdir, **options):
    config = options.pop("config", None) or small_config()
    return train_and_evaluate(config, workdir, encoder=small_encoder(), splits=SPLITS, **options)


def assert_same_params(one, other):
    chex.assert_trees_all_equal(one.params, other.params)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """Three epochs without an interruption; there is nothing to resume, which is no error."""
    workdir = tmp_path_factory.mktemp("whole")
    return workdir, train(workdir, resume=True)


def test_the_folder_of_a_run(whole_run):
    workdir, results = whole_run
    assert {path.name for path in workdir.iterdir()} == {
        "config.json",
        "unreadable.json",
        "vocabulary.json",
        "encoder",
        "checkpoints",
        "metrics.jsonl",
        "tensorboard",
        "results.json",
    }
    assert json.loads((workdir / "results.json").read_text()) == results
    assert json.loads((workdir / "unreadable.json").read_text()) == {"train": {"5": "cut"}}
    assert set(results) == {"cider/validation", "cider/test"}
    lines = read_metrics(workdir)
    epochs = [line for line in lines if "cider/validation" in line]
    assert [line["step"] for line in epochs] == [8, 16, 24]  # 128 captions by 16
    assert max(line["cider/validation"] for line in epochs) == results["cider/validation"]
    losses = [line["loss/train"] for line in lines if "loss/train" in line]
    assert len(losses) == 8 and losses[-1] < losses[0] - 0.5
    assert all(0 <= line["input_wait"] <= 1 for line in lines if "loss/train" in line)
    assert len(list((workdir / "checkpoints").glob("[0-9]*"))) in (1, 2)  # the last and the best


def test_a_run_is_read_from_its_folder_alone(whole_run):
    workdir, results = whole_run
    run = load_run(workdir)
    assert isinstance(run.captioner, AdaLSTM) and run.captioner.hidden == 16
    assert run.preprocessing == small_encoder().preprocessing and list(run.config.lengths) == [9]
    images = run.preprocessing(np.stack([example.image for example in SPLITS["test"]]))
    features = run.encode(images)
    captions = [str(said) for said in run.caption(features, Beam(width=3, max_length=9))]
    assert cider(captions, [e.captions for e in SPLITS["test"]])[0] == pytest.approx(results["cider/test"])


def interrupt(monkeypatch, folder, config, step):
    """Trains until the metrics of a step are written, and stops there as Ctrl-C does."""
    write = MetricLog.write

    def stop(log, at, **numbers):
        write(log, at, **numbers)
        if at == step:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(MetricLog, "write", stop)
        train(folder, config=config)


def test_an_interrupted_run_resumes_bit_by_bit(whole_run, tmp_path, monkeypatch):
    """Stopped in the middle of the second epoch, after a checkpoint within it and further steps."""
    config = small_config(checkpoint_every=5)
    interrupt(monkeypatch, tmp_path, config, step=12)
    checkpoints = {path.name for path in (tmp_path / "checkpoints").glob("[0-9]*")}
    assert checkpoints == {"8", "10"}  # the best so far, and the last
    results = train(tmp_path, config=config, resume=True)
    workdir, uninterrupted = whole_run
    assert results == uninterrupted
    assert_same_params(load_run(tmp_path), load_run(workdir))
    steps = [line["step"] for line in read_metrics(tmp_path)]
    assert steps == [line["step"] for line in read_metrics(workdir)]  # no line twice


@pytest.mark.slow  # an interruption that saves is in the quick suite
def test_a_killed_run_resumes_bit_by_bit(whole_run, tmp_path):
    """SIGKILL in another process once it has written a checkpoint."""
    program = (
        f"import sys; sys.path[:0] = {[str(pathlib.Path(__file__).parent), os.getcwd()]!r}\n"
        "import jax; jax.config.update('jax_enable_x64', True)\n"
        f"import test_loop, pathlib; test_loop.train(pathlib.Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    deadline = time.monotonic() + 300
    while not list((tmp_path / "checkpoints").glob("[0-9]*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "results.json").exists()
    results = train(tmp_path, resume=True)
    workdir, uninterrupted = whole_run
    assert results == uninterrupted
    assert_same_params(load_run(tmp_path), load_run(workdir))


def test_a_finished_run_of_an_earlier_version_resumes_to_its_results(whole_run, tmp_path):
    workdir, results = whole_run
    settings = json.loads((workdir / "config.json").read_text())
    for name in EARLIER:
        del settings[name]
    old = shutil.copytree(workdir, tmp_path / "old")
    (old / "config.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"config\.features_dtype was 'float32' in .* and is 'float16' now"):
        train(old, config=small_config(features_dtype="float16"), resume=True)
    assert train(old, config=small_config(**EARLIER), resume=True) == results


def test_a_folder_with_a_run_is_not_overwritten(whole_run):
    workdir, _ = whole_run
    with pytest.raises(FileExistsError, match="--resume"):
        train(workdir)
    with pytest.raises(ValueError, match=r"config\.ada\.attention was 8 .* and is 4 now"):
        config = small_config()
        config.ada.attention = 4
        train(workdir, config=config, resume=True)


def test_a_bad_image_stops_a_run_that_does_not_skip_it(tmp_path):
    with pytest.raises(ValueError, match=r"1 image of train \(cut\) cannot be read"):
        train(tmp_path / "x", config=small_config(bad_images="stop"))
    assert not (tmp_path / "x").exists()


def test_devices_must_divide_a_batch(tmp_path):
    with pytest.raises(ValueError, match=r"config\.batch_size is 12: wanted a multiple of 8, the number of devices"):
        train(tmp_path / "x", config=small_config(batch_size=12))
    assert not (tmp_path / "x").exists()


def test_training_stops_when_the_score_no_longer_rises(tmp_path):
    config = small_config(learning_rate=1e-30, least_learning_rate=0.0, stop_after=2, epochs=9)
    train(tmp_path, config=config)
    assert [line["step"] for line in read_metrics(tmp_path) if "steps_per_second" in line] == [8, 16, 24]


def test_a_linear_rate_falls_step_by_step_and_goes_on_where_it_was(tmp_path, monkeypatch):
    config = small_config(schedule="linear", stop_after=1, epochs=2, log_every=1)
    interrupt(monkeypatch, tmp_path, config, step=9)
    train(tmp_path, config=config, resume=True)
    rates = [line["learning_rate"] for line in read_metrics(tmp_path) if "learning_rate" in line]
    np.testing.assert_allclose(rates, 2e-2 * (1 - np.arange(16) / 16))


def test_a_captioner_learns_what_it_sees(tmp_path):
    """MH-FC says the right colour and side of squares that it has not seen."""
    config = small_config(captioner="mhfc", epochs=10, features_folder=str(tmp_path / "features"))
    results = train(tmp_path / "run", config=config)
    assert results["cider/test"] > 4
    assert isinstance(load_run(tmp_path / "run").captioner, MHFC)
    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == ["test", "train", "validation"]
