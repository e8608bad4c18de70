"""Flags out of range: one line and exit code 2, before a model is loaded."""

import subprocess
import sys

import pytest

from lrp_jax.cli import convert, inspect


@pytest.mark.parametrize(
    ("verb", "flag", "said"),
    [
        ("explain", "--beam=0", "--beam=0"),
        ("explain", "--max_length=0", "--max_length=0"),
        ("explain", "--words_per_chunk=0", "--words_per_chunk=0"),
        ("explain", "--image_size=16", "--image_size=16"),
        ("explain", "--processes=0", "--processes=0"),
        ("explain", "--port=70000", "--port=70000"),
        ("explain", "--method=lrp,lrp", "each once"),
        ("explain", "--words=?!,...", "wanted words, got none"),
        ("explain", "--format=docx", "wanted one or more of"),
        ("evaluate", "--images=0", "--images=0"),
        ("evaluate", "--seed=-1", "--seed=-1"),
        ("evaluate", "--process=-1", "--process=-1"),
    ],
)
def test_flags_of_absl(verb, flag, said):
    # In a process of its own: absl defines a flag once.
    code = f"import sys; from lrp_jax.cli import {verb}; {verb}.main('lrp-jax {verb}', sys.argv[1:])"
    needed = ["--experiment=causes", "--checkpoint=nowhere"] if verb == "evaluate" else []
    result = subprocess.run([sys.executable, "-c", code, *needed, flag], capture_output=True, text=True, timeout=300)
    assert result.returncode == 2
    assert said in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("verb", "arguments", "said"),
    [
        (inspect, ["scenes:none", "--seed=-1"], "got -1, wanted a whole number, at least 0"),
        (inspect, ["scenes:none", "--min_count=0"], "got 0, wanted a number of at least 1"),
        (convert, ["somewhere", "else", "--regions=0"], "got 0, wanted a whole number of at least 1"),
    ],
)
def test_flags_of_argparse(verb, arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        verb.main("lrp-jax", arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
