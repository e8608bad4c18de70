import importlib
import pathlib

import pytest

from lrp_jax.captions.experiments import EXPERIMENTS
from lrp_jax.captions.runs.arms import ARMS
from study.plan import MAPPED, PARTS, SPOKEN, Start, commands

EVERY = [(name, part) for name, parts in PARTS.items() for part in parts]


def flag(command, name):
    (value,) = (one.partition("=")[2] for one in command if one.startswith(f"--{name}="))
    return value


@pytest.mark.parametrize(("name", "part"), EVERY, ids=[name for name, _ in EVERY])
def test_every_command_can_be_given(name, part):
    made = set()
    for start in part.starts(pathlib.Path("photographs")):
        for _, command in commands(part, start, pathlib.Path("out")):
            script = command[1]
            if script == "train.py":
                file, _, argument = flag(command, "config").partition(":")
                module = file.removesuffix(".py").replace("/", ".")
                config = importlib.import_module(module).get_config(argument)
                before = [one.partition("=")[2] for one in command if one.startswith("--config.init_from=")]
                assert not before or before[0] in made  # a stage follows the run that it starts from
                assert bool(before) == (config.objective == "lrp_ift")
                made.add(flag(command, "workdir"))
            else:
                assert script == "evaluate.py"
                assert flag(command, "checkpoint") in made
                assert set(flag(command, "experiment").split(",")) <= EXPERIMENTS.keys()


def test_the_parts_are_those_of_the_page():
    small = PARTS["small"][0]
    assert [start.name for start in small.starts()][:3] == ["ada-strong-0", "mhfc-strong-0", "ada-strong-1"]
    assert len(list(small.starts())) == 10 and tuple(small.arms) == ("baseline", "lrp")
    assert set(PARTS["arms"][0].arms) == set(ARMS)
    alone = {"hallucination", "sanity", "causes", "lrp_ift_gain"}
    assert {*MAPPED, *SPOKEN, *alone} == EXPERIMENTS.keys()  # nothing is left out


def test_arms_of_an_order_see_the_same_captions_and_orders_differ():
    part = PARTS["full"][0]
    start = Start(captioner="ada", world="strong", seed=2)
    seeds = {tuned.name: flag(tuned.training(pathlib.Path("out")), "config.seed") for tuned in part.tuned(start)}
    assert seeds["lrp-0"] == seeds["baseline-0"] != seeds["lrp-1"] == seeds["baseline-1"]
