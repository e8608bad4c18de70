"""A relevance is a function like any other: its derivatives are those of central differences."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import lrp_jax
from lrp_jax.captions.models import unroll
from lrp_jax.captions.weights import captioner_from_state_dict, vgg16_from_state_dict

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"


def read(name):
    with np.load(GOLDENS / name, allow_pickle=False) as file:
        golden = dict(file)
    return golden, {k.removeprefix("param."): v.astype(float) for k, v in golden.items() if k.startswith("param.")}


def assert_derivatives(f, tree, tolerance=1e-6, step=1e-6):
    """The derivative along random directions, one per leaf, against central differences."""
    tree = jax.tree.map(np.asarray, tree)
    gradients = jax.device_get(jax.jit(jax.grad(f))(tree))
    leaves, structure = jax.tree.flatten(tree)
    compiled, rng = jax.jit(f), np.random.default_rng(0)
    directions = [rng.normal(size=x.shape) for x in leaves]
    for i, (gradient, direction) in enumerate(zip(jax.tree.leaves(gradients), directions, strict=True)):

        def moved(t, i=i, direction=direction):
            return float(
                compiled(structure.unflatten([x + t * direction if j == i else x for j, x in enumerate(leaves)]))
            )

        wanted = (moved(step) - moved(-step)) / (2 * step)
        got = (gradient * direction).sum()
        assert abs(got - wanted) <= tolerance * max(1, abs(wanted)), (i, float(got), float(wanted))
    assert any(np.abs(g).max() > 1e-3 for g in jax.tree.leaves(gradients))


@pytest.mark.parametrize(
    ("name", "argnums"),
    [
        ("dec_ada_cnn_s0.npz", (0, 1)),
        ("dec_ada_cnn_s0.npz", 0),
        ("dec_mhfc_bu_s0.npz", (0, 1)),
        pytest.param("dec_mhfc_bu_s0.npz", 0, marks=pytest.mark.slow),
    ],
    ids=["ada", "ada-features", "mhfc", "mhfc-features"],
)
def test_captioners(name, argnums):
    """Of the relevance of features and words together, and of the features alone."""
    golden, state = read(name)
    captioner, params = captioner_from_state_dict(state, num_heads=max(int(golden["n_head"]), 1))
    inputs, targets = golden["caption"][:-1], golden["caption"][1:]
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=s) for s in (golden["raw"].shape, golden["rel_emb"].shape[1:])]

    def mixed_relevance(everything):
        params, features, embeddings = everything

        def logits(features, embeddings):
            trace = unroll(captioner, params, features, embeddings=embeddings)
            return captioner.apply(params, trace.inputs, targets, method="predict")[-1]

        if argnums == 0:
            relevance = [jax.grad(lrp_jax.lrp(lambda features: logits(features, embeddings)))(features)]
        else:
            relevance = jax.grad(lrp_jax.lrp(logits, argnums=argnums), argnums)(features, embeddings)
        return sum((w * r).sum() for w, r in zip(weights, relevance, strict=False))

    embeddings = params["params"]["word_embedding"]["embedding"][inputs]
    assert_derivatives(mixed_relevance, (params, golden["raw"].astype(float), embeddings))


class Trunk(nn.Module):
    """What VGG16 is made of: images [8, 8, 3] -> [4, 4, 5]."""

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(4, (3, 3))(nn.relu(nn.Conv(4, (3, 3))(x))))
        return nn.relu(nn.Conv(5, (3, 3))(nn.max_pool(x, (2, 2), strides=(2, 2))))


def assert_derivatives_of_an_encoder(encoder, params, image, seed):
    weights = np.random.default_rng(1).normal(size=image.shape)

    def mixed_relevance(everything):
        params, image = everything
        return (weights * lrp_jax.relevance(lambda x: encoder.apply(params, x))(image, seed=seed)[1]).sum()

    assert_derivatives(mixed_relevance, (params, image))


def test_convolutions():
    rng, encoder = np.random.default_rng(0), Trunk()
    image = rng.normal(size=(8, 8, 3))
    shapes = jax.eval_shape(encoder.init, jax.random.key(0), image)
    params = jax.tree.map(lambda leaf: rng.normal(0, 0.4, leaf.shape), shapes)
    assert_derivatives_of_an_encoder(encoder, params, image, rng.uniform(size=(4, 4, 5)))


@pytest.mark.slow
def test_vgg():
    golden, state = read("enc_vgg_narrow_s0.npz")
    encoder, params = vgg16_from_state_dict(state)
    image, seed = (golden[name].transpose(1, 2, 0).astype(float) for name in ("image", "seed_rel_masked"))
    assert_derivatives_of_an_encoder(encoder, params, image, seed)


def test_a_gate_keeps_its_second_derivative():
    """R of x sigmoid(a) is x sigmoid(a): its derivative along a is there although the gate got no relevance."""
    a, x = 0.3, 2.0
    relevance = lambda a: jax.grad(lrp_jax.lrp(lambda x: x * jax.nn.sigmoid(a * x)))(x)  # noqa: E731
    s = 1 / (1 + np.exp(-a * x))
    np.testing.assert_allclose(jax.jit(jax.grad(relevance))(a), x * x * s * (1 - s), rtol=1e-12)


def test_forward_over_reverse_and_batches_of_derivatives():
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(4, 3)), rng.normal(size=(5, 4))

    def relevance(x):
        return jax.grad(lrp_jax.lrp(lambda x: jnp.tanh(nn.relu(x @ w + 0.1)).sum()))(x)

    forward, reverse = (jax.jit(jax.vmap(derivative(relevance)))(x) for derivative in (jax.jacfwd, jax.jacrev))
    np.testing.assert_allclose(forward, reverse, rtol=1e-10, atol=1e-12)


def test_relevance_in_a_loss():
    """One step of descent on the share of relevance on one input lowers it."""
    w, x = np.random.default_rng(0).normal(size=(3, 4)), np.array([1.0, 2.0, -1.0])

    def loss(w):
        r = jax.grad(lrp_jax.lrp(lambda x: jnp.tanh(x @ w).sum()))(x)
        return r[1] ** 2

    loss_and_gradient = jax.jit(jax.value_and_grad(loss))
    before, gradient = loss_and_gradient(w)
    assert loss_and_gradient(w - 0.01 * np.asarray(gradient))[0] < before
