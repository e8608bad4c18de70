"""Imports go one way: who may import whom, read from the source of every module."""

import ast
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "lrp_jax"

# Which of our packages each package may import, besides itself.
ALLOWED = {
    "core": set(),
    "models": {"core"},
    "weights": {"models"},
    "explain": {"core", "models"},
    "render": set(),
    "serve": {"render"},
    "data": set(),
    "metrics": {"data.vocabulary", "data.tokens", "data.objects"},
    "training": {"core", "models", "weights", "data", "metrics"},
    "experiments": {"core", "models", "weights", "explain", "render", "data", "metrics"},
    "study": {"training", "experiments", "metrics", "data"},
}
# Packages that are kept from third parties as well.
ONLY = {
    "core": {"jax", "numpy", "jaxtyping"},
    "render": {"numpy", "PIL", "matplotlib", "jinja2", "jaxtyping", "markupsafe"},
    "serve": {"numpy", "jinja2", "jaxtyping", "werkzeug"},
}
STANDARD = set(__import__("sys").stdlib_module_names)


def imports(path):
    """Absolute names of everything a module imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE)


def test_every_package_has_a_line():
    assert {p.relative_to(PACKAGE).parts[0] for p in MODULES} <= ALLOWED.keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_edges(path):
    package = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        first, *rest = name.split(".")
        if first == "lrp_jax":
            target = ".".join(rest)
            inside = rest and rest[0] == package
            allowed = any(target == a or target.startswith(a + ".") for a in ALLOWED[package])
            assert inside or allowed, f"{path} imports {name}; {package} may import {sorted(ALLOWED[package])}"
        elif package in ONLY and first not in STANDARD:
            assert first in ONLY[package], f"{path} imports {name}; {package} knows {sorted(ONLY[package])} only"
