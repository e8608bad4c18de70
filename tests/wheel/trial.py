"""Installs the built wheel into an empty environment outside the clone and does with it what a user would.

    python tests/wheel/trial.py dist

First the library alone, then the extra `captions`: pictures are explained and a captioner is trained, from a folder
that has nothing of the clone. Prints what each installation takes, beside that of jax. `make wheel` runs it.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

HERE = pathlib.Path(__file__).resolve().parent
INSTALL = 'pip install "lrp_jax[captions]"'

# The size of an environment: packages and bytes, without the installer itself.
MEASURE = """
import importlib.metadata, json, pathlib, sysconfig
folder = pathlib.Path(sysconfig.get_path("purelib"))
own = {"pip", "setuptools", "wheel"}
names = {found.name.lower() for found in importlib.metadata.distributions()} - own
files = [p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
files = [p for p in files if p.relative_to(folder).parts[0].partition("-")[0] not in own]
print(json.dumps([len(names), sum(p.stat().st_size for p in files)]))
"""
# What a camera gives: no square, no power of two.
PHOTO = """
import numpy as np
from PIL import Image
colours = np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)
Image.fromarray(colours).resize((413, 287), Image.Resampling.BICUBIC).save("photo.png")
"""


class Environment:
    """An empty virtual environment, and a folder to work in.

    Args:
      folder: an empty folder.
    """

    def __init__(self, folder: pathlib.Path):
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        self.bin = folder / "venv" / "bin"
        self.work = folder / "work"
        self.work.mkdir()
        # Nothing of the clone may be seen.
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self.seconds = 0.0

    def run(self, program: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess:
        """Runs a program of the environment in the folder to work in; fails on another exit code than `code`."""
        command = [str(self.bin / program), *arguments]
        ran = subprocess.run(command, cwd=self.work, env=self.environ, capture_output=True, text=True)
        assert ran.returncode == code, (
            f"{program} {' '.join(arguments)}: exit code {ran.returncode}, wanted {code}\n{ran.stdout}{ran.stderr}"
        )
        return ran

    def install(self, requirement: str, name: str) -> None:
        """Installs, and prints the size of what is installed by then."""
        start = time.perf_counter()
        self.run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement)
        self.seconds += time.perf_counter() - start
        packages, size = json.loads(self.run("python", "-c", MEASURE).stdout)
        print(f"{name:24s} {packages:3d} packages {size / 1e6:6.0f} MB {self.seconds:5.0f} s", flush=True)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - start:.0f} s", flush=True)


def library(here: Environment) -> None:
    """The library, and the command where only the library is installed."""
    print(here.run("python", "-I", str(HERE / "library.py")).stdout, end="")
    usage = here.run("lrp-jax").stdout
    assert INSTALL in usage, usage
    assert re.fullmatch(r"lrp_jax [\w.]+\n", here.run("lrp-jax", "--version").stdout)
    for verb in verbs(here):
        ran = here.run("lrp-jax", verb, code=2)
        assert not ran.stdout, ran.stdout
        assert re.fullmatch(rf"lrp-jax {verb}: \w+ is not installed; {re.escape(INSTALL)}\n", ran.stderr), ran.stderr


def verbs(here: Environment) -> list[str]:
    listed = re.findall(r"^  lrp-jax (\w+)  ", here.run("lrp-jax", "--help").stdout, re.MULTILINE)
    assert {"train", "explain", "evaluate"} <= set(listed), listed
    return listed


def captions(here: Environment) -> None:
    """The command and what it does, from a folder that has nothing of the clone."""
    for verb in verbs(here):
        assert here.run("lrp-jax", verb, "--help").stdout.strip(), verb
    assert here.run("python", "-m", "lrp_jax", "--help").stdout == here.run("lrp-jax", "--help").stdout

    with told("lrp-jax explain"):
        here.run("lrp-jax", "explain")
    pages = list((here.work / "out").glob("*/report.html"))
    assert pages and (here.work / "out" / "index.html").is_file(), pages

    here.run("python", "-c", PHOTO)
    with told("lrp-jax explain photo.png"):
        here.run("lrp-jax", "explain", "photo.png", "--out=photo")
    (record,) = (here.work / "photo").glob("*/record.json")
    assert "photo" in record.parent.name
    assert json.loads(record.read_text())

    # The name of the config, not its path: it comes with the wheel.
    tiny = ["source=scenes:strong,size=96,train=64,validation=16,test_broken=16,test_biased=16", "epochs=1"]
    tiny += ["min_count=1", "batch_size=16", "hidden=16", "embedding=16", "ada.attention=16"]
    with told("lrp-jax train"):
        config = [f"--config.{setting}" for setting in tiny]
        ran = here.run("lrp-jax", "train", "--config=ada_scenes", "--workdir=run", "--json", *config)
    summary = json.loads(ran.stdout.splitlines()[-1])["summary"]
    assert summary["exit_code"] == 0 and "cider/validation" in summary["results"], summary
    with told("lrp-jax explain --checkpoint"):
        # So little training teaches no caption; it is given.
        given = ["--checkpoint=run", "--images=scenes:test_broken:0-1", "--caption=a", "--format=npz"]
        here.run("lrp-jax", "explain", *given, "--out=trained")
    assert len(list((here.work / "trained").glob("*/relevance.npz"))) == 2


def main(dist: pathlib.Path) -> None:
    (wheel,) = dist.resolve().glob("*.whl")
    with tempfile.TemporaryDirectory() as folder:
        here = Environment(pathlib.Path(folder))
        here.install("jax", "jax")
        here.install(str(wheel), "lrp_jax")
        library(here)
        here.install(f"{wheel}[captions]", "lrp_jax[captions]")
        captions(here)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
