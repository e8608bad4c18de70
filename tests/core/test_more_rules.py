"""First-layer rules, gamma, pooling, guided and transposed rectifiers, transformers; composites as values."""

import pathlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import slow_lrp as slow
from flax import linen as nn

import lrp_jax
from lrp_jax import PAPER, AlphaBeta, Composite, Epsilon, Flat, Gamma, On, Proportional, WSquare, ZBox
from lrp_jax.captions.weights import vgg16_from_state_dict

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"


def arrays(seed, *shapes):
    keys = jax.random.split(jax.random.key(seed), len(shapes))
    return [jax.random.normal(k, s) for k, s in zip(keys, shapes, strict=True)]


def conv(x, w):
    return jax.lax.conv_general_dilated(x[None], w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[0]


FIRST = {
    "w-square": (WSquare(), slow.w_square),
    "flat": (Flat(), slow.flat),
    "z-box": (ZBox(-3.0, 3.0), partial(slow.z_box, low=-3.0, high=3.0)),
}


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("moved", [False, True])
def test_first_layer_rules_are_exact_where_the_input_is_zero(name, moved):
    rule, slowly = FIRST[name]
    x, w, b, scale, v = arrays(0, (5, 5, 2), (3, 3, 2, 4), (1, 1, 4), (1, 1, 4), (4, 3))
    x = x.clip(-3, 3).at[1:3, 1:4].set(0)

    def layer(x):
        return conv(x, w) * scale + b

    def f(x):
        if moved:
            x = jnp.flip(jnp.pad(x[None], ((0, 0), (1, 0), (0, 0), (0, 0)))[0, 1:], 0)[::-1]
        return jnp.tanh(layer(x)).sum((0, 1)) @ v

    rules = Composite("T", (On("conv", rule, position="first"), On("conv", AlphaBeta()), *PAPER.lines))
    rest = [(jnp.tanh, slow.unchanged), (lambda h: h.sum((0, 1)), partial(slow.epsilon, eps=0.01))]
    network = [(layer, slowly), *rest, (lambda h: h @ v, partial(slow.epsilon, eps=0.01))]
    _, r = lrp_jax.relevance(f, rules)(x)
    np.testing.assert_allclose(r, slow.explain(network, x), rtol=1e-9, atol=1e-10)
    assert jnp.abs(r[2, 2]).max() > 0
    np.testing.assert_allclose(jax.jit(lrp_jax.relevance(f, rules))(x)[1], r, rtol=1e-9, atol=1e-10)


def test_a_rule_for_first_layers_further_inside_gives_what_a_density_can_carry():
    x, w, v = arrays(1, (6,), (6, 5), (5, 3))
    rules = Composite("T", (On("dense", WSquare()), *PAPER.lines))
    network = [(lambda x: x @ w, slow.w_square), (jnp.tanh, slow.unchanged), (lambda h: h @ v, slow.w_square)]
    _, r = lrp_jax.relevance(lambda x: jnp.tanh(x @ w) @ v, rules)(x)
    np.testing.assert_allclose(r, slow.explain(network, x), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("value", [0.0, 0.25, 5.0])
@pytest.mark.parametrize("bias", [False, True])
def test_gamma(value, bias):
    x, w, b, u, c = arrays(2, (4, 4, 2), (3, 3, 2, 4), (1, 1, 4), (3, 3, 4, 3), (1, 1, 3))
    layers = [lambda x: conv(x, w) + b, jax.nn.relu, lambda h: conv(h, u) + c]
    rule = partial(slow.gamma, gamma=value, bias=bias)
    rules = Composite("T", (On("conv", Gamma(value, bias=bias)), *PAPER.lines))
    _, r = lrp_jax.relevance(lambda x: conv(jax.nn.relu(conv(x, w) + b), u) + c, rules)(x)
    wanted = slow.explain(list(zip(layers, [rule, slow.unchanged, rule], strict=True)), x)
    np.testing.assert_allclose(r, wanted, rtol=1e-8, atol=1e-9)


def test_proportional_pooling():
    x = jax.random.uniform(jax.random.key(0), (4, 4, 2)).at[:2, :2, 0].set(0)
    pool = lambda x: nn.max_pool(x[None], (2, 2), (2, 2))[0]  # noqa: E731
    rules = Composite("T", (On("pool", Proportional()), *PAPER.lines))
    _, r = lrp_jax.relevance(pool, rules)(x)
    np.testing.assert_allclose(r, slow.pool_proportionally(pool, x, np.asarray(pool(x)), 2), rtol=1e-12)


@pytest.mark.parametrize("name", ["enc_vgg_narrow_s0.npz", "enc_vgg_narrow_s2.npz"])
def test_guided_backpropagation_golden(name):
    with np.load(GOLDENS / name, allow_pickle=False) as file:
        golden = dict(file)
    encoder, params = vgg16_from_state_dict({k[6:]: v for k, v in golden.items() if k.startswith("param.")})
    image, seed = (jnp.asarray(golden[k].transpose(1, 2, 0), float) for k in ("image", "seed_rel"))
    _, pull = jax.vjp(lrp_jax.lrp(lambda x: encoder.apply(params, x[None])[0], lrp_jax.GUIDED_BACKPROP), image)
    wanted = golden["guided_pixels"].transpose(1, 2, 0)
    assert np.abs(pull(seed)[0] - wanted).max() <= 1e-9 * np.abs(wanted).max()


def test_guided_and_transposed_rectifiers_by_hand():
    x, v = jnp.array([1.0, -1.0, 2.0]), jnp.array([1.0, 1.0, -1.0])
    f = lambda x: jnp.tanh(jax.nn.relu(x)) @ v  # noqa: E731
    derivative = 1 - jnp.tanh(jax.nn.relu(x)) ** 2
    np.testing.assert_allclose(jax.grad(lrp_jax.lrp(f, lrp_jax.GUIDED_BACKPROP))(x), [derivative[0], 0, 0])
    np.testing.assert_allclose(jax.grad(lrp_jax.lrp(f, lrp_jax.DECONVNET))(x), [derivative[0], 1, 0])
    np.testing.assert_allclose(jax.grad(lrp_jax.lrp(f, lrp_jax.GRADIENT_X_INPUT))(x), x * jax.grad(f)(x))


# Transformers.


def block(x, p):
    """A pre-norm transformer block with gelu."""
    h = nn.LayerNorm().apply({"params": p["norm"]}, x)
    scores = (h @ p["q"]) @ (h @ p["k"]).T / 2
    x = x + jax.nn.softmax(scores) @ (h @ p["v"])
    return x + jax.nn.gelu(x @ p["up"]) @ p["down"]


def block_params():
    q, k, v, up, down, scale, bias = arrays(5, (4, 4), (4, 4), (4, 4), (4, 8), (8, 4), (4,), (4,))
    return {"q": q, "k": k, "v": v, "up": up, "down": down, "norm": {"scale": scale, "bias": bias}}


def test_attn_lrp_slowly():
    """AttnLRP's rules applied by hand, from the output of the attention to its input."""
    x, p = arrays(6, (3, 4))[0], block_params()
    rules = Composite("T", (On("*", Epsilon(0.0)), *lrp_jax.ATTN_LRP.lines))

    def attention(x):
        return jax.nn.softmax((x @ p["q"]) @ x.T) @ (x @ p["v"])

    value, r = lrp_jax.relevance(attention, rules)(x)
    q, v, s = x @ p["q"], x @ p["v"], (x @ p["q"]) @ x.T
    a = jax.nn.softmax(s)
    c = jnp.ones_like(value)
    at_a, at_v = a * (c @ v.T) / 2, v * (a.T @ c) / 2
    at_s = s * (at_a - a * at_a.sum(-1, keepdims=True))  # Eq. of the softmax: x_i (R_i - s_i sum R)
    c_s = at_s / s
    at_q, at_k = q * (c_s @ x) / 2, x * (c_s.T @ q) / 2
    wanted = at_k + x * ((at_q / q) @ p["q"].T) + x * ((at_v / v) @ p["v"].T)
    np.testing.assert_allclose(r, wanted, rtol=1e-9)


def test_a_transformer_block_has_an_empty_audit():
    x, p = arrays(7, (3, 4))[0], block_params()
    for rules in (lrp_jax.PAPER, lrp_jax.ATTN_LRP, lrp_jax.CP_LRP):
        audit = lrp_jax.audit(lambda x: block(x, p), rules)(x)
        assert not audit.refusals, str(audit)
        scale = max(1, *(abs(row.lost) for row in audit.rows))
        assert abs(audit.unexplained) < 1e-9 * scale


@pytest.mark.parametrize("norm", [nn.LayerNorm(), nn.RMSNorm(), nn.GroupNorm(2)])
def test_a_norm_is_held_constant(norm):
    x = arrays(8, (3, 4))[0]
    params = norm.init(jax.random.key(0), x)
    rules = Composite("T", (On("*", Epsilon(0.0)), *lrp_jax.CP_LRP.lines))
    _, r = lrp_jax.relevance(lambda x: norm.apply(params, x), rules)(x)
    assert jnp.isfinite(r).all()
    np.testing.assert_allclose(r.sum(), norm.apply(params, x).sum(), rtol=1e-6, atol=1e-6)


# Composites.


def test_lines_are_chosen_by_scope_position_and_weight():
    x, w, v = arrays(9, (4,), (4, 4), (4, 2))
    weights = {"first": {"kernel": w}, "second": {"kernel": v}}

    def f(weights, x):
        with jax.named_scope("lower"):
            h = jnp.tanh(x @ weights["first"]["kernel"])
        return h @ weights["second"]["kernel"]

    def explained(*lines):
        rules = Composite("T", (*lines, *PAPER.lines))
        return lrp_jax.relevance(f, rules, argnums=1)(weights, x)[1]

    lower = explained(On("dense", Epsilon(1.0), scope="lower"))
    assert jnp.abs(lower - explained()).max() > 1e-3
    np.testing.assert_array_equal(lower, explained(On("dense", Epsilon(1.0), position="first")))
    np.testing.assert_array_equal(lower, explained(On("dense", Epsilon(1.0), scope="*first/kernel")))
    upper = explained(On("dense", Epsilon(1.0), position="last"))
    np.testing.assert_array_equal(upper, explained(On("*", Epsilon(1.0), scope="*second*")))
    np.testing.assert_array_equal(
        upper, explained(On("dense", Epsilon(0.01), scope="lower"), On("dense", Epsilon(1.0)))
    )
    with pytest.raises(ValueError, match="got position 'middle'; wanted 'first', 'last' or None"):
        On("dense", Epsilon(), position="middle")


NAMES = (
    "PAPER",
    "GRADIENT",
    "GRADIENT_X_INPUT",
    "GUIDED_BACKPROP",
    "DECONVNET",
    "EpsilonPlus",
    "EpsilonPlusFlat",
    "EpsilonAlpha2Beta1",
    "EpsilonAlpha2Beta1Flat",
    "ATTN_LRP",
    "CP_LRP",
)
PRESETS = {name: getattr(lrp_jax, name) for name in NAMES} | {"EpsilonGammaBox": lrp_jax.EpsilonGammaBox(-2.0, 2.5)}


def test_presets_print_as_written():
    text = "\n\n".join(str(preset) for preset in PRESETS.values()) + "\n"
    golden = GOLDENS / "presets.txt"
    assert text == golden.read_text()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_explains_a_network(name):
    """Under jit, vmap and in a batch, with a balance that closes."""
    w, b, u, c, v = arrays(10, (3, 3, 2, 4), (1, 1, 4), (3, 3, 4, 4), (1, 1, 4), (4, 3))
    x = arrays(11, (2, 4, 4, 2))[0].clip(-2, 2.5)
    rules = PRESETS[name]

    def f(x):
        h = jax.nn.relu(conv(x, w) + b)
        h = nn.max_pool((h + jax.nn.relu(conv(h, u) + c))[None], (2, 2), (2, 2))[0]
        return h.mean((0, 1)) @ v

    one = lambda x: lrp_jax.relevance(f, rules)(x)[1]  # noqa: E731
    wanted = jnp.stack([one(image) for image in x])
    assert jnp.isfinite(wanted).all()
    np.testing.assert_allclose(jax.jit(jax.vmap(one))(x), wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(lrp_jax.relevance(jax.vmap(f), rules)(x)[1], wanted, rtol=1e-9, atol=1e-12)
    audit = lrp_jax.audit(f, rules)(x[0])
    assert abs(audit.unexplained) < 1e-9 * max(1, abs(audit.seed), *(abs(row.lost) for row in audit.rows))
