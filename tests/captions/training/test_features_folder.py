"""A run's features_folder: of one encoder and one source, and refused for another."""

import types

import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from lrp_jax.captions.images import Example
from lrp_jax.captions.models import Preprocessing
from lrp_jax.captions.runs.encoders import Encoder, features_of, read_encoder, save_encoder
from lrp_jax.captions.runs.settings import SettingsError, paper_settings
from lrp_jax.captions.training import stages


class Scaled(nn.Module):
    """Pixels times a number, and another number that is no weight."""

    power: int = 1

    @nn.compact
    def __call__(self, images):
        return (images * self.param("scale", lambda _: jnp.full((), 2.0, jnp.float32))) ** self.power


def encoder(scale=2.0, power=1, size=(2, 3)):
    params = {"params": {"scale": np.float32(scale)}}
    return Encoder(Scaled(power), params, Preprocessing(size=size))


DATASET = [Example(f"i{i}", np.full((2, 3, 3), 40 * i, np.uint8), (f"image {i}",)) for i in range(4)]


def config(folder, **changes):
    config = paper_settings()
    config.update(features_folder=str(folder), **changes)
    return config


def test_features_of_another_encoder_are_refused_in_a_line(tmp_path):
    first = features_of(DATASET, encoder(), config(tmp_path), name="train")
    np.testing.assert_allclose(first.array[3], np.full((6, 3), 240 / 255), rtol=2**-11)
    assert first.array[:].shape == features_of(DATASET, encoder(), config(""), name="train").array.shape
    assert [path.name for path in tmp_path.iterdir()] == ["train"]
    features_of(DATASET, encoder(3.0), config(tmp_path), name="test")  # of another name there is nothing yet
    for other, part in (
        (encoder(3.0), "weights [0-9a-f]{12}, wanted [0-9a-f]{12}"),
        (encoder(power=2), r"encoder Scaled\(power=1\), wanted Scaled\(power=2\)"),
        (encoder(size=(4, 3)), r"preprocessing .*\[2, 3\].*, wanted .*\[4, 3\]"),
    ):
        with pytest.raises(SettingsError, match=f"train has other features: {part}") as refusal:
            features_of(DATASET, other, config(tmp_path), name="train")
        assert "\n" not in str(refusal.value)
    with pytest.raises(SettingsError, match="features_dtype float16, wanted float32"):
        features_of(DATASET, encoder(), config(tmp_path, features_dtype="float32"), name="train")


def test_an_encoder_that_was_saved_finds_its_features(tmp_path, monkeypatch):
    monkeypatch.setattr("lrp_jax.captions.runs.encoders.ENCODERS", {"Scaled": Scaled})
    features_of(DATASET, encoder(), config(tmp_path / "features"), name="train")
    save_encoder(encoder(), tmp_path / "encoder")
    written = (tmp_path / "features" / "train" / "index.json").stat().st_mtime_ns
    features_of(DATASET, read_encoder(tmp_path / "encoder"), config(tmp_path / "features"), name="train")
    assert (tmp_path / "features" / "train" / "index.json").stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("earlier", "now", "folder"),
    [
        ({}, {}, "a"),
        ({}, {"source": "json:a"}, "a"),
        ({}, {"folder": "b"}, "b"),
        # Not what this stage needs:
        ({}, {"source": "json:b"}, ""),
        ({"encoder_learning_rate": 1e-4}, {}, ""),
        ({"encoder_learning_rate": 1e-4}, {"folder": "b"}, "b"),
    ],
)
def test_a_stage_takes_over_the_folder_that_holds_its_features(monkeypatch, earlier, now, folder):
    before = config("a", source="json:a", **earlier)
    monkeypatch.setattr(stages, "load_run", lambda _: types.SimpleNamespace(config=before))
    settings, _ = stages.start_from(config(**{"folder": "", "init_from": "run", **now}))
    assert settings.features_folder == folder and settings.source == now.get("source", "json:a")
