"""explain.py with a small untrained captioner: which files it reads, what it says, what it writes."""

import contextlib
import errno
import hashlib
import importlib
import io
import json
import os
import pathlib
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest
from absl import flags
from PIL import Image

from lrp_jax.captions import explain
from lrp_jax.captions.data.bottom_up import RegionStore, convert
from lrp_jax.captions.explain import explain_features
from lrp_jax.captions.models import AdaLSTM, Preprocessing
from lrp_jax.captions.models.decoding import Beam, Greedy, decode
from lrp_jax.captions.models.scene_cnn import SceneCNN
from lrp_jax.captions.pages import naming
from lrp_jax.captions.pages.explained import Question
from lrp_jax.captions.runs import checkpoints, encoders
from lrp_jax.captions.runs import folder as runs
from lrp_jax.captions.runs.encoders import Encoder as FrozenEncoder
from lrp_jax.captions.runs.folder import build_captioner
from lrp_jax.captions.runs.settings import paper_settings
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.serve import inspection
from lrp_jax.captions.training.saving import Progress, save_checkpoint
from lrp_jax.captions.training.state import TrainState
from lrp_jax.captions.words import END, Vocabulary
from lrp_jax.cli.common import parse_flags

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "explain.py"
WORDS = ("a", "red", "blue", "dog", "ball", "on", "the", "grass")


class Encoder(nn.Module):
    """Two convolutions: images [B, 32, 32, 3] -> [B, 4, 4, 6]."""

    @nn.compact
    def __call__(self, images):
        x = nn.relu(nn.Conv(4, (3, 3), strides=(4, 4))(images))
        return nn.relu(nn.Conv(6, (3, 3), strides=(2, 2))(x))


