"""Numbers that a user gives: classes, parameters of rules, bounds of inputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lrp_jax
from lrp_jax import AlphaBeta, Composite, Epsilon, EpsilonGammaBox, Gamma, On, ZBox, contrastive_seed

LOGITS = jnp.array([3.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("target", "against", "wanted"),
    [(0, 2, [3, 0, -2]), (-1, 0, [-3, 0, 2]), (2, -3, [-3, 0, 2]), (-2, -1, [0, 1, -2]), (1, 1, [0, 0, 0])],
)
def test_classes_are_counted_as_numpy_does(target, against, wanted):
    np.testing.assert_array_equal(contrastive_seed(LOGITS, target, against), wanted)
    np.testing.assert_array_equal(jax.jit(contrastive_seed)(LOGITS, target, against), wanted)


def test_minus_one_is_the_last_against_the_rest_too():
    np.testing.assert_array_equal(contrastive_seed(LOGITS, -1), contrastive_seed(LOGITS, 2))
    batch = jnp.stack([LOGITS, 2 * LOGITS])
    np.testing.assert_array_equal(
        contrastive_seed(batch, np.array([-1, 0]), np.array([0, -1])),
        [contrastive_seed(LOGITS, 2, 0), contrastive_seed(2 * LOGITS, 0, 2)],
    )


@pytest.mark.parametrize(
    ("target", "against"),
    [(7, 0), (0, 7), (3, "rest"), (-4, 0), (0, -4), (1.0, 0), (0, "other"), (np.array([0, 3, 1]), 0)],
)
def test_a_class_that_is_not_there_is_an_error(target, against):
    with pytest.raises(ValueError, match="wanted"):
        contrastive_seed(LOGITS, target, against)


def test_inside_jit_a_class_that_is_not_there_is_nan_and_no_half_of_the_question():
    for target, against in ((7, 0), (0, 7), (-4, 1)):
        assert np.isnan(jax.jit(contrastive_seed)(LOGITS, target, against)).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Epsilon(-1.0),
        lambda: Epsilon(float("nan")),
        lambda: Epsilon(float("inf")),
        lambda: Gamma(-0.5),
        lambda: Gamma(float("nan")),
        lambda: Gamma(0.25, bias=0),
        lambda: AlphaBeta(-1.0),
        lambda: AlphaBeta(float("inf")),
        lambda: AlphaBeta(2.0, bias=1.0),
        lambda: ZBox(1.0, -1.0),
        lambda: ZBox(0.0, 0.0),
        lambda: ZBox(np.zeros(3), np.array([1.0, 1.0, 0.0])),
        lambda: ZBox(np.zeros(3), np.ones(2)),
        lambda: EpsilonGammaBox(1.0, 0.0),
        lambda: EpsilonGammaBox(0.0, 1.0, gamma=-1.0),
    ],
)
def test_parameters_that_a_rule_cannot_have_are_an_error(make):
    with pytest.raises(ValueError, match=r"got .*(wanted|needs)"):
        make()


@pytest.mark.parametrize("make", [lambda: AlphaBeta(2, 1), lambda: Gamma(0.25, 1)])
def test_what_can_be_mistaken_is_named(make):
    with pytest.raises(TypeError, match="positional"):
        make()


def by_hand(x, w, low, high):
    """The z-box rule of a dense layer's only output, summed."""
    contributions = x * w - low * np.maximum(w, 0) - high * np.minimum(w, 0)
    return (x @ w) * contributions / contributions.sum()


def test_bounds_for_each_input():
    x, w = np.array([0.5, -1.0, 2.0]), np.array([1.0, -2.0, 0.5])
    low, high = np.array([-1.0, -2.0, 0.0]), np.array([1.0, 0.0, 3.0])
    rules = Composite("box", (On("dense", ZBox(low, high), position="first"), On("*", Epsilon(0.0))))
    found = jax.grad(lrp_jax.lrp(lambda x: x @ w, rules))(jnp.asarray(x))
    np.testing.assert_allclose(found, by_hand(x, w, low, high), rtol=1e-12)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_bounds_for_each_channel_are_those_of_every_pixel(layout):
    """As zennit writes them: the bounds of a normalised image. Shifting and scaling the input is the same map."""
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    rng = np.random.default_rng(0)
    image, kernel = rng.uniform(size=(5, 5, 3)), rng.normal(size=(3, 3, 3, 4))
    shape = (3,) if layout == "NHWC" else (3, 1, 1)
    x = (image - mean) / std
    x = x if layout == "NHWC" else np.moveaxis(x, -1, 0)
    kernel = kernel if layout == "NHWC" else np.transpose(kernel, (3, 2, 0, 1))
    numbers = (layout, "HWIO" if layout == "NHWC" else "OIHW", layout)

    def f(x):
        return jax.lax.conv_general_dilated(x[None], kernel, (1, 1), "VALID", dimension_numbers=numbers).sum()

    low, high = (-mean / std).reshape(shape), ((1 - mean) / std).reshape(shape)
    found = jax.grad(lrp_jax.lrp(f, EpsilonGammaBox(low, high)))(jnp.asarray(x))
    full = EpsilonGammaBox(np.broadcast_to(low, x.shape), np.broadcast_to(high, x.shape))
    np.testing.assert_allclose(found, jax.grad(lrp_jax.lrp(f, full))(jnp.asarray(x)), rtol=1e-10)
    one = jax.grad(lrp_jax.lrp(f, EpsilonGammaBox(low.min(), high.max())))(jnp.asarray(x))
    assert np.abs(found - one).max() > 1e-3
    np.testing.assert_allclose(found.sum(), f(jnp.asarray(x)), rtol=1e-4)


def test_bounds_that_do_not_fit_say_what_is_wanted():
    kernel = np.random.default_rng(0).normal(size=(2, 2, 3, 1))

    def f(x):
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x[None], kernel, (1, 1), "VALID", dimension_numbers=numbers).sum()

    explained = jax.grad(lrp_jax.lrp(f, EpsilonGammaBox(np.zeros(4), np.ones(4))))
    with pytest.raises(ValueError, match=r"bounds of the z-box rule of shapes \(4,\) and \(4,\) for an input of shape"):
        explained(jnp.ones((4, 4, 3)))


def test_rules_with_bounds_are_values():
    assert ZBox(np.zeros(3), np.ones(3)) == ZBox([0, 0, 0], [1, 1, 1]) and hash(ZBox(np.zeros(3), np.ones(3)))
    assert ZBox(0, 1) == ZBox(0.0, 1.0) != ZBox(0.0, 2.0)
