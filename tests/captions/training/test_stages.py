"""The stages that follow cross-entropy: each starts from a run, trains, and leaves a run."""

import functools
import json
import os
import pathlib
import re
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
from lrp_jax.captions.models import Preprocessing
from lrp_jax.captions.models.scene_cnn import SceneCNN
from lrp_jax.captions.runs.encoders import Encoder
from lrp_jax.captions.runs.folder import load_run
from lrp_jax.captions.runs.settings import SettingsError, paper_settings
from lrp_jax.captions.training import MetricLog, NotFiniteError, StoppedError, train_and_evaluate

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}


def flags(count, seed):
    """Images of one colour, and two sentences that say which."""
    rng = np.random.default_rng(seed)
    examples = []
    for index in range(count):
        colour = rng.choice(list(COLOURS))
        image = (rng.integers(0, 30, (24, 24, 3)) + np.array(COLOURS[colour])).clip(0, 255).astype(np.uint8)
        examples.append(Example(str(index), image, (f"all of it is {colour}", f"{colour} all over")))
    return examples


SPLITS = {"train": flags(32, 0), "validation": flags(8, 1), "test": flags(8, 2)}


@functools.cache
def encoder():
    module = SceneCNN(width=1)
    params = jax.jit(module.init)(jax.random.key(0), jnp.zeros((1, 24, 24, 3), jnp.float32))
    return Encoder(module, params, Preprocessing(mean=(0.3,) * 3, std=(0.2,) * 3, size=(24, 24)))


def config(**changes):
    config = paper_settings()
    config.update(min_count=1, lengths=(7,), hidden=8, embedding=8, batch_size=16, evaluation_batch_size=8)
    config.update(epochs=2, learning_rate=2e-2, log_every=1, features_folder="")
    config.captioner = "mhfc"  # which compiles in half the time
    config.mhfc.update(heads=2, dropout=0.1)
    for name, value in changes.items():
        config[name].update(value) if isinstance(value, dict) else config.update({name: value})
    return config


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("first")
    train_and_evaluate(config(), workdir, encoder=encoder(), splits=SPLITS)
    return workdir


def lines(workdir, name):
    found = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [line[name] for line in found if name in line]


STAGES = {
    "scst": {"objective": "scst"},
    "lrp_ift": {"objective": "lrp_ift"},
    "lrp_ift_scst, leave-one-out": {
        "objective": "scst",
        "scst": {"reweighted": True, "baseline": "leave_one_out", "samples": 2},
        "arm": {"ce_share": 0.0},
    },
    "scst, leave-one-out": {"objective": "scst", "scst": {"baseline": "leave_one_out", "samples": 2}},
    "lrp_ift_scst": {"objective": "scst", "scst": {"reweighted": True}, "arm": {"ce_share": 0.0}},
    "own words": {"own_words": 0.5},
}
# Each is also a part of the third, or of the test of the encoder; a program takes seconds to compile.
SLOW = ("scst, leave-one-out", "lrp_ift_scst", "own words")


@pytest.mark.parametrize("stage", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in STAGES])
def test_a_stage_starts_where_the_run_ended(first_run, tmp_path, stage):
    settings = config(init_from=str(first_run), epochs=1, learning_rate=1e-3, hidden=99, **STAGES[stage])
    results = train_and_evaluate(settings, tmp_path / "run", splits=SPLITS)
    before, after = load_run(first_run), load_run(tmp_path / "run")
    assert after.captioner == before.captioner and after.words == before.words
    moved = [np.abs(a - b).max() for a, b in zip(*map(jax.tree.leaves, (after.params, before.params)), strict=True)]
    # Adam's first steps are as long as the learning rate, and an epoch has 2 of images or 4 of captions.
    assert 0 < max(moved) < 6e-3
    assert set(results) == {"cider/validation", "cider/test"}
    chex.assert_trees_all_equal(after.encoder.params, before.encoder.params)
    if "scst" in stage:
        assert len(lines(tmp_path / "run", "reward/train")) == 2
    if stage == "lrp_ift":
        assert len(lines(tmp_path / "run", "reweighted_cross_entropy/train")) == 4


def test_an_encoder_is_trained_with_its_captioner(first_run, tmp_path):
    """And with words of its own among those it reads."""
    settings = config(init_from=str(first_run), learning_rate=1e-3, encoder_learning_rate=5e-4, own_words=0.5)
    train_and_evaluate(settings, tmp_path / "run", splits=SPLITS)
    before, after = load_run(first_run), load_run(tmp_path / "run")
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), after.params, before.params)
    assert 0 < max(jax.tree.leaves(moved)) < 1.2e-2
    differences = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), after.encoder.params, before.encoder.params)
    first = differences["params"]["block1_conv1"]["kernel"]
    assert 0 < first < 5e-3 and after.preprocessing == before.preprocessing


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "guess"}, "config.objective is 'guess'"),
        ({"init_from": "nowhere"}, "config.init_from=nowhere: "),
        ({"compute_dtype": "float8"}, "config.compute_dtype is 'float8'"),
        ({"encoder": "bottom_up", "bottom_up": "x", "encoder_learning_rate": 1e-4}, "have no encoder"),
    ],
)
def test_settings_that_do_not_work(tmp_path, changes, message):
    given = None if "bottom_up" in changes else encoder()
    with pytest.raises(SettingsError, match=message):
        train_and_evaluate(config(**changes), tmp_path / "run", encoder=given, splits=SPLITS)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_what_was_good(first_run, tmp_path, monkeypatch):
    from lrp_jax.captions.data.batches import CaptionBatches

    read = CaptionBatches.__getitem__

    def spoiled(batches, step):
        batch = read(batches, step)
        return batch._replace(features=batch.features * (np.nan if step == 5 else 1))

    monkeypatch.setattr(CaptionBatches, "__getitem__", spoiled)
    with pytest.raises(NotFiniteError, match="the loss of step 5 is not finite"):
        train_and_evaluate(config(log_every=50), tmp_path / "run", encoder=encoder(), splits=SPLITS)
    with np.load(tmp_path / "run" / "failed_batch.npz", allow_pickle=False) as batch:
        assert batch["step"] == 5 and np.isnan(batch["features"]).all() and batch["inputs"].shape == (16, 7)
    monkeypatch.undo()
    # With a batch that is good it goes on as if nothing had happened.
    train_and_evaluate(config(log_every=50), tmp_path / "run", encoder=encoder(), splits=SPLITS, resume=True)
    one, other = load_run(tmp_path / "run"), load_run(first_run)
    chex.assert_trees_all_equal(one.params, other.params)