def random_params(module, *args):
    """Parameters of a module without compiling its initialisers, which would take longer than the tests."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(module.init, jax.random.key(0), *args)
    return jax.tree.map(lambda leaf: jnp.asarray(rng.normal(0, 0.3, leaf.shape).astype(np.float32)), shapes)


@pytest.fixture(scope="module")
def script():
    return importlib.import_module("lrp_jax.cli.explain")


@pytest.fixture(scope="module")
def run():
    """What `load_run` gives, with random weights."""
    vocabulary = Vocabulary(("<pad>", "<start>", "<end>", "<unk>", *WORDS))
    encoder = Encoder()
    captioner = AdaLSTM(vocabulary_size=len(vocabulary), hidden=8, embedding=8, attention=8)
    params = random_params(captioner, jnp.zeros((1, 16, 6)), jnp.zeros((1, 3), int))
    encoder_params = random_params(encoder, jnp.zeros((1, 32, 32, 3)))
    return Speaker(
        captioner,
        params,
        vocabulary,
        FrozenEncoder(encoder, encoder_params, Preprocessing(mean=(0.4, 0.4, 0.4), size=(32, 32))),
        config=ml_collections.ConfigDict({"source": "scenes:strong,size=32", "learning_rate": 5e-4}),
        origin={"checkpoint": "run"},
    )


@pytest.fixture
def call(script, run, tmp_path, monkeypatch):
    """call(images, **options) -> exit code; the results are in tmp_path/out."""
    monkeypatch.setattr(script, "load_run", lambda path: run)

    def start(images, **options):
        options = {"caption": "a red ball"} | options
        return script.explain_all(
            script.Options(checkpoint="run", images=str(images), out=str(tmp_path / "out"), **options)
        )

    return start


@pytest.fixture
def record(tmp_path):
    return lambda name: json.loads((tmp_path / "out" / name / "record.json").read_text(encoding="utf-8"))


def photograph(path, mode="RGB", size=(40, 30), seed=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)
    return path


def bomb(path, side=60_000):
    """A PNG of a few bytes that would fill the memory."""

    def chunk(kind, content):
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(bytes(side))), chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def test_the_raw_relevance_is_that_of_the_caption_alone(call, run, tmp_path, record):
    path = photograph(tmp_path / "photo.png", size=(32, 32))
    assert call(path) == 0
    # A word that comes later changes nothing, and with it the programs are those of the other tests.
    direct = explain.explain_image(
        run.captioner,
        run.params,
        np.asarray(Image.open(path)),
        np.array([1, *run.words.encode("a red ball dog")]),
        encoder=run.encoder.module,
        encoder_params=run.encoder.params,
        preprocessing=run.preprocessing,
    ).first(3)
    with np.load(tmp_path / "out" / "photo" / "relevance.npz", allow_pickle=False) as arrays:
        for name in ("logits", "regions", "words", "betas", "pixels"):
            wanted = np.asarray(getattr(direct, name))
            np.testing.assert_allclose(arrays[name], wanted, atol=1e-4 * abs(wanted).max(), err_msg=name)
        assert arrays["tokens"].tolist() == direct.tokens.tolist()
        assert arrays["inputs"].tolist() == ["<start>", "a", "red", "ball"]
    found = record("photo")
    assert found["caption"] == "a red ball" and "given" in found["notes"][0]
    assert "AlphaBeta(alpha=0.0" in found["rules"] and "Epsilon(epsilon=0.01)" in found["rules"]
    assert found["versions"]["jax"] == jax.__version__ and found["config"]["learning_rate"] == 5e-4
    assert (tmp_path / "out" / "index.html").is_file()
    (ball,) = found["objects"]
    assert (ball["word"], ball["category"], ball["position"]) == ("ball", "ball", 3)
    lowest = np.quantile(np.asarray(direct.pixels)[2].mean(-1), 0.05)
    np.testing.assert_allclose(ball["suspicion"], -lowest, rtol=1e-3)


def test_the_model_says_its_own_caption_without_an_end_token(call, run, tmp_path, record, monkeypatch):
    path = photograph(tmp_path / "photo.png")
    # An untrained model may stop at once: its end token is made unlikely.
    bias = run.params["params"]["fc"]["bias"].at[END].set(-1e3)
    params = {"params": run.params["params"] | {"fc": run.params["params"]["fc"] | {"bias": bias}}}
    monkeypatch.setitem(run.__dict__, "params", params)
    assert call(path, caption=None, max_length=6, method=("attention",)) == 0
    assert len(record("photo")["words"]) == 6
    with np.load(tmp_path / "out" / "photo" / "relevance.npz") as arrays:
        assert set(arrays["inputs"][1:].tolist()) <= set(WORDS)


# Gradient times input takes the way of LRP, with another table of rules.
@pytest.mark.parametrize(
    "method",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "gradient_x_input")) for name in explain.METHODS],
)
def test_every_method_gives_every_format(call, tmp_path, record, method):
    assert call(photograph(tmp_path / "photo.png"), method=(method,)) == 0
    files = record("photo")["files"]
    assert {"words.png", "relevance.npz", "report.html"} <= set(files)
    assert record("photo")["method"] == method
    assert record("photo")["settings"] == repr(explain.METHODS[method])
    assert (record("photo")["rules"] is None) == (method in ("attention", "visual_attention", "occlusion"))


def test_several_methods_side_by_side_say_what_each_says_alone(call, tmp_path, record):
    path, methods = photograph(tmp_path / "photo.png"), ("grad_cam", "occlusion")
    assert call(path, method=methods) == 0
    both = record("photo")
    assert {"relevance_grad_cam.npz", "words_occlusion.png", "word_03_ball_grad_cam.png"} <= set(both["files"])
    assert list(both["methods"]) == list(both["settings"]) == list(methods) and both["rules"]["occlusion"] is None
    with np.load(tmp_path / "out" / "photo" / "relevance_occlusion.npz", allow_pickle=False) as arrays:
        beside = dict(arrays)
    assert call(path, method=methods[1:]) == 0
    with np.load(tmp_path / "out" / "photo" / "relevance.npz", allow_pickle=False) as alone:
        assert set(alone) == set(beside)
        for name in alone:
            np.testing.assert_array_equal(alone[name], beside[name])
    assert both["methods"]["occlusion"]["words"] == record("photo")["words"]
    assert not (tmp_path / "out" / "photo" / "relevance_occlusion.npz").exists()


def test_a_contrast_is_named_in_record_and_page(call, script, run, tmp_path, record):
    path = photograph(tmp_path / "photo.png")
    assert call(path, against="dog") == 0
    found = record("photo")
    assert found["against"] == [run.words.ids["dog"]] * 3 and "over “dog”" in found["notes"][1]
    lead = found["words"][2]["logit"]
    assert call(path) == 0 and record("photo")["against"] is None
    assert abs(record("photo")["words"][2]["logit"] - lead) > 1e-4
    assert call(path, against="rest", method=("lrp", "grad_cam"), format=("json",)) == 0
    assert {one["against"] for one in record("photo")["methods"].values()} == {"rest"}
    with pytest.raises(script.CannotStartError, match="--against=zebra: the model does not know this word"):
        call(path, against="zebra")
    with pytest.raises(
        script.CannotStartError, match="--against=rest: attention does not depend on the explained word"
    ):
        call(path, against="rest", method=("lrp", "attention"))


HOSTILE = (
    "<script>alert(1)<",
    "\"quotes' & more",
    "two\nlines",
    "\x1b[31mred",
    "\N{GRINNING FACE}",
    "-dash",
    os.fsdecode(b"no\xffutf"),
    "a,comma",
    "[x]",
    "l" * 240,
    "l" * 239 + "m",
)


def test_a_batch_of_all_kinds_of_images_loses_none(call, tmp_path, record, capsys):
    folder = tmp_path / "photos"
    photograph(folder / "plain.jpg")
    photograph(folder / "grey.png", "L")
    photograph(folder / "cmyk.jpg", "CMYK")
    photograph(folder / "palette.png", "P")
    photograph(folder / "clear.png", "P", transparency=3)
    photograph(folder / "alpha.png", "RGBA")
    photograph(folder / "scan.tif")
    photograph(folder / "moving.gif", save_all=True, append_images=[Image.new("RGB", (40, 30))])
    for name in HOSTILE:
        photograph(folder / "hostile" / f"{name}.png")
    photograph(folder / "progressive.jpg", progressive=True)
    photograph(folder / "below" / "deep.webp")
    photograph(folder / "one.png", size=(1, 1))
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees
    photograph(folder / "turned.jpg", exif=turned)
    photograph(folder / "wide.jpg", size=(6000, 40))
    deep = np.linspace(0, 65535, 1200).reshape(30, 40).astype(np.uint16)
    Image.fromarray(deep).save(folder / "sixteen.png")
    bomb(folder / "bomb.png")
    (folder / "program.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nquit\n%%EOF\n")
    (tmp_path / "nothing").mkdir()
    (folder / "round").symlink_to(".")
    (folder / "circle.png").symlink_to("circle.png")
    (folder / "dangling.png").symlink_to("gone.png")
    os.mkfifo(folder / "pipe.png")
    whole = photograph(folder / "cut.jpg", size=(200, 200)).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("no image")
    (folder / "empty.jpg").touch()
    (folder / "notes.txt").write_text("no image and not called one")
    bad = {
        "bomb.png": "decompression bomb",
        "circle.png": "symbolic links",
        "cut.jpg": "truncated",
        "dangling.png": "No such file",
        "empty.jpg": "of no known format",
        "pipe.png": "got a pipe or a device",
        "program.png": "of no known format",
        "text.png": "of no known format",
        "missing.png": "no such file or folder",
        "nothing": "no image in this folder",
        "none*.jpg": "no file has such a name",
        "scenes:nowhere": "got split 'nowhere'",
    }
    specs = (folder, tmp_path / "missing.png", tmp_path / "nothing", f"{tmp_path}/none*.jpg", "scenes:nowhere")
    assert call(",".join(map(str, specs)), format=("html", "png"), method=("attention",)) == 1
    printed = capsys.readouterr()
    failures = printed.err.splitlines()
    assert len(failures) == len(bad) and all("FAILED" in line for line in failures)
    for name, why in bad.items():
        (line,) = [line for line in failures if f"{name}: FAILED" in line]
        assert why in line
    good = (
        "plain",
        "grey",
        "cmyk",
        "palette",
        "clear",
        "alpha",
        "scan",
        "moving",
        "progressive",
        "below_deep",
        "one",
        "turned",
        "wide",
        "sixteen",
    )
    assert f"{len(good) + len(HOSTILE)} explained" in printed.out.splitlines()[-1]
    assert len(printed.out.splitlines()) == len(good) + len(HOSTILE) + 1 and printed.out.replace("\n", "").isprintable()
    assert f"{len(bad)} failed" in printed.out.splitlines()[-1]
    index = (tmp_path / "out" / "index.html").read_text()
    for name in good:
        assert record(name)["caption"] == "a red ball" and f"{name}/report.html" in index
    folders = [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith("hostile")]
    assert len(folders) == len(HOSTILE) and all(re.fullmatch(r"[\w.-]{1,110}", name) for name in folders)
    assert sorted(record(name)["name"] for name in folders) == sorted(
        f"hostile/{naming.printable(name)}.png" for name in HOSTILE
    )
    assert "<script>alert" not in index
    upright = Image.open(tmp_path / "out" / "turned" / "word_01_a.png")
    assert upright.height > upright.width


def test_results_inside_the_folder_of_images_are_not_explained(call, tmp_path, capsys):
    photograph(tmp_path / "photo.png")
    for _ in range(2):
        assert call(tmp_path) == 0
        assert "1 explained" in capsys.readouterr().out


def test_a_finished_image_is_left_alone_by_resume(call, tmp_path, capsys):
    path = photograph(tmp_path / "photo.png")
    assert call(path) == 0 == call(path, resume=True)
    assert "1 were finished before" in capsys.readouterr().out
    assert call(path, resume=True, caption="a blue ball") == 0
    assert "1 explained" in capsys.readouterr().out


def test_only_the_asked_words_are_written(call, tmp_path, record, capsys):
    path = photograph(tmp_path / "photo.png")
    assert call(path, words=("ball", "dog")) == 0
    assert [word["word"] for word in record("photo")["words"]] == ["ball"]
    assert "word_03_ball.png" in record("photo")["files"]
    assert "photo.png: no 'dog' in the caption 'a red ball'" in capsys.readouterr().out


def test_words_that_no_caption_has_are_a_line_and_exit_code_1(call, tmp_path, capsys):
    assert call(photograph(tmp_path / "photo.png"), words=("dog",)) == 1
    assert "1 without the words asked for" in capsys.readouterr().out
    assert not (tmp_path / "out" / "photo").exists()


def test_unknown_words(call, script, tmp_path, record, capsys):
    path = photograph(tmp_path / "photo.png")
    assert call(path, caption="A purple dog!", words=("dog", "zebra")) == 0
    out = capsys.readouterr().out
    assert "--caption: the model does not know 'purple' and reads <unk> instead" in out
    assert "--words: the model does not know 'zebra'" in out
    assert record("photo")["caption"] == "a <unk> dog"
    with pytest.raises(script.CannotStartError, match="does not know 'zebra' and never says it"):
        call(path, words=("zebra",))
    with pytest.raises(script.CannotStartError, match="got no words"):
        call(path, caption=" ?! ")


def test_a_head_that_the_captioner_has_not(call, script, tmp_path):
    with pytest.raises(script.CannotStartError, match="--head=1: this captioner has no heads, leave it out"):
        call(photograph(tmp_path / "photo.png"), head=1)


def test_what_a_killed_process_left_in_a_folder_is_cleared_away(call, tmp_path):
    path, folder = photograph(tmp_path / "photo.png"), tmp_path / "out" / "photo"
    folder.mkdir(parents=True)
    for name, age in (("left", 60), ("at_work", 0)):
        (folder / f".{name}.png.1.tmp").touch()
        os.utime(folder / f".{name}.png.1.tmp", (time.time() - age,) * 2)
    assert call(path, resume=True, format=("json",)) == 0
    assert sorted(path.name for path in folder.iterdir()) == [".at_work.png.1.tmp", "record.json"]


def test_no_images_are_said_at_once(call, script, tmp_path):
    (tmp_path / "nothing").mkdir()
    for images in (tmp_path / "missing.png", tmp_path / "nothing"):
        with pytest.raises(script.CannotStartError, match=f"--images={images}: no"):
            call(images)
    with pytest.raises(script.CannotStartError, match=r"none\*: no file has such a name; .*missing.png: no such file"):
        call(f"{tmp_path}/none*,{tmp_path}/missing.png")


def test_a_folder_of_results_that_cannot_be_written_is_said_at_once(call, script, tmp_path, monkeypatch):
    def refuse(dir):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(script.CannotStartError, match=r"--out=.*cannot write in this folder \(No space left"):
        call(tmp_path)
    (tmp_path / "out").rmdir()
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(script.CannotStartError, match=r"--out=.*cannot create this folder"):
        call(tmp_path)


@contextlib.contextmanager
def files_of_at_most(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_written_costs_no_other(call, tmp_path, capsys):
    photograph(tmp_path / "photos" / "large.png", size=(640, 480))  # of noise, which does not get smaller
    photograph(tmp_path / "photos" / "small.png", size=(1, 1))
    options = {"format": ("png", "json"), "method": ("attention",)}
    assert call(tmp_path / "photos" / "small.png", **options) == 0  # compiles, or the cache of programs had no room
    capsys.readouterr()
    with files_of_at_most(200_000):
        assert call(tmp_path / "photos", **options) == 1
    said = capsys.readouterr()
    assert "large.png: FAILED: [Errno 27] File too large" in said.err and said.err.count("\n") == 1
    assert "1 explained" in said.out and "1 failed (large.png)" in said.out
    assert not (tmp_path / "out" / "large").exists()  # no half of it is left
    assert call(tmp_path / "photos", resume=True, **options) == 0
    assert "1 explained" in (out := capsys.readouterr().out) and "1 were finished before" in out


def test_two_processes_share_a_folder_and_its_index(call, script, tmp_path, capsys):
    for name in "abc":
        photograph(tmp_path / "photos" / f"{name}.png")
    options = {"format": ("html",), "method": ("attention",)}
    assert call(tmp_path / "photos", processes=2, process=1, **options) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"b", "index.html", ".lock"}
    assert call(tmp_path / "photos", processes=2, process=0, **options) == 0
    index = (tmp_path / "out" / "index.html").read_text()
    assert all(f"{name}/report.html" in index for name in "abc")
    assert call(tmp_path / "photos", processes=8, process=7, **options) == 0  # has nothing to do
    with pytest.raises(script.CannotStartError, match="--process=2: wanted 0 to 1, see --processes"):
        call(tmp_path / "photos", processes=2, process=2)


def test_without_a_checkpoint_there_is_the_captioner_of_the_package(script, tmp_path, record, capsys, monkeypatch):
    monkeypatch.setattr(script, "FIRST_SCENES", "scenes:test_broken:2")
    options = {"out": str(tmp_path / "out"), "method": ("attention",), "format": ("html",)}
    assert script.explain_all(script.Options(**options)) == 0
    assert "explaining drawn scenes, scenes:test_broken:2" in capsys.readouterr().out
    found = record("test_broken_2")
    assert found["checkpoint"] == "scene_captioner.npz, which ships with lrp_jax"
    assert found["notes"] == [script.ONLY_SCENES] and len(found["words"]) > 4
    assert "It was trained on drawn scenes only" in (tmp_path / "out" / "test_broken_2" / "report.html").read_text()
    with pytest.raises(script.CannotStartError, match="wanted --images=FILE"):
        script.default_images(script.Options(checkpoint="run"))


def test_drawn_scenes_are_images_too(call, script, tmp_path, record):
    assert call("scenes:test_broken:1,3-4", format=("json",)) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"test_broken_{i}" for i in (1, 3, 4)}
    with pytest.raises(script.CannotStartError, match="got split 'nowhere', wanted one of train"):
        call("scenes:nowhere:0")
    for indices in ("x", "3-", "5-4"):
        with pytest.raises(script.CannotStartError, match="wanted indices"):
            call(f"scenes:test_broken:{indices}")


def shell(*flags):
    return subprocess.run([sys.executable, SCRIPT, *flags], capture_output=True, text=True, timeout=120)


@pytest.fixture
def command(script):
    """command(*flags) -> exit code: the command line without a start of Python, which takes most of a test's time."""
    others = set(flags.FLAGS)
    script.define_flags()

    def start(*given):
        for name in set(flags.FLAGS) - others:
            flags.FLAGS[name].unparse()
        try:
            return script._main(parse_flags(["lrp-jax explain", *given], script.__name__))
        except SystemExit as ended:
            return ended.code

    yield start
    flags.FLAGS.unparse_flags()
    for name in set(flags.FLAGS) - others:
        delattr(flags.FLAGS, name)


