"""The configs of the paper's four captioners: their sizes, and what they still ask for."""

import importlib
import pathlib

import pytest

from lrp_jax.models import MHFC, AdaLSTM
from lrp_jax.training import SettingsError, build_captioner, load_encoder

ROOT = pathlib.Path(__file__).parents[2]
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
def get_config(kind, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module(f"configs.{kind}").get_config


def test_sizes(kind, get_config):
    assert build_captioner(get_config(), 9585) == CAPTIONERS[kind]
    assert get_config().min_count == 3 and get_config("coco2017").min_count == 4


def test_what_is_left_to_the_command_line_is_asked_for(kind, get_config):
    flag = "encoder_weights" if kind.endswith("cnn") else "bottom_up"
    with pytest.raises(SettingsError, match=f"--config.{flag}="):
        load_encoder(get_config())
