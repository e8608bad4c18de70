"""Every block of code in the README and the docs runs, page by page, in order."""

import ast
import inspect
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
HERE = ("python", 'python title="lrp_jax"')
# Code of other libraries, which `make parity` runs beside ours (tests/parity/test_parity_page.py).
ELSEWHERE = ('python title="zennit"', 'python title="captum"')


def with_blocks(page):
    return any(kind in HERE for kind, _ in FENCE.findall(page.read_text()))


@pytest.mark.parametrize("page", list(filter(with_blocks, PAGES)), ids=lambda p: p.name)
def test_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page.read_text()
    names = {"__name__": page.stem}
    for match in FENCE.finditer(text):
        if match[1] in HERE:
            # The line numbers of a traceback are those of the page.
            code = "\n" * text[: match.start()].count("\n") + "\n" + match[2]
            exec(compile(code, str(page), "exec"), names)


def test_there_is_no_other_kind_of_block():
    """A block of a kind that no test knows would never run."""
    kinds = {kind for page in PAGES for kind, _ in FENCE.findall(page.read_text())}
    assert kinds <= {*HERE, *ELSEWHERE}
    assert not [page.name for page in PAGES if re.search(r"^(~~~| +```)", page.read_text(), re.MULTILINE)]


def test_the_block_that_needs_published_weights_calls_what_there_is():
    """WEIGHTS.md reads a file of the authors', which is not here: its calls are held to the signatures."""
    from lrp_jax.captions import weights, words

    text = (ROOT / "docs" / "WEIGHTS.md").read_text()
    block = re.search(r"^The same in Python:\n\n((?:    .*\n)+)", text, re.MULTILINE)[1]
    tree = ast.parse("\n".join(line[4:] for line in block.splitlines()))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert len(calls) == 3
    for call in calls:
        function = eval(ast.unparse(call.func), {"Vocabulary": words.Vocabulary, "weights": weights})
        inspect.signature(function).bind(*call.args, **{keyword.arg: keyword.value for keyword in call.keywords})
    (unpacked,) = [s for s in tree.body if "captioner_from_checkpoint" in ast.unparse(s)]
    assert [name.id for name in unpacked.targets[0].elts] == list(weights.Checkpoint._fields)
