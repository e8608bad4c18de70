"""What is declared: every package that the code imports, a pin for each, and one name to fill in."""

import ast
import importlib.metadata
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Where the module and the distribution have different names, and the distribution may not be installed.
DISTRIBUTIONS = {"bert_score": "bert-score", "quantus": "quantus", "tensorflow_datasets": "tensorflow-datasets"}
# Files that make an example of the address, or say how it is filled in; and the record of a source distribution.
ABOUT_THE_ADDRESS = {
    "PKG-INFO",
    "docs/releasing.md",
    "Makefile",
    "tests/test_packaging.py",
    "tests/docs/test_notebooks.py",
}


def declared(*extras):
    """The names of the requirements of the library, or of extras; an extra may name others."""
    texts = [t for e in extras for t in PROJECT["optional-dependencies"][e]] if extras else PROJECT["dependencies"]
    for text in texts:
        need = Requirement(text)
        if need.name == PROJECT["name"]:
            yield from declared(*sorted(need.extras))
        else:
            yield need


def names(needs):
    return {canonicalize_name(need.name) for need in needs}


def imported(folder):
    """The distributions whose modules a package imports, in functions too."""
    tops = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                tops |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                tops.add(node.module.partition(".")[0])
    tops -= {*sys.stdlib_module_names, "lrp_jax"}
    of = importlib.metadata.packages_distributions()
    return {canonicalize_name(DISTRIBUTIONS.get(top) or of[top][0]) for top in tops}


def test_the_library_declares_what_it_imports_and_no_more():
    assert imported(ROOT / "lrp_jax" / "core") == names(declared()) == {"jax", "numpy", "jaxtyping"}


def test_captions_declare_what_they_import():
    there = names([*declared(), *declared("captions", "tfds", "bertscore", "quantus")])
    assert imported(ROOT / "lrp_jax") <= there
    # These are asked for where they are used.
    apart = {"tensorflow-datasets", "bert-score", "quantus"}
    assert imported(ROOT / "lrp_jax") - apart <= names([*declared(), *declared("captions")])


# What is used without an import of ours.
BEHIND = {
    "tabulate": "pandas' Markdown tables",
    "importlib-resources": "tensorflow-datasets, which does not declare it",
}


def test_nothing_is_declared_that_nobody_uses():
    assert names(declared("captions", "tfds")) - imported(ROOT / "lrp_jax") == BEHIND.keys()


@pytest.mark.parametrize("need", [*declared(), *declared("captions", "tfds", "test")], ids=lambda need: need.name)
def test_every_requirement_has_a_pin_that_satisfies_it(need):
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    assert need.specifier.contains(pins[canonicalize_name(need.name)])


def test_the_pins_of_both_builds_of_a_wheel_satisfy_the_build():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    pins = dict(re.findall(r"^([\w-]+)(?:\[\w+\])?==(.+)$", (ROOT / "tests/wheel/requirements.txt").read_text(), re.M))
    for need in map(Requirement, build):
        assert need.specifier.contains(pins[need.name])


def test_the_owner_is_filled_in_everywhere():
    """`make owner` writes to every file that has the address of the repository."""
    command = ["make", "--dry-run", "owner", "NAME=somebody"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    written = {word for word in printed.split() if (ROOT / word).is_file()}
    folders = [ROOT / name for name in (".github", "docs", "lrp_jax", "notebooks", "study", "benchmarks", "tests")]
    files = [path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file()]
    addressed = {str(path.relative_to(ROOT)) for path in files if b"OWNER/lrp_jax" in path.read_bytes()}
    assert addressed - ABOUT_THE_ADDRESS <= written
    assert "pyproject.toml" in written and len(written) > 4


def test_the_owner_needs_a_name():
    ran = subprocess.run(["make", "owner", "NAME="], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode != 0 and "NAME=somebody" in ran.stderr


@pytest.mark.skipif(not (ROOT / ".github").is_dir(), reason="a source distribution has no .github")
def test_the_workflow_runs_targets_of_the_makefile():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    commands = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    assert commands == {"make ${{ matrix.target }} PYTHON=python"}
    targets = {target for job in jobs.values() for target in job["strategy"]["matrix"]["target"]}
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets <= there
    # What has to pass before a merge is run there too.
    assert set(re.findall(r"^make ([a-z-]+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)) <= targets
    pythons = {text.rpartition(" ")[2] for text in PROJECT["classifiers"] if "Python :: 3." in text}
    assert set(jobs["tests"]["strategy"]["matrix"]["python"]) == pythons
