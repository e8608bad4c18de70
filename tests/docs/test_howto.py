"""Every how-to page runs, and holds what it says: its claims are the asserts in it."""

import ast
import os
import pathlib
import re
import runpy
import subprocess
import sys

import pytest
from PIL import Image

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "howto"
PAGES = sorted(FOLDER.glob("*.py"))
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
# These compile networks for half a minute.
LONG = ("flax_cnn", "nnx_resnet", "transformer")
each_page_when_there_is_time = pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow) if page.stem in LONG else page for page in PAGES],
    ids=lambda page: page.stem,
)


@each_page_when_there_is_time
def test_a_page_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["maps.png"] if page.stem == "flax_cnn" else []
    monkeypatch.setattr(sys, "argv", [str(page), *arguments])
    runpy.run_path(str(page), run_name="__main__")
    assert capsys.readouterr().out.strip()
    assert [path.name for path in tmp_path.iterdir()] == arguments
    if arguments:
        assert Image.open(tmp_path / "maps.png").size == (256, 512)


@each_page
def test_a_page_is_built_as_the_others(page):
    """It says what it is for and how it is run, what can go wrong, and at least three of its claims are checked."""
    source = page.read_text()
    tree = ast.parse(source)
    docstring = ast.get_docstring(tree)
    assert "After this page you can" in docstring
    assert f"python docs/howto/{page.name}" in docstring
    assert "# What can go wrong\n# ---" in source
    assert sum(isinstance(node, ast.Assert) for node in ast.walk(tree)) >= 3


def test_the_index_has_every_page_and_no_other():
    index = (FOLDER / "README.md").read_text()
    named = set(re.findall(r"\]\(([^)]*\.py)\)", index))
    assert named == {page.name for page in PAGES}
    assert len(PAGES) >= 8


@pytest.mark.slow
@each_page
def test_a_page_runs_as_a_reader_runs_it(page, tmp_path):
    """In float32 and a process of its own, without what the suite sets."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_"))} | {"JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = str(FOLDER.parents[1])
    ran = subprocess.run([sys.executable, page], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
