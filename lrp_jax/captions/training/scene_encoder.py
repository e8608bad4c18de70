"""Trains the encoder for drawn scenes, and writes the file that ships with the package.

    python -m lrp_jax.captions.training.scene_encoder --out=scene_encoder.npz

It learns on unbiased scenes to classify each cell of its grid - the kind of object or the background, and the object's
colour - with labels from the masks. Then it is frozen, so that a captioner can only learn a planted bias from its
captions.
"""

import argparse
import itertools
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import traverse_util
from jaxtyping import Array, Float, Int, UInt8
from tqdm import tqdm

from lrp_jax.captions import scenes
from lrp_jax.captions.images import load_image
from lrp_jax.captions.models import Preprocessing
from lrp_jax.captions.models.scene_cnn import BLOCKS, POOLS, SceneCNN
from lrp_jax.captions.storage.files import atomic

PREPROCESSING = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), size=(96, 96))
GRID = 8  # cells per side of SceneCNN's feature map for 96 pixels
THINGS = (*scenes.KINDS, *scenes.BACKGROUNDS)
COLOURS = tuple(scenes.COLOURS)
SIZES = (0.008, 0.02, 0.05, 0.25)  # the size classes of the report, as fractions of the image

_FINE = 6  # mask samples per side of a cell
_LEAST = 0.2  # the smallest claim (see `label_cells`) that gives a cell to an object instead of the background


class Cells(NamedTuple):
    """The labels of the cells of a scene's grid.

    things: index into `THINGS`. colours: index into `COLOURS`, -1 on the background.
    homes: for each object the row and the column of the cell that shows most of it, its kind, its colour, and the
        fraction of the image that its box covers.
    """

    things: Int[np.ndarray, "grid grid"]
    colours: Int[np.ndarray, "grid grid"]
    homes: list[tuple[int, int, int, int, float]]


class Pool(NamedTuple):
    """Drawn scenes in memory, at the size of the encoder."""

    images: UInt8[np.ndarray, "n H W 3"]
    things: Int[np.ndarray, "n grid grid"]
    colours: Int[np.ndarray, "n grid grid"]
    homes: list[list[tuple[int, int, int, int, float]]]


def label_cells(scene: scenes.Scene, grid: int = GRID) -> Cells:
    """Computes the labels of a scene's cells from its masks.

    An object's claim to a cell is the fraction of the cell that it covers plus the fraction of the object that lies in
    it, so that a small object wins its only cell against larger objects around it.
    """
    seen = scenes.masks(scene, grid * _FINE)
    parts = seen.reshape(len(seen), grid, _FINE, grid, _FINE).sum(axis=(2, 4))
    whole = np.maximum(seen.sum(axis=(1, 2)), 1)[:, None, None]
    claims = parts / _FINE**2 + parts / whole * (parts > 0)
    things = np.full((grid, grid), THINGS.index(scene.background))
    colours = np.full((grid, grid), -1)
    winner, claim = claims.argmax(0), claims.max(0)
    kinds = np.array([THINGS.index(thing.kind) for thing in scene.objects])
    tints = np.array([COLOURS.index(thing.colour) for thing in scene.objects])
    taken = claim >= _LEAST
    things[taken], colours[taken] = kinds[winner[taken]], tints[winner[taken]]
    homes = []
    for i, thing in enumerate(scene.objects):
        row, column = np.unravel_index(claims[i].argmax(), (grid, grid))
        x0, y0, x1, y1 = thing.box
        homes.append((int(row), int(column), int(kinds[i]), int(tints[i]), (x1 - x0) * (y1 - y0)))
    return Cells(things, colours, homes)


def draw_pool(split: str, seed: int, count: int) -> Pool:
    """Draws unbiased scenes, every other one at 144 pixels and then resized like the captioners' images."""
    size = PREPROCESSING.size[0]
    images = np.empty((count, size, size, 3), np.uint8)
    things = np.empty((count, GRID, GRID), np.int32)
    colours = np.empty_like(things)
    homes = []
    world = scenes.dataset(split, bias="none", seed=seed, count=count)
    for i in tqdm(range(count), desc=f"drawing {split}", mininterval=5, leave=False):
        scene = world.scene(i)
        images[i] = scenes.draw(scene, size) if i % 2 else load_image(scenes.draw(scene, 144), PREPROCESSING.size)
        cells = label_cells(scene)
        things[i], colours[i] = cells.things, cells.colours
        homes.append(cells.homes)
    return Pool(images, things, colours, homes)