def start(workdir, *, prelude="", **changes):
    """A run in a process of its own."""
    program = (
        f"import sys; sys.path[:0] = {[str(pathlib.Path(__file__).parent), os.getcwd()]!r}\n"
        f"import jax; jax.config.update('jax_enable_x64', True)\n{prelude}\n"
        "import test_stages as t\n"
        f"t.train_and_evaluate(t.config(**{changes!r}), {str(workdir)!r}, encoder=t.encoder(), splits=t.SPLITS)"
    )
    return subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)


def test_sigterm_saves_and_leaves(tmp_path, monkeypatch):
    write = MetricLog.write

    def write_and_ask(log, step, **numbers):
        write(log, step, **numbers)
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    def unheard(*_):
        raise AssertionError("the run does not listen to SIGTERM")

    monkeypatch.setattr(MetricLog, "write", write_and_ask)
    before = signal.signal(signal.SIGTERM, unheard)
    try:
        with pytest.raises(StoppedError, match="stopped after step 3"):
            train_and_evaluate(config(), tmp_path / "run", encoder=encoder(), splits=SPLITS)
        assert signal.getsignal(signal.SIGTERM) is unheard
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (tmp_path / "run" / "checkpoints" / "3").is_dir()


@pytest.mark.slow
def test_a_process_that_gets_sigterm_saves_and_leaves(tmp_path):
    process = start(tmp_path / "run", epochs=100000, stop_after=100000)
    deadline = time.monotonic() + 300
    while not list((tmp_path / "run" / "checkpoints").glob("[0-9]*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1 and "StoppedError" in said
    step = re.search(r"stopped after step (\d+)", said)[1]
    assert (tmp_path / "run" / "checkpoints" / step).is_dir()


def test_a_full_disk_is_a_line_and_the_earlier_checkpoint_stays(first_run, tmp_path):
    """A limit on the size of files stands for the disk; checkpoints are written as several."""
    shutil.copytree(first_run, tmp_path / "run")
    (tmp_path / "run" / "results.json").unlink()
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    (tmp_path / "run" / "config.json").write_text(json.dumps(saved | {"epochs": 3}))
    prelude = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import test_stages as t, lrp_jax.captions.training.loop as loop\n"
        "save = loop.save_checkpoint\n"
        "def full(*a): resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)); save(*a)\n"
        "loop.save_checkpoint = full\n"
        "import functools; t.train_and_evaluate = functools.partial(t.train_and_evaluate, resume=True)"
    )
    process = start(tmp_path / "run", prelude=prelude, epochs=3)
    _, said = process.communicate(timeout=300)
    assert process.returncode != 0 and "cannot write a checkpoint" in said, said[-1500:]
    assert load_run(tmp_path / "run").captioner.hidden == 8


@pytest.mark.slow
def test_twenty_kills_change_nothing(tmp_path):
    """kill -9 at random moments of a run that saves after every step, and at every kill a resume."""
    rng = np.random.default_rng(0)
    settings = {"checkpoint_every": 1, "epochs": 20, "stop_after": 20}
    resuming = (
        "import functools, test_stages as t\n"
        "t.train_and_evaluate = functools.partial(t.train_and_evaluate, resume=True)"
    )
    kills, during_a_save = 0, 0
    folder = tmp_path / "run" / "checkpoints"
    while kills < 20:
        process = start(tmp_path / "run", prelude=resuming, **settings)
        before = {path.name for path in folder.glob("[0-9]*")}
        deadline = time.monotonic() + 300
        # Not before it has saved something new, so that all kills are while it trains.
        while {path.name for path in folder.glob("[0-9]*")} <= before:
            assert process.poll() is None and time.monotonic() < deadline, "it ended before it was killed 20 times"
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        during_a_save += any("tmp" in path.name for path in folder.iterdir())
    assert during_a_save > 0
    assert start(tmp_path / "run", prelude=resuming, **settings).wait() == 0
    train_and_evaluate(config(**settings), tmp_path / "whole", encoder=encoder(), splits=SPLITS)
    one, other = load_run(tmp_path / "run"), load_run(tmp_path / "whole")
    chex.assert_trees_all_equal(one.params, other.params)
    assert (tmp_path / "run" / "results.json").read_text() == (tmp_path / "whole" / "results.json").read_text()
