"""Measure whether an explanation is faithful, for any JAX model.

After this page you can compare explanations of your own model by deletion and insertion, by where they point, and by
whether they rank the parts of an input as their true effects do; and hand the model to Quantus for its metrics.

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
# An image has four places, and at each a cross, a square, or nothing. It is of class 1 if it has more crosses than
# squares. So crosses speak for class 1 and squares against it, by as much as the network says; and since we draw the
# images ourselves, we can draw each of them again without one of its shapes.

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
# Everything below asks for two functions: one from a batch to scores, and one from an image and a target to relevance.
# Put both under `jit`. The scores here are the lead of one class over the other, which is what decides.


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
    "edges": jax.jit(lambda image, target: image),  # the same for every model: what is bright
}

# What is true
# ------------
#
# `masks` say where the evidence for the target is: the shapes that speak for it. `gold` says by how much the score
# falls without each shape. It has to come from whoever made the images; painting over a part measures what the paint
# does as well. Places without a shape have no effect to speak of, and nan leaves them out.

places = np.arange(4)
parts = np.zeros((len(images), 4, 2 * PLACE, 2 * PLACE), bool)
for place in places:
    row, column = divmod(place, 2)
    parts[:, place, row * PLACE : (row + 1) * PLACE, column * PLACE : (column + 1) * PLACE] = True
speaks_for = kinds == np.where(labels == 1, CROSS, SQUARE)[:, None]
masks = (parts & speaks_for[..., None, None]).any(axis=1)

fewer = np.where(np.eye(4, dtype=bool), 0, kinds[:, None])  # [n, 4, 4]: at one place nothing
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

# The score falls faster than by chance when what LRP finds is deleted, and rises faster when it is given back. What is
# merely bright is no explanation: it has no idea which shape speaks for what, and the gold effect says so.

assert value["LRP"]["deletion"] < chance["deletion"]
assert value["LRP"]["insertion"] > chance["insertion"]
assert value["LRP"]["gold"] > 0.5
assert value["LRP"]["gold"] > value["edges"]["gold"]

# The same in Quantus
# -------------------
#
# Quantus has some forty metrics, for models of PyTorch and TensorFlow. `JaxModel` is a function in their place,
# `for_jax` makes a metric take it, and an explanation is given the model that it is to explain, because some metrics
# change the parameters. (`pip install quantus`; this part is left out where it is not installed.)

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
# - The fill decides what deletion means. A value that the model has never seen makes scores fall for a reason of its
#   own; the mean of the image (the default), a blurred image given as an array, or the background are milder. Say
#   which it was.
# - Deletion and insertion compare explanations of one model. Areas are in units of the score, so for two models use
#   probabilities, and keep in mind that a saturated probability hardly moves until the end.
# - A map inside the mask is plausible, not faithful: the model may look elsewhere. That is what gold effects are for.
