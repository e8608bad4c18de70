"""Models as people write them: the same weights, the same relevance, whatever the library and the style."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax import nnx
from jax import lax

import lrp_jax
from lrp_jax import PAPER, Composite, Epsilon, On

KEYS = iter(jax.random.split(jax.random.key(0), 100))


def normal(*shape):
    return jax.random.normal(next(KEYS), shape)


def explain(f, x, rules=PAPER, **options):
    return lrp_jax.relevance(f, rules, **options)(x)[1]


def same(a, b, tolerance=1e-12):
    for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(1, float(jnp.abs(other).max())))


# One convolutional network in four libraries.

IMAGE = normal(6, 6, 2)
KERNEL, BIAS = normal(3, 3, 2, 4), normal(4)
SCALE, SHIFT, MEAN, VARIANCE = normal(4), normal(4), normal(4), jnp.exp(normal(4))
OUT, OUT_BIAS = normal(36, 3), normal(3)


def in_jnp(x):
    h = lax.conv_general_dilated(x[None], KERNEL, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[0] + BIAS
    h = (h - MEAN) / jnp.sqrt(VARIANCE + 1e-5) * SCALE + SHIFT
    h = lax.reduce_window(jax.nn.relu(h), -jnp.inf, lax.max, (2, 2, 1), (2, 2, 1), "VALID")
    return h.reshape(-1) @ OUT + OUT_BIAS


def in_linen():
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            h = nn.BatchNorm(use_running_average=True)(nn.Conv(4, (3, 3))(x))
            h = nn.max_pool(nn.relu(h), (2, 2), (2, 2))
            return nn.Dense(3)(nn.Dropout(0.5, deterministic=True)(h.reshape(-1)))

    variables = {
        "params": {
            "Conv_0": {"kernel": KERNEL, "bias": BIAS},
            "BatchNorm_0": {"scale": SCALE, "bias": SHIFT},
            "Dense_0": {"kernel": OUT, "bias": OUT_BIAS},
        },
        "batch_stats": {"BatchNorm_0": {"mean": MEAN, "var": VARIANCE}},
    }
    return lambda x: Net().apply(variables, x)


def in_nnx():
    class Net(nnx.Module):
        def __init__(self, rngs):
            self.conv = nnx.Conv(2, 4, (3, 3), rngs=rngs, param_dtype=float)
            self.norm = nnx.BatchNorm(4, use_running_average=True, rngs=rngs, param_dtype=float)
            self.out = nnx.Linear(36, 3, rngs=rngs, param_dtype=float)

        def __call__(self, x):
            h = nnx.relu(self.norm(self.conv(x)))
            return self.out(nnx.max_pool(h, (2, 2), (2, 2)).reshape(-1))

    net = Net(nnx.Rngs(0))
    net.conv.kernel[...], net.conv.bias[...] = KERNEL, BIAS
    net.norm.scale[...], net.norm.bias[...] = SCALE, SHIFT
    net.norm.mean, net.norm.var = nnx.BatchStat(MEAN), nnx.BatchStat(VARIANCE)
    net.out.kernel[...], net.out.bias[...] = OUT, OUT_BIAS
    return net


def in_equinox():
    class Net(eqx.Module):
        conv: eqx.nn.Conv2d
        out: eqx.nn.Linear

        def __call__(self, x):
            h = self.conv(x.transpose(2, 0, 1))
            channel = lambda a: a[:, None, None]  # noqa: E731
            h = (h - channel(MEAN)) / channel(jnp.sqrt(VARIANCE + 1e-5)) * channel(SCALE) + channel(SHIFT)
            h = eqx.nn.MaxPool2d(2, 2)(jax.nn.relu(h))
            return self.out(h.transpose(1, 2, 0).reshape(-1))

    keys = jax.random.split(jax.random.key(0))
    net = Net(eqx.nn.Conv2d(2, 4, 3, padding=1, key=keys[0]), eqx.nn.Linear(36, 3, key=keys[1]))
    weights = KERNEL.transpose(3, 2, 0, 1), BIAS.reshape(4, 1, 1), OUT.T, OUT_BIAS
    return eqx.tree_at(lambda n: (n.conv.weight, n.conv.bias, n.out.weight, n.out.bias), net, weights)


@pytest.mark.parametrize("rules", [PAPER, Composite("E", (On("*", Epsilon(0.1)), *PAPER.lines)), lrp_jax.GRADIENT])
def test_one_network_in_four_libraries(rules):
    wanted = explain(in_jnp, IMAGE, rules)
    assert jnp.abs(wanted).max() > 0
    for f in (
        in_linen(),
        in_nnx(),
        in_equinox(),
        jax.jit(in_jnp),
        jax.checkpoint(in_jnp),
        eqx.filter_jit(in_equinox()),
    ):
        same(explain(f, IMAGE, rules), wanted)


def test_a_batch_norm_after_a_convolution_is_the_folded_convolution():
    factor = SCALE / jnp.sqrt(VARIANCE + 1e-5)

    def folded(x):
        kernel, bias = KERNEL * factor, (BIAS - MEAN) * factor + SHIFT
        h = lax.conv_general_dilated(x[None], kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[0]
        h = lax.reduce_window(jax.nn.relu(h + bias), -jnp.inf, lax.max, (2, 2, 1), (2, 2, 1), "VALID")
        return h.reshape(-1) @ OUT + OUT_BIAS

    for rules in (PAPER, Composite("E", (On("*", Epsilon(0.1)), *PAPER.lines))):
        same(explain(in_jnp, IMAGE, rules), explain(folded, IMAGE, rules))


def test_a_batch_norm_before_a_convolution_is_a_neuron_of_its_own():
    x = normal(4, 4, 2)
    shift = jnp.array([0.5, -2.0])
    kernel = normal(3, 3, 2, 1)

    def conv(h):
        return lax.conv_general_dilated(h[None], kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[0]

    normed = x * 3.0 + shift
    _, at_normed = lrp_jax.relevance(conv)(normed)
    wanted = at_normed * (x * 3.0) / (normed + jnp.where(normed >= 0, 0.01, -0.01))
    same(explain(lambda x: conv(x * 3.0 + shift), x), wanted)


# Recurrent cells.


def test_lstm_cells_agree():
    x, carry = normal(3), (normal(5), normal(5))
    plain, optimised = nn.LSTMCell(5, param_dtype=float), nn.OptimizedLSTMCell(5, param_dtype=float)
    variables = plain.init(jax.random.key(0), carry, x)

    def last(cell):
        return lambda x, carry: cell.apply(variables, carry, x)[1]

    wanted = lrp_jax.relevance(last(plain), argnums=(0, 1))(x, carry)[1]
    same(lrp_jax.relevance(last(optimised), argnums=(0, 1))(x, carry)[1], wanted)

    def by_hand(x, carry):
        p = variables["params"]
        gates = {g: x @ p["i" + g]["kernel"] + carry[1] @ p["h" + g]["kernel"] + p["h" + g]["bias"] for g in "ifgo"}
        m = jax.nn.sigmoid(gates["f"]) * carry[0] + jax.nn.sigmoid(gates["i"]) * jnp.tanh(gates["g"])
        return jax.nn.sigmoid(gates["o"]) * jnp.tanh(m)

    same(lrp_jax.relevance(by_hand, argnums=(0, 1))(x, carry)[1], wanted)


@pytest.mark.parametrize("cell", [nn.LSTMCell, nn.OptimizedLSTMCell, nn.GRUCell])
def test_an_rnn_is_its_cell_step_by_step(cell):
    x = normal(4, 3)
    rnn = nn.RNN(cell(5, param_dtype=float))
    variables = rnn.init(jax.random.key(0), x)
    (inner,) = variables["params"].values()

    def steps(x):
        module = cell(5, param_dtype=float)
        carry = module.initialize_carry(jax.random.key(0), x[0].shape)
        for row in x:
            carry, y = module.apply({"params": inner}, carry, row)
        return y

    wanted = explain(steps, x)
    same(explain(lambda x: rnn.apply(variables, x)[-1], x), wanted)
    same(explain(jax.checkpoint(lambda x: rnn.apply(variables, x)[-1]), x), wanted)
    same(explain(jax.jit(lambda x: rnn.apply(variables, x)[-1]), x), wanted)


# One sum, written in many ways.

W, U, V, B = normal(4, 5), normal(3, 5), normal(5, 2), normal(5)


def test_one_sum_written_in_many_ways():
    x, h = normal(4), normal(3)

    def both(f):
        return lrp_jax.relevance(lambda x, h: jnp.tanh(f(x, h)) @ V, argnums=(0, 1))(x, h)[1]

    wanted = both(lambda x, h: jnp.concatenate([x, h]) @ jnp.concatenate([W, U]) + B)
    for f in (
        lambda x, h: x @ W + h @ U + B,
        lambda x, h: (B + h @ U) + x @ W,
        lambda x, h: jnp.einsum("i,ij->j", x, W) + (jnp.einsum("j,jk->k", h, U) + B),
        lambda x, h: (x[:, None] * W).sum(0) + jnp.dot(h, U) - (-B),
        lambda x, h: jax.jit(lambda x: x @ W)(x) + jax.jit(lambda h: h @ U)(h) + B,
        lambda x, h: 2 * (x @ (W / 2)) + (h @ U + B).reshape(1, 5)[0],
        lambda x, h: jax.checkpoint(lambda x: x @ W)(x) + (h @ U + B),
        lambda x, h: sum_in_a_scan(jnp.concatenate([x, h]), jnp.concatenate([W, U])) + B,
        lambda x, h: jax.vmap(lambda w, u, b: x @ w + h @ u + b, in_axes=(1, 1, 0))(W, U, B),
    ):
        same(both(f), wanted)


def sum_in_a_scan(x, w):
    """x @ w, a term at a time: the sum goes on from step to step and ends after the loop."""
    return lax.scan(lambda s, pair: (s + pair[0] * pair[1], None), jnp.zeros(w.shape[1]), (x, w))[0]


def test_a_mean_is_a_sum_divided():
    x = normal(6, 4)
    wanted = explain(lambda x: jnp.tanh(x.mean(0)) @ W, x)
    same(explain(lambda x: jnp.tanh(x.sum(0) / 6) @ W, x), wanted)
    same(explain(lambda x: jnp.tanh(jnp.ones(6) @ x / 6) @ W, x), wanted)


def test_a_sum_that_is_used_twice_ends_there():
    x = normal(4)
    wanted = explain(lambda x: lrp_jax.neuron(x @ W) + 1.0, x)
    assert jnp.abs(wanted - explain(lambda x: x @ W + 1.0, x)).max() > 1e-6
    same(explain(lambda x: [z := x @ W, z + 1.0][1], x), explain(lambda x: x @ W + 1.0, x))
    two = lrp_jax.relevance(lambda x: ((z := x @ W) + 1.0, z))
    seed = (wanted_value := jnp.ones(5), jnp.zeros(5))
    same(two(x, seed=seed)[1], lrp_jax.relevance(lambda x: lrp_jax.neuron(x @ W) + 1.0)(x, seed=wanted_value)[1])


def test_auxiliary_and_unused_outputs_change_nothing():
    x = normal(4)

    def f(x):
        z = x @ W
        return jnp.tanh(z + B) @ V, {"the sum itself": z, "its square": z**2, "its size": z.shape[0]}

    wanted = explain(lambda x: f(x)[0], x)
    same(explain(f, x, has_aux=True), wanted)
    (value, aux), r = lrp_jax.relevance(f, has_aux=True)(x)
    same(r, wanted)
    same((value, aux["its square"]), (f(x)[0], (x @ W) ** 2))
    gradient, aux = jax.grad(lrp_jax.lrp(lambda x: (f(x)[0].sum(), f(x)[1]), has_aux=True), has_aux=True)(x)
    assert gradient.shape == x.shape
    assert aux["its size"] == 5


def test_a_residual_and_an_average_pool_conserve():
    x = normal(1, 4, 4, 3)
    rules = Composite("EXACT", (On("*", Epsilon(0.0)), *PAPER.lines))

    def f(x):
        h = x + jnp.tanh(x @ normal_kernel)
        return nn.avg_pool(h, (2, 2), (2, 2)).sum()

    normal_kernel = normal(3, 3)
    value, r = lrp_jax.relevance(f, rules)(x)
    np.testing.assert_allclose(r.sum(), value, rtol=1e-10)


# Composition with the other transformations.


def test_vmap_inside_and_outside():
    x = normal(3, 4)
    f = lambda x: jnp.tanh(x @ W + B) @ V  # noqa: E731
    wanted = jnp.stack([explain(f, row) for row in x])
    same(explain(jax.vmap(f), x), wanted)
    same(jax.vmap(lambda row: explain(f, row))(x), wanted)
    same(jax.jit(jax.vmap(lambda row: explain(f, row)))(x), wanted)


def test_cond_takes_the_branch_that_is_taken():
    for x in (normal(4), -jnp.abs(normal(4))):
        f = lambda x: lax.cond(x.sum() > 0, lambda x: jnp.tanh(x @ W), lambda x: (2 * x) @ W, x) @ V  # noqa: E731
        taken = (lambda x: jnp.tanh(x @ W) @ V) if x.sum() > 0 else (lambda x: ((2 * x) @ W) @ V)
        same(explain(f, x), explain(taken, x))


def test_nested_scans():
    x = normal(2, 3, 4)

    def nested(x):
        def outer(h, rows):
            h, _ = lax.scan(lambda h, row: (jnp.tanh(row @ W + h), None), h, rows)
            return jnp.tanh(h), h.sum()

        h, sums = lax.scan(outer, jnp.zeros(5), x)
        return h @ V + sums.sum()

    def unrolled(x):
        h, sums = jnp.zeros(5), []
        for rows in x:
            for row in rows:
                h = jnp.tanh(row @ W + h)
            sums.append(h.sum())
            h = jnp.tanh(h)
        return h @ V + jnp.stack(sums).sum()

    same(explain(nested, x), explain(unrolled, x))


def test_pytrees_argnums_and_integers():
    batch = {"x": normal(4), "index": jnp.array([1, 0]), "flag": True}

    def f(scale, batch):
        return scale * (jnp.tanh(batch["x"] @ W)[batch["index"]] @ V[batch["index"]])

    value, r = lrp_jax.relevance(f, argnums=1)(2.0, batch)
    assert r["index"].dtype == jax.dtypes.float0
    same(value, f(2.0, batch))
    same(r["x"], explain(lambda x: f(2.0, batch | {"x": x}), batch["x"]))
    same(lrp_jax.relevance(f, argnums=-1)(2.0, batch)[1]["x"], r["x"])
    assert isinstance(lrp_jax.relevance(f, argnums=(1,))(2.0, batch)[1], tuple)
    with pytest.raises(ValueError, match="got argnums=3; wanted the position of one of the 2"):
        lrp_jax.relevance(f, argnums=3)(2.0, batch)
    with pytest.raises(ValueError, match=r"got a seed of shape \(7,\); wanted the shape of the output, \(2,\)"):
        lrp_jax.relevance(f, argnums=1)(2.0, batch, seed=jnp.ones(7))


def test_updating_a_model_in_place_changes_the_answer():
    net = in_nnx()
    explained = lrp_jax.lrp(lambda x: net(x)[0])
    before = jax.grad(explained)(IMAGE)
    net.out.kernel[...] = 2 * net.out.kernel[...]
    after = jax.grad(explained)(IMAGE)
    assert jnp.abs(before - after).max() > 1e-3
    same(after, jax.grad(lrp_jax.lrp(lambda x: net(x)[0]))(IMAGE))


def test_a_custom_vjp_is_explained_by_what_it_computes():
    @jax.custom_vjp
    def layer(x):
        return jnp.tanh(x @ W)

    layer.defvjp(lambda x: (layer(x), x), lambda x, g: (jnp.full_like(x, jnp.nan),))
    x = normal(4)
    same(explain(lambda x: layer(x) @ V, x), explain(lambda x: jnp.tanh(x @ W) @ V, x))


def test_a_layer_that_is_called_often_stays_one_function():
    layer = jax.jit(lambda h, w: jnp.tanh(h @ w + B))
    plain = lambda h, w: jnp.tanh(h @ w + B)  # noqa: E731
    w = normal(5, 5)

    def deep(layer):
        return lambda h: layer(layer(layer(h, w), w), w) @ V

    h = normal(5)
    same(explain(deep(layer), h), explain(deep(plain), h))
    calls = [e for e in jax.make_jaxpr(lrp_jax.lrp(deep(layer)))(h).eqns if e.primitive.name == "jit"]
    assert len(calls) == 3
    assert len({id(e.params["jaxpr"]) for e in calls}) == 1


def test_a_bias_outside_the_jitted_layer_belongs_to_it():
    kernel = normal(3, 3, 2, 2)
    conv = jax.jit(
        lambda x: lax.conv_general_dilated(x[None], kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[
            0
        ]
    )
    f = lambda x: jax.nn.relu(conv(jax.nn.relu(conv(x) + 0.3)) - 0.2)  # noqa: E731
    x = normal(4, 4, 2)
    with jax.disable_jit():
        wanted = explain(f, x)
    same(explain(f, x), wanted)
