"""AttnLRP and CP-LRP on a transformer against lxt: its explicit functionals and its gradient-times-input rules."""

import math
from types import SimpleNamespace

import flax.linen as nn
import jax
import lxt.explicit.functional as lf
import lxt.explicit.rules as lr
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lxt.efficient import patches
from lxt.efficient.rules import stop_gradient
from twin_transformer import (
    NORM_EPSILON,
    TOKENS,
    TRANSFORMERS,
    WIDTH,
    FlaxTransformer,
    Plain,
    causal,
    gelu,
    transformer,
)
from twin_weights import random_variables, tensors

import lrp_jax
from lrp_jax import ATTN_LRP, CP_LRP, Composite, Epsilon, On


class Explicit(Plain):
    """lxt.explicit: every operation takes relevance to relevance. Its stabilisers ignore signs, so they are 0 here."""

    def linear(self, x, w):
        return lf.linear_epsilon(x, w["kernel"].T, w["bias"], 0.0)

    def add(self, a, b):
        return lf.add2(a, b, False, 0.0)

    def norm(self, x, w):
        if "bias" in w:
            return lf.layer_norm_grad_fn.apply(x, w["scale"], w["bias"], NORM_EPSILON, 0.0)
        # The same rule as lf.rms_norm_identity, which computes in float32.
        return lr.identity(lambda x: self.rms(x) * w["scale"], x)

    def attention(self, query, key, value):
        scores = lf.matmul(query, key.mT, False, 0.0).masked_fill(~causal(), -math.inf)
        return lf.matmul(lf.softmax(scores, -1, None, math.sqrt(query.shape[-1])), value, False, 0.0)

    def mlp(self, x, up, down, gate):
        if gate:
            hidden = lf.mul2(lr.identity(F.silu, self.linear(x, gate)), self.linear(x, up))
        else:
            hidden = lr.identity(gelu, self.linear(x, up))
        return self.linear(hidden, down)


class ExplicitCP(Explicit):
    """lxt.explicit.special.multi_head_attention_cp, with its stabiliser at 0; a gate is held like the attention."""

    def attention(self, query, key, value):
        with torch.no_grad():
            scores = (query @ key.mT / math.sqrt(query.shape[-1])).masked_fill(~causal(), -math.inf)
        return lr.epsilon_lrp(torch.matmul, 0.0, scores.softmax(-1).detach(), value)

    def mlp(self, x, up, down, gate):
        if not gate:
            return super().mlp(x, up, down, gate)
        held = F.silu(super().linear(x, gate)).detach()
        return self.linear(lf.mul2(held, self.linear(x, up)), down)


def attend(module, query, key, value):
    return Plain().attention(query, key, value)


class Efficient(Plain):
    """lxt.efficient: gradients times inputs, with the gradients of norms, activations and products changed."""

    attend = staticmethod(patches.wrap_attention_forward(attend))
    gated_mlp = staticmethod(patches.gated_mlp_forward)

    def norm(self, x, w):
        if "bias" in w:
            module = SimpleNamespace(weight=w["scale"], bias=w["bias"], eps=NORM_EPSILON)
            return patches.layer_norm_forward(module, x)
        # As patches.rms_norm_forward, which computes in float32.
        return x * stop_gradient(torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + NORM_EPSILON)) * w["scale"]

    def attention(self, query, key, value):
        return self.attend(None, query, key, value)

    def mlp(self, x, up, down, gate):
        layers = {"up_proj": up, "down_proj": down} | ({"gate_proj": gate} if gate else {})
        module = SimpleNamespace(**{k: lambda x, w=w: self.linear(x, w) for k, w in layers.items()})
        module.act_fn = F.silu if gate else gelu
        return (self.gated_mlp if gate else patches.mlp_forward)(module, x)


class EfficientCP(Efficient):
    attend = staticmethod(patches.cp_wrap_attention_forward(attend))
    gated_mlp = staticmethod(patches.cp_gated_mlp_forward)


