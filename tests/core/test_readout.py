"""Relevance at places inside, conditional explanations, relevance of parameters, contrastive seeds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax import lax
from jax.ad_checkpoint import checkpoint_name

import lrp_jax
from lrp_jax import GRADIENT, PAPER, AlphaBeta, Composite, Epsilon, EpsilonPlusFlat, Flat, Gamma, On, WSquare, ZBox

EXACT = Composite("EXACT", (*PAPER.lines[:-1], On("*", Epsilon(1e-12))))


def arrays(seed, *shapes):
    keys = jax.random.split(jax.random.key(seed), len(shapes))
    return [jax.random.normal(k, s) for k, s in zip(keys, shapes, strict=True)]


class Network(nn.Module):
    """Two convolutions, a residual and a dense layer, none of which knows of relevance."""

    @nn.compact
    def __call__(self, x):
        h = nn.relu(nn.Conv(4, (3, 3), name="first", param_dtype=float)(x))
        h = h + nn.relu(nn.Conv(4, (3, 3), name="second", param_dtype=float)(h))
        return self.head(h)

    @nn.nowrap
    def head(self, h):
        return nn.Dense(3, name="dense", param_dtype=float)(h.mean(axis=(-2, -3)))


NETWORK = Network()
X = jax.random.normal(jax.random.key(0), (5, 5, 2))
PARAMS = jax.tree.map(
    lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.key(leaf.size), leaf.shape),
    NETWORK.init(jax.random.key(1), X),
)


def network(x):
    return NETWORK.apply(PARAMS, x)


def conv(x, w):
    return lax.conv_general_dilated(x[None], w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[0]


@pytest.mark.parametrize("rules", [PAPER, GRADIENT, lrp_jax.EpsilonPlus], ids=lambda r: r.name)
def test_relevance_inside_is_that_of_the_rest_of_the_network(rules):
    weights = PARAMS["params"]
    seed = jnp.array([0.0, 1.0, 0.0])
    hidden = jax.nn.relu(conv(X, weights["first"]["kernel"]) + weights["first"]["bias"])

    def rest(h):
        after = conv(h, weights["second"]["kernel"]) + weights["second"]["bias"]
        h = h + jax.nn.relu(after)
        return h.mean(axis=(0, 1)) @ weights["dense"]["kernel"] + weights["dense"]["bias"]

    _, wanted = lrp_jax.relevance(rest, rules)(hidden, seed=seed)
    value, at_input, places = lrp_jax.relevance_at(network, "*/first", rules)(X, seed=seed)
    # The scope is the convolution, so what is read there is before the rectifier.
    alive = hidden > 0
    np.testing.assert_allclose(places["Network/first"], jnp.where(alive, wanted, 0), rtol=1e-10, atol=1e-12)
    plain_value, plain = lrp_jax.relevance(network, rules)(X, seed=seed)
    np.testing.assert_allclose(at_input, plain, rtol=1e-12)
    np.testing.assert_allclose(value, plain_value)


def test_jit_checkpoint_cond_and_scan_keep_their_places():
    (x, w, u) = arrays(2, (3, 4), (4, 4), (4, 4))

    def layer(h, w):
        return checkpoint_name(jnp.tanh(h @ w), "hidden")

    def loop(x):
        h = x
        for step in range(3):
            h = layer(h, w) + h @ u * step
        return jnp.tanh(h).sum()

    shared = jax.jit(layer)
    ways = {
        "jit": lambda x: _repeat(x, lambda h, i: shared(h, w) + h @ u * i),
        "checkpoint": lambda x: _repeat(x, lambda h, i: jax.checkpoint(layer)(h, w) + h @ u * i),
        "cond": lambda x: _repeat(x, lambda h, i: lax.cond(True, layer, lambda h, w: h, h, w) + h @ u * i),
        "scan": lambda x: jnp.tanh(lax.scan(lambda h, i: (layer(h, w) + h @ u * i, None), x, jnp.arange(3.0))[0]).sum(),
    }
    _, r, places = lrp_jax.relevance_at(loop, "hidden")(x)
    wanted = np.stack(places["hidden"])
    assert wanted.shape == (3, 3, 4)
    for way, f in ways.items():
        _, same, places = jax.jit(lrp_jax.relevance_at(f, ["hidden"]))(x)
        found = places["hidden"] if way == "scan" else np.stack(places["hidden"])
        np.testing.assert_allclose(found, wanted, rtol=1e-10, err_msg=way)
        np.testing.assert_allclose(same, r, rtol=1e-10, err_msg=way)


def _repeat(x, f):
    for step in range(3):
        x = f(x, step)
    return jnp.tanh(x).sum()


def test_vmap_inside_and_outside():
    x, w, v = arrays(3, (5, 4), (4, 6), (6,))
    f = lambda x: checkpoint_name(jax.nn.relu(x @ w), "hidden") @ v  # noqa: E731
    _, _, inside = lrp_jax.relevance_at(lambda x: jax.vmap(f)(x), "hidden")(x)
    _, _, outside = jax.vmap(lrp_jax.relevance_at(f, "hidden"))(x)
    np.testing.assert_allclose(inside["hidden"], outside["hidden"], rtol=1e-12)


@pytest.mark.parametrize("rules", [PAPER, EpsilonPlusFlat], ids=lambda r: r.name)
def test_explanations_by_channel_add_up(rules):
    """Relevance is linear: what flows through each channel of the first layer sums to all that flows."""
    _, whole, places = lrp_jax.relevance_at(network, "Network/first", rules)(X)
    explain = jax.jit(lambda mask: lrp_jax.relevance_at(network, "Network/first", rules, masks={"*/first": mask})(X))
    parts = [explain(mask) for mask in jnp.eye(4)]
    np.testing.assert_allclose(sum(part for _, part, _ in parts), whole, rtol=1e-9, atol=1e-12)
    for channel, (_, _, inside) in enumerate(parts):
        kept = np.asarray(places["Network/first"]) * np.eye(4)[channel]
        np.testing.assert_allclose(inside["Network/first"], kept, rtol=1e-10, atol=1e-12)
    r = jax.grad(lrp_jax.lrp(lambda x: network(x).sum(), rules, masks={"Network/first": jnp.eye(4)[2]}))(X)
    assert not np.allclose(r, whole)


def test_a_masked_input_under_a_rule_that_does_not_multiply_by_it():
    x, w, v = arrays(4, (6,), (6, 5), (5,))
    x = x.at[2].set(0.0)
    rules = Composite("T", (On("dense", Flat(), position="first"), *PAPER.lines))
    f = lambda x: jnp.tanh(checkpoint_name(x, "pixels") @ w) @ v  # noqa: E731
    mask = jnp.array([1.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    _, whole = lrp_jax.relevance(f, rules)(x)
    _, r, places = lrp_jax.relevance_at(f, "pixels", rules, masks={"pixels": mask})(x)
    assert abs(whole[2]) > 1e-3
    np.testing.assert_allclose(r, whole * mask, rtol=1e-12)
    np.testing.assert_allclose(places["pixels"], whole * mask, rtol=1e-12)


def test_the_relevance_of_a_latent_place_is_differentiable():
    x, w, v = arrays(5, (4,), (4, 6), (6,))

    def hidden(w):
        f = lambda x: checkpoint_name(jnp.tanh(x @ w), "hidden") @ v  # noqa: E731
        return lrp_jax.relevance_at(f, "hidden")(x)[2]["hidden"][1]

    step = jnp.zeros_like(w).at[2, 1].set(1e-6)
    difference = (hidden(w + step) - hidden(w - step)) / 2e-6
    np.testing.assert_allclose(jax.grad(hidden)(w)[2, 1], difference, rtol=1e-6)


def test_a_name_that_relevance_does_not_pass_is_an_error_that_lists_the_names():
    with pytest.raises(lrp_jax.NoPlaceError, match=r"passes .third. by itself.*Network/first, Network/second"):
        lrp_jax.relevance_at(network, "third")(X)
    with pytest.raises(lrp_jax.NoPlaceError, match="'third'"):
        lrp_jax.lrp(network, masks={"third": jnp.ones(())})(X)
    w, b = arrays(6, (3, 3, 2, 4), (4,))
    inside_a_layer = lambda x: jax.nn.relu(checkpoint_name(conv(x, w), "sum") + b)  # noqa: E731
    with pytest.raises(lrp_jax.NoPlaceError, match=r"'sum'.*where a layer"):
        lrp_jax.relevance_at(inside_a_layer, "sum")(X)
    inside_an_activation = lambda x: x * checkpoint_name(jax.nn.sigmoid(x), "gate")  # noqa: E731
    with pytest.raises(lrp_jax.NoPlaceError, match="'gate'"):
        lrp_jax.relevance_at(inside_an_activation, "gate")(X)


@pytest.mark.parametrize("rules", [PAPER, EpsilonPlusFlat], ids=lambda r: r.name)
def test_where_a_layer_ends_there_is_a_place(rules):
    """A name, or `neuron`, after the bias: the layer ends there, and its relevance is read there."""
    w, b, scale = arrays(11, (3, 3, 2, 4), (4,), (4,))
    x = jax.random.uniform(jax.random.key(12), (5, 5, 2))
    plain = lambda x: jax.nn.relu((conv(x, w) + b) * scale).sum()  # noqa: E731
    named = lambda x: jax.nn.relu(checkpoint_name((conv(x, w) + b) * scale, "layer")).sum()  # noqa: E731
    marked = lambda x: jax.nn.relu(lrp_jax.neuron((conv(x, w) + b) * scale)).sum()  # noqa: E731
    _, r, places = lrp_jax.relevance_at(named, "layer", rules)(x)
    wanted = jax.grad(lrp_jax.lrp(plain, rules))(x)
    np.testing.assert_allclose(r, wanted, rtol=1e-12)
    np.testing.assert_allclose(jax.grad(lrp_jax.lrp(marked, rules))(x), wanted, rtol=1e-12)
    _, end = lrp_jax.relevance(lambda z: jax.nn.relu(z).sum(), rules)((conv(x, w) + b) * scale)
    np.testing.assert_allclose(places["layer"], end, rtol=1e-12)


def test_a_neuron_is_where_its_marker_says_under_a_layer_rule():
    x, w, b, c, v = arrays(13, (4,), (4, 3), (3,), (3,), (3,))
    rules = Composite("T", (On("dense", AlphaBeta(0.0, bias=True)), *PAPER.lines))
    one = lambda x: jnp.tanh(lrp_jax.neuron(x @ w + b) + c) @ v  # noqa: E731
    # The constant added after the marker is no part of the layer: it absorbs its share of a sum of its own.
    _, r, places = lrp_jax.relevance_at(
        lambda x: jnp.tanh(checkpoint_name(lrp_jax.neuron(x @ w + b), "layer") + c) @ v, "layer", rules
    )(x)
    np.testing.assert_allclose(lrp_jax.relevance(one, rules)(x)[1], r, rtol=1e-12)
    _, wanted = lrp_jax.relevance(lambda x: x @ w + b, rules)(x, seed=places["layer"])
    np.testing.assert_allclose(r, wanted, rtol=1e-9)


def test_the_audit_says_what_a_mask_holds_back():
    report = lrp_jax.audit(network, masks={"Network/first": jnp.eye(4)[1]})(X)
    _, _, places = lrp_jax.relevance_at(network, "Network/first")(X)
    held = places["Network/first"].sum() - places["Network/first"][..., 1].sum()
    np.testing.assert_allclose(report.lost["mask"], held, rtol=1e-9)
    assert abs(report.unexplained) < 1e-10
    assert "held back by a mask" in str(report)


# Parameters.


def test_messages_through_the_weights_by_hand():
    x, w, b, v = arrays(7, (3,), (3, 4), (4,), (4,))
    f = lambda p, x: jnp.tanh(x @ p["w"] + p["b"]) @ p["v"]  # noqa: E731
    _, r = lrp_jax.parameter_relevance(f)({"w": w, "b": b, "v": v}, x)
    z = x @ w + b
    h = jnp.tanh(z)
    out = h @ v
    at_hidden = h * v * out / (out + 0.01 * jnp.sign(out))
    stabilised = z + 0.01 * jnp.sign(z)
    np.testing.assert_allclose(r["v"], at_hidden, rtol=1e-10)
    np.testing.assert_allclose(r["w"], x[:, None] * w * (at_hidden / stabilised), rtol=1e-10)
    np.testing.assert_allclose(r["b"], b * at_hidden / stabilised, rtol=1e-10)


LAYER_RULES = [AlphaBeta(), AlphaBeta(1.0), Gamma(bias=False), Flat(), WSquare(), ZBox(-3.0, 3.0)]


@pytest.mark.parametrize("rule", LAYER_RULES, ids=str)
@pytest.mark.parametrize("normed", [False, True])
def test_messages_through_a_kernel_are_what_its_inputs_receive(rule, normed):
    x, w, scale, v = arrays(8, (5, 5, 2), (3, 3, 2, 4), (4,), (4,))
    rules = Composite("T", (On("conv", rule), On("activation", lrp_jax.Pass()), On("*", Epsilon(1e-12))))

    def f(w, x):
        y = conv(x, w)
        return jax.nn.relu(y * scale if normed else y).sum((0, 1)) @ v

    _, at_weights = jax.jit(lrp_jax.parameter_relevance(f, rules))(w, x)
    _, at_input = lrp_jax.relevance(f, rules, argnums=1)(w, x)
    np.testing.assert_allclose(at_weights.sum(), at_input.sum(), rtol=1e-9)
    # An input that only one channel of the kernel sees: the messages through that channel are its relevance.
    one = x.at[..., 1].set(0.0)
    if not getattr(rule, "of_relevance", False):
        _, at_weights = lrp_jax.parameter_relevance(f, rules)(w, one)
        np.testing.assert_allclose(at_weights[:, :, 1], 0, atol=1e-12)


def test_alpha_rule_messages_slowly():
    x, w = arrays(9, (4,), (4, 3))
    rules = Composite("T", (On("dense", AlphaBeta()), On("activation", lrp_jax.Pass()), On("*", Epsilon(1e-12))))
    _, r = lrp_jax.parameter_relevance(lambda w, x: jnp.tanh(x @ w).sum(), rules)(w, x)
    wanted = np.zeros_like(w)
    for j in range(3):
        positive = np.maximum(np.asarray(x * w[:, j]), 0)
        wanted[:, j] = positive / positive.sum() * np.tanh(float(x @ w[:, j]))
    np.testing.assert_allclose(r, wanted, rtol=1e-9)


def test_parameters_of_derivatives_and_wrong_positions():
    x, w = arrays(10, (3,), (3, 2))
    f = lambda w, x: jnp.tanh(x @ w).sum()  # noqa: E731
    gradient = lrp_jax.relevance(f, GRADIENT, argnums=1)
    _, r = lrp_jax.parameter_relevance(f, GRADIENT)(w, x, seed=f(w, x))  # a density of 1: the plain gradient
    np.testing.assert_allclose(r, w * jax.grad(f)(w, x), rtol=1e-12)
    assert gradient(w, x)[1].shape == x.shape
    with pytest.raises(ValueError, match="params=1, which is also in argnums=1"):
        lrp_jax.parameter_relevance(f, params=1)(w, x)


# Contrast.


def test_contrast_with_another_class_is_the_difference():
    _, both = lrp_jax.relevance(network)(X, seed=lrp_jax.contrastive_seed(network(X), 1, against=2))
    parts = [lrp_jax.relevance(lambda x, k=k: network(x)[k])(X)[1] for k in (1, 2)]
    np.testing.assert_allclose(both, parts[0] - parts[1], rtol=1e-10, atol=1e-12)


def test_contrast_with_the_rest_is_the_log_odds():
    def log_odds(x):
        p = jax.nn.softmax(network(x))[1]
        return jnp.log(p / (1 - p))

    seed = lrp_jax.contrastive_seed(network(X), 1)
    np.testing.assert_allclose(seed / network(X) @ jnp.ones(3), 0, atol=1e-12)
    _, r = lrp_jax.relevance(network, GRADIENT)(X, seed=seed)
    np.testing.assert_allclose(r, jax.grad(log_odds)(X), rtol=1e-9, atol=1e-12)
    batch = jnp.stack([network(X), network(X) * 2])
    np.testing.assert_allclose(lrp_jax.contrastive_seed(batch, jnp.array([1, 0]))[0], seed)
    with pytest.raises(ValueError, match="got against='all'"):
        lrp_jax.contrastive_seed(batch, 0, against="all")