def test_help_has_examples():
    ended = shell("--help")
    shown = ended.stdout
    assert ended.returncode == 0
    assert "lrp-jax explain --checkpoint=runs/demo --images=photo.jpg --out=out" in shown
    assert "\n  130  interrupted: continue with --resume\n" in shown
    for field in ("--against", "--caption", "--images", "--method", "--[no]resume", "--words", "--[no]json", "--port"):
        assert field in shown


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, run):
    """The folder of a run, as training leaves it."""
    folder = tmp_path_factory.mktemp("run")
    config = paper_settings()
    config.update(source="scenes:strong,size=32", encoder="scenes", hidden=8, embedding=8)
    runs.save_config(config, folder)
    run.words.save(folder / "vocabulary.json")
    encoder = SceneCNN(width=1)
    encoder_params = random_params(encoder, jnp.zeros((1, 32, 32, 3)))
    encoders.save_encoder(FrozenEncoder(encoder, encoder_params, run.preprocessing), folder / "encoder")
    captioner = build_captioner(config, len(run.words))
    params = random_params(captioner, jnp.zeros((1, 4, 6)), jnp.zeros((1, 3), int))
    state = TrainState(jnp.zeros((), int), params, None, (), jax.random.key(0), jnp.full((), -1))
    with checkpoints.open_checkpoints(folder / "checkpoints") as manager:
        save_checkpoint(manager, state, Progress({}, {}, {}), score=0.5)
    return folder


