import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.images import Example
from lrp_jax.captions.models import IMAGENET, VGG16, Preprocessing, RegionEncoder, ResNet, region_variables
from lrp_jax.captions.runs.encoders import Encoder, encode_dataset, load_encoder, read_encoder, save_encoder
from lrp_jax.captions.runs.settings import SettingsError, paper_settings


@pytest.fixture(scope="module")
def encoder():
    module = VGG16(width=2)
    params = jax.jit(module.init)(jax.random.key(0), jnp.zeros((1, 32, 48, 3), jnp.float32))
    return Encoder(module, params, Preprocessing(mean=(0.1, 0.2, 0.3), std=(0.5,) * 3, size=(32, 48)))


def test_an_encoder_saved_and_read_is_the_same(encoder, tmp_path):
    save_encoder(encoder, tmp_path / "encoder")
    again = read_encoder(tmp_path / "encoder")
    assert again.module == encoder.module and again.preprocessing == encoder.preprocessing
    assert jax.tree.structure(again.params) == jax.tree.structure(encoder.params)
    for a, b in zip(jax.tree.leaves(again.params), jax.tree.leaves(encoder.params), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_resnet_keeps_its_norms_and_its_blocks(tmp_path):
    module = ResNet(blocks=(1, 2), width=1, stages=2)
    shapes = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, 32, 32, 3), jnp.float32))
    rng = np.random.default_rng(0)
    variables = jax.tree.map(lambda s: jnp.asarray(rng.uniform(0.5, 1.5, s.shape), s.dtype), shapes)
    save_encoder(Encoder(module, variables, IMAGENET), tmp_path / "encoder")
    again = read_encoder(tmp_path / "encoder")
    assert again.module == module and hash(again.module) == hash(module)
    chex.assert_trees_all_equal(again.params, variables)


def test_an_encoder_of_regions_keeps_its_trunk_and_its_boxes(encoder, tmp_path):
    module = RegionEncoder(encoder.module, bins=2)
    variables = region_variables(encoder.params, [[0.0, 0.25, 0.5, 1.0]])
    save_encoder(Encoder(module, variables, encoder.preprocessing), tmp_path / "encoder")
    again = read_encoder(tmp_path / "encoder")
    assert again.module == module and hash(again.module) == hash(module)
    assert jax.tree.structure(again.params) == jax.tree.structure(variables)
    chex.assert_trees_all_equal(again.params, variables)


def test_regions_take_the_place_of_the_grid():
    config = paper_settings()
    config.update(encoder="scenes", regions="fixed")
    encoder = load_encoder(config)
    image = np.zeros((96, 96, 3), np.uint8)
    features = jax.eval_shape(lambda p: encoder.module.apply(p, encoder.preprocessing(image[None])), encoder.params)
    assert features.shape[:2] == (1, 36)


def test_features_are_those_of_the_encoder(encoder, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3)).astype(np.uint8)
    dataset = [Example(str(i), image, ("x",)) for i, image in enumerate(images)]
    expected = encoder.module.apply(encoder.params, encoder.preprocessing(images))
    for folder, close in (("", 1e-5), (tmp_path, 2**-10)):
        features = encode_dataset(encoder, dataset, folder=folder, name="images")
        assert features.grid == (2, 3)
        np.testing.assert_allclose(features.array, expected.reshape(3, 6, 16), rtol=close, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder": "alexnet"}, "config.encoder is 'alexnet': wanted one of scenes, squeezenet, vgg16, resnet"),
        ({"encoder": "scenes", "regions": "some"}, "config.regions is 'some'"),
        ({"encoder": "bottom_up"}, "wanted --config.bottom_up=FOLDER"),
        ({"encoder": "squeezenet"}, "needs its ImageNet weights"),
        ({"encoder": "vgg16", "encoder_weights": "text"}, "config.encoder_weights="),
        ({"encoder": "vgg16", "encoder_weights": "other.npz"}, "config.encoder_weights="),
    ],
)
def test_what_cannot_be_loaded_is_said_in_terms_of_the_config(settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("no archive")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    config = paper_settings()
    config.update(settings)
    with pytest.raises(SettingsError, match=message.replace(".", r"\.")):
        load_encoder(config)


def test_weights_that_are_not_there_are_named():
    config = paper_settings()
    config.update(encoder="vgg16", encoder_weights="nowhere.npz")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        load_encoder(config)
