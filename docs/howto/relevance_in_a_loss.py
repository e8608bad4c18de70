"""Use relevance in a loss: prevent a classifier from using a spurious cue.

After this page you can train on explanations. A relevance is a differentiable function of the parameters, so a term in
the loss can penalise relevance at the wrong place.

Run it with `python docs/howto/relevance_in_a_loss.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

import lrp_jax

# A task with a spurious cue
# --------------------------
#
# The images are 6 x 6 noise with one of two faint patterns, which is the class. In the training data the first pixel
# also depends on the class, like a photographer's watermark, and much more clearly. In the test data it carries no
# information.

SIDE, FAINT = 6, 0.4
PATTERNS = np.sign(np.random.default_rng(7).normal(size=(2, SIDE * SIDE))).astype(np.float32)
CUE = np.zeros(SIDE * SIDE, np.float32)
CUE[0] = 1.0


def draw(count, seed, with_cue):
    """Images [count, 36] and labels [count]."""
    random = np.random.default_rng(seed)
    labels = random.integers(2, size=count)
    images = random.normal(size=(count, SIDE * SIDE)) + FAINT * PATTERNS[labels]
    told = labels if with_cue else random.integers(2, size=count)
    images[:, 0] = np.where(told == 1, 4.0, -4.0)
    return images.astype(np.float32), labels


class Classifier(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Dense(24)(x))
        return nn.Dense(2)(x)


model = Classifier()
images, labels = draw(1024, seed=0, with_cue=True)
test_images, test_labels = draw(1024, seed=1, with_cue=False)
start = jax.jit(model.init)(jax.random.key(0), images[:1])
optimizer = optax.adam(1e-2)

# The penalty
# -----------
#
# `jax.grad(lrp(f))` is the relevance of an image, and the share of it on the cue is the penalty. It is a
# share, because relevance is in units of the logit: without the division the network could reduce the penalty by
# making all its logits small.
#
# The relevance is that of the true class against the other one, so that it explains the decision.


def relevance_on_cue(params, image, label):
    """The share [] of an image's relevance, by absolute value, that lies on the cue."""

    def margin(image):
        logits = model.apply(params, image)
        return logits[label] - logits[1 - label]

    r = jnp.abs(jax.grad(lrp_jax.lrp(margin))(image))
    return jnp.sum(r * CUE) / (jnp.sum(r) + 1e-3)


share_on_cue = jax.vmap(relevance_on_cue, in_axes=(None, 0, 0))


@jax.jit
def train(penalty):
    """Trains from the same start, on the same batches, with a weight for the penalty; returns the parameters."""
    batches = jnp.tile(images.reshape(16, 64, -1), (10, 1, 1)), jnp.tile(labels.reshape(16, 64), (10, 1))

    def step(carry, batch):
        params, state = carry

        def loss(params):
            x, y = batch
            cross_entropy = optax.softmax_cross_entropy_with_integer_labels(model.apply(params, x), y).mean()
            return cross_entropy + penalty * share_on_cue(params, x, y).mean()

        updates, state = optimizer.update(jax.grad(loss)(params), state)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (start, optimizer.init(start)), batches)[0][0]


@jax.jit
def judge(params):
    """Accuracy with the cue and without it, and the share of relevance on the cue."""

    def accuracy(images, labels):
        return jnp.mean(model.apply(params, images).argmax(-1) == labels)

    return accuracy(images, labels), accuracy(test_images, test_labels), share_on_cue(params, images, labels).mean()


# With and without
# ----------------

results = {}
print(f"{'':<20} {'with the cue':>14} {'without it':>12} {'relevance on the cue':>22}")
for name, penalty in (("plain", 0.0), ("relevance penalty", 5.0)):
    results[name] = [float(x) for x in judge(train(penalty))]
    with_cue, without, share = results[name]
    print(f"{name:<20} {with_cue:>14.1%} {without:>12.1%} {share:>22.1%}")

(_, plain, plain_share), (_, penalised, penalised_share) = results.values()
assert plain < 0.8
assert penalised > plain + 0.1
assert penalised_share < 0.1 * plain_share

# Interpretation: both networks have the same data and the same initial parameters. The plain one has learned the cue,
# and fails where the cue carries no information. The other one has learned the pattern, and works as well without the
# cue. This needed no image without the cue, only knowledge of its place.

# What can go wrong
# -----------------
#
# - The penalty is small, but the cue is still used. Where the cue is 0 its relevance is 0 too, because relevance is
#   input times density. Here the cue is +4 or -4. For a black cue, penalise under a composite that does not
#   multiply the first layer by its input, such as `EpsilonPlusFlat`, or the derivative with `GRADIENT`.
# - Absolute values have no derivative at zero, and shares have none at zero relevance. The 1e-3 keeps the share
#   finite; a square instead of the absolute value is smoother, and tolerates small relevance.
# - The cost: each step also has the backward pass of relevance, and its derivative. A penalty on every second
#   batch, or on some images of each, is often enough.
# - A relevance is differentiable with respect to anything: parameters, inputs, seeds. The derivative of `lrp(f)` itself
#   with respect to arguments that are not explained has no meaning: train on `f`, and penalise with `jax.grad(lrp(f))`.
