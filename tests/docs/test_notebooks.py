"""The notebooks run from top to bottom, at a small size, and are stored as they should be.

Their code cells are executed in order in one namespace, in this process: no kernel is started, so neither nbclient nor
ipykernel is needed. Sizes are in the one cell that has the tag "parameters"; the test changes names of this cell.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import linecache
import pathlib
import re
import sys

import jax
import matplotlib.pyplot
import numpy as np
import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SMALL = {
    "quickstart": {"SCENES": 48, "VALIDATION": 8, "EPOCHS": 1},
    "the_paper": {"HIDDEN": 4, "WORDS": 16},
    "your_flax_model": {"STEPS": 16, "IMAGES": 4},
}
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def cells(path, kind="code"):
    return [
        ("".join(c["source"]), c["metadata"].get("tags", [])) for c in read(path)["cells"] if c["cell_type"] == kind
    ]


def run(path, sizes):
    """The namespace that the notebook leaves."""
    names = {"__name__": "__main__"}
    for i, (source, tags) in enumerate(cells(path)):
        file = f"{path.name}, code cell {i}"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), names)
        if "parameters" in tags:
            assert sizes.keys() <= names.keys()
            names.update(sizes)
    return names


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder to run in, figures that nobody sees, and the settings of jax as they were."""
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    before = jax.config.jax_enable_x64
    yield tmp_path
    jax.config.update("jax_enable_x64", before)
    matplotlib.pyplot.close("all")


def test_the_paper(elsewhere, capsys):
    names = run(FOLDER / "the_paper.ipynb", SMALL["the_paper"])
    said = capsys.readouterr().out
    assert said.count("the same, to") == sum(source.count("\nsame(") for source, _ in cells(FOLDER / "the_paper.ipynb"))
    assert names["HIDDEN"] == 4
    text = "\n".join(source for source, _ in cells(FOLDER / "the_paper.ipynb", "markdown"))
    ranges = re.findall(r"Eqs?\. ([\d, andto]+)", text)
    numbers = set()
    for span in ranges:
        ends = [int(n) for n in re.findall(r"\d+", span)]
        numbers |= set(range(ends[0], ends[-1] + 1)) if "to" in span else set(ends)
    # 11 and 16 only give names to Eqs. 5 to 10 and 12 to 15.
    assert numbers >= set(range(1, 33)) - {11, 16}


def test_your_flax_model(elsewhere, capsys):
    names = run(FOLDER / "your_flax_model.ipynb", SMALL["your_flax_model"])
    assert "a softmax carries relevance itself" in capsys.readouterr().out
    assert abs(names["report"].unexplained) < 1e-3 * abs(names["report"].seed)
    assert names["maps"].keys() == names["METHODS"].keys()
    assert all(np.isfinite(m).all() and m.shape == (4, 20, 20) for m in names["maps"].values())


def test_quickstart(elsewhere):
    names = run(FOLDER / "quickstart.ipynb", SMALL["quickstart"])
    assert names["results"].keys() >= {"cider/validation", "cider/test_broken"}
    explanation, words = names["explanation"], names["words"]
    assert explanation.pixels.shape == (len(words) - 1, 96, 96, 3)
    assert np.isfinite(np.asarray(explanation.pixels)).all()
    assert (elsewhere / "runs" / "quickstart" / "config.json").exists()


@each_notebook
def test_it_is_stored_without_outputs(path):
    notebook = read(path)
    assert path.stem in SMALL
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[\w-]{1,64}", i) for i in ids)
    for cell in notebook["cells"]:
        assert cell["cell_type"] in ("code", "markdown")
        assert all(line.endswith("\n") for line in cell["source"][:-1]) and not cell["source"][-1].endswith("\n")
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
    assert [tags for _, tags in cells(path)].count(["parameters"]) == 1
    assert notebook["cells"][0]["cell_type"] == "markdown"


def test_all_install_in_the_same_way():
    assert len({cells(path)[0][0] for path in NOTEBOOKS}) == 1


@pytest.fixture
def pip(monkeypatch):
    """The commands of the installing cell, with lrp_jax out of sight."""
    commands = []
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "lrp_jax" else real(name, *a))
    monkeypatch.setattr("subprocess.run", lambda command, check: commands.append(command))
    return commands


def install(source, repository):
    exec(re.sub(r'REPOSITORY = "[^"]*"', f"REPOSITORY = {repository!r}", source, count=1), {"__name__": "__main__"})


def test_what_colab_has_stays(pip, monkeypatch):
    """Of the requirements only what is missing is asked for, under constraints that hold all that is there."""
    here = [d for d in importlib.metadata.distributions() if d.name.lower() not in ("grain", "jaxtyping")]
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: iter(here))
    install(cells(NOTEBOOKS[0])[0][0], "https://example.org/lrp_jax")
    package, missing = pip
    assert package[:4] == missing[:4] == [sys.executable, "-m", "pip", "install"]
    assert package[5:] == ["--no-deps", "git+https://example.org/lrp_jax"]
    constraints = pathlib.Path(missing[missing.index("--constraint") + 1]).read_text().splitlines()
    versions = {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "flax", "numpy")}
    assert {f"{name}=={version}" for name, version in versions.items()} <= set(constraints)
    asked = {re.match(r"[\w.-]+", need)[0].lower() for need in missing[missing.index("--constraint") + 2 :]}
    assert asked == {"grain", "jaxtyping"}  # one of the extra captions, one of the library


def test_nothing_is_installed_where_it_is(monkeypatch, capsys):
    monkeypatch.setattr("subprocess.run", lambda *a, **k: pytest.fail("something was installed"))
    exec(cells(NOTEBOOKS[0])[0][0], {"__name__": "__main__"})
    assert importlib.metadata.version("jax") in capsys.readouterr().out


def test_the_address_has_to_be_written(pip):
    with pytest.raises(SystemExit, match="REPOSITORY"):
        install(cells(NOTEBOOKS[0])[0][0], "https://github.com/OWNER/lrp_jax")
    assert not pip