def cell_weights(things: Int[np.ndarray, "n grid grid"]) -> Float[np.ndarray, " things"]:
    """Weights of the labels, proportional to the inverse square root of their frequency; their mean over cells is 1."""
    count = np.bincount(things.ravel(), minlength=len(THINGS)) + 1.0
    weights = count**-0.5
    return weights * count.sum() / (weights * count).sum()


class Trainee(nn.Module):
    """SceneCNN with a batch norm after each convolution, which trains several times faster; see `fold`."""

    width: int

    @nn.compact
    def __call__(
        self, images: Float[Array, "B H W 3"]
    ) -> tuple[Float[Array, "B grid grid things"], Float[Array, "B grid grid colours"]]:
        x = images
        for i, (block, pool) in enumerate(zip(BLOCKS, POOLS, strict=True), 1):
            if pool:
                x = nn.max_pool(x, (pool, pool), strides=(pool, pool))
            for j, multiple in enumerate(block, 1):
                name, strides = f"block{i}_conv{j}", 2 if i == j == 1 else 1
                x = nn.Conv(multiple * self.width, (3, 3), strides, padding=1, use_bias=False, name=name)(x)
                x = nn.relu(nn.BatchNorm(use_running_average=False, momentum=0.95, name=f"{name}_norm")(x))
        return nn.Conv(len(THINGS), (1, 1), name="thing_head")(x), nn.Conv(len(COLOURS), (1, 1), name="colour_head")(x)


def fold(variables: Mapping[str, Any], epsilon: float = 1e-5) -> dict[str, Any]:
    """Parameters of the SceneCNN that is equivalent to a Trainee with its running means and variances.

    A norm after a convolution scales and shifts each channel by constants, so it is folded into kernel and bias.
    """
    params, running = variables["params"], variables["batch_stats"]
    folded = {name: part for name, part in params.items() if name.endswith("_head")}
    for name, seen in running.items():
        norm, conv = params[name], name.removesuffix("_norm")
        gain = norm["scale"] / jnp.sqrt(seen["var"] + epsilon)
        folded[conv] = {"kernel": params[conv]["kernel"] * gain, "bias": norm["bias"] - seen["mean"] * gain}
    return {"params": folded}


def loss(
    scores: tuple[Float[Array, "B grid grid things"], Float[Array, "B grid grid colours"]],
    things: Int[Array, "B grid grid"],
    colours: Int[Array, "B grid grid"],
    weights: Float[Array, " things"],
) -> Float[Array, ""]:
    """Weighted cross-entropy of the cells' classes, plus half of that of the colours where there is an object."""
    each = optax.softmax_cross_entropy_with_integer_labels(scores[0], things)
    colour = optax.softmax_cross_entropy_with_integer_labels(scores[1], jnp.maximum(colours, 0))
    has_colour = colours >= 0
    return (weights[things] * each).mean() + 0.5 * (colour * has_colour).sum() / jnp.maximum(has_colour.sum(), 1)


