"""Rules against captum's LRP, and gradient methods against captum's own."""

import jax
import numpy as np
import pytest
import torch
from captum.attr import LRP, Deconvolution, GuidedBackprop, InputXGradient, Saliency
from captum.attr._utils.custom_modules import Addition_Module
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule
from twin_transformer import TOKENS, TRANSFORMERS, WIDTH, FlaxTransformer, Plain, transformer
from twin_weights import random_variables, tensors
from twins import FlaxMLP, FlaxResNet, FlaxVGG, TorchMLP, TorchResNet, TorchVGG, twins

import lrp_jax
from lrp_jax import AlphaBeta, Composite, Epsilon, Gamma, On, Pass, WinnerTakesAll

# captum says at every call that it sets requires_grad and hooks rectifiers.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

EPSILON = 1e-2
EXACT = 1e-200  # captum's stabiliser where lrp_jax has none
TARGET = [3, 1]

USUAL = (On("activation", Pass()), On("pool", WinnerTakesAll()), On("*", Epsilon(EPSILON)))


@pytest.fixture(scope="module")
def networks():
    # captum gives each module a rule of its own: a batch norm is a neuron apart from its convolution.
    marks = {"at_norm": lrp_jax.neuron, "at_sum": lrp_jax.neuron}
    activations = ("tanh", "relu")
    return {
        "VGG-like": twins(FlaxVGG(), TorchVGG()),
        "VGG-like, x >= 0": twins(FlaxVGG(), TorchVGG(), positive=True),
        "ResNet-like, with neurons marked": twins(FlaxResNet(**marks), TorchResNet(Addition_Module)),
        "ResNet-like": twins(FlaxResNet(), TorchResNet(Addition_Module)),
        "MLP (tanh, ReLU)": twins(FlaxMLP(activations), TorchMLP(activations)),
    }


def attribute(module, x, rule, dense=None):
    """captum's LRP of the target logits: `rule` for convolutions, `dense` for the other sums."""
    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.rule = rule()
        elif isinstance(layer, torch.nn.MaxPool2d):
            layer.rule = EpsilonRule(EXACT)
        elif not list(layer.children()) and not isinstance(layer, (torch.nn.ReLU, torch.nn.Tanh)):
            layer.rule = (dense or rule)()
        if isinstance(getattr(layer, "rule", None), (GammaRule, Alpha1_Beta0_Rule)):
            layer.rule.STABILITY_FACTOR = EXACT
    return LRP(module).attribute(torch.tensor(x), target=TARGET).detach()


def of_targets(f):
    return lambda x: f(x)[np.arange(len(TARGET)), np.array(TARGET)]


def relevance(f, rules, x):
    return jax.jit(lrp_jax.relevance(of_targets(f), rules))(x)[1]


@pytest.mark.parametrize("network", ["VGG-like", "ResNet-like", "MLP (tanh, ReLU)"])
def test_epsilon(networks, agree, network):
    marked = network == "ResNet-like"
    pair = networks["ResNet-like, with neurons marked" if marked else network]
    result = attribute(pair.module, pair.x, lambda: EpsilonRule(EPSILON))
    remark = "`lrp_jax.neuron` before batch norms and sums" if marked else ""
    ours = relevance(pair.apply, Composite("epsilon", USUAL), pair.x)
    agree("epsilon", "captum", network, ours, result, remark)


POSITIVE = {
    "alpha1-beta0 without bias": (AlphaBeta(0.0), lambda: Alpha1_Beta0_Rule(set_bias_to_zero=True)),
    "gamma 0.25 without bias": (Gamma(0.25, bias=False), lambda: GammaRule(0.25, set_bias_to_zero=True)),
}


@pytest.mark.parametrize("name", POSITIVE)
def test_rules_that_captum_has_for_positive_inputs(networks, agree, name):
    ours, rule = POSITIVE[name]
    pair = networks["VGG-like, x >= 0"]
    rules = Composite("convolutions", (On("conv", ours), *USUAL))
    result = attribute(pair.module, pair.x, rule, dense=lambda: EpsilonRule(EPSILON))
    agree(name, "captum", "VGG-like, x >= 0", relevance(pair.apply, rules, pair.x), result, "`set_bias_to_zero=True`")


@pytest.mark.parametrize("network", ["VGG-like", "ResNet-like", "MLP (tanh, ReLU)"])
def test_gradients(networks, agree, network):
    pair = networks[network]
    x = torch.tensor(pair.x)
    methods = [
        ("gradient", lrp_jax.GRADIENT, Saliency(pair.module).attribute(x, target=TARGET, abs=False)),
        ("gradient x input", lrp_jax.GRADIENT_X_INPUT, InputXGradient(pair.module).attribute(x, target=TARGET)),
        ("guided backpropagation", lrp_jax.GUIDED_BACKPROP, GuidedBackprop(pair.module).attribute(x, target=TARGET)),
        ("deconvnet", lrp_jax.DECONVNET, Deconvolution(pair.module).attribute(x, target=TARGET)),
    ]
    for name, rules, result in methods:
        ours = jax.jit(jax.grad(lambda x, rules=rules: lrp_jax.lrp(of_targets(pair.apply), rules)(x).sum()))(pair.x)
        agree(name, "captum", network, ours, result.detach())


