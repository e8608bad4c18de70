"""What the three scripts have in common."""

import ast
import json
import pathlib
import sys

import pytest
from absl import flags
from tqdm import tqdm

from lrp_jax.cli import common as command_line
from lrp_jax.cli.common import CannotStartError, define_common_flags, parse_flags, run_command

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def start():
    """start(work, *flags) -> exit code."""
    others = set(flags.FLAGS)
    define_common_flags()

    def start(work, *given):
        flags.FLAGS.unparse_flags()
        for name in ("quiet", "verbose", "json"):
            flags.FLAGS[name].value = False
        codes = {CannotStartError: 2, OSError: 1}
        return run_command(parse_flags(["a/script.py", *given]), work, continue_hint="do it again", codes=codes)

    yield start
    flags.FLAGS.unparse_flags()
    for name in set(flags.FLAGS) - others:
        delattr(flags.FLAGS, name)


def fine(output):
    print("progress")
    output.tell({"image": "ä"})
    return 0, {"explained": 1}


def failing(error):
    def work(output):
        raise error

    return work


def test_people_read_stdout_and_machines_do_not(start, capsys):
    assert start(fine) == 0
    assert capsys.readouterr() == ("progress\n", "")


def test_machines_read_stdout_alone(start, capsys):
    assert start(fine, "--json") == 0
    out, err = capsys.readouterr()
    assert out == '{"image": "\\u00e4"}\n{"summary": {"exit_code": 0, "explained": 1}}\n' and err == "progress\n"


def test_quiet_is_quiet_and_has_no_progress_bars(start, capsys, monkeypatch):
    def work(output):
        print("progress")
        with tqdm(total=1, disable=None) as bar:
            print("a bar" if not bar.disable else "none", file=sys.stderr)
        return 0, {}

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert start(work) == 0 and "a bar" in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert start(work, "--quiet") == 0
    assert capsys.readouterr() == ("", "none\n")
    assert start(fine, "--quiet", "--json") == 0 and len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CannotStartError("--out=x: no\nroom"), 2, "script.py: --out=x: no room"),
        (OSError(28, "No space left"), 1, "script.py: [Errno 28] No space left"),
        (KeyboardInterrupt(), 130, "interrupted; do it again"),
    ],
)
def test_what_ends_a_script_is_a_line_and_a_code(start, capsys, error, code, line):
    assert start(failing(error), "--json") == code
    out, err = capsys.readouterr()
    assert err == f"{line}\n" and json.loads(out)["summary"]["exit_code"] == code
    assert json.loads(out)["summary"]["error"]


def test_verbose_says_where(start, capsys):
    assert start(failing(CannotStartError("no")), "--verbose") == 2
    err = capsys.readouterr().err
    assert err.startswith("script.py: no\n") and "Traceback" in err and "in work" in err


def test_a_bug_shows_itself(start, capsys):
    with pytest.raises(ZeroDivisionError):
        start(failing(ZeroDivisionError("x")), "--json")
    assert json.loads(capsys.readouterr().out)["summary"] == {"exit_code": 1, "error": "ZeroDivisionError: x"}


def test_nobody_listens_any_more(start, monkeypatch):
    monkeypatch.setattr(command_line.os, "dup2", lambda *_: None)  # or the rest of the suite would print nothing
    assert start(failing(BrokenPipeError())) == 141


@pytest.mark.parametrize(("flag", "line"), [("--quiett", "Did you mean: quiet"), ("rest", "got 'rest', wanted flags")])
def test_wrong_flags_are_one_line(start, capsys, flag, line):
    with pytest.raises(SystemExit) as ended:
        start(fine, flag)
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("script.py: ") and line in err and err.count("\n") == 1 and "See --help." in err


@pytest.mark.parametrize("script", ["train", "explain", "evaluate"])
def test_help_has_examples_and_exit_codes(script):
    text = ast.get_docstring(ast.parse((ROOT / "lrp_jax" / "cli" / f"{script}.py").read_text(encoding="utf-8")))
    assert "Examples:" in text and "Exit codes:\n  0 " in text and "--json" in text
    assert f"    lrp-jax {script} --" in text and "130 " in text.partition("Exit codes")[2]
    assert max(map(len, text.splitlines())) < 80  # a line that a terminal breaks cannot be read
