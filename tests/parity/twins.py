"""The same small networks in both worlds: Flax modules, torch modules with submodules of the same names.

The torch modules take what the Flax ones take (images [B, H, W, C], sequences [B, T, D]), so that inputs, seeds and
relevance compare as they are; only the weights are transposed.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import torch
from twin_weights import random_variables, with_weights

PAD = ((1, 1), (1, 1))


def unmarked(x):
    return x


# VGG-like: convolutions, rectifiers, max pooling, dense layers.


class FlaxVGG(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(6, (3, 3), padding=PAD, name="conv1")(x))
        x = nn.relu(nn.Conv(6, (3, 3), padding=PAD, name="conv2")(x))
        x = nn.max_pool(x, (2, 2), (2, 2))
        x = nn.relu(nn.Conv(8, (3, 3), padding=PAD, name="conv3")(x))
        x = nn.max_pool(x, (2, 2), (2, 2)).reshape(x.shape[0], -1)
        x = nn.relu(nn.Dense(12, name="dense1")(x))
        return nn.Dense(5, name="dense2")(x)


class TorchVGG(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = torch.nn.Conv2d(3, 6, 3, padding=1), torch.nn.ReLU()
        self.conv2, self.relu2 = torch.nn.Conv2d(6, 6, 3, padding=1), torch.nn.ReLU()
        self.pool2 = torch.nn.MaxPool2d(2)
        self.conv3, self.relu3 = torch.nn.Conv2d(6, 8, 3, padding=1), torch.nn.ReLU()
        self.pool3 = torch.nn.MaxPool2d(2)
        self.dense1, self.relu4 = torch.nn.Linear(32, 12), torch.nn.ReLU()
        self.dense2 = torch.nn.Linear(12, 5)

    def forward(self, x):
        x = self.relu1(self.conv1(x.permute(0, 3, 1, 2)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = self.pool3(self.relu3(self.conv3(x)))
        return self.dense2(self.relu4(self.dense1(x.permute(0, 2, 3, 1).flatten(1))))


# ResNet-like: batch norm in inference, residual sums with and without a projection, average pooling.


class FlaxResNet(nn.Module):
    """`at_norm`, `at_sum` mark what goes into a batch norm or a residual sum: `lrp_jax.neuron`, or nothing.

    A sum of convolutions is one neuron to lrp_jax and several to a library that hooks modules; where the epsilon rule
    makes that visible, the marker says so. The epsilon of the batch norms is 0: zennit merges it into the convolution
    and then applies it a second time.
    """

    at_norm: Callable[[Any], Any] = unmarked
    at_sum: Callable[[Any], Any] = unmarked

    @nn.compact
    def __call__(self, x):
        def conv_norm(x, features, size, strides, name):
            padding = PAD if size == 3 else "VALID"
            x = nn.Conv(features, (size, size), strides, padding=padding, name="conv" + name)(x)
            return nn.BatchNorm(use_running_average=True, epsilon=0.0, name="norm" + name)(self.at_norm(x))

        x = nn.relu(conv_norm(x, 6, 3, 1, "0"))
        x = nn.avg_pool(x, (2, 2), (2, 2))
        h = conv_norm(nn.relu(conv_norm(x, 6, 3, 1, "1a")), 6, 3, 1, "1b")
        x = nn.relu(self.at_sum(h) + x)
        h = conv_norm(nn.relu(conv_norm(x, 8, 3, 2, "2a")), 8, 3, 1, "2b")
        x = nn.relu(self.at_sum(h) + self.at_sum(conv_norm(x, 8, 1, 2, "2c")))
        return nn.Dense(5, name="dense")(x.mean((1, 2)))


class PlainSum(torch.nn.Module):
    def forward(self, a, b):
        return a + b


class TorchResNet(torch.nn.Module):
    """`add` is the module class of the residual sums; each library has its own."""

    def __init__(self, add=PlainSum):
        super().__init__()

        def conv_norm(inputs, features, size, strides, name):
            conv = torch.nn.Conv2d(inputs, features, size, strides, padding=size // 2)
            self.add_module("conv" + name, conv)
            self.add_module("norm" + name, torch.nn.BatchNorm2d(features, eps=0.0))

        def relu(name):
            self.add_module("relu" + name, torch.nn.ReLU())

        conv_norm(3, 6, 3, 1, "0"), relu("0")
        self.pool0 = torch.nn.AvgPool2d(2)
        conv_norm(6, 6, 3, 1, "1a"), relu("1a"), conv_norm(6, 6, 3, 1, "1b")
        self.add1 = add()
        relu("1b")
        conv_norm(6, 8, 3, 2, "2a"), relu("2a"), conv_norm(8, 8, 3, 1, "2b"), conv_norm(6, 8, 1, 2, "2c")
        self.add2 = add()
        relu("2b")
        self.pool2 = torch.nn.AdaptiveAvgPool2d(1)
        self.dense = torch.nn.Linear(8, 5)

    def forward(self, x):
        x = self.pool0(self.relu0(self.norm0(self.conv0(x.permute(0, 3, 1, 2)))))
        h = self.norm1b(self.conv1b(self.relu1a(self.norm1a(self.conv1a(x)))))
        x = self.relu1b(self.add1(h, x))
        h = self.norm2b(self.conv2b(self.relu2a(self.norm2a(self.conv2a(x)))))
        x = self.relu2b(self.add2(h, self.norm2c(self.conv2c(x))))
        return self.dense(self.pool2(x).flatten(1))


# A multi-layer perceptron, for activations other than the rectifier and for inputs of both signs.

ACTIVATIONS = {
    "gelu": (lambda x: nn.gelu(x, approximate=False), torch.nn.GELU),
    "silu": (nn.silu, torch.nn.SiLU),
    "tanh": (jnp.tanh, torch.nn.Tanh),
    "elu": (nn.elu, torch.nn.ELU),
    "relu": (nn.relu, torch.nn.ReLU),
}


class FlaxMLP(nn.Module):
    activations: tuple[str, ...] = ("gelu", "silu", "tanh")

    @nn.compact
    def __call__(self, x):
        for i, name in enumerate(self.activations):
            x = ACTIVATIONS[name][0](nn.Dense(10, name=f"dense{i}")(x))
        return nn.Dense(5, name="head")(x)


class TorchMLP(torch.nn.Module):
    def __init__(self, activations=("gelu", "silu", "tanh")):
        super().__init__()
        width, self.order = 7, []
        for i, name in enumerate(activations):
            self.add_module(f"dense{i}", torch.nn.Linear(width, 10))
            self.add_module(f"activation{i}", ACTIVATIONS[name][1]())
            self.order += [f"dense{i}", f"activation{i}"]
            width = 10
        self.head = torch.nn.Linear(width, 5)

    def forward(self, x):
        for name in self.order:
            x = getattr(self, name)(x)
        return self.head(x)


@dataclasses.dataclass
class Twins:
    """One network in both worlds.

    Attributes:
      apply: x -> logits, in JAX.
      module: the torch module with the same weights.
      x: the input, [2, ...], of both signs and with a few exact zeros.
      seed: what the logits are given as relevance (or cotangent), [2, 5].
    """

    apply: Callable[[Any], Any]
    module: torch.nn.Module
    x: np.ndarray
    seed: np.ndarray


def twins(flax_module, torch_module, positive=False):
    """Twins with random weights; `positive` leaves no negative element in the input."""
    generator = np.random.default_rng(1)
    x = generator.standard_normal((2, 7) if isinstance(flax_module, FlaxMLP) else (2, 8, 8, 3))
    x[:, 1:3] = 0
    x = np.abs(x) if positive else x
    variables = random_variables(flax_module, x)
    pair = Twins(
        lambda x: flax_module.apply(variables, x),
        with_weights(torch_module, variables),
        x,
        generator.normal(size=(2, 5)),
    )
    with torch.no_grad():
        np.testing.assert_allclose(pair.module(torch.tensor(x)), pair.apply(x), rtol=0, atol=1e-13)
    return pair
