"""Explain a transformer block.

After this page you can explain a stock Flax transformer - layer norm, multi-head attention, gelu - with the two
composites made for it, read what the audit says about it, and know what the default composite does.

Run it with `python docs/howto/transformer.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

import lrp_jax

# A network and a task
# --------------------
#
# A sequence has six tokens, each one of four letters, and one of them is marked (numbers 4 to 7 are the marked
# letters). The class is the marked letter, so the network must use one particular token.

LENGTH, LETTERS = 6, 4


def draw(count, seed):
    """Tokens [count, 6], labels [count], and the positions [count] of the marked token."""
    random = np.random.default_rng(seed)
    tokens = random.integers(LETTERS, size=(count, LENGTH))
    where = random.integers(LENGTH, size=count)
    labels = tokens[np.arange(count), where]
    tokens[np.arange(count), where] += LETTERS
    return tokens, labels, where


class Transformer(nn.Module):
    """One block of standard Flax modules on embedded tokens; an additional first token collects the answer."""

    @nn.compact
    def __call__(self, x):
        start = self.param("start", nn.initializers.normal(1.0), (1, x.shape[-1]))
        x = jnp.concatenate([start, x])
        h = nn.LayerNorm()(x)
        x = x + nn.MultiHeadDotProductAttention(num_heads=2)(h)
        h = nn.Dense(32)(nn.LayerNorm()(x))
        x = x + nn.Dense(16)(nn.gelu(h))
        return nn.Dense(LETTERS)(nn.LayerNorm()(x)[0])


model = Transformer()
embedding = np.random.default_rng(2).normal(size=(2 * LETTERS, 16)).astype(np.float32)
params = jax.jit(model.init)(jax.random.key(0), embedding[:LENGTH])
optimizer = optax.adam(1e-2)


@jax.jit
def train(params, batches):
    def step(carry, batch):
        params, state = carry

        def loss(params):
            logits = jax.vmap(lambda x: model.apply(params, x))(jnp.asarray(embedding)[batch[0]])
            return optax.softmax_cross_entropy_with_integer_labels(logits, batch[1]).mean()

        updates, state = optimizer.update(jax.grad(loss)(params), state)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, optimizer.init(params)), batches)[0][0]


tokens, labels, _ = draw(2048, seed=0)
for _ in range(4):
    params = train(params, (tokens.reshape(32, 64, LENGTH), labels.reshape(32, 64)))

# Explain
# -------
#
# A transformer has three operations that other networks do not have. The two composites treat them as follows:
#
# - a softmax times values: ATTN_LRP divides the relevance of the product equally between weights and values, and
#   propagates that of the weights through the softmax to queries and keys. CP_LRP gives all to the values.
# - a norm divides a signal by its own deviation. Both hold the deviation constant.
# - gelu is one activation for both: relevance passes it unchanged.

print(lrp_jax.ATTN_LRP)
print()
print(lrp_jax.CP_LRP)

tokens, labels, where = draw(64, seed=1)
embedded = embedding[tokens]


def explain(rules):
    def one(x, label):
        return lrp_jax.relevance(lambda x: model.apply(params, x)[label], rules)(x)

    values, r = jax.jit(jax.vmap(one))(embedded, labels)
    return np.asarray(values), np.asarray(r).sum(axis=-1)  # the relevance of a token is the sum over its embedding


print("\nrelevance of each token for its class; the marked token is in brackets")
for rules in (lrp_jax.ATTN_LRP, lrp_jax.CP_LRP):
    values, by_token = explain(rules)
    for i in range(3):
        cells = [f"[{r:+.2f}]" if t == where[i] else f" {r:+.2f} " for t, r in enumerate(by_token[i])]
        print(f"{rules.name:<8} {values[i]:+.2f}  {''.join(cells)}")
    found = np.mean(by_token.argmax(axis=1) == where)
    print(f"{rules.name:<8} the marked token has the most relevance in {found:.0%} of the sequences")
    assert by_token.shape == (64, LENGTH)
    assert found > 0.8

# The audit
# ---------
#
# The audit has no refusals: every operation has a rule. It also shows where the relevance is that the tokens did not
# get. With `not accounted for` near zero, nothing was missed.


def logit(x):
    return model.apply(params, x)[labels[0]]


print("\n           logit   tokens   biases  epsilon  softmax")
for rules in (lrp_jax.ATTN_LRP, lrp_jax.CP_LRP):
    report = lrp_jax.audit(logit, rules)(embedded[0])
    assert report.refusals == ()
    lost = report.lost
    at_softmax = sum(lost.values()) - lost["bias"] - lost["epsilon"]
    parts = [report.seed, report.relevance, lost["bias"], lost["epsilon"], at_softmax]
    print(f"{rules.name:<8}" + "".join(f"{part:>9.3f}" for part in parts))
    assert abs(report.unexplained) < 1e-3 * max(map(abs, parts))

# Interpretation: biases, and the start token with its own embedding, are constants that also contribute to the class,
# and absorb their share. The softmax column is the relevance that ATTN_LRP gains or loses there: a softmax keeps its
# derivative, which does not conserve relevance. Here the attention is almost one-hot, the derivative of such a
# softmax is near zero, and the half that the scores get is lost. For CP_LRP attention is a gate, and the column is
# zero.

assert abs(at_softmax) < 1e-3 * report.seed  # the last report is that of CP_LRP

# What PAPER does
# ---------------
#
# The default composite, PAPER, knows LSTMs with attention. It takes attention weights for gates and holds norms
# constant, as CP_LRP does; its epsilon is larger. (`lrp_jax.show` walks through the function without computing
# anything, and says which rule each step gets.)

shown = lrp_jax.show(logit)(embedded[0])
assert all(step.refusal is None for step in shown.steps)
assert {step.rule for step in shown.steps if step.site.kind == "norm"} == {lrp_jax.SignalTakesAll()}

# A norm can be left its own derivative too. A composite is a plain value, and the first line that fits decides.

THROUGH_NORMS = lrp_jax.Composite("THROUGH_NORMS", (lrp_jax.On("norm", lrp_jax.Derivative()), *lrp_jax.PAPER.lines))
assert "norm       Derivative()" in str(THROUGH_NORMS)

# What can go wrong
# -----------------
#
# - A gated MLP, `silu(W x) * V x`: to CP_LRP the activated factor is a gate, ATTN_LRP shares the product equally. To
#   the other composites silu is an activation and no gate, and the product is refused: use
#   `On("product", SignalTakesAll(activations=True))`, or write `lrp_jax.gate(silu(W x)) * V x`.
# - You explain a probability: a softmax at the end is refused by PAPER and CP_LRP. Explain its logits.
# - Epsilon is 1e-6 in both. In float32 a deep network may then pass on relevance much larger than its logit, of both
#   signs; `Composite("CALM", (On("*", Epsilon(1e-2)), *CP_LRP.lines))` has a larger one.
