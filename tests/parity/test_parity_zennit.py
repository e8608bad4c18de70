"""Rules and presets against zennit, which hooks torch modules."""

from functools import partial

import jax
import numpy as np
import pytest
import torch
import zennit.composites as theirs
import zennit.rules as zr
from twins import FlaxMLP, FlaxResNet, FlaxVGG, PlainSum, TorchMLP, TorchResNet, TorchVGG, twins
from zennit.canonizers import SequentialMergeBatchNorm
from zennit.layer import Sum
from zennit.types import Activation, AvgPool, BatchNorm, Convolution, Linear

import lrp_jax
from lrp_jax import AlphaBeta, Composite, Epsilon, EpsilonGammaBox, Flat, Gamma, On, Pass, WinnerTakesAll, WSquare, ZBox
from lrp_jax.core.composite import Site

EPSILON = 1e-2
# zennit adds a stabiliser to every denominator; lrp_jax divides exactly and gives 0 / 0 as 0. This small, the two are
# the same: where a denominator is 0 so is every contribution to it.
EXACT = 1e-200


class ZennitSum(torch.nn.Module):
    """A residual sum as zennit can see it: a module of its own that sums a stacked axis."""

    def __init__(self):
        super().__init__()
        self.sum = Sum()

    def forward(self, a, b):
        return self.sum(torch.stack((a, b), -1))


@pytest.fixture(scope="module")
def networks():
    return {
        "VGG-like": twins(FlaxVGG(), TorchVGG()),
        "ResNet-like": twins(FlaxResNet(), TorchResNet(ZennitSum)),
        "ResNet-like, with neurons marked": twins(FlaxResNet(at_sum=lrp_jax.neuron), TorchResNet(ZennitSum)),
        "MLP (gelu, silu, tanh)": twins(FlaxMLP(), TorchMLP()),
        "MLP (elu, ReLU)": twins(FlaxMLP(("elu", "relu")), TorchMLP(("elu", "relu"))),
    }


def hooked(composite, module, x, seed):
    """Relevance (or modified gradient) as zennit gives it."""
    x = torch.tensor(x, requires_grad=True)
    with composite.context(module) as modified:
        (result,) = torch.autograd.grad(modified(x), x, torch.tensor(seed))
    return result


def relevance(f, rules, x, seed):
    return jax.jit(lrp_jax.relevance(f, rules))(x, seed=seed)[1]


def derivative(f, rules, x, seed):
    return jax.jit(lambda x: jax.vjp(lrp_jax.lrp(f, rules), x)[1](seed)[0])(x)


# Single rules: our table of lines and zennit's map of modules, with the same sums elsewhere.

USUAL = (On("activation", Pass()), On("pool", WinnerTakesAll()), On("*", Epsilon(EPSILON)))
NORM = zr.Norm(stabilizer=EPSILON)
BASE = [(Activation, zr.Pass()), (Sum, NORM), (AvgPool, NORM), (BatchNorm, zr.Pass())]


def everywhere(rule):
    return Composite("everywhere", (On("conv", rule), On("dense", rule), *USUAL))


def first(rule):
    return Composite("first", (On("conv", rule, position="first"), On("dense", rule, position="first"), *USUAL))


def hooks_everywhere(rule):
    return theirs.LayerMapComposite([*BASE, (Linear, rule)], canonizers=[SequentialMergeBatchNorm()])


def hooks_first(rule):
    rest = [*BASE, (Linear, zr.Epsilon(EPSILON))]
    return theirs.SpecialFirstLayerMapComposite(rest, [(Linear, rule)], canonizers=[SequentialMergeBatchNorm()])


RULES = {
    "epsilon": (everywhere(Epsilon(EPSILON)), hooks_everywhere(zr.Epsilon(EPSILON)), ""),
    "z+ (alpha1-beta0)": (everywhere(AlphaBeta(0.0, bias=True)), hooks_everywhere(zr.ZPlus(EXACT)), ""),
    "z+ without bias": (
        everywhere(AlphaBeta(0.0)),
        hooks_everywhere(zr.ZPlus(EXACT, zero_params=["bias"])),
        "zennit: `zero_params=['bias']`",
    ),
    "alpha2-beta1": (
        everywhere(AlphaBeta(1.0, bias=True)),
        hooks_everywhere(zr.AlphaBeta(2.0, 1.0, EXACT)),
        "our alpha is the paper's, zennit's minus 1",
    ),
    "gamma 0.25": (everywhere(Gamma(0.25)), hooks_everywhere(zr.Gamma(0.25, EXACT)), "generalised to both signs"),
    "gamma 2 without bias": (
        everywhere(Gamma(2.0, bias=False)),
        hooks_everywhere(zr.Gamma(2.0, EXACT, zero_params=["bias"])),
        "zennit: `zero_params=['bias']`",
    ),
    "w-square, first layer": (
        first(WSquare()),
        hooks_first(zr.WSquare(EXACT, zero_params=["bias"])),
        "zennit: `zero_params=['bias']`, see below",
    ),
    "flat, first layer": (first(Flat()), hooks_first(zr.Flat(EXACT)), ""),
    "z-box, first layer": (first(ZBox(-4.0, 4.0)), hooks_first(zr.ZBox(-4.0, 4.0, EXACT)), ""),
}


