"""Imports go one way: who may import whom, read from the source of every module."""

import ast
import importlib
import importlib.util
import pathlib
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).parents[1]

# What each package may import of ours, besides itself. A name stands for the package and all below it.
ALLOWED = {
    "core": set(),
    "captions.storage": set(),
    "captions.images": set(),
    "captions.words": {"captions.images", "captions.storage"},
    "captions.models": {"core", "captions.words"},
    "captions.weights": {"captions.models"},
    "captions.explain": {"core", "captions.models", "captions.words"},
    "captions.metrics": {"captions.words"},
    "captions.scenes": {"captions.images", "captions.storage", "captions.words"},
    "captions.data": {"captions.images", "captions.scenes", "captions.storage", "captions.words"},
    "captions.runs": {
        "core",
        "captions.data",
        "captions.explain",
        "captions.images",
        "captions.models",
        "captions.scenes",
        "captions.storage",
        "captions.weights",
        "captions.words",
    },
    "captions.training": {
        "core",
        "captions.data",
        "captions.images",
        "captions.metrics",
        "captions.models",
        "captions.runs",
        "captions.scenes",
        "captions.storage",
        "captions.weights",
        "captions.words",
    },
    "captions.render": set(),
    "captions.pages": {
        "core",
        "captions.data",
        "captions.explain",
        "captions.images",
        "captions.models",
        "captions.render",
        "captions.runs",
        "captions.scenes",
        "captions.storage",
        "captions.words",
    },
    "captions.serve": {
        "captions.data",
        "captions.explain",
        "captions.images",
        "captions.pages",
        "captions.render",
        "captions.runs",
        "captions.words",
    },
    "captions.experiments": {
        "core",
        "captions.data",
        "captions.explain",
        "captions.images",
        "captions.metrics",
        "captions.models",
        "captions.render",
        "captions.runs",
        "captions.scenes",
        "captions.storage",
        "captions.words",
    },
    "cli": {"captions"},
    "study": {"captions.data", "captions.experiments", "captions.images", "captions.metrics", "captions.runs",
              "captions.storage", "captions.words"},
}  # fmt: skip
# The modules that stand in no package: what they may import of ours.
TOP = {
    "lrp_jax/__init__.py": {"core"},
    "lrp_jax/__main__.py": {"cli"},
    "lrp_jax/captions/__init__.py": {"captions.runs"},
    "train.py": {"cli"},
    "explain.py": {"cli"},
    "evaluate.py": {"cli"},
}
# Programs of the repository that may import everything.
ANYTHING = ("benchmarks", "configs", "docs", "notebooks", "tests")
# Packages that are kept from third parties as well.
ONLY = {
    "core": {"jax", "numpy", "jaxtyping"},
    "captions.storage": {"numpy", "jaxtyping", "array_record", "filelock"},
    "captions.render": {"numpy", "PIL", "matplotlib", "jinja2", "jaxtyping", "markupsafe"},
}
# What only some systems have: no module imports it, on Windows nothing would start.
POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}


def imports(path):
    """Absolute names of everything that a module imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources():
    for folder in ("lrp_jax", "study", *ANYTHING):
        yield from sorted((ROOT / folder).rglob("*.py"))
    yield from sorted(ROOT.glob("*.py"))


MODULES = [path.relative_to(ROOT).as_posix() for path in sources()]


def package_of(module):
    """The key of ALLOWED that a file falls under, None if it stands in no package."""
    dotted = module.removeprefix("lrp_jax/").replace("/", ".")
    return next((key for key in ALLOWED if dotted.startswith(key + ".")), None)


def ours(name):
    """A name that is imported as ALLOWED writes it, None if it is somebody else's."""
    first, _, rest = name.partition(".")
    if first == "lrp_jax":
        return rest
    return name if first in ("study", "benchmarks", "configs", "tests", "train", "explain", "evaluate") else None


def is_within(target, allowed):
    return any(target == name or target.startswith(name + ".") for name in allowed)


def test_every_module_has_a_line():
    assert [m for m in MODULES if not (package_of(m) or m in TOP or m.startswith(ANYTHING))] == []
    assert {key for key in ALLOWED if not any(package_of(m) == key for m in MODULES)} == set()


def test_the_table_has_no_circle():
    """Each package only imports what stands above it in the table."""
    seen = []
    for package, allowed in ALLOWED.items():
        below = {name for name in allowed if name != "captions"} - set(seen)
        assert not below, f"{package} may import {sorted(below)}, which the table lists later"
        seen.append(package)


@pytest.mark.parametrize("module", [m for m in MODULES if package_of(m) or m in TOP])
def test_edges(module):
    package = package_of(module)
    allowed = TOP[module] if package is None else ALLOWED[package] | {package}
    for name in imports(ROOT / module):
        target = ours(name)
        if target is not None:
            public = not target.partition(".")[0] or ("." not in target and target not in ("core", "captions", "cli"))
            library = public and name.startswith("lrp_jax.") and "core" in allowed  # `from lrp_jax import PAPER`
            fine = is_within(target, allowed) or library or name == "lrp_jax.__version__"
            assert fine, f"{module} imports {name}; it may import {sorted(allowed)}"
        elif package in ONLY and name.partition(".")[0] not in sys.stdlib_module_names:
            assert name.partition(".")[0] in ONLY[package], f"{module} imports {name}"


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith(("tests", "benchmarks"))])
def test_nothing_that_only_posix_has_is_imported(module):
    assert not POSIX & {name.partition(".")[0] for name in imports(ROOT / module)}


def _missing_names(path: pathlib.Path) -> list[str]:
    """`module.name` in a file, where the module is imported from this repository and has no such name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lrp_jax":
            found = importlib.import_module(node.module)
            for alias in node.names:
                if isinstance(value := getattr(found, alias.name, None), types.ModuleType):
                    modules[alias.asname or alias.name] = value
                elif importlib.util.find_spec(f"{node.module}.{alias.name}") if hasattr(found, "__path__") else False:
                    modules[alias.asname or alias.name] = importlib.import_module(f"{node.module}.{alias.name}")
    used = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    assigned = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    assigned |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    names = [(n.value.id, n.attr) for n in used if n.value.id in modules and n.value.id not in assigned]
    return [f"{path}: {module}.{name}" for module, name in names if not hasattr(modules[module], name)]


def test_what_is_taken_from_a_module_is_in_it():
    root = pathlib.Path(__file__).parents[1]
    files = [*root.glob("lrp_jax/**/*.py"), *root.glob("study/*.py"), *root.glob("*.py")]
    assert len(files) > 200
    assert [m for f in files for m in _missing_names(f)] == []
