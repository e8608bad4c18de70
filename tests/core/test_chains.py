"""What stands after a layer and reads it, and scores of minus infinity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import lrp_jax
from lrp_jax import AlphaBeta, Composite, Flat, Gamma, On

KEYS = jax.random.split(jax.random.key(7), 4)
W = jax.random.normal(KEYS[0], (4, 5))
B = jax.random.normal(KEYS[1], (5,))
V = jax.random.normal(KEYS[2], (5,))
X = jax.random.normal(KEYS[3], (4,))
RULES = {
    "PAPER": lrp_jax.PAPER,
    "z+": Composite("Z+", (On("dense", AlphaBeta()), *lrp_jax.PAPER.lines)),
    "gamma": Composite("G", (On("dense", Gamma(0.5)), *lrp_jax.PAPER.lines)),
    "flat": Composite("F", (On("dense", Flat(), position="first"), *lrp_jax.PAPER.lines)),
    "ATTN_LRP": lrp_jax.ATTN_LRP,
    "CP_LRP": lrp_jax.CP_LRP,
    "GUIDED_BACKPROP": lrp_jax.GUIDED_BACKPROP,
    "DECONVNET": lrp_jax.DECONVNET,
    "GRADIENT": lrp_jax.GRADIENT,
}

RELUS = {
    "times a mask": lambda z: z * (z > 0),
    "a mask times": lambda z: (z > 0).astype(z.dtype) * z,
    "where": lambda z: jnp.where(z > 0, z, 0),
    "where not": lambda z: jnp.where(z <= 0, 0.0, z),
    "with its magnitude": lambda z: (z + jnp.abs(z)) / 2,
    "half its magnitude": lambda z: 0.5 * (jnp.abs(z) + z),
    "clip": lambda z: jnp.clip(z, 0),
    "clip to infinity": lambda z: jnp.clip(z, 0, jnp.inf),
    "clamp": lambda z: lax.clamp(0.0, z, np.inf),
    "minus its minimum": lambda z: z - jnp.minimum(z, 0),
    "minimum of the negative": lambda z: -jnp.minimum(-z, 0),
    "times a step": lambda z: z * jnp.heaviside(z, 0.0),
    "by its sign": lambda z: z * (jnp.sign(z) + 1) / 2,
    "array of zeros": lambda z: jnp.maximum(jnp.zeros_like(z), z),
    "select": lambda z: lax.select(z > 0, z, jnp.zeros_like(z)),
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("name", RELUS)
def test_a_relu_is_a_relu_however_it_is_spelled(name, rules):
    f = lambda relu: lambda x: relu(x @ W + B) @ V  # noqa: E731
    wanted = lrp_jax.relevance(f(jax.nn.relu), rules)(X)[1]
    for spelled in (RELUS[name], jax.jit(RELUS[name])):
        value, r = lrp_jax.relevance(f(spelled), rules)(X)
        np.testing.assert_allclose(value, f(jax.nn.relu)(X), rtol=1e-12)
        np.testing.assert_allclose(r, wanted, rtol=1e-10, atol=1e-14)


CHAINS = {
    "a sign added": lambda z: z + jnp.sign(z),
    "a rounded part added": lambda z: z + jnp.round(z) * 0.3,
    "times a stopped gate": lambda z: z * lax.stop_gradient(jax.nn.sigmoid(z)),
    "minus a stopped mean": lambda z: z - lax.stop_gradient(z.mean()),
    "by a stopped norm": lambda z: z / lax.stop_gradient(jnp.linalg.norm(z)),
    "times a mask of its largest": lambda z: z * (z == z.max()),
    "plus a one-hot of its largest": lambda z: z + jax.nn.one_hot(z.argmax(), 5),
    "a bias, then a mask": lambda z: (z + B) * (z + B > z.mean()),
    "scaled, and its own copy": lambda z: (2 * z) * lax.stop_gradient(2 * z),
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("name", CHAINS)
def test_a_layer_ends_where_something_else_reads_it(name, rules):
    """In two steps, what comes after the layer and the layer alone, the layer's relevance is the same."""
    chain = CHAINS[name]
    f = lambda x: jnp.tanh(chain(x @ W)) @ V  # noqa: E731
    value, r = jax.jit(lrp_jax.relevance(f, rules))(X)
    np.testing.assert_allclose(value, f(X), rtol=1e-12)
    assert jnp.isfinite(r).all()
    audit = lrp_jax.audit(f, rules)(X)
    scale = max([1.0, abs(audit.seed), abs(audit.relevance), *(abs(row.lost) for row in audit.rows)])
    assert abs(audit.unexplained) < 1e-9 * scale
    if rules.name in ("Z+", "G", "F") and name not in ("a bias, then a mask", "scaled, and its own copy"):
        _, at_z = lrp_jax.relevance(lambda z: jnp.tanh(chain(z)) @ V, rules)(X @ W)
        alone = lrp_jax.relevance(lambda x: x @ W, rules)(X, seed=at_z)[1]
        np.testing.assert_allclose(r, alone, rtol=1e-9, atol=1e-12)
    if rules is lrp_jax.GRADIENT:
        np.testing.assert_allclose(r, jax.grad(f)(X), rtol=1e-12)


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_values_inside_a_layer_can_be_returned_beside_it(rules):
    def f(x):
        z = x @ W
        return jnp.tanh(z * 2 + B) @ V, {"before the bias": z, "its largest": (z * 2).argmax()}

    (_, aux), r = jax.jit(lrp_jax.relevance(f, rules, has_aux=True))(X)
    np.testing.assert_allclose(aux["before the bias"], X @ W, rtol=1e-12)
    assert aux["its largest"] == (X @ W).argmax()
    np.testing.assert_allclose(r, lrp_jax.relevance(lambda x: f(x)[0], rules)(X)[1], rtol=1e-12)


