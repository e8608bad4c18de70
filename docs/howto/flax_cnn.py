"""Explain a Flax CNN as it is.

After this page you can explain which pixels support the prediction of any Flax classifier, for one image or for a
batch, for the predicted class or for another one. The model needs no changes.

Run it with `python docs/howto/flax_cnn.py`, or give it a path to also save the heat maps: `... flax_cnn.py maps.png`.
"""

import sys

import jax
import numpy as np
import optax
from flax import linen as nn

import lrp_jax

# A network and a task
# --------------------
#
# The images are 16 x 16 noise with one shape somewhere: a filled square (class 0) or a cross (class 1), 5 pixels wide.
# So we know where the evidence is, and can check that the explanation finds it.

SIDE, SIZE = 16, 5
CROSS = np.maximum(np.eye(SIZE), np.eye(SIZE)[::-1])
SHAPES = np.stack([np.ones((SIZE, SIZE)), CROSS])


def draw(count, seed):
    """Images [count, 16, 16, 1], labels [count], and masks [count, 16, 16] that are 1 at the shape."""
    random = np.random.default_rng(seed)
    labels = random.integers(2, size=count)
    images, masks = random.uniform(0, 0.3, (count, SIDE, SIDE)), np.zeros((count, SIDE, SIDE))
    for i, (row, column) in enumerate(random.integers(SIDE - SIZE + 1, size=(count, 2))):
        here = np.s_[i, row : row + SIZE, column : column + SIZE]
        images[here] = np.maximum(images[here], SHAPES[labels[i]])
        masks[here] = 1
    return images[..., None].astype(np.float32), labels, masks


class CNN(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(8, (3, 3))(x))
        x = nn.max_pool(x, (2, 2), (2, 2))
        x = nn.relu(nn.Conv(16, (3, 3))(x))
        return nn.Dense(2)(x.max(axis=(-3, -2)))


model = CNN()
images, labels, _ = draw(512, seed=0)
params = jax.jit(model.init)(jax.random.key(0), images[:1])
optimizer = optax.adam(1e-2)


@jax.jit
def step(params, state, images, labels):
    def loss(params):
        return optax.softmax_cross_entropy_with_integer_labels(model.apply(params, images), labels).mean()

    updates, state = optimizer.update(jax.grad(loss)(params), state)
    return optax.apply_updates(params, updates), state


state = optimizer.init(params)
for i in range(80):
    batch = np.s_[(i % 8) * 64 : (i % 8 + 1) * 64]
    params, state = step(params, state, images[batch], labels[batch])

images, labels, masks = draw(64, seed=1)
accuracy = np.mean(np.argmax(jax.jit(model.apply)(params, images), axis=-1) == labels)
print(f"accuracy on new images: {accuracy:.0%}")
assert accuracy > 0.9

# One image
# ---------
#
# `lrp(f)` is a function with the value of f whose derivative is relevance. So one `jax.grad` is an explanation: of the
# shape of the image, in units of the logit, positive where a pixel supports the class and negative where it opposes it.

image, label = images[0], int(labels[0])


def logit(image):
    return model.apply(params, image)[label]


r = jax.grad(lrp_jax.lrp(logit))(image)
assert r.shape == image.shape

# `relevance` also returns the value, like `jax.value_and_grad`. Relevance is conserved: if nothing were absorbed, it
# would sum to the logit. Here the biases of the last layer and epsilon absorb a part.

value, same = lrp_jax.relevance(logit)(image)
assert np.allclose(r, same, atol=1e-6)
report = lrp_jax.audit(logit)(image)
print(f"logit {value:.3f} = relevance of the pixels {r.sum():.3f} + absorbed {sum(report.lost.values()):.3f}")
assert abs(report.unexplained) < 1e-3 * abs(value)

# Which class
# -----------
#
# A function of all logits is explained for a *seed*: the relevance given to each output. The logit for one class and
# zero for the others explains this class, which is the same as selecting that logit inside the function.


def logits(image):
    return model.apply(params, image)


seed = jax.nn.one_hot(label, 2) * logits(image)
_, by_seed = lrp_jax.relevance(logits)(image, seed=seed)
assert np.allclose(by_seed, r, atol=1e-6)

# Many images
# -----------
#
# The result is an ordinary JAX function. `vmap` turns it into one for a batch, with a class for each image, and `jit`
# goes outside: without it f is traced at every call.


@jax.jit
@jax.vmap
def explain(image, label):
    return jax.grad(lrp_jax.lrp(lambda image: model.apply(params, image)[label]))(image)


maps = np.asarray(explain(images, labels)).sum(axis=-1)  # summed over the colour channels, here only one
assert maps.shape == (64, SIDE, SIDE)
assert np.allclose(maps[0], r[..., 0], atol=1e-4 * np.abs(r).max())

# What the map shows
# ------------------
#
# The shape covers 25 of 256 pixels. If the map carried no information, a tenth of the relevance would be on it.

inside = np.sum(np.abs(maps) * masks, axis=(1, 2)) / np.sum(np.abs(maps), axis=(1, 2))
area = masks.mean()
print(f"relevance that lies on the shape: {inside.mean():.0%} on average (the shape is {area:.0%} of the image)")
assert inside.mean() > 5 * area

# What can go wrong
# -----------------
#
# - Explaining a probability. A softmax mixes all classes, and `lrp` refuses it: explain the logit before it.
# - Comparing the numbers of two images on one scale: relevance is in units of the logit, so divide by
#   the largest absolute value of each map before you colour it, and keep zero at the middle of the colours.
# - `jax.jit` inside, `lrp(jax.jit(f))`: it works, but the analysis of the program is then repeated at every call.

if len(sys.argv) > 1:
    from PIL import Image

    # Red supports the class, blue opposes it, white is zero; each image is beside its map.
    strength = (maps[:4] / np.abs(maps[:4]).max(axis=(1, 2), keepdims=True))[..., None]
    colours = np.where(strength > 0, 1 - strength * np.array([0, 1, 1]), 1 + strength * np.array([1, 1, 0]))
    pairs = np.concatenate([np.broadcast_to(images[:4], colours.shape), colours], axis=2)
    picture = (255 * np.concatenate(pairs)).astype(np.uint8)
    Image.fromarray(picture).resize((256, 512), Image.Resampling.NEAREST).save(sys.argv[1])
    print("saved", sys.argv[1])
