"""Measure whether an explanation is faithful, for any JAX model.

After this page you can compare explanations of your own model by deletion and insertion, by their location, and by the
rank correlation with the true effects of the parts of an input; and use the model with the metrics of Quantus.

Run it with `python docs/howto/faithfulness.py`.
"""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from flax import linen as nn

import lrp_jax
from lrp_jax.captions.experiments import faithfulness, gold_effects

# A task whose truth is known
# ---------------------------
#
# An image has four places, each with a cross, a square, or nothing. It is of class 1 if it has more crosses than
# squares. So crosses are evidence for class 1 and squares are evidence against it, to a degree that the network
# determines; and since we draw the images ourselves, we can draw each of them again without one of its shapes.

PLACE, SIZE = 7, 5
SHAPES = np.zeros((3, PLACE, PLACE), np.float32)
SHAPES[1, 1:6, 1:6] = np.maximum(np.eye(SIZE), np.eye(SIZE)[::-1])
SHAPES[2, 1:6, 1:6] = 1 - np.pad(np.ones((3, 3)), 1)
CROSS, SQUARE = 1, 2


def draw(kinds, noise):
    """Images [..., 14, 14, 1] of shapes [..., 4] on a background."""
    rows = SHAPES[kinds].reshape(*kinds.shape[:-1], 2, 2, PLACE, PLACE)
    images = np.moveaxis(rows, -3, -2).reshape(*kinds.shape[:-1], 2 * PLACE, 2 * PLACE)
    return np.maximum(images, noise)[..., None].astype(np.float32)


random = np.random.default_rng(0)
kinds = random.integers(3, size=(600, 4))
balance = (kinds == CROSS).sum(axis=1) - (kinds == SQUARE).sum(axis=1)
kinds, labels = kinds[balance != 0], (balance[balance != 0] > 0).astype(int)
noise = random.uniform(0, 0.2, (len(kinds), 2 * PLACE, 2 * PLACE))
images = draw(kinds, noise)


class CNN(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(12, (3, 3))(x))
        x = nn.relu(nn.Conv(12, (3, 3))(x))
        return nn.Dense(2)(x.mean(axis=(-3, -2)))


model = CNN()
params = jax.jit(model.init)(jax.random.key(0), images[:1])
optimizer = optax.adam(2e-2)


@jax.jit
def step(params, state, images, labels):
    def loss(params):
        return optax.softmax_cross_entropy_with_integer_labels(model.apply(params, images), labels).mean()

    updates, state = optimizer.update(jax.grad(loss)(params), state)
    return optax.apply_updates(params, updates), state


state = optimizer.init(params)
for i in range(120):
    batch = np.s_[(i % 6) * 64 : (i % 6 + 1) * 64]
    params, state = step(params, state, images[batch], labels[batch])

# A model is a function
# ---------------------
#
# Everything below needs two functions: one from a batch to scores, and one from an image and a target to relevance.
# Jit both. The score here is the difference between the logits of the two classes, which determines the prediction.


@jax.jit
def f(images):
    logits = model.apply(params, images)
    return logits - logits[:, ::-1]


new = np.s_[-40:]
images, labels, kinds, noise = images[new], labels[new], kinds[new], noise[new]
accuracy = np.mean(np.argmax(f(images), axis=1) == labels)
print(f"accuracy on new images: {accuracy:.0%}")
assert accuracy > 0.85


def score(image, target):
    return f(image[None])[0, target]


EXPLANATIONS = {
    "LRP": jax.jit(lambda image, target: jax.grad(lrp_jax.lrp(lambda x: score(x, target)))(image)),
    "gradient x input": jax.jit(lambda image, target: image * jax.grad(score)(image, target)),
    "|gradient|": jax.jit(lambda image, target: jnp.abs(jax.grad(score)(image, target))),
    "edges": jax.jit(lambda image, target: image),  # the same for every model: bright pixels
}

