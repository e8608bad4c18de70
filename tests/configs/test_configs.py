"""The configs: the sizes of the paper's four captioners, and what the others change."""

import importlib
import pathlib

import pytest

from lrp_jax.captions.models import MHFC, AdaLSTM
from lrp_jax.captions.runs.arms import ARMS, Arm
from lrp_jax.captions.runs.encoders import load_encoder
from lrp_jax.captions.runs.folder import build_captioner
from lrp_jax.captions.runs.settings import SettingsError

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def configs(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


CAPTIONERS = {
    "ada_cnn": AdaLSTM(9585, 512, 512, attention=196),
    "ada_bu": AdaLSTM(9585, 1024, 512, attention=36),
    "mhfc_cnn": MHFC(9585, 512, 512, heads=8),
    "mhfc_bu": MHFC(9585, 1024, 512, heads=8),
}


@pytest.fixture(params=CAPTIONERS)
def kind(request):
    return request.param


@pytest.fixture
def get_config(kind):
    return importlib.import_module(f"configs.{kind}").get_config


def test_sizes(kind, get_config):
    assert build_captioner(get_config(), 9585) == CAPTIONERS[kind]
    assert get_config().min_count == 3 and get_config("coco2017").min_count == 4


def test_what_is_left_to_the_command_line_is_asked_for(kind, get_config):
    flag = "encoder_weights" if kind.endswith("cnn") else "bottom_up"
    with pytest.raises(SettingsError, match=f"--config.{flag}="):
        load_encoder(get_config())


@pytest.mark.parametrize(
    ("name", "argument", "changed"),
    [
        ("scst", None, {"objective": "scst", "learning_rate": 1e-4}),
        ("lrp_ift", None, {"objective": "lrp_ift", "epochs": 1}),
        ("lrp_ift_scst", None, {"objective": "scst", "epochs": 1}),
        ("fine_tune_encoder", None, {"encoder_learning_rate": 1e-4}),
        ("ada_bu_scenes", None, {"regions": "fixed", "captioner": "ada"}),
        ("mhfc_bu_scenes", None, {"regions": "fixed", "captioner": "mhfc"}),
        ("photos", "mhfc_bu", {"regions": "fixed", "captioner": "mhfc"}),
    ],
)
def test_what_the_other_configs_change(name, argument, changed):
    make = importlib.import_module(f"configs.{name}").get_config
    config = make() if argument is None else make(argument)
    assert {setting: config[setting] for setting in changed} == changed


def test_the_arms_are_values_of_one_config():
    make = importlib.import_module("configs.lrp_ift").get_config
    for name, arm in ARMS.items():
        assert Arm(**make(name).arm) == arm
    assert importlib.import_module("configs.lrp_ift_scst").get_config().scst.reweighted
    assert not importlib.import_module("configs.lrp_ift_scst").get_config("baseline").scst.reweighted
