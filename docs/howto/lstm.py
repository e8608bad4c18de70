"""Explain an LSTM: the relevance of time steps.

After this page you can compute the relevance of each step of a sequence for the output of any recurrent network. The
gates of LSTM and GRU are detected automatically.

Run it with `python docs/howto/lstm.py`.
"""

import jax
import numpy as np
import optax
from flax import linen as nn

import lrp_jax

# A network and a task
# --------------------
#
# A sequence has ten symbols. Numbers 4 to 9 have no meaning, 0 to 3 are messages: one of them is at a random position
# in the first half, and at the end the network has to predict which one it was.

LENGTH, SYMBOLS, MESSAGES = 10, 10, 4


def draw(count, seed):
    """Sequences [count, 10] of symbols, the message [count] in each, and its step [count]."""
    random = np.random.default_rng(seed)
    sequences = random.integers(MESSAGES, SYMBOLS, size=(count, LENGTH))
    messages, steps = random.integers(MESSAGES, size=count), random.integers(LENGTH // 2, size=count)
    sequences[np.arange(count), steps] = messages
    return sequences, messages, steps


class Reader(nn.Module):
    """`embed` and `read` are separate because the explained input must be floating point: symbols are integers."""

    def setup(self):
        self.embedding = nn.Embed(SYMBOLS, 8)
        self.lstm = nn.RNN(nn.OptimizedLSTMCell(16))
        self.head = nn.Dense(MESSAGES)

    def embed(self, symbols):
        return self.embedding(symbols)

    def read(self, embedded):
        return self.head(self.lstm(embedded)[..., -1, :])

    def __call__(self, symbols):
        return self.read(self.embed(symbols))


model = Reader()
sequences, messages, _ = draw(1024, seed=0)
params = jax.jit(model.init)(jax.random.key(0), sequences[:1])
optimizer = optax.adam(1e-2)


@jax.jit
def train(params, batches):
    def step(carry, batch):
        params, state = carry

        def loss(params):
            return optax.softmax_cross_entropy_with_integer_labels(model.apply(params, batch[0]), batch[1]).mean()

        updates, state = optimizer.update(jax.grad(loss)(params), state)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, optimizer.init(params)), batches)[0][0]


for _ in range(10):
    params = train(params, (sequences.reshape(16, 64, LENGTH), messages.reshape(16, 64)))

sequences, messages, steps = draw(64, seed=1)
accuracy = np.mean(np.argmax(jax.jit(model.apply)(params, sequences), axis=-1) == messages)
print(f"accuracy on new sequences: {accuracy:.0%}")
assert accuracy > 0.9

# Explain
# -------
#
# The function to explain takes the embedded sequence [10, 8] and returns the logit of one message. It scans over the
# steps; `lrp` rebuilds the scan around the transformed body, so the body is compiled once, as in the forward pass.


def embed(symbols):
    return model.apply(params, symbols, method="embed")


def logits(embedded):
    return model.apply(params, embedded, method="read")


@jax.jit
@jax.vmap
def explain(symbols, message):
    value, r = lrp_jax.relevance(lambda embedded: logits(embedded)[message])(embed(symbols))
    return value, r.sum(axis=-1)  # the relevance of a step is the sum over its embedding


values, by_step = (np.asarray(a) for a in explain(sequences, messages))
assert by_step.shape == (64, LENGTH)

print("\nlogit    relevance of each step; the message is in brackets")
for i in range(4):
    cells = [f"[{r:+.2f}]" if t == steps[i] else f" {r:+.2f} " for t, r in enumerate(by_step[i])]
    print(f"{values[i]:+.2f}  {''.join(cells)}")

found = np.mean(np.abs(by_step).argmax(axis=1) == steps)
print(f"\nthe message is the step with the most relevance in {found:.0%} of the sequences (by chance {1 / LENGTH:.0%})")
assert found > 0.8

# Gates
# -----
#
# A gate multiplies a signal to let it through or not. It carries no content of its own, so the signal gets all
# the relevance of the product. `lrp` recognises a gate by its origin, a sigmoid or a softmax, and needs no
# list of layer types: the LSTM above and a GRU have no refusal.
#
# To check whether a function can be explained, nothing has to be computed. `jax.eval_shape` traces it, and would
# raise a `RelevanceError` that names every line without a rule.

explained = jax.eval_shape(lrp_jax.relevance(logits), embed(sequences[0]))
assert explained[1].shape == (LENGTH, 8)

gru = nn.RNN(nn.GRUCell(16))
gru_params = jax.eval_shape(gru.init, jax.random.key(0), embed(sequences[0]))
jax.eval_shape(lrp_jax.relevance(gru.apply, argnums=1), gru_params, embed(sequences[0]))
print("LSTM and GRU: nothing refused")

# Where the rest is
# -----------------
#
# The steps do not sum to the logit: biases absorb relevance of both signs, and so does the
# epsilon of each neuron, again at every step. One step may have more than the whole logit if others oppose
# it. The audit lists all parts. A smaller epsilon absorbs less, but gives a noisier map, because
# a small neuron then passes on large relevance of both signs.

report = lrp_jax.audit(lambda embedded: logits(embedded)[messages[0]])(embed(sequences[0]))
print(f"\nlogit {report.seed:.3f} = steps {report.relevance:.3f}", end="")
print(f" + epsilon {report.lost['epsilon']:.3f} + biases {report.lost['bias']:.3f}")
assert report.refusals == ()
assert abs(report.unexplained) < 1e-3 * abs(report.seed)

# What can go wrong
# -----------------
#
# - You explain the symbols: integers have no relevance. Explain the embeddings, as here, or one-hot vectors.
# - A custom gate that is not a sigmoid (a hard sigmoid, a rectifier) is a second signal to `lrp`, and is refused.
#   Declare it: `lrp_jax.gate(jax.nn.hard_sigmoid(z)) * signal`.
# - The loop is a `while_loop`: its length is not known, so it has no backward pass. Use a `scan`.