def test_the_command_line_from_a_run_folder_to_a_page(run_folder, tmp_path, record):
    photograph(tmp_path / "photos" / "good.png")
    (tmp_path / "photos" / "bad.png").write_text("no image")
    ended = shell(
        f"--checkpoint={run_folder}",
        f"--images={tmp_path / 'photos'}",
        f"--out={tmp_path / 'out'}",
        "--caption=A red ball.",
        "--words=Ball,red",
        "--method=attention,visual_attention",
        "--format=html,json",
    )
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[0] == "[2/2] good.png: a red ball"
    assert ended.stderr.startswith("[1/2] bad.png: FAILED: ") and len(ended.stderr.splitlines()) == 1
    for explained in record("good")["methods"].values():
        assert [word["word"] for word in explained["words"]] == ["red", "ball"]
    assert record("good")["config"]["hidden"] == 8
    assert "a red ball" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--format=pdf", "wanted one or more of png, npz, json, html"),
        ("--method=lrp,magic", "wanted one or more of lrp, gradient"),
        ("--method=lrp,lrp", "each once"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_code_2(command, capsys, flag, message):
    assert command("--checkpoint=none", "--images=x.png", "--out=out", flag) == 2
    said = capsys.readouterr().err
    assert message in said and len(said.splitlines()) == 1


def test_an_unknown_flag_is_one_line_and_exit_code_2():
    ended = shell("--checkpoint=none", "--images=x.png", "--out=out", "--metod=lrp")
    assert ended.returncode == 2 and "Did you mean: method" in ended.stderr and len(ended.stderr.splitlines()) == 1


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def cut_arrays(folder):
    for path in (folder / "checkpoints").rglob("*"):
        if path.is_file() and "params" in path.parts and path.parent.name == "d":
            cut(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "is not the folder of a run: it has no config.json"),
        (lambda folder: (folder / "encoder" / "weights.npz").write_bytes(b"PK damaged"), ""),
        (lambda folder: cut(folder / "config.json"), ""),
        (lambda folder: cut(folder / "vocabulary.json"), "vocabulary.json: not a JSON file"),
        (lambda folder: shutil.rmtree(folder / "checkpoints"), "no checkpoint in"),
        (cut_arrays, ""),
        (lambda folder: change_config(folder, captioner="mhfc"), "is of another captioner than config.json: got "),
        (lambda folder: change_config(folder, hidden=12), r"got .* of shape .*, wanted .*; use the files of one run"),
        (lambda folder: change_config(folder, captioner="lstm"), "config.captioner is 'lstm': wanted one of ada, mhfc"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_one_line(script, run_folder, tmp_path, damage, message):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    damage(folder)
    with pytest.raises(script.CannotStartError, match=f"--checkpoint={folder}: .*{message}") as caught:
        script.load(script.Options(checkpoint=str(folder)))
    assert len(str(caught.value).splitlines()) == 1


def test_the_run_folder_that_was_damaged_is_good(script, run_folder):
    script.load(script.Options(checkpoint=str(run_folder)))


# --- from files of weights ------------------------------------------------------------------------------------


def vgg_arrays(width=1):
    """Random VGG16 weights under torchvision's names."""
    rng, arrays, before = np.random.default_rng(0), {}, 3
    channels = (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8)
    for index, multiple in zip((0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), channels, strict=True):
        arrays[f"features.{index}.weight"] = rng.normal(0, (2 / 9 / before) ** 0.5, (multiple * width, before, 3, 3))
        arrays[f"features.{index}.bias"] = np.full(multiple * width, 0.1)
        before = multiple * width
    return {name: a.astype(np.float32) for name, a in arrays.items()}


def checkpoint_arrays(raw=8, grid=True, encoder=True, words=12, h=8, e=6, regions=4):
    """A narrow Ada-LSTM as the paper's authors name its arrays, and its VGG16."""
    rng = np.random.default_rng(51)  # greedy and beam 3 differ
    x1 = h + 2 * e
    shapes = {
        "img_projector.weight": (h, raw, 1, 1) if grid else (h, raw),
        "img_projector.bias": (h,),
        "global_img_feature_proj.weight": (e, raw if grid else h),
        "global_img_feature_proj.bias": (e,),
        "embedding.weight": (words, e),
        "fc.weight": (words, h),
        "fc.bias": (words,),
        "AdaLSTM.x_gate.weight": (h, x1),
        "AdaLSTM.x_gate.bias": (h,),
        "AdaLSTM.h_gate.weight": (h, h),
        "AdaLSTM.h_gate.bias": (h,),
        "AdaAttention.W_v_proj.weight": (regions, h),
        "AdaAttention.W_v_proj.bias": (regions,),
        "AdaAttention.W_s_proj.weight": (regions, h),
        "AdaAttention.W_s_proj.bias": (regions,),
        "AdaAttention.W_g_proj.weight": (regions, h),
        "AdaAttention.w_h.weight": (1, regions),
    }
    for cell, size in (("AdaLSTM.lstm_cell", x1), ("LanguageLSTM", 2 * h)):
        shapes |= {f"{cell}.weight_ih": (4 * h, size), f"{cell}.weight_hh": (4 * h, h)}
        shapes |= {f"{cell}.bias_ih": (4 * h,), f"{cell}.bias_hh": (4 * h,)}
    arrays = {name: rng.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    arrays["fc.bias"][-1] = -9.0  # an untrained model may stop at once: <end> is made unlikely
    if encoder:
        arrays |= {name.replace("features", "img_encoder.encoder"): a for name, a in vgg_arrays().items()}
    return arrays


@pytest.fixture
def files(tmp_path):
    """A checkpoint with its encoder, an encoder apart, and a word map, as options."""
    np.savez(tmp_path / "checkpoint.npz", **checkpoint_arrays())
    np.savez(tmp_path / "vgg.npz", **{name: 2 * a for name, a in vgg_arrays().items()})
    words = {word: i for i, word in enumerate(["<pad>", *WORDS, "<unk>", "<start>", "<end>"])}
    (tmp_path / "wordmap.json").write_text(json.dumps(words))
    return {
        "captioner_weights": str(tmp_path / "checkpoint.npz"),
        "vocabulary": str(tmp_path / "wordmap.json"),
        "image_size": 32,
    }


@pytest.fixture
def call_files(script, tmp_path):
    """call_files(**options) -> exit code, of one photograph."""

    def start(**options):
        image = photograph(tmp_path / "photo.png")
        return script.explain_all(script.Options(images=str(image), out=str(tmp_path / "out"), **options))

    return start


def test_weights_in_place_of_a_run(call_files, files, tmp_path, record):
    assert call_files(**files, max_length=4, format=("html", "npz")) == 0
    found = record("photo")
    assert len(found["words"]) == 4 and "checkpoint" not in found
    assert "attention_axis = 'position'" in found["model"]["captioner"] and "VGG16" in found["model"]["encoder"]
    for name in ("captioner_weights", "vocabulary"):
        content = pathlib.Path(files[name]).read_bytes()
        assert found["weights"][name] == {"file": files[name], "sha256": hashlib.sha256(content).hexdigest()}
    page = (tmp_path / "out" / "photo" / "report.html").read_text(encoding="utf-8")
    assert found["weights"]["captioner_weights"]["sha256"][:12] in page
    # The word map's numbers were put in our order: what is said is a word of the caption, explained as itself.
    with np.load(tmp_path / "out" / "photo" / "relevance.npz") as arrays:
        assert arrays["inputs"].tolist()[0] == "<start>" and set(arrays["inputs"][1:].tolist()) <= set(WORDS)
        assert np.isfinite(arrays["pixels"]).all() and np.abs(arrays["pixels"]).max() > 0


def test_an_encoder_apart_is_taken_in_place_of_the_one_in_the_file(files, script, tmp_path):
    inside = script.load(script.Options(images="", out="", **files))
    apart = script.load(script.Options(images="", out="", encoder_weights=str(tmp_path / "vgg.npz"), **files))
    assert apart.origin["weights"]["encoder_weights"]["file"] == str(tmp_path / "vgg.npz")
    chex.assert_trees_all_equal(apart.params, inside.params)
    doubled = jax.tree.map(lambda x: 2 * x, inside.encoder.params)
    chex.assert_trees_all_equal(apart.encoder.params, doubled)


def test_the_beam_is_the_one_asked_for(call_files, files, script, record):
    said = {}
    for beam in (1, 3):
        assert call_files(**files, max_length=4, beam=beam, method=("attention",), format=("json",)) == 0
        said[beam] = record("photo")["caption"]
    assert said[1] != said[3]
    run = script.load(script.Options(images="", out="", **files))
    image = np.asarray(Image.open(files["vocabulary"].replace("wordmap.json", "photo.png")).resize((32, 32)))
    inputs = run.preprocessing(image)[None]
    features = jax.jit(run.encoder.module.apply)(run.encoder.params, inputs).reshape(4, -1)
    for beam, decoder in ((1, Greedy(max_length=4)), (3, Beam(width=3, max_length=4))):
        tokens = decode(decoder, run.captioner, run.params, features).tokens[0]
        assert said[beam] == " ".join(run.words.decode(tokens))


def test_images_that_are_captioned_together_are_as_alone(files, script, tmp_path, monkeypatch):
    """Six images in groups of four, against each by itself: captions, relevance and all."""
    for number in range(6):
        photograph(tmp_path / "several" / f"{number}.png", seed=number)
    results = {}
    for together in (4, 1):
        monkeypatch.setattr(script, "TOGETHER", together)
        places = {"images": str(tmp_path / "several"), "out": str(tmp_path / f"by{together}")}
        assert script.explain_all(script.Options(**files, **places, max_length=4, format=("npz",))) == 0
        results[together] = [np.load(tmp_path / f"by{together}" / str(n) / "relevance.npz") for n in range(6)]
    for grouped, alone in zip(*results.values(), strict=True):
        assert list(grouped["inputs"]) == list(alone["inputs"])
        largest = np.abs(alone["pixels"]).max()
        np.testing.assert_allclose(grouped["pixels"], alone["pixels"], rtol=0, atol=1e-5 * largest)


def spoiled(files, tmp_path, **changes):
    """The options with a captioner or vocabulary that was made otherwise."""
    if "words" in changes:
        (tmp_path / "wordmap.json").write_text(changes.pop("words"))
    if "arrays" in changes:
        np.savez(tmp_path / "checkpoint.npz", **changes.pop("arrays"))
    if "encoder_arrays" in changes:
        np.savez(tmp_path / "encoder.npz", **changes.pop("encoder_arrays"))
        changes["encoder_weights"] = str(tmp_path / "encoder.npz")
    return {name: value for name, value in (files | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocabulary": None}, "got --captioner_weights: wanted --vocabulary=FILE as well"),
        ({"captioner_weights": None}, "got --vocabulary: wanted --captioner_weights=FILE as well"),
        ({"checkpoint": "runs/x"}, "got --checkpoint and --captioner_weights: wanted a training run or files"),
        ({"captioner_weights": "none.pth"}, "--captioner_weights=none.pth: no such file"),
        ({"vocabulary": "none.json"}, "--vocabulary=none.json: no such file"),
        ({"encoder_weights": "hf:none"}, "--encoder_weights=hf:none: wanted hf:OWNER/REPO/FILE"),
        ({"encoder": "vgg16"}, "--encoder=vgg16: got no weights for it; wanted encoder_weights=FILE as well"),
        ({"words": '{"<pad>": 0}'}, "--vocabulary=.*wordmap.json: a word map has .* missing"),
        ({"words": '["<pad>", "<start>", "<end>", "<unk>"]'}, "--captioner_weights=.*: scores 12 words, .* has 4"),
        ({"arrays": {"fc.bias": np.zeros(12)}}, "--captioner_weights=.*: the arrays are neither those of an Ada-LSTM"),
        ({"arrays": checkpoint_arrays(encoder=False)}, "holds no encoder; wanted encoder_weights=FILE"),
        ({"arrays": checkpoint_arrays(encoder=False, grid=False)}, "reads bottom-up features, .*: wanted bottom_up=F"),
        (
            {"arrays": checkpoint_arrays(encoder=False, grid=False), "encoder_arrays": vgg_arrays()},
            "--captioner_weights=.*: reads bottom-up features, which no encoder of whole images computes",
        ),
        (
            {"arrays": checkpoint_arrays(encoder=False, grid=False), "bottom_up": "nowhere"},
            "--bottom_up=nowhere: ",
        ),
        (
            {"bottom_up": "features"},
            "--bottom_up=features: got a folder of features for a captioner that has an encoder",
        ),
        ({"encoder_arrays": vgg_arrays(2)}, r"reads features of size 8, but VGG16 at image_size=32 gives 16"),
        ({"encoder_arrays": {"a": np.zeros(2)}}, "--encoder_weights=.*: unknown encoder: got arrays a;"),
        ({"encoder_arrays": vgg_arrays(), "encoder": "resnet"}, "--encoder_weights=.*: not the weights of a ResNet-50"),
        ({"encoder_arrays": vgg_arrays(), "image_size": 64}, "attends to 4 regions, but VGG16 at .* gives 4 x 4"),
    ],
)
def test_files_that_do_not_go_together_are_one_line(script, call_files, files, tmp_path, changes, message):
    with pytest.raises(script.CannotStartError, match=message) as caught:
        call_files(**spoiled(files, tmp_path, **changes))
    assert len(str(caught.value).splitlines()) == 1


def test_our_own_vocabulary_leaves_the_rows_as_they_are(files, script, tmp_path):
    theirs = script.load(script.Options(images="", out="", **files))
    Vocabulary(("<pad>", "<start>", "<end>", "<unk>", *WORDS)).save(tmp_path / "vocabulary.json")
    options = files | {"vocabulary": str(tmp_path / "vocabulary.json")}
    ours = script.load(script.Options(images="", out="", **options))
    assert ours.words == theirs.words
    rows = [0, 10, 11, 9, *range(1, 9)]
    np.testing.assert_array_equal(
        theirs.params["params"]["word_embedding"]["embedding"],
        ours.params["params"]["word_embedding"]["embedding"][np.array(rows)],
    )


@pytest.fixture
def regions(files, tmp_path):
    """Options of a captioner of bottom-up features, and four regions of the photograph."""
    np.savez(tmp_path / "checkpoint.npz", **checkpoint_arrays(encoder=False, grid=False))
    features = np.abs(np.random.default_rng(2).normal(size=(4, 8))).astype(np.float32)
    boxes = np.array([[0, 0, 40, 30], [0, 0, 20, 15], [20, 15, 40, 30], [5, 5, 15, 20]], np.float32)
    (tmp_path / "npz").mkdir()
    np.savez(tmp_path / "npz" / "photo.npz", x=features, bbox=boxes, image_h=30, image_w=40)
    convert(tmp_path / "npz", tmp_path / "features", dtype="float32", regions=4)
    del files["image_size"]
    return files | {"bottom_up": str(tmp_path / "features")}


def test_regions_that_were_found_elsewhere(call_files, regions, script, tmp_path, record):
    assert call_files(**regions, max_length=4) == 0
    words = record("photo")["words"]
    run = script.load(script.Options(images="", out="", **regions))
    store = RegionStore(regions["bottom_up"])
    tokens = np.array([1, *run.words.encode(record("photo")["caption"])])
    expected = explain_features(run.captioner, run.params, store["photo"].features, tokens)
    with np.load(tmp_path / "out" / "photo" / "relevance.npz") as arrays:
        np.testing.assert_allclose(arrays["regions"], expected.regions, rtol=1e-3, atol=1e-6)
        np.testing.assert_array_equal(arrays["boxes"], store["photo"].boxes)
    assert len(words) == len(tokens) - 1
    assert (tmp_path / "out" / "photo" / "words.png").exists()


def test_a_picture_without_regions_costs_no_other(script, regions, tmp_path, capsys):
    for name in ("other", "photo"):
        photograph(tmp_path / "photos" / f"{name}.png")
    where = {"images": str(tmp_path / "photos"), "out": str(tmp_path / "out")}
    options = script.Options(**where, **regions, max_length=4, format=("json",))
    assert script.explain_all(options) == 1
    said = capsys.readouterr()
    assert "has no features of 'other'; it has such as photo" in said.err and "1 explained" in said.out


def test_regions_of_another_size_are_refused(script, call_files, regions, tmp_path):
    np.savez(tmp_path / "npz" / "photo.npz", x=np.ones((4, 5), np.float32), bbox=np.ones((4, 4)) * [0, 0, 9, 9],
             image_h=30, image_w=40)  # fmt: skip
    convert(tmp_path / "npz", tmp_path / "others", regions=4)
    with pytest.raises(script.CannotStartError, match="has features of size 5, the captioner reads 8"):
        call_files(**regions | {"bottom_up": str(tmp_path / "others")})


def test_weights_from_the_command_line(command, files, tmp_path, record, capfd):
    image, out = photograph(tmp_path / "photo.png"), tmp_path / "out"
    given = [f"--{name}={value}" for name, value in (files | {"images": image, "out": out}).items()]
    assert command(*given, "--beam=1", "--max_length=4", "--method=attention", "--format=json") == 0
    said = capfd.readouterr()
    assert said.err == ""
    assert record("photo")["caption"] in said.out


def test_a_run_that_is_not_there_is_one_line_and_exit_code_2(command, tmp_path, capfd):
    assert command(f"--checkpoint={tmp_path / 'none'}", "--images=x.png", f"--out={tmp_path / 'out'}") == 2
    said = capfd.readouterr().err
    assert said.startswith(f"lrp-jax explain: --checkpoint={tmp_path / 'none'}: ")
    assert "Traceback" not in said


# --- for other programs, and in the browser -------------------------------------------------------------------


@pytest.fixture
def with_run(script, run, monkeypatch):
    monkeypatch.setattr(script, "load_run", lambda path: run)


def test_json_is_all_there_is_on_stdout(command, with_run, tmp_path, capsys):
    photograph(tmp_path / "photos" / "good.png")
    (tmp_path / "photos" / "bad.png").write_text("no image")
    flags = ("--checkpoint=run", f"--images={tmp_path / 'photos'}", f"--out={tmp_path / 'out'}", "--method=attention")
    assert command(*flags, "--caption=a red ball", "--format=json", "--json") == 1
    said = capsys.readouterr()
    bad, good, last = map(json.loads, said.out.splitlines())
    assert (bad["image"], bad["status"]) == ("bad.png", "failed") and "no readable image" in bad["error"]
    assert good == {
        "image": "good.png",
        "status": "explained",
        "folder": str(tmp_path / "out" / "good"),
        "caption": "a red ball",
    }
    summary = last["summary"]
    assert (summary["exit_code"], summary["explained"], list(summary["failed"])) == (1, 1, ["bad.png"])
    assert "[2/2] good.png: a red ball" in said.err and "1 explained" in said.err  # for people, elsewhere
    assert command(*flags, "--words=zebra", "--json") == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["summary"] == {
        "exit_code": 2,
        "error": "--words: the model does not know 'zebra' and never says it",
    }
    assert said.err == "lrp-jax explain: --words: the model does not know 'zebra' and never says it\n"


def test_names_in_any_encoding_are_told_to_a_terminal_and_to_machines(command, with_run, tmp_path, capsys, monkeypatch):
    strange = os.fsdecode(b"no\xffutf\x1b[31m\xf0\x9f\x98\x80")
    folder = photograph(tmp_path / "photos" / f"{strange}.png").parent
    (folder / f"cut {strange}.png").write_bytes(b"no image")
    flags = f"--images={folder}", f"--out={tmp_path / 'out'}", "--format=json"
    assert command(*flags, "--json") == 1
    *lines, _ = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["image"] for line in lines] == [
        rf"{cut}no\xffutf\x1b[31m" + "\N{GRINNING FACE}.png" for cut in ("cut ", "")
    ]
    assert lines[0]["error"].isprintable()
    poor = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", poor)
    assert command(*flags) == 1
    assert rb"\U0001f600.png: " in poor.buffer.getvalue()


def test_quiet_says_what_goes_wrong_and_verbose_where(command, with_run, tmp_path, capsys):
    photograph(tmp_path / "photos" / "good.png")
    (tmp_path / "photos" / "bad.png").write_text("no image")
    flags = ("--checkpoint=run", f"--images={tmp_path / 'photos'}", f"--out={tmp_path / 'out'}", "--method=attention")
    flags += ("--caption=a red ball", "--format=json")
    assert command(*flags, "--quiet") == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("[1/2] bad.png: FAILED: ") and said.err.count("\n") == 1
    assert command(*flags, "--verbose") == 1
    said = capsys.readouterr()
    assert "good.png: a red ball" in said.out and "Traceback" in said.err and "load_image" in said.err
    assert command(*flags, "--quiet", "--verbose") == 2


@pytest.fixture
def served(run):
    """ask(file, **fields) -> code and page of the form with these fields."""
    question = Question(method=("attention",))
    with inspection.inspector(run, question, ["A remark."], {"model": "small"}, limit=100_000) as server:
        thread = threading.Thread(target=server.run)
        thread.start()

        def ask(file=None, **fields):
            parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
            body = "".join(parts).encode()
            if file is not None:
                head = f'--b\r\nContent-Disposition: form-data; name="picture"; filename="{file.name}"\r\n\r\n'
                body += head.encode() + file.read_bytes() + b"\r\n"
            headers = {"Content-Type": "multipart/form-data; boundary=b"}
            request = urllib.request.Request(server.address, body + b"--b--\r\n", headers)
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return response.status, response.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        yield ask
        server.stop()
        thread.join(10)


def test_a_picture_and_a_caption_from_the_browser(served, tmp_path):
    photo = photograph(tmp_path / "photo.png")
    code, page = served(photo, caption="a purple ball")
    assert code == 200 and "photo.png" in page and "This caption was given" in page and "A remark." in page
    assert "caption: the model does not know &#39;purple&#39; and reads &lt;unk&gt; instead" in page
    held = page.split('name="held" value="')[1].split('"')[0]
    code, page = served(held=held, caption="a red dog", words="Dog")
    assert code == 200 and "dog" in page
    exif = Image.Exif()
    exif[0x0112] = 6
    code, page = served(photograph(tmp_path / "turned.jpg", exif=exif), caption="a red ball")
    assert code == 200 and "aspect-ratio: 288 / 384" in page
    for fields, line in (
        ({"words": "zebra"}, "words: the model does not know &#39;zebra&#39; and never says it"),
        ({"words": "grass"}, "words: got none of grass in the caption"),
        ({"caption": "?!"}, "caption=&#39;?!&#39;: got no words"),
        ({"against": "zebra"}, "against=zebra: the model does not know this word"),
        ({"against": "rest"}, "attention does not depend on the explained word"),
    ):
        code, page = served(held=held, **({"caption": "a red dog"} | fields))
        assert code == 400 and line in page, page


def test_an_upload_is_decoded_like_a_file(served, tmp_path):
    bomb(tmp_path / "bomb.png")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "large.png").write_bytes(bytes(150_000))
    for name, code, line in (
        ("bomb", 400, "decompression bomb"),
        ("text", 400, "no readable image"),
        ("large", 413, ""),
    ):
        found, page = served(tmp_path / f"{name}.png")
        assert found == code and line in page and "Traceback" not in page


def test_serving_from_the_command_line(command, with_run, capsys, monkeypatch):
    monkeypatch.setattr(inspection.Server, "run", lambda self: None)  # as if it were interrupted at once
    assert command("--checkpoint=run", "--serve", "--port=0", "--json") == 0
    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["serving"].startswith("http://127.0.0.1:") and last["summary"]["exit_code"] == 0
    assert command("--checkpoint=run", "--serve", "--images=x.png") == 2
    assert "leave --images out" in capsys.readouterr().err
    assert command("--checkpoint=run", "--serve", "--port=0", "--host=0.0.0.0", "--nojson") == 0
    assert "--host=0.0.0.0: everyone who can reach this machine can use the page" in capsys.readouterr().err
    assert command("--checkpoint=run", "--serve", "--port=0", "--host=192.0.2.1") == 2
    assert "--host=192.0.2.1 --port=0: " in capsys.readouterr().err
