"""The site's own parts: how-to files become pages, and navigation and reference leave nothing out."""

import ast
import importlib.util
import pathlib
import re

import pytest
import yaml

import lrp_jax

ROOT = pathlib.Path(__file__).parents[2]
DOCS = ROOT / "docs"


def module(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def hooks():
    return module("hooks")


@pytest.fixture(scope="module")
def config():
    # The one tag that is not plain YAML is a function of an extension.
    yaml.SafeLoader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def code_of(page):
    return "\n".join(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("path", sorted((DOCS / "howto").glob("*.py")), ids=lambda p: p.stem)
def test_a_page_has_all_of_its_file(hooks, path):
    """The code of the page is the program, and its text is the comments and the docstring."""
    source = path.read_text()
    page = hooks.page_of(source, path.name)
    program, shown = ast.parse(source), ast.parse(code_of(page))
    assert [ast.dump(node) for node in program.body[1:]] == [ast.dump(node) for node in shown.body]
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == re.findall(r"^# (.+)\n# -{3,}$", source, re.MULTILINE)
    assert "What can go wrong" in headings
    # No word is lost: those of the file are those of the page, but for the marks of comments and rules.
    words = re.findall(r"\w+", re.sub(r"^# -+$", "", source, flags=re.MULTILINE))
    of_page = re.findall(r"\w+", page)
    assert set(words) <= set(of_page)


def test_comments_that_belong_to_code_stay_there(hooks):
    page = hooks.page_of(
        '"""A title.\n\nText.\n"""\n\nx = 1\n\n# Prose.\n#\n# - a point\n\n# a reason\ny = 2\n', "a.py"
    )
    assert page.startswith("# A title\n\nText.\n")
    assert "\nProse.\n\n- a point\n" in page
    assert "# a reason\ny = 2" in code_of(page)


def test_what_a_page_fetches_from_elsewhere_is_found(hooks):
    inside = '<script src="a.js"></script><link rel="stylesheet" href="b.css"><a href="https://example.org">x</a>'
    assert hooks.elsewhere(inside) == []
    assert hooks.elsewhere('<script src="https://cdn.example/a.js">') == ["https://cdn.example/a.js"]
    assert hooks.elsewhere('<link rel="stylesheet" href="//fonts.example/b.css">') == ["//fonts.example/b.css"]
    assert hooks.elsewhere('<img src="https://img.example/badge.svg">') == ["https://img.example/badge.svg"]


def pages_of(nav):
    for item in nav:
        if isinstance(item, str):
            yield item
        else:
            for pages in item.values():
                yield from pages_of([pages] if isinstance(pages, str) else pages)


def test_the_navigation_has_every_page_and_no_other(hooks, config):
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    there |= {f"howto/{path.stem}.md" for path in (DOCS / "howto").glob("*.py")}
    assert set(pages_of(config["nav"])) - hooks.GENERATED == there - hooks.GENERATED


def test_the_site_asks_nobody(config):
    assert config["theme"]["font"] is False
    assert "extra_javascript" not in config
    assert not any(re.match(r"https?:|//", path) for path in config["extra_css"])


def test_the_reference_has_every_public_name():
    page = (DOCS / "reference" / "lrp_jax.md").read_text()
    shown = [name.rpartition(".")[2] for name in re.findall(r"^::: (\S+)$", page, re.MULTILINE)]
    assert sorted(shown) == sorted(lrp_jax.__all__)
    for path in (ROOT / "lrp_jax" / "captions").glob("*/__init__.py"):
        names = next((n for n in ast.parse(path.read_text()).body if ast.unparse(n).startswith("__all__")), None)
        if names is not None and path.parent.name not in ("serve", "pages", "runs"):
            page = DOCS / "reference" / f"{path.parent.name}.md"
            assert f"::: lrp_jax.captions.{path.parent.name}\n" in page.read_text()


def test_docstrings_keep_what_is_not_html():
    source = (DOCS / "docstrings.py").read_text().replace("import griffe\n", "").replace("griffe.Extension", "object")
    names = {}
    exec(source, names)
    as_sections = names["as_sections"]
    assert as_sections("Lets it say `<unk>`, or <end>.") == "Lets it say `<unk>`, or &lt;end>."
    assert as_sections("A.\n\nExample:\n  >>> 1 < x") == "A.\n\nExamples:\n  >>> 1 < x"
    assert as_sections("A.\n\nsize: of it,\n  in all.\n\nReference: B.", fields=True) == (
        "A.\n\nAttributes:\n  size: of it,\n    in all.\n\nReference:\n  B."
    )


def test_pins_are_those_of_the_extra():
    """The extra `docs` names what docs/requirements.txt pins."""
    pinned = {line.split("==")[0] for line in (DOCS / "requirements.txt").read_text().splitlines() if "==" in line}
    project = (ROOT / "pyproject.toml").read_text()
    extra = re.search(r"^docs = \[\n(.*?)^\]", project, re.DOTALL | re.MULTILINE)[1]
    named = {re.match(r"[\w-]+", name)[0] for name in re.findall(r'^  "([^"]+)"', extra, re.MULTILINE)}
    assert {"mkdocs-material", "mkdocstrings"} <= named <= pinned


def test_the_table_of_imports_is_the_one_that_is_held():
    """It has the packages, and the edges between them, of tests/test_imports.py."""
    body = ast.parse((ROOT / "tests" / "test_imports.py").read_text()).body
    allowed = next(n.value for n in body if isinstance(n, ast.Assign) and n.targets[0].id == "ALLOWED")
    allowed = eval(ast.unparse(allowed))
    page = (DOCS / "architecture.md").read_text()
    rows = dict(re.findall(r"^\| `([\w.]+)` \| [^|]* \| ([^|]*) \|$", page, re.MULTILINE))
    assert rows.keys() == allowed.keys()
    for package, edges in rows.items():
        named = re.findall(r"`([\w.]+)`", edges)
        assert sorted(named) == sorted(name.removeprefix("captions.") for name in allowed[package]), package
