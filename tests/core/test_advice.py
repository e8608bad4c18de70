"""What a refusal says can be followed by somebody who did not write the model."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import lrp_jax

W = jax.random.normal(jax.random.key(0), (4, 4))
X = jax.random.normal(jax.random.key(1), (3, 4))


class MLP(nn.Module):
    """A gated MLP whose gate is linear."""

    @nn.compact
    def __call__(self, x):
        return nn.Dense(4)(0.1 * nn.Dense(8)(x) * nn.Dense(8)(x))


class Model(nn.Module):
    layers: int

    @nn.compact
    def __call__(self, x):
        for i in range(self.layers):
            x = x + MLP(name=f"mlp_{i}")(x)
        return x.sum()


def rules_from(text, rules):
    """The composite that a message gives, as it would be pasted."""
    pasted = re.search(r"rules = (lrp_jax\.Composite\(.*?\n\s*\)\))", text, re.DOTALL).group(1)
    return eval(pasted, {"lrp_jax": lrp_jax, "rules": rules})


REFUSED = {
    "a gated MLP": lambda x: MLP().apply(MLP().init(jax.random.key(0), x), x).sum(),
    "twelve gated MLPs": lambda x: Model(12).apply(Model(12).init(jax.random.key(0), x), x),
    "a softmax": lambda x: jax.nn.softmax(x @ W).sum(),
    "a square": lambda x: (x**2).sum(),
    "a reciprocal": lambda x: (1 / (x @ W)).sum(),
    "an unknown primitive": lambda x: jnp.cumprod(x, axis=1).sum(),
    "a complex product": lambda x: (jnp.fft.fft(x) ** 2).real.sum(),
    "several": lambda x: (
        (jax.nn.softmax(x @ W) * (x @ W)).sum() + jnp.cumprod(jnp.tanh(x), axis=1).sum() + (x * x).sum()
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_lines_that_are_printed_can_be_pasted(name):
    f = REFUSED[name]
    with pytest.raises(lrp_jax.RelevanceError) as error:
        lrp_jax.lrp(f)(X)
    rules = rules_from(str(error.value), lrp_jax.PAPER)
    value, r = lrp_jax.relevance(f, rules)(X)
    np.testing.assert_allclose(value, f(X), rtol=1e-4)  # Linen's weights are float32
    assert jnp.isfinite(r).all()
    assert str(rules_from(str(lrp_jax.audit(f)(X)), lrp_jax.PAPER)) == str(rules)


def test_the_line_has_the_scope_at_hand():
    with pytest.raises(lrp_jax.RelevanceError) as error:
        lrp_jax.lrp(REFUSED["a gated MLP"])(X)
    assert 'lrp_jax.On("product", lrp_jax.Uniform(), scope="MLP*"),' in str(error.value)


def test_many_of_a_kind_are_one_entry():
    with pytest.raises(lrp_jax.RelevanceError) as error:
        lrp_jax.lrp(REFUSED["twelve gated MLPs"])(X)
    text = str(error.value)
    assert text.startswith("12 operation(s) would carry relevance and have no rule in PAPER:")
    assert "12 times: `mul` multiplies two signals and neither is a gate" in text
    assert text.count("    at ") == 3
    assert "    and at 9 more" in text
    assert text.count("lrp_jax.On(") == 1
    assert 'scope="*/mlp_*"' in text


def test_a_norm_without_a_line():
    bare = lrp_jax.Composite("BARE", tuple(line for line in lrp_jax.PAPER.lines if line.kind not in ("norm", "pool")))
    f = lambda x: (x / jnp.linalg.norm(x)).max(1).sum()  # noqa: E731
    with pytest.raises(lrp_jax.RelevanceError) as error:
        lrp_jax.lrp(f, bare)(X)
    pasted = rules_from(str(error.value), bare)
    assert {line.kind for line in pasted.lines[:2]} == {"norm", "pool"}
    np.testing.assert_allclose(lrp_jax.relevance(f, pasted)(X)[1], lrp_jax.relevance(f)(X)[1])