@pytest.mark.parametrize("network", ["VGG-like", "ResNet-like", "MLP (gelu, silu, tanh)", "MLP (elu, ReLU)"])
@pytest.mark.parametrize("name", RULES)
def test_rules(networks, agree, name, network):
    ours, hooks, remark = RULES[name]
    pair = networks[network]
    if network == "ResNet-like" and isinstance(ours.rule(Site("conv")), Epsilon):
        # Under the epsilon rule a residual sum goes on from its convolutions, which zennit stabilises by themselves.
        pair = networks["ResNet-like, with neurons marked"]
        remark = "; ".join(filter(None, (remark, "`lrp_jax.neuron` before the sums")))
    result = relevance(pair.apply, ours, pair.x, pair.seed)
    agree(name, "zennit", network, result, hooked(hooks, pair.module, pair.x, pair.seed), remark)


# Presets

# zennit's presets have one stabiliser for layers and for sums; ours have the epsilon rule on sums.
SUMS = [(Sum, zr.Norm(1e-6)), (AvgPool, zr.Norm(1e-6))]
PRESETS = {
    "EpsilonPlus": (lrp_jax.EpsilonPlus, theirs.EpsilonPlus),
    "EpsilonPlusFlat": (lrp_jax.EpsilonPlusFlat, theirs.EpsilonPlusFlat),
    "EpsilonAlpha2Beta1": (lrp_jax.EpsilonAlpha2Beta1, theirs.EpsilonAlpha2Beta1),
    "EpsilonAlpha2Beta1Flat": (lrp_jax.EpsilonAlpha2Beta1Flat, theirs.EpsilonAlpha2Beta1Flat),
    "EpsilonGammaBox": (EpsilonGammaBox(-4.0, 4.0), partial(theirs.EpsilonGammaBox, -4.0, 4.0)),
}
PAPER_HOOKS = [*BASE, (Convolution, zr.ZPlus(EXACT, zero_params=["bias"])), (Linear, zr.Epsilon(EPSILON))]


@pytest.mark.parametrize("network", ["VGG-like", "ResNet-like"])
def test_paper(networks, agree, network):
    pair = networks[network]
    hooks = theirs.LayerMapComposite(PAPER_HOOKS, canonizers=[SequentialMergeBatchNorm()])
    result = relevance(pair.apply, lrp_jax.PAPER, pair.x, pair.seed)
    agree("PAPER", "zennit", network, result, hooked(hooks, pair.module, pair.x, pair.seed), "as zennit's rules")


@pytest.mark.parametrize("network", ["VGG-like", "ResNet-like"])
@pytest.mark.parametrize("name", PRESETS)
def test_presets(networks, agree, name, network):
    ours, make = PRESETS[name]
    pair = networks[network]
    hooks = make(stabilizer=EXACT, layer_map=SUMS, canonizers=[SequentialMergeBatchNorm()])
    result = relevance(pair.apply, ours, pair.x, pair.seed)
    agree(name, "zennit", network, result, hooked(hooks, pair.module, pair.x, pair.seed))


@pytest.mark.parametrize("network", ["VGG-like", "ResNet-like", "MLP (elu, ReLU)"])
def test_derivatives(networks, agree, network):
    pair = networks[network]
    for name, ours, hooks in [
        ("gradient", lrp_jax.GRADIENT, theirs.LayerMapComposite([])),
        ("guided backpropagation", lrp_jax.GUIDED_BACKPROP, theirs.GuidedBackprop()),
        ("deconvnet", lrp_jax.DECONVNET, theirs.DeconvNet()),
    ]:
        result = derivative(pair.apply, ours, pair.x, pair.seed)
        agree(name, "zennit", network, result, hooked(hooks, pair.module, pair.x, pair.seed))


# Where zennit differs, with numbers that can be checked by hand


def linear(*weight, bias=None):
    layer = torch.nn.Linear(len(weight[0]), len(weight), bias=bias is not None).double()
    layer.weight.data = torch.tensor(weight, dtype=torch.double)
    if bias is not None:
        layer.bias.data = torch.tensor(bias, dtype=torch.double)
    return layer


LRP_0 = Composite("LRP-0", (On("activation", Pass()), On("*", Epsilon(0.0))))
HOOKS_0 = [(Activation, zr.Pass()), (Linear, zr.Epsilon(EXACT)), (Sum, zr.Norm(EXACT))]


