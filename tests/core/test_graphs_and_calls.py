"""Graph networks, sharded functions, grouped products and solvers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import PartitionSpec as P

import lrp_jax
from lrp_jax import Composite, Epsilon, On

KEYS = jax.random.split(jax.random.key(11), 8)
W = jax.random.normal(KEYS[0], (4, 4))
U = jax.random.normal(KEYS[1], (4, 4))
V = jax.random.normal(KEYS[2], (4,))
X = jax.random.normal(KEYS[3], (5, 4))
SENDERS, RECEIVERS = jnp.array([0, 1, 2, 3, 4, 0, 2]), jnp.array([1, 1, 0, 0, 2, 4, 4])
LRP_0 = Composite("LRP-0", (On("*", Epsilon(0.0)), *lrp_jax.PAPER.lines))
RULES = [lrp_jax.PAPER, lrp_jax.CP_LRP, lrp_jax.EpsilonPlus]
ids = lambda r: r.name  # noqa: E731


def closes(f, rules, x):
    audit = lrp_jax.audit(f, rules)(x)
    scale = max([1.0, abs(audit.seed), *(abs(row.lost) for row in audit.rows)])
    assert abs(audit.unexplained) < 1e-9 * scale, str(audit)


def segment_softmax(logits, segments, n):
    """As jraph writes it."""
    largest = jax.ops.segment_max(logits, segments, n)
    e = jnp.exp(logits - largest[segments])
    return e / jax.ops.segment_sum(e, segments, n)[segments]


def graph_attention(x, softmax):
    h = jnp.tanh(x @ W)
    logits = jax.nn.leaky_relu(h[SENDERS] @ V + h[RECEIVERS] @ V[::-1])
    weights = softmax(logits, RECEIVERS, 5)
    return (jax.ops.segment_sum(weights[:, None] * h[SENDERS], RECEIVERS, 5) @ V).sum()


@pytest.mark.parametrize("rules", RULES, ids=ids)
def test_a_softmax_over_segments_is_a_gate(rules):
    def constant(logits, segments, n):
        return lrp_jax.gate(segment_softmax(logits, segments, n))

    f, g = (functools.partial(graph_attention, softmax=s) for s in (segment_softmax, constant))
    np.testing.assert_allclose(lrp_jax.relevance(f, rules)(X)[1], lrp_jax.relevance(g, rules)(X)[1], rtol=1e-12)
    closes(f, rules, X)
    value, r = lrp_jax.relevance(f, Composite("0", (On("*", Epsilon(0.0)), *rules.lines)))(X)
    np.testing.assert_allclose(r.sum(), value, rtol=1e-9)


def test_a_softmax_over_segments_by_its_derivative():
    """Under ATTN_LRP it is the softmax of each segment by itself."""
    f = functools.partial(graph_attention, softmax=segment_softmax)

    def by_rows(logits, segments, n):
        one = segments[:, None] == segments[None, :]
        full = jax.nn.softmax(jnp.where(one, logits[None, :], -jnp.inf), -1)
        return jnp.diagonal(full)

    g = functools.partial(graph_attention, softmax=by_rows)
    got, wanted = (lrp_jax.relevance(h, lrp_jax.ATTN_LRP)(X)[1] for h in (f, g))
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rules", [*RULES, lrp_jax.ATTN_LRP], ids=ids)
def test_the_largest_of_a_segment_takes_all(rules):
    """By hand: each receiver's relevance goes to the neighbour that is largest, feature by feature."""
    f = lambda x: jax.ops.segment_max(x[SENDERS], RECEIVERS, 5)  # noqa: E731
    seed = jax.random.normal(KEYS[4], (5, 4))
    wanted = np.zeros((5, 4))
    for receiver in (0, 1, 2, 4):  # nobody sends to the fourth
        for feature in range(4):
            senders = [int(s) for s, r in zip(SENDERS, RECEIVERS, strict=True) if r == receiver]
            winner = max(senders, key=lambda s: X[s, feature])
            wanted[winner, feature] += seed[receiver, feature]
    got = lrp_jax.relevance(lambda x: jnp.where(jnp.isfinite(f(x)), f(x), 0), rules)(X, seed=seed)[1]
    np.testing.assert_allclose(got, wanted, rtol=1e-9)
    smallest = lrp_jax.relevance(lambda x: jax.ops.segment_min(-x[SENDERS], RECEIVERS, 5)[:3], rules)(X, seed=seed[:3])[
        1
    ]
    first = lrp_jax.relevance(lambda x: f(x)[:3], rules)(X, seed=seed[:3])[1]
    np.testing.assert_allclose(smallest, first, rtol=1e-9)


