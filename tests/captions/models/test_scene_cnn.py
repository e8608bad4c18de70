"""The narrow VGG of the drawn scenes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions.models.scene_cnn import SceneCNN


@pytest.fixture(scope="module")
def made():
    encoder = SceneCNN(width=4)
    images = jax.random.normal(jax.random.key(1), (2, 96, 96, 3), jnp.float32)
    init = functools.partial(encoder.init, method="classify")
    return encoder, jax.jit(init)(jax.random.key(0), images), images


def test_shapes(made):
    encoder, params, images = made
    assert encoder.apply(params, images).shape == (2, 8, 8, 24)
    assert encoder.apply(params, images[:, :48, :72]).shape == (2, 4, 6, 24)
    things, colours = encoder.apply(params, images, method="classify")
    assert things.shape == (2, 8, 8, 50) and colours.shape == (2, 8, 8, 12)


def test_any_leading_axes_and_jit(made):
    encoder, params, images = made
    together = encoder.apply(params, images)
    np.testing.assert_allclose(encoder.apply(params, images[1]), together[1], atol=1e-5)
    np.testing.assert_allclose(jax.jit(encoder.apply)(params, images[None])[0], together, atol=1e-5)


def test_dtype_follows_the_inputs(made):
    encoder, params, images = made
    assert encoder.apply(params, images).dtype == jnp.float32
    wide = jax.tree.map(lambda a: a.astype(jnp.float64), (params, images))
    assert encoder.apply(*wide).dtype == jnp.float64


def test_heads_are_not_needed_to_encode(made):
    encoder, _, images = made
    bare = jax.jit(encoder.init)(jax.random.key(0), images)
    assert not any("head" in name for name in bare["params"])
    assert encoder.apply(bare, images).shape == (2, 8, 8, 24)


def test_the_rules_for_encoders_apply(made):
    """Convolutions, ReLUs and max pools only: nothing a paper rule does not speak of."""
    encoder, params, images = made

    def names(jaxpr):
        for equation in jaxpr.eqns:
            inner = [p for p in equation.params.values() if hasattr(p, "jaxpr") or hasattr(p, "eqns")]
            if inner:
                for part in inner:
                    yield from names(getattr(part, "jaxpr", part))
            else:
                yield equation.primitive.name

    found = set(names(jax.make_jaxpr(encoder.apply)(params, images).jaxpr))
    assert {"conv_general_dilated", "max", "reduce_window_max", "add"} <= found
    assert found <= {"conv_general_dilated", "max", "reduce_window_max", "add", "reshape", "broadcast_in_dim"}


def test_bad_images_are_refused(made):
    encoder, params, images = made
    with pytest.raises(TypeError, match="preprocessing"):
        encoder.apply(params, images.astype(jnp.uint8))
    with pytest.raises(ValueError, match="24 pixels"):
        encoder.apply(params, images[:, :20])