def test_a_residual_sum_that_no_module_does(differ):
    """x = 3, y = 2x + x = 9. The relevance of x is 9: 6 through the weight and 3 past it."""

    class Block(torch.nn.Module):
        def __init__(self, add):
            super().__init__()
            self.layer, self.add = linear([2.0]), add()

        def forward(self, x):
            return self.add(self.layer(x), x)

    x = np.array([[3.0]])
    hooks = theirs.LayerMapComposite(HOOKS_0)
    assert hooked(hooks, Block(PlainSum), x, [[9.0]]).item() == 18  # both branches get all 9
    assert hooked(hooks, Block(ZennitSum), x, [[9.0]]).item() == pytest.approx(9)
    assert float(relevance(lambda x: x * 2.0 + x, LRP_0, x, x * 3)[0, 0]) == pytest.approx(9)
    differ("residual sum written as `a + b`", "zennit", "no module, no rule: relevance doubles, 18 where 9 is")


def test_a_module_that_is_used_twice(differ):
    """x = (1, 2), W = [[1, 1], [1, 0]]: h = Wx = (3, 1), y = Wh = (4, 3), seed (4, 0).

    y_1 = h_1 + h_2 gives R(h) = (3, 1). h_1 = x_1 + x_2 hands on (1, 2), h_2 = x_1 hands on (1, 0): R(x) = (2, 2).
    """
    weight = ([1.0, 1.0], [1.0, 0.0])
    x, seed = np.array([[1.0, 2.0]]), np.array([[4.0, 0.0]])
    hooks = theirs.LayerMapComposite(HOOKS_0)

    class Twice(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = linear(*weight)

        def forward(self, x):
            return self.layer(self.layer(x))

    matrix = np.array(weight).T
    ours = relevance(lambda x: x @ matrix @ matrix, LRP_0, x, seed)
    np.testing.assert_allclose(ours, [[2, 2]], rtol=1e-12)
    unrolled = hooked(hooks, torch.nn.Sequential(linear(*weight), linear(*weight)), x, seed)
    np.testing.assert_allclose(unrolled, [[2, 2]], rtol=1e-12)
    # The hook remembers its last input only: the first call is explained with h = (3, 1) in the place of x = (1, 2),
    # so that z = (4, 3), and S = (3/4, 1/3) give R = (3 (3/4 + 1/3), 1 (3/4)).
    np.testing.assert_allclose(hooked(hooks, Twice(), x, seed), [[3.25, 0.75]], rtol=1e-12)
    differ("module used twice", "zennit", "its hook keeps the last input only: (3.25, 0.75) where (2, 2) is")


def test_w_square_and_the_bias(differ):
    """w = (1, 2), b = 2, R = 10: 1/5 and 4/5 of R without the bias; zennit's denominator is 1 + 4 + 2^2 = 9."""
    layer, x = linear([1.0, 2.0], bias=[2.0]), np.array([[1.0, 1.0]])
    rules = Composite("w-square", (On("dense", WSquare()), On("*", Epsilon(0.0))))
    ours = relevance(lambda x: x @ np.array([[1.0], [2.0]]) + 2.0, rules, x, np.array([[10.0]]))
    np.testing.assert_allclose(ours, [[2, 8]], rtol=1e-12)
    for zeroed, wanted in ((["bias"], [[2, 8]]), (None, [[10 / 9, 40 / 9]])):
        hook = theirs.LayerMapComposite([(Linear, zr.WSquare(EXACT, zero_params=zeroed))])
        np.testing.assert_allclose(hooked(hook, layer, x, [[10.0]]), wanted, rtol=1e-12)
    differ("w-square with a bias", "zennit", "by default its denominator counts the squared bias; the rule's does not")


def test_a_merged_batch_norm_still_has_its_epsilon(differ):
    """x = 2, w = 4, batch norm of mean 0, variance 1 and epsilon 3, ReLU, minus 1: 8 / sqrt(1 + 3) - 1 = 3."""
    network = torch.nn.Sequential(
        linear([4.0]), torch.nn.BatchNorm1d(1, eps=3.0), torch.nn.ReLU(), linear([1.0], bias=[-1.0])
    )
    network, x = network.double().eval(), torch.tensor([[2.0]], dtype=torch.double)
    assert network(x).item() == 3
    composite = theirs.LayerMapComposite(HOOKS_0, canonizers=[SequentialMergeBatchNorm()])
    with composite.context(network) as merged:
        assert merged(x).item() == 1  # (8 / 2) / 2 - 1: the weights are merged, and the division is done again
    value, r = lrp_jax.relevance(lambda x: jax.nn.relu(x * 4.0 / np.sqrt(1.0 + 3.0)) * 1.0 - 1.0, LRP_0)(x.numpy())
    assert float(value[0, 0]) == 3 and float(r[0, 0]) == pytest.approx(4 / 3 * 3 - 1 / 3 * 3 + 1)
    differ("batch norm's epsilon", "zennit", "applied a second time after merging: the network's value itself changes")
