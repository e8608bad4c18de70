"""A transformer of two causal blocks in both worlds.

In Flax it has Flax's own attention and norms. On torch's side it is a function of the weights and of a set of
operations, because lxt replaces operations where zennit and captum hook modules.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import torch
import torch.nn.functional as F

WIDTH, HEADS, TOKENS, NORM_EPSILON = 8, 2, 5, 1e-6


class FlaxTransformer(nn.Module):
    """`norm` is "layer" or "rms", `mlp` "gelu" or "gated"; `at_gate` marks the gate of the gated one."""

    norm: str = "layer"
    mlp: str = "gelu"
    at_gate: Callable[[Any], Any] = lambda x: x

    @nn.compact
    def __call__(self, x):
        make = nn.LayerNorm if self.norm == "layer" else nn.RMSNorm
        mask = nn.make_causal_mask(x[..., 0])
        for i in range(2):
            h = make(epsilon=NORM_EPSILON, name=f"norm{i}a")(x)
            x = x + nn.MultiHeadDotProductAttention(HEADS, name=f"attention{i}")(h, mask=mask)
            h = make(epsilon=NORM_EPSILON, name=f"norm{i}b")(x)
            up = nn.Dense(12, name=f"up{i}")(h)
            if self.mlp == "gated":
                h = self.at_gate(nn.silu(nn.Dense(12, name=f"gate{i}")(h))) * up
            else:
                h = nn.gelu(up)
            x = x + nn.Dense(WIDTH, name=f"down{i}")(h)
        return nn.Dense(5, name="head")(make(epsilon=NORM_EPSILON, name="norm")(x[:, -1]))


TRANSFORMERS = {
    "transformer (layer norm, gelu)": {"norm": "layer", "mlp": "gelu"},
    "transformer (RMS norm, gated silu)": {"norm": "rms", "mlp": "gated"},
}


def gelu(x):
    return F.gelu(x, approximate="tanh")


class Plain:
    """The operations of a transformer, as torch has them."""

    def linear(self, x, w):
        return F.linear(x, w["kernel"].T, w["bias"])

    def add(self, a, b):
        return a + b

    def norm(self, x, w):
        if "bias" in w:
            return F.layer_norm(x, (WIDTH,), w["scale"], w["bias"], NORM_EPSILON)
        return self.rms(x) * w["scale"]

    def rms(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + NORM_EPSILON)

    def attention(self, query, key, value):
        scores = (query @ key.mT / math.sqrt(query.shape[-1])).masked_fill(~causal(), -math.inf)
        return scores.softmax(-1) @ value

    def mlp(self, x, up, down, gate):
        hidden = F.silu(self.linear(x, gate)) * self.linear(x, up) if gate else gelu(self.linear(x, up))
        return self.linear(hidden, down)


def causal():
    return torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril()


def transformer(ops, weights, x):
    """FlaxTransformer with its weights and the operations of a library."""

    def heads(x, w):
        w = {"kernel": w["kernel"].reshape(WIDTH, WIDTH), "bias": w["bias"].reshape(WIDTH)}
        return ops.linear(x, w).reshape(*x.shape[:2], HEADS, -1).transpose(1, 2)

    for i in range(2):
        w, h = weights[f"attention{i}"], ops.norm(x, weights[f"norm{i}a"])
        h = ops.attention(heads(h, w["query"]), heads(h, w["key"]), heads(h, w["value"])).transpose(1, 2).flatten(2)
        x = ops.add(x, ops.linear(h, {"kernel": w["out"]["kernel"].reshape(WIDTH, WIDTH), "bias": w["out"]["bias"]}))
        h = ops.norm(x, weights[f"norm{i}b"])
        x = ops.add(x, ops.mlp(h, weights[f"up{i}"], weights[f"down{i}"], weights.get(f"gate{i}")))
    return ops.linear(ops.norm(x[:, -1], weights["norm"]), weights["head"])