@pytest.fixture(scope="module", params=TRANSFORMERS)
def network(request):
    """(name, Flax module, variables, x, seed), the value of which both worlds agree on."""
    generator = np.random.default_rng(2)
    x, seed = generator.normal(size=(2, TOKENS, WIDTH)), generator.normal(size=(2, 5))
    module = FlaxTransformer(**TRANSFORMERS[request.param])
    variables = random_variables(module, x)
    value = module.apply(variables, x)
    for ops in (Plain(), Explicit(), ExplicitCP(), Efficient(), EfficientCP()):
        with torch.no_grad():
            theirs = transformer(ops, tensors(variables), torch.tensor(x))
        np.testing.assert_allclose(theirs, value, rtol=0, atol=1e-12)
    return request.param, module, variables, x, seed


def without_epsilon(rules):
    """A preset with LRP-0 for its sums: lxt's stabilisers have no sign, ours have (see below)."""
    lines = tuple(On(on.kind, Epsilon(0.0)) if isinstance(on.rule, Epsilon) else on for on in rules.lines)
    return Composite(rules.name, lines)


METHODS = {
    "ATTN_LRP": (ATTN_LRP, lambda x: x, Explicit(), Efficient()),
    # Under CP-LRP the gate of a gated MLP is held constant; silu is no gate to lrp_jax unless the model says so.
    "CP_LRP": (CP_LRP, lrp_jax.gate, ExplicitCP(), EfficientCP()),
}


@pytest.mark.parametrize("method", METHODS)
def test_transformer(network, agree, method):
    name, module, variables, x, seed = network
    rules, mark, explicit, efficient = METHODS[method]
    marked = module.clone(at_gate=mark)
    ours = jax.jit(lrp_jax.relevance(lambda x: marked.apply(variables, x), without_epsilon(rules)))
    value, result = ours(x, seed=seed)
    inputs = torch.tensor(x, requires_grad=True)
    remark = "`lrp_jax.gate` at the gate" if method == "CP_LRP" and "gated" in name else ""
    (relevance,) = torch.autograd.grad(transformer(explicit, tensors(variables), inputs), inputs, torch.tensor(seed))
    agree(method, "lxt.explicit", name, result, relevance, remark)
    cotangent = torch.tensor(seed / np.asarray(value))
    (gradient,) = torch.autograd.grad(transformer(efficient, tensors(variables), inputs), inputs, cotangent)
    agree(method, "lxt.efficient", name, result, (gradient * inputs).detach(), remark)


def test_a_stabiliser_without_a_sign(differ):
    """x = (1, 1), w = (1, -2), y = -1, eps = 1/2, R = y: (1, -2) / (3/2) = (2/3, -4/3), less than came.

    lxt divides by -1 + 1/2: R = (2, -4), twice what came.
    """
    x = torch.ones(1, 2, dtype=torch.double, requires_grad=True)
    weight = torch.tensor([[1.0, -2.0]], dtype=torch.double)
    y = lf.linear_epsilon(x, weight, None, 0.5)
    (theirs,) = torch.autograd.grad(y, x, y.detach())
    np.testing.assert_allclose(theirs, [[2, -4]], rtol=1e-12)
    w = weight.numpy().T
    _, ours = lrp_jax.relevance(lambda x: x @ w, Composite("epsilon", (On("*", Epsilon(0.5)),)))(x.detach().numpy())
    np.testing.assert_allclose(ours, [[2 / 3, -4 / 3]], rtol=1e-12)
    differ("epsilon of negative neurons", "lxt", "its stabiliser has no sign: (2, -4) where (2/3, -4/3) is")


def test_rms_norm_in_single_precision(differ):
    """The norm of (3, 4) is 5, so x / rms is sqrt(2) (0.6, 0.8): lxt's own function knows 7 digits of it."""
    x = torch.tensor([[3.0, 4.0]], dtype=torch.double, requires_grad=True)
    exact = math.sqrt(2) * np.array([[0.6, 0.8]])
    y = lf.rms_norm_identity(x, torch.ones(2, dtype=torch.double), 0.0)
    assert 1e-9 < np.abs(y.detach().numpy() - exact).max() < 1e-6
    np.testing.assert_allclose(
        nn.RMSNorm(epsilon=0.0).apply({"params": {"scale": np.ones(2)}}, x.detach().numpy()), exact
    )
    differ("RMS norm in float64", "lxt", "computed in float32; compared through its identity rule instead")