# Ground truth
# ------------
#
# `masks` give the place of the evidence for the target: the shapes that support it. `gold` gives the decrease of the
# score without each shape. It needs images that are drawn again; painting over a part also measures the effect of the
# paint. For places without a shape the effect is nan, which excludes them.

places = np.arange(4)
parts = np.zeros((len(images), 4, 2 * PLACE, 2 * PLACE), bool)
for place in places:
    row, column = divmod(place, 2)
    parts[:, place, row * PLACE : (row + 1) * PLACE, column * PLACE : (column + 1) * PLACE] = True
speaks_for = kinds == np.where(labels == 1, CROSS, SQUARE)[:, None]
masks = (parts & speaks_for[..., None, None]).any(axis=1)

fewer = np.where(np.eye(4, dtype=bool), 0, kinds[:, None])  # [n, 4, 4]: with one place empty
effects = gold_effects(f, images, labels, draw(fewer, noise[:, None]))
effects[kinds == 0] = np.nan
assert np.nanmean(effects[speaks_for]) > 0 > np.nanmean(effects[~speaks_for])

# One call
# --------

tables = {}
for name, explain in EXPLANATIONS.items():
    tables[name] = faithfulness(f, explain, images, labels, masks=masks, gold=(parts, effects), fill=0.1, steps=10)
together = pd.concat(tables).reset_index(0, names="explanation")
print(together.pivot(index="explanation", columns="measure", values="value").round(2).to_string())
print("by chance:", tables["LRP"].set_index("measure")["chance"].round(2).to_dict())

value = {name: table.set_index("measure")["value"] for name, table in tables.items()}
chance = tables["LRP"].set_index("measure")["chance"]

# The score falls faster than by chance when the pixels that LRP finds are deleted, and rises faster when they are
# inserted. Bright pixels are not an explanation: they do not tell which shape supports which class, as the gold effect
# shows.

assert value["LRP"]["deletion"] < chance["deletion"]
assert value["LRP"]["insertion"] > chance["insertion"]
assert value["LRP"]["gold"] > 0.5
assert value["LRP"]["gold"] > value["edges"]["gold"]

# The same in Quantus
# -------------------
#
# Quantus has about forty metrics, for models of PyTorch and TensorFlow. `JaxModel` wraps a function for them,
# `for_jax` makes a metric accept it, and the explanation gets the model to explain as an argument, because some metrics
# change the parameters. (`pip install quantus`; this part is skipped if it is not installed.)

if importlib.util.find_spec("quantus"):
    import quantus

    from lrp_jax.captions.experiments.quantus_adapter import JaxModel, for_jax, quantus_explain_func

    network = JaxModel(model.apply, params, layers=["params/Conv_0", "params/Conv_1", "params/Dense_0"])
    explain_func = quantus_explain_func(lambda g, x, t: jax.grad(lrp_jax.lrp(lambda x: g(x)[t] - g(x)[1 - t]))(x))
    metric = for_jax(quantus.FaithfulnessCorrelation)(
        nr_runs=20, subset_size=20, perturb_baseline=0.0, abs=False, normalise=False, return_aggregate=True
    )
    scores = metric(
        model=network, x_batch=images, y_batch=labels, a_batch=None, explain_func=explain_func,
        channel_first=False, softmax=False,
    )  # fmt: skip
    print(f"Quantus' faithfulness correlation of LRP: {scores[0]:.2f}")
    assert np.isfinite(scores[0])

# What can go wrong
# -----------------
#
# - The fill value determines what deletion measures. A value that never occurs in the training data decreases scores by
#   itself; the mean of the image (the default), a blurred image given as an array, or the background have less effect.
#   Report which one you used.
# - Deletion and insertion compare explanations of one model. Areas are in units of the score, so for two models use
#   probabilities, and note that a saturated probability changes little until the end.
# - A map inside the mask is plausible, but not necessarily faithful: the model may use something else. Gold effects
#   measure this.
