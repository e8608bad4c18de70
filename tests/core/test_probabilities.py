"""The log of a probability, however it is spelled, is refused as a softmax is, or is the input times the gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lrp_jax

W = np.array([[1.0, 1.0, -0.5], [2.0, 2.001, 0.3]])
X = np.array([3.0, 1.0])
LABEL = np.array([1.0, 0.0, 0.0])


def _scores(x):
    return x @ W


LOGS = {
    "log_softmax": lambda x: jax.nn.log_softmax(_scores(x))[0],
    "log_softmax under jit": jax.jit(lambda x: jax.nn.log_softmax(_scores(x))[0]),
    "log_softmax of a part": lambda x: jax.nn.log_softmax(_scores(x), where=np.array([True, True, False]))[0],
    "logsumexp": lambda x: jax.nn.logsumexp(_scores(x)),
    "log of a sum": lambda x: _scores(x)[0] - jnp.log(jnp.exp(_scores(x)).sum()),
    "log of a softmax": lambda x: jnp.log(jax.nn.softmax(_scores(x)))[0],
    "log of one probability": lambda x: -jnp.log(jax.nn.softmax(_scores(x))[0]),
    "log with a floor": lambda x: jnp.log(jnp.clip(jax.nn.softmax(_scores(x)), 1e-9, 1.0))[0],
    "log of a sum with a floor": lambda x: jnp.log(jax.nn.softmax(_scores(x))[0] + 1e-12),
    "log2": lambda x: jnp.log2(jax.nn.softmax(_scores(x)))[0],
    "logaddexp": lambda x: jnp.logaddexp(_scores(x)[0], _scores(x)[1]) - _scores(x)[0],
    "cross-entropy": lambda x: optax.softmax_cross_entropy(_scores(x), LABEL),
    "cross-entropy of a number": lambda x: optax.softmax_cross_entropy_with_integer_labels(_scores(x), 0),
    "cross-entropy of a batch": lambda x: optax.softmax_cross_entropy_with_integer_labels(
        _scores(jnp.stack([x, 2 * x])), np.array([0, 1])
    ).mean(),
}


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("rules", [lrp_jax.PAPER, lrp_jax.EpsilonPlus, lrp_jax.CP_LRP], ids=lambda r: r.name)
def test_refused_without_a_line_for_softmax(name, rules):
    with pytest.raises(lrp_jax.RelevanceError, match="explain its logits"):
        jax.grad(lrp_jax.lrp(LOGS[name], rules))(X)


@pytest.mark.parametrize("name", LOGS)
def test_derivative_with_a_line_for_softmax(name):
    relevance = jax.grad(lrp_jax.lrp(LOGS[name], lrp_jax.ATTN_LRP))(X)
    # The layer before it is explained with an epsilon of 1e-6, against logits of 5.
    np.testing.assert_allclose(relevance, X * jax.grad(LOGS[name])(X), atol=5e-6)


@pytest.mark.parametrize("name", LOGS)
def test_gradient_times_input(name):
    relevance = jax.grad(lrp_jax.lrp(LOGS[name], lrp_jax.GRADIENT_X_INPUT))(X)
    np.testing.assert_allclose(relevance, X * jax.grad(LOGS[name])(X), atol=1e-12)


@pytest.mark.parametrize(
    "function",
    [lambda x: jax.nn.softplus(_scores(x)[0]), lambda x: jnp.logaddexp(_scores(x)[0], 0.0), lambda x: _scores(x)[0]],
    ids=["softplus", "logaddexp of a constant", "logit"],
)
def test_what_is_no_probability_is_explained(function):
    relevance = jax.grad(lrp_jax.lrp(function, lrp_jax.PAPER))(X)
    np.testing.assert_allclose(np.sum(relevance), function(X), rtol=5e-3)


def test_a_sum_of_several_signals_is_refused_with_its_reason():
    def several(x):
        return jnp.log(jnp.exp(_scores(x)[0]) + jnp.exp(_scores(x)[1]))

    with pytest.raises(lrp_jax.RelevanceError, match="several signals"):
        jax.grad(lrp_jax.lrp(several, lrp_jax.ATTN_LRP))(X)