@pytest.mark.parametrize("network", TRANSFORMERS)
def test_gradient_x_input_of_transformers(agree, network):
    x = np.random.default_rng(3).normal(size=(2, TOKENS, WIDTH))
    module = FlaxTransformer(**TRANSFORMERS[network])
    variables = random_variables(module, x)
    method = InputXGradient(lambda x: transformer(Plain(), tensors(variables), x))
    f = of_targets(lambda x: module.apply(variables, x))
    ours = jax.jit(jax.grad(lambda x: lrp_jax.lrp(f, lrp_jax.GRADIENT_X_INPUT)(x).sum()))(x)
    agree("gradient x input", "captum", network, ours, method.attribute(torch.tensor(x), target=TARGET).detach())


# Where captum differs, with numbers that can be checked by hand. One neuron: y = w x + b.


class Neuron(torch.nn.Module):
    def __init__(self, weight, bias=0.0):
        super().__init__()
        self.layer = torch.nn.Linear(len(weight), 1).double()
        self.layer.weight.data = torch.tensor([weight], dtype=torch.double)
        self.layer.bias.data = torch.tensor([bias], dtype=torch.double)

    def forward(self, x):
        return self.layer(x)


def of_neuron(weight, bias, x, theirs, ours):
    """Relevance of one neuron's inputs: captum's and ours."""
    network = Neuron(weight, bias)
    network.layer.rule = theirs
    network.layer.rule.STABILITY_FACTOR = EXACT
    result = LRP(network).attribute(torch.tensor([x], dtype=torch.double), target=0)[0]
    rules = Composite("neuron", (On("dense", ours), On("*", Epsilon(0.0))))
    w = np.array(weight)[:, None]
    _, r = lrp_jax.relevance(lambda x: (x @ w + bias)[0], rules)(np.array(x))
    return result.detach().numpy(), np.asarray(r)


def test_alpha1_beta0_of_negative_inputs(differ):
    """x = (1, -1), w = (2, -3), y = 5: both contributions, 2 and 3, are positive, so R = (2, 3).

    With w = (2, 1), y = 1, the only positive contribution is 2 of the first input: R = (1, 0).
    """
    captum, ours = of_neuron([2.0, -3.0], 0.0, [1.0, -1.0], Alpha1_Beta0_Rule(), AlphaBeta(0.0))
    np.testing.assert_allclose(ours, [2, 3], rtol=1e-12)
    np.testing.assert_allclose(captum, [5, 0], rtol=1e-12)  # w+ = (2, 0): the negative input has lost its part
    captum, ours = of_neuron([2.0, 1.0], 0.0, [1.0, -1.0], Alpha1_Beta0_Rule(), AlphaBeta(0.0))
    np.testing.assert_allclose(ours, [1, 0], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(captum, [2, -1], rtol=1e-12)  # negative relevance from a rule that has none
    differ("alpha1-beta0 of negative inputs", "captum", "it clamps weights, not contributions: (5, 0) where (2, 3) is")


def test_alpha1_beta0_and_a_negative_bias(differ):
    """x = (1, 1), w = (3, 1), b = -2, y = 2: the positive contributions 3 and 1 sum to 4, so R = (1.5, 0.5)."""
    captum, ours = of_neuron([3.0, 1.0], -2.0, [1.0, 1.0], Alpha1_Beta0_Rule(), AlphaBeta(0.0, bias=True))
    np.testing.assert_allclose(ours, [1.5, 0.5], rtol=1e-12)
    np.testing.assert_allclose(captum, [3, 1], rtol=1e-12)  # the denominator is 3 + 1 - 2: relevance 2 becomes 4
    differ("alpha1-beta0 with a negative bias", "captum", "the bias is not clamped: relevance 2 becomes 4")


def test_gamma_and_the_bias(differ):
    """x = (1, 1), w = (2, -1), b = 1, gamma = 1, y = 2: contributions 4, -1 and the bias's 2 sum to 5: R = (8/5, -2/5).

    captum favours weights, not biases: 4 - 1 + 1 = 4, and R = (2, -1/2).
    """
    captum, ours = of_neuron([2.0, -1.0], 1.0, [1.0, 1.0], GammaRule(1.0), Gamma(1.0))
    np.testing.assert_allclose(ours, [1.6, -0.4], rtol=1e-12)
    np.testing.assert_allclose(captum, [2, -0.5], rtol=1e-12)
    differ("gamma with a bias", "captum", "by definition: it does not favour a positive bias, zennit and lrp_jax do")


def test_gamma_of_negative_outputs(differ):
    """x = (1, 1), w = (1, -2), gamma = 1, y = -1: the negative contribution counts twice, m = (1, -4).

    R_i = y m_i / sum(m) = (1/3, -4/3). The rule as first written, w + gamma w+, has m = (2, -2) and divides by zero.
    """
    captum, ours = of_neuron([1.0, -2.0], 0.0, [1.0, 1.0], GammaRule(1.0), Gamma(1.0))
    np.testing.assert_allclose(ours, [1 / 3, -4 / 3], rtol=1e-12)
    assert np.abs(captum).max() > 1e100
    differ("gamma of negative outputs", "captum", "by definition: the rule as first written, for positive neurons only")


def test_a_module_that_is_used_twice_is_refused(differ):
    """x = 1, w = 2, y = w w x = 4: all of it is the one input's."""
    network = Neuron([2.0])
    network.forward = lambda x: network.layer(network.layer(x))
    with pytest.raises(RuntimeError, match="more than once"):
        LRP(network).attribute(torch.ones(1, 1, dtype=torch.double), target=0)
    rules = Composite("LRP-0", (On("*", Epsilon(0.0)),))
    w = np.array([[2.0]])
    _, r = lrp_jax.relevance(lambda x: x @ w @ w, rules)(np.array([[1.0]]))
    assert float(r[0, 0]) == pytest.approx(4)
    differ("module used twice", "captum", "it refuses")
