"""Mistyped settings of train.py: which one, and the nearest that there is."""

import pathlib

import pytest

from lrp_jax.cli.overrides import OverrideError, base_config, check_overrides

CONFIG = pathlib.Path(__file__).parents[2] / "configs" / "ada_scenes.py"


@pytest.fixture(scope="module")
def config():
    return base_config(["train.py", f"--config={CONFIG}"])


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("--config.learning_rat=1e-3", "the config has no setting 'learning_rat'; did you mean 'learning_rate'?"),
        ("--config.ada.dropot=0.2", "the config has no setting 'ada.dropot'; did you mean 'ada.dropout'?"),
        ("--config.atention=0.2", "the config has no setting 'atention'; did you mean 'ada.attention'?"),
        ("--config.hidden.x=3", "the config has no setting 'hidden.x'; did you mean 'hidden'?"),
        ("--noconfig.scst.reweigted", "no setting 'scst.reweigted'; did you mean 'scst.reweighted'?"),
        ("--config.hidden=abc", "--config.hidden=abc: wanted a whole number, such as 128"),
        ("--config.hidden=1.5", "--config.hidden=1.5: wanted a whole number, such as 128"),
        ("-config.learning_rate=fast", "--config.learning_rate=fast: wanted a number, such as 0.006"),
        ("--config.lengths=12,a", "--config.lengths=12,a: wanted values such as 12,14,17"),
        ("--config.scst.reweighted=maybe", "--config.scst.reweighted=maybe: wanted true or false"),
        ("--config.ada=3", "--config.ada=3: wanted one of its own settings, attention, dropout, global_feature"),
    ],
)
def test_what_is_wrong_is_one_line(config, argument, line):
    with pytest.raises(OverrideError) as caught:
        check_overrides(["train.py", "--config=x.py", "--config.seed=3", argument], config)
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_a_value_may_be_a_word_of_its_own(config):
    with pytest.raises(OverrideError, match=r"--config\.hidden=abc"):
        check_overrides(["train.py", "--config.hidden", "abc"], config)


def test_what_is_right_is_let_through(config):
    right = ["--config.lengths=12,18", "--config.lengths=(9, 12)", "--config.lengths[0]=9", "--config.seed", "7"]
    right += ["--config.learning_rate=1e-3", "--config.ada.dropout=0", "--config.source=a,b", "--config.hidden=0x10"]
    right += ["--config.scst.reweighted", "--noconfig.scst.reweighted", "--config.scst.reweighted=true"]
    check_overrides(["train.py", *right, "--", "--config.no_setting=1"], config)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "no such file; wanted a path, or one of ada_bu, ada_bu_scenes"),
        ("x = ", "SyntaxError in line 1: "),
        ("def get_config(): return {}['x']", "KeyError: 'x'"),
        ("def get_config(): return 3", "got a int from get_config, wanted a ConfigDict"),
    ],
)
def test_a_config_that_cannot_be_used_is_one_line(tmp_path, text, line):
    path = tmp_path / "config.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(OverrideError) as caught:
        base_config(["train.py", f"--config={path}"])
    assert f"--config={path}: " in str(caught.value) and line in str(caught.value) and "\n" not in str(caught.value)


def test_without_a_config_there_is_nothing_to_look_at():
    assert base_config(["train.py", "--workdir=x"]) is None