def test_equals_share_and_second_derivatives_follow():
    f = lambda x: jax.ops.segment_max(x, jnp.array([0, 0, 1]), 2) @ jnp.array([1.0, 2.0])  # noqa: E731
    np.testing.assert_allclose(lrp_jax.relevance(f, LRP_0)(jnp.array([3.0, 3.0, 1.0]))[1], [1.5, 1.5, 2.0])
    slope = jax.grad(lambda x: lrp_jax.relevance(f, LRP_0)(x)[1][1])(jnp.array([2.0, 3.0, 1.0]))
    np.testing.assert_allclose(slope, [0, 1, 0])


# Sharding

MESH = jax.make_mesh((4,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
XS = jax.random.normal(KEYS[5], (8, 4))


def column_parallel(x, check=True):
    """A layer whose input features are spread: a sum of partial sums, and then its bias."""

    @functools.partial(jax.shard_map, mesh=MESH, in_specs=(P(None, "i"), P("i", None)), out_specs=P(), check_vma=check)
    def layer(x, w):
        return lax.psum(x @ w, "i")

    return jnp.tanh(layer(x, W) + V).sum()


def batch_parallel(x, check=True):
    @functools.partial(jax.shard_map, mesh=MESH, in_specs=(P("i"), P()), out_specs=P("i"), check_vma=check)
    def layer(x, w):
        h = jax.nn.relu(x @ w + V)
        return h * jax.nn.sigmoid(x @ U)

    return (layer(x, W) @ V).sum()


def gathered(x):
    @functools.partial(jax.shard_map, mesh=MESH, in_specs=P("i"), out_specs=P(), check_vma=False)
    def layer(x):
        return lax.all_gather(jnp.tanh(x @ W), "i", tiled=True)

    return (layer(x) @ V).sum()


SHARDED = {
    "columns": (column_parallel, lambda x: jnp.tanh(x @ W + V).sum()),
    "columns, unchecked": (functools.partial(column_parallel, check=False), lambda x: jnp.tanh(x @ W + V).sum()),
    "batch": (batch_parallel, lambda x: ((jax.nn.relu(x @ W + V) * jax.nn.sigmoid(x @ U)) @ V).sum()),
    "batch, unchecked": (
        functools.partial(batch_parallel, check=False),
        lambda x: ((jax.nn.relu(x @ W + V) * jax.nn.sigmoid(x @ U)) @ V).sum(),
    ),
    "gathered": (gathered, lambda x: (jnp.tanh(x @ W) @ V).sum()),
    "pmap": (
        lambda x: jax.pmap(lambda x: jnp.tanh(x @ W + V) @ V)(x.reshape(4, 2, 4)).sum(),
        lambda x: (jnp.tanh(x @ W + V) @ V).sum(),
    ),
}


@pytest.mark.parametrize("rules", [*RULES, lrp_jax.GRADIENT], ids=ids)
@pytest.mark.parametrize("name", SHARDED)
def test_a_sharded_function_is_entered(name, rules):
    f, g = SHARDED[name]
    wanted = lrp_jax.relevance(g, rules)(XS)[1]
    value, r = jax.jit(lrp_jax.relevance(f, rules))(XS)
    np.testing.assert_allclose(value, g(XS), rtol=1e-10)
    np.testing.assert_allclose(r, wanted, rtol=1e-9, atol=1e-12)
    closes(f, rules, XS)


def test_a_refusal_in_a_shard_names_its_line():
    f = jax.shard_map(lambda x: x * (x @ W), mesh=MESH, in_specs=P("i"), out_specs=P("i"))
    with pytest.raises(lrp_jax.RelevanceError, match=r"test_graphs_and_calls\.py.*`mul` multiplies two signals"):
        lrp_jax.lrp(lambda x: f(x).sum())(XS)


# Products and solvers

A = jnp.eye(4) * 3 + W / 3


@pytest.mark.parametrize("rules", [*RULES, lrp_jax.GRADIENT], ids=ids)
@pytest.mark.parametrize(
    ("solve", "inverse"),
    [
        (lambda b: jnp.linalg.solve(A, b), lambda: jnp.linalg.inv(A)),
        (lambda b: jax.scipy.linalg.solve(A @ A.T, b, assume_a="pos"), lambda: jnp.linalg.inv(A @ A.T)),
        (lambda b: jax.scipy.linalg.solve_triangular(A, b, lower=True), lambda: jnp.linalg.inv(jnp.tril(A))),
        (lambda b: jax.scipy.linalg.solve_triangular(A, b, trans=1), lambda: jnp.linalg.inv(jnp.triu(A).T)),
        (lambda b: jax.scipy.linalg.lu_solve(jax.scipy.linalg.lu_factor(A), b), lambda: jnp.linalg.inv(A)),
        (lambda b: jax.scipy.sparse.linalg.cg(lambda v: A @ A.T @ v, b)[0], lambda: jnp.linalg.inv(A @ A.T)),
        (
            lambda b: lax.linalg.tridiagonal_solve(V.at[0].set(0), 5 + V, V.at[3].set(0), b[:, None])[:, 0],
            lambda: jnp.linalg.inv(jnp.diag(5 + V) + jnp.diag(V[1:], -1) + jnp.diag(V[:3], 1)),
        ),
    ],
    ids=["solve", "cholesky", "triangular", "transposed", "lu", "cg", "tridiagonal"],
)
def test_solving_with_a_constant_matrix_is_the_product_with_its_inverse(solve, inverse, rules):
    inverse = inverse()
    f = lambda x: jnp.tanh(solve(jnp.tanh(x @ W[:, 0:4]))) @ V  # noqa: E731
    g = lambda x: jnp.tanh(inverse @ jnp.tanh(x @ W[:, 0:4])) @ V  # noqa: E731
    tolerance = {"rtol": 1e-3, "atol": 1e-5} if rules is not lrp_jax.GRADIENT else {"rtol": 1e-5, "atol": 1e-8}
    zero = Composite("0", (On("*", Epsilon(0.0)), *rules.lines)) if rules.times_input else rules
    np.testing.assert_allclose(lrp_jax.relevance(f, zero)(X[0])[1], lrp_jax.relevance(g, zero)(X[0])[1], **tolerance)
    closes(f, rules, X[0])


def test_solving_with_a_signal_for_a_matrix_is_refused():
    f = lambda x: jax.scipy.linalg.solve_triangular(x @ x.T + 9 * jnp.eye(5), V[:1].repeat(5), lower=True).sum()  # noqa: E731
    with pytest.raises(lrp_jax.RelevanceError, match="`triangular_solve` solves equations whose matrix is a signal"):
        lrp_jax.lrp(f)(X)


@pytest.mark.parametrize("rules", [*RULES, lrp_jax.ATTN_LRP, lrp_jax.GRADIENT], ids=ids)
def test_a_grouped_product_is_the_products_of_its_groups(rules):
    experts = jax.random.normal(KEYS[6], (2, 4, 3))
    f = lambda x: jnp.tanh(lax.ragged_dot(x, experts, jnp.array([2, 3]))).sum()  # noqa: E731
    g = lambda x: jnp.tanh(jnp.concatenate([x[:2] @ experts[0], x[2:] @ experts[1]])).sum()  # noqa: E731
    np.testing.assert_allclose(lrp_jax.relevance(f, rules)(X)[1], lrp_jax.relevance(g, rules)(X)[1], rtol=1e-10)
    closes(f, rules, X)


def test_a_pallas_call_is_refused_and_says_what_to_do():
    pallas = pytest.importorskip("jax.experimental.pallas")

    def kernel(x_ref, o_ref):
        o_ref[...] = jnp.tanh(x_ref[...])

    f = lambda x: pallas.pallas_call(kernel, jax.ShapeDtypeStruct(x.shape, x.dtype), interpret=True)(x).sum()  # noqa: E731
    with pytest.raises(lrp_jax.RelevanceError, match=r"`pallas_call` has no rule; .*custom"):
        lrp_jax.lrp(f)(X)

    known = jax.custom_vjp(f)
    known.defvjp(lambda x: (f(x), x), lambda x, ct: (ct * (1 - jnp.tanh(x) ** 2),))
    with pytest.raises(lrp_jax.RelevanceError, match="pallas_call"):
        lrp_jax.lrp(known)(X)
    np.testing.assert_allclose(jax.grad(lrp_jax.lrp(known, lrp_jax.GRADIENT))(X), 1 - jnp.tanh(X) ** 2, rtol=1e-10)