def train(
    pool: Pool, *, seed: int, epochs: int, batch_size: int = 64, learning_rate: float = 0.01, width: int = 16
) -> tuple[SceneCNN, dict[str, Any]]:
    """Trains an encoder on a pool of scenes, each shown as drawn or mirrored, and returns it with its parameters.

    Adam with weight decay; the learning rate rises over the first twentieth of the steps and falls along a cosine.
    """
    trainee = Trainee(width)
    image = jnp.zeros((1, *PREPROCESSING.size, 3), jnp.float32)
    variables = jax.jit(trainee.init)(jax.random.key(seed), image)  # faster than one kernel for each parameter
    steps = epochs * (len(pool.images) // batch_size)
    schedule = optax.warmup_cosine_decay_schedule(0.0, learning_rate, max(1, steps // 20), steps)
    optimiser = optax.adamw(schedule, weight_decay=1e-4)
    params, running = variables["params"], variables["batch_stats"]
    state = optimiser.init(params)
    weights = jnp.asarray(cell_weights(pool.things), jnp.float32)

    @jax.jit
    def update(params, running, state, images, things, colours):
        def objective(params):
            variables = {"params": params, "batch_stats": running}
            scores, changed = trainee.apply(variables, PREPROCESSING(images), mutable=["batch_stats"])
            return loss(scores, things, colours, weights), changed["batch_stats"]

        (value, running), slope = jax.value_and_grad(objective, has_aux=True)(params)
        change, state = optimiser.update(slope, state, params)
        return optax.apply_updates(params, change), running, state, value

    rng = np.random.default_rng(seed)
    bar = tqdm(total=steps, desc="training", mininterval=5)
    for _ in range(epochs):
        order = rng.permutation(len(pool.images))
        for start in range(0, len(order) - batch_size + 1, batch_size):
            chosen = order[start : start + batch_size]
            batch = [part[chosen] for part in pool[:3]]
            if rng.random() < 0.5:
                batch = [part[:, :, ::-1] for part in batch]
            params, running, state, value = update(params, running, state, *batch)
            bar.update()
        bar.set_postfix(loss=f"{float(value):.3f}")
    bar.close()
    encoder = SceneCNN(width=width, things=len(THINGS), colours=len(COLOURS))
    return encoder, fold({"params": params, "batch_stats": running})


def accuracies(encoder: SceneCNN, params: Any, pool: Pool, batch_size: int = 100) -> dict[str, float]:
    """Accuracies of the kind and the colour, at the cell that shows most of an object, and of the background.

    Returns:
      `kind` over all objects and `kind 0.8-2 %`, ... by the fraction of the image that the box covers; `colour` over
      all objects; `background` over all cells without an object.
    """

    @jax.jit
    def guess(images):
        scores = encoder.apply(params, PREPROCESSING(images), method="classify")
        return [score.argmax(-1) for score in scores]

    rows, backgrounds = [], []
    for start in range(0, len(pool.images), batch_size):
        things, colours = map(np.asarray, guess(pool.images[start : start + batch_size]))
        truth = pool.things[start : start + batch_size]
        empty = pool.colours[start : start + batch_size] < 0
        backgrounds.append((things == truth)[empty])
        for guessed, tints, homes in zip(things, colours, pool.homes[start : start + batch_size], strict=True):
            rows += [(share, guessed[r, c] == kind, tints[r, c] == tint) for r, c, kind, tint, share in homes]
    share, kind, colour = np.array(rows, float).T
    result = {"kind": kind.mean()}
    for low, high in itertools.pairwise(SIZES):
        result[f"kind {100 * low:g}-{100 * high:g} %"] = kind[(share >= low) & (share < high)].mean()
    result |= {"colour": colour.mean(), "background": np.concatenate(backgrounds).mean()}
    return {name: round(float(value), 4) for name, value in result.items()}


def save(path: str, encoder: SceneCNN, params: Any, about: dict[str, Any]) -> None:
    """Writes the weights in half precision, with the settings and results of training as JSON under `about`."""
    flat = traverse_util.flatten_dict(params, sep="/")
    record = {
        "width": encoder.width,
        "things": THINGS,
        "colours": COLOURS,
        "mean": PREPROCESSING.mean,
        "std": PREPROCESSING.std,
        "size": PREPROCESSING.size,
        **about,
    }
    arrays = {name: np.asarray(value, np.float16) for name, value in flat.items()}
    with atomic(path, "wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(record)), **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="file to write")
    parser.add_argument("--seed", type=int, default=90001, help="for the scenes, the initial weights and the order")
    parser.add_argument("--scenes", type=int, default=8000, help="number of training scenes")
    parser.add_argument("--epochs", type=int, default=16)
    options = parser.parse_args()
    began = time.monotonic()
    pool = draw_pool("train", options.seed, options.scenes)
    drawn = time.monotonic()
    encoder, params = train(pool, seed=options.seed, epochs=options.epochs)
    trained = time.monotonic()
    measured = accuracies(encoder, params, draw_pool("validation", options.seed, 1000))
    about = {
        "seed": options.seed,
        "scenes": options.scenes,
        "epochs": options.epochs,
        "seconds": {"drawing": round(drawn - began), "training": round(trained - drawn)},
        "accuracy on 1000 held-out unbiased scenes": measured,
    }
    save(options.out, encoder, params, about)
    print(json.dumps(about, indent=2))


if __name__ == "__main__":
    main()
