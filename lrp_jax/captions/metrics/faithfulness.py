"""Faithfulness of relevance maps: deletion and insertion curves, the pointing game, relevance inside masks.

All functions take and return NumPy arrays; a model is a function of a batch.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

Fill = float | str | np.ndarray
"""The value of a deleted pixel: a number, an array that broadcasts against the inputs, or "mean", the mean of each
input over its pixels, per channel."""


def ranks_of(maps: Float[np.ndarray, "B *pixels"], patch: int = 1, seed: int = 0) -> Int[np.ndarray, "B *pixels"]:
    """The rank of every pixel by relevance, 0 for the most relevant.

    Args:
      maps: relevance, one map per input.
      patch: side of the square patches that share a rank, ordered by the sum of their relevance; 1 ranks single
        pixels. Patches at the right and lower edges may be cut off. Maps of one dimension are cut into pieces of this
        length.
      seed: of the random order of ties; reading order would favour the top of the image.

    Returns:
      Ranks 0 to (number of patches) - 1.
    """
    maps = np.asarray(maps, np.float64)
    if maps.ndim < 2 or patch < 1:
        raise ValueError(f"got maps of shape {maps.shape} and patch={patch}; wanted [B, ...] and at least 1")
    shape = maps.shape[1:]
    across = [np.arange(side) // patch for side in shape]
    counts = [part[-1] + 1 for part in across]
    number = np.ravel_multi_index(np.meshgrid(*across, indexing="ij"), counts).ravel()
    patches = int(np.prod(counts))
    places = np.empty((len(maps), patches), int)
    for row, map_ in zip(places, maps, strict=True):
        sums = np.bincount(number, map_.ravel(), patches)
        ties = np.random.default_rng(seed).permutation(patches)
        row[np.lexsort((ties, -sums))] = np.arange(patches)
    return places[:, number].reshape(maps.shape)


def perturbation_curves(
    f: Callable[[np.ndarray], np.ndarray],
    inputs: Float[np.ndarray, "B ..."],
    targets: Int[np.ndarray, " B"],
    ranks: Int[np.ndarray, "B *pixels"],
    *,
    insert: bool = False,
    fill: Fill = "mean",
    steps: int = 20,
    batch_size: int = 64,
) -> Float[np.ndarray, "B steps1"]:
    """The score of the target while the most relevant pixels are deleted, or inserted into an input of fill values.

    Args:
      f: maps inputs [n, ...] to scores [n, classes]; always called with `batch_size` inputs, so that jit compiles once.
      inputs: their first axes after the batch are those of `ranks`; further axes (channels) are deleted together.
      targets: the class whose score is followed.
      ranks: from `ranks_of`.
      insert: start with everything deleted and insert the most relevant patches first.
      fill: the value of deleted pixels.
      steps: the number of steps from no patch to all patches, evenly spaced.
      batch_size: inputs per call of f.

    Returns:
      Column s is the score after the share s / steps of the patches.
    """
    inputs, targets, ranks = np.asarray(inputs), np.asarray(targets), np.asarray(ranks)
    if inputs.shape[: ranks.ndim] != ranks.shape or steps < 1:
        raise ValueError(
            f"got inputs {inputs.shape}, ranks {ranks.shape} and steps={steps}; wanted ranks of the shape of the "
            "inputs, with or without channels, and at least one step"
        )
    filling = np.broadcast_to(_fill(inputs, fill, ranks.ndim), inputs.shape).astype(inputs.dtype)
    patches = ranks.reshape(len(ranks), -1).max(axis=1) + 1
    ranks = ranks.reshape(ranks.shape + (1,) * (inputs.ndim - ranks.ndim))
    columns = []
    for step in range(steps + 1):
        count = np.round(step / steps * patches).reshape((-1,) + (1,) * (inputs.ndim - 1))
        reached = ranks < count
        columns.append(scores_of(f, np.where(reached ^ insert, filling, inputs), targets, batch_size))
    return np.stack(columns, axis=1)


def scores_of(
    f: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, targets: Int[np.ndarray, " B"], batch_size: int = 64
) -> Float[np.ndarray, " B"]:
    """The score of each input's target, `batch_size` inputs at a time; the last batch is padded with zeros."""
    found = []
    for first in range(0, len(inputs), batch_size):
        batch = inputs[first : first + batch_size]
        full = np.pad(batch, ((0, batch_size - len(batch)), *[(0, 0)] * (batch.ndim - 1)))
        scores = np.asarray(f(full), np.float64)
        if scores.ndim != 2 or len(scores) != batch_size:
            raise ValueError(
                f"got scores of shape {scores.shape} for {batch_size} inputs; wanted [{batch_size}, classes]"
            )
        found.append(scores[np.arange(len(batch)), targets[first : first + batch_size]])
    return np.concatenate(found)


def area_under(curves: Float[np.ndarray, "B steps1"]) -> Float[np.ndarray, " B"]:
    """The area under each curve over shares from 0 to 1 (trapezoids): a mean score, in the units of the score."""
    return np.trapezoid(curves, dx=1 / (curves.shape[-1] - 1), axis=-1)


def share_inside(maps: Float[np.ndarray, "B *pixels"], masks: Bool[np.ndarray, "B *pixels"]) -> Float[np.ndarray, " B"]:
    """The share of each map's positive relevance that lies in its mask; 0 for a map without positive relevance."""
    maps, masks = _alike(maps, masks)
    positive = np.maximum(maps, 0)
    total = positive.sum(axis=1)
    return np.divide((positive * masks).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)


def points_inside(
    maps: Float[np.ndarray, "B *pixels"], masks: Bool[np.ndarray, "B *pixels"]
) -> Float[np.ndarray, " B"]:
    """The pointing game: 1 where the maximum of a map lies in its mask, else 0; for tied maxima, the share inside.

    Reference:
      Zhang et al., Top-down neural attention by excitation backprop, ECCV 2016.
    """
    maps, masks = _alike(maps, masks)
    largest = maps == maps.max(axis=1, keepdims=True)
    return (largest & masks).sum(axis=1) / largest.sum(axis=1)


def sums_inside(
    maps: Float[np.ndarray, "B *pixels"], parts: Bool[np.ndarray, "B K *pixels"]
) -> Float[np.ndarray, "B K"]:
    """The relevance of each of K parts of an input."""
    maps, parts = np.asarray(maps, np.float64), np.asarray(parts, bool)
    if parts.ndim != maps.ndim + 1 or parts.shape[:1] + parts.shape[2:] != maps.shape:
        raise ValueError(f"got maps {maps.shape} and parts {parts.shape}; wanted [B, ...] and [B, K, ...]")
    return np.einsum("bi,bki->bk", maps.reshape(len(maps), -1), parts.reshape(*parts.shape[:2], -1).astype(float))


def _alike(maps: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    maps, masks = np.asarray(maps, np.float64), np.asarray(masks, bool)
    if maps.shape != masks.shape or maps.ndim < 2:
        raise ValueError(f"got maps of shape {maps.shape} and masks of {masks.shape}; wanted the same, [B, ...]")
    return maps.reshape(len(maps), -1), masks.reshape(len(masks), -1)


def _fill(inputs: np.ndarray, fill: Fill, axes: int) -> np.ndarray:
    if not isinstance(fill, str):
        return np.asarray(fill)
    if fill != "mean":
        raise ValueError(f'got fill={fill!r}; wanted a number, an array, or "mean"')
    return inputs.mean(axis=tuple(range(1, axes)), keepdims=True)
