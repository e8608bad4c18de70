"""A relevance is a function like any other: its derivatives are those of central differences."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import lrp_jax
from lrp_jax.models import unroll
from lrp_jax.weights import captioner_from_state_dict, vgg16_from_state_dict

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"


def read(name):
    with np.load(GOLDENS / name, allow_pickle=False) as file:
        golden = dict(file)
    return golden, {k.removeprefix("param."): v.astype(float) for k, v in golden.items() if k.startswith("param.")}


def assert_derivatives(f, tree, tolerance=1e-6, step=1e-6):
    """The derivative along random directions, one per leaf, against central differences."""
    gradients = jax.jit(jax.grad(f))(tree)
    leaves, structure = jax.tree.flatten(tree)
    compiled = jax.jit(f)
    directions = [jax.random.normal(jax.random.key(i), x.shape) for i, x in enumerate(leaves)]
    for i, (gradient, direction) in enumerate(zip(jax.tree.leaves(gradients), directions, strict=True)):

        def moved(t, i=i, direction=direction):
            return compiled(structure.unflatten([x + t * direction if j == i else x for j, x in enumerate(leaves)]))

        wanted = (moved(step) - moved(-step)) / (2 * step)
        got = (gradient * direction).sum()
        assert abs(got - wanted) <= tolerance * max(1, abs(wanted)), (i, float(got), float(wanted))
    assert any(jnp.abs(g).max() > 1e-3 for g in jax.tree.leaves(gradients))


@pytest.mark.parametrize("name", ["dec_ada_cnn_s0.npz", "dec_mhfc_bu_s0.npz"])
def test_captioners(name):
    golden, state = read(name)
    captioner, params = captioner_from_state_dict(state, num_heads=max(int(golden["n_head"]), 1))
    inputs, targets = golden["caption"][:-1], golden["caption"][1:]
    weights = [
        jax.random.normal(jax.random.key(i), s)
        for i, s in enumerate((golden["raw"].shape, golden["rel_emb"].shape[1:]))
    ]

    def mixed_relevance(everything):
        params, features, embeddings = everything

        def logits(features, embeddings):
            trace = unroll(captioner, params, features, embeddings=embeddings)
            return captioner.apply(params, trace.c, trace.h, targets, method="predict")[-1]

        relevance = jax.grad(lrp_jax.lrp(logits, argnums=(0, 1)), argnums=(0, 1))(features, embeddings)
        return sum((w * r).sum() for w, r in zip(weights, relevance, strict=True))

    embeddings = captioner.apply(params, inputs, method="embed")
    assert_derivatives(mixed_relevance, (params, jnp.asarray(golden["raw"], float), embeddings))

    def of_features_only(everything):
        params, features, embeddings = everything

        def logits(features):
            trace = unroll(captioner, params, features, embeddings=embeddings)
            return captioner.apply(params, trace.c, trace.h, targets, method="predict")[-1]

        return (weights[0] * jax.grad(lrp_jax.lrp(logits))(features)).sum()

    assert_derivatives(of_features_only, (params, jnp.asarray(golden["raw"], float), embeddings))


def test_vgg():
    golden, state = read("enc_vgg_narrow_s0.npz")
    encoder, params = vgg16_from_state_dict(state)
    image = jnp.asarray(golden["image"].transpose(1, 2, 0), float)
    seed = jnp.asarray(golden["seed_rel_masked"].transpose(1, 2, 0), float)
    weights = jax.random.normal(jax.random.key(0), image.shape)

    def mixed_relevance(everything):
        params, image = everything
        return (weights * lrp_jax.relevance(lambda x: encoder.apply(params, x))(image, seed=seed)[1]).sum()

    assert_derivatives(mixed_relevance, (params, image))


def test_a_gate_keeps_its_second_derivative():
    """R of x sigmoid(a) is x sigmoid(a): its derivative along a is there although the gate got no relevance."""
    a, x = jnp.array(0.3), jnp.array(2.0)
    relevance = lambda a: jax.grad(lrp_jax.lrp(lambda x: x * jax.nn.sigmoid(a * x)))(x)  # noqa: E731
    s = jax.nn.sigmoid(a * x)
    np.testing.assert_allclose(jax.grad(relevance)(a), x * x * s * (1 - s), rtol=1e-12)


def test_forward_over_reverse_and_batches_of_derivatives():
    w = jax.random.normal(jax.random.key(0), (4, 3))
    x = jax.random.normal(jax.random.key(1), (5, 4))

    def relevance(x):
        return jax.grad(lrp_jax.lrp(lambda x: jnp.tanh(nn.relu(x @ w + 0.1)).sum()))(x)

    forward, reverse = jax.vmap(jax.jacfwd(relevance))(x), jax.vmap(jax.jacrev(relevance))(x)
    np.testing.assert_allclose(forward, reverse, rtol=1e-10, atol=1e-12)


def test_relevance_in_a_loss():
    """One step of descent on the share of relevance on one input lowers it."""
    w = jax.random.normal(jax.random.key(0), (3, 4))
    x = jnp.array([1.0, 2.0, -1.0])

    def loss(w):
        r = jax.grad(lrp_jax.lrp(lambda x: jnp.tanh(x @ w).sum()))(x)
        return r[1] ** 2

    assert loss(w - 0.01 * jax.grad(loss)(w)) < loss(w)