Q = jax.random.normal(KEYS[0], (3, 4))
MASK = jnp.tri(3, dtype=bool)
SCORES = {
    "where": lambda s: jnp.where(MASK, s, -jnp.inf),
    "added": lambda s: s + jnp.where(MASK, 0, -jnp.inf),
    "added before scaling": lambda s: (s + jnp.where(MASK, 0.0, -jnp.inf)) / 2,
}


@pytest.mark.parametrize("rules", [lrp_jax.PAPER, lrp_jax.ATTN_LRP, lrp_jax.CP_LRP], ids=lambda r: r.name)
@pytest.mark.parametrize("name", SCORES)
def test_the_books_close_where_scores_are_masked(name, rules):
    def f(x, masked):
        return (jax.nn.softmax(masked((x @ W[:, :4]) @ x.T)) @ x).sum()

    audit = lrp_jax.audit(lambda x: f(x, SCORES[name]), rules)(Q)
    scale = max([1.0, *(abs(row.lost) for row in audit.rows)])
    assert abs(audit.unexplained) < 1e-9 * scale
    assert np.isfinite([row.lost for row in audit.rows]).all()
    r = lrp_jax.relevance(lambda x: f(x, SCORES[name]), rules)(Q)[1]
    assert jnp.isfinite(r).all()
    # A score of -1e9 masks as well, and is a number. (Added, such a number would take the score's relevance itself.)
    finite = lambda s: jnp.where(MASK, s, -1e9) / (2 if "scaling" in name else 1)  # noqa: E731
    np.testing.assert_allclose(r, lrp_jax.relevance(lambda x: f(x, finite), rules)(Q)[1], rtol=1e-5, atol=1e-6)


def test_relevance_at_masked_scores_is_zero():
    from jax.ad_checkpoint import checkpoint_name

    def f(x):
        scores = checkpoint_name(jnp.where(MASK, (x @ W[:, :4]) @ x.T, -jnp.inf), "scores")
        return (jax.nn.softmax(scores) @ x).sum()

    _, _, places = lrp_jax.relevance_at(f, "scores", lrp_jax.ATTN_LRP)(Q)
    assert (places["scores"][~MASK] == 0).all()
    assert jnp.isfinite(places["scores"]).all()
