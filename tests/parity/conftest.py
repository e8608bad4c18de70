"""Skips the folder where torch and the libraries are not installed, and writes the table of docs/parity.md.

`make test` has none of them, and skips each module here before it is imported.
"""

import importlib.util
import math
import pathlib
import sys
import types

import numpy as np
import pytest

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "parity.md"
BEGIN, END = "<!-- table: written by `make parity WRITE=1` -->", "<!-- end of table -->"
AGREE = ("| rule or preset | library | network | largest relative difference | remark |", "|---|---|---|---|---|")
DIFFER = ("| what differs | library | shown | how |", "|---|---|---|---|")
TOLERANCE = 1e-7

_ROWS = pytest.StashKey[dict]()


def _let_them_be_imported():
    """zennit and lxt.efficient import packages at their top that nothing compared here needs: empty stand-ins."""
    import torch

    if importlib.util.find_spec("torchvision") is None:
        blocks = types.ModuleType("torchvision.models.resnet")
        blocks.Bottleneck, blocks.BasicBlock = (type(n, (torch.nn.Module,), {}) for n in ("Bottleneck", "BasicBlock"))
        sys.modules["torchvision"] = types.ModuleType("torchvision")
        sys.modules["torchvision.models"] = types.ModuleType("torchvision.models")
        sys.modules["torchvision.models.resnet"] = blocks
    if importlib.util.find_spec("transformers") is None:
        # The package's own __init__ patches models of transformers; its rules stand in modules that do not.
        lxt = importlib.util.find_spec("lxt").submodule_search_locations
        efficient = types.ModuleType("lxt.efficient")
        efficient.__path__ = [str(pathlib.Path(p) / "efficient") for p in lxt]
        sys.modules["lxt.efficient"] = efficient


_MISSING = [name for name in ("torch", "zennit", "captum", "lxt") if importlib.util.find_spec(name) is None]
if not _MISSING:
    _let_them_be_imported()


class _Skipped(pytest.Module):
    def collect(self):
        pytest.skip(f"compares with other libraries, of which {', '.join(_MISSING)} are missing: run `make parity`")


def pytest_pycollect_makemodule(module_path, parent):
    return _Skipped.from_parent(parent, path=module_path) if _MISSING else None


def pytest_addoption(parser):
    parser.addoption(
        "--write-table",
        action="store_true",
        help="rewrite the table of docs/parity.md from this run of the whole folder",
    )


@pytest.fixture
def agree(request):
    """`agree(row, library, network, ours, theirs, remark)`: asserts parity and notes it in the table."""
    rows = request.config.stash.setdefault(_ROWS, {})

    def compare(row, library, network, ours, theirs, remark=""):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype == np.float64
        largest = np.abs(theirs).max()
        assert largest > 1e-3, "a map of nothing agrees with anything"
        difference = float(np.abs(ours - theirs).max() / largest)
        rows[row, library, network] = (difference, remark)
        assert difference < TOLERANCE, f"{row} on {network}: {difference:.1e} of the maximum away from {library}"

    return compare


@pytest.fixture
def differ(request):
    """`differ(row, library, remark)`: notes a difference that the test shows with numbers computed by hand."""
    rows = request.config.stash.setdefault(_ROWS, {})

    def note(row, library, remark):
        rows[row, library, "by hand"] = (None, remark)

    return note


def pytest_sessionfinish(session, exitstatus):
    rows = session.config.stash.get(_ROWS, {})
    if not rows or exitstatus:
        return
    before, rest = PAGE.read_text().split(BEGIN)
    tables, after = rest.split(END)
    if session.config.getoption("--write-table"):
        PAGE.write_text(f"{before}{BEGIN}\n{_tables(rows)}\n{END}{after}")
        return
    known = {tuple(cell.strip() for cell in line.split("|")[1:4]) for line in tables.splitlines()}
    if new := [key for key in rows if key not in known]:
        print(f"\ndocs/parity.md lacks {len(new)} rows, such as {', '.join(new[0])}: run `make parity WRITE=1`")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _tables(rows):
    agree, differ = list(AGREE), list(DIFFER)
    for key, (difference, remark) in rows.items():
        if difference is None:
            differ.append(_line(*key, remark))
        else:
            agree.append(_line(*key, _power_of_ten(difference), remark))
    return "\n".join([*agree, "", *differ])


def _line(*cells):
    return f"| {' | '.join(cells)} |"


def _power_of_ten(difference):
    """The difference rounded up: the last digits of a difference of roundings say nothing."""
    return "0" if difference == 0 else f"1e{math.ceil(math.log10(difference)):d}"
