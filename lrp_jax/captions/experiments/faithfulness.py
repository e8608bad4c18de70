"""Faithfulness of an explanation in one call, for any model given as a function."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from lrp_jax.captions.metrics import bootstrap_interval
from lrp_jax.captions.metrics.faithfulness import (
    Fill,
    area_under,
    perturbation_curves,
    points_inside,
    ranks_of,
    scores_of,
    share_inside,
    sums_inside,
)
from lrp_jax.captions.metrics.ranks import spearman


def faithfulness(
    f: Callable[[np.ndarray], np.ndarray],
    explain: Callable[[np.ndarray, int], np.ndarray],
    inputs: Float[np.ndarray, "B ..."],
    targets: Int[np.ndarray, " B"],
    *,
    masks: Bool[np.ndarray, "B H W"] | None = None,
    gold: tuple[Bool[np.ndarray, "B K H W"], Float[np.ndarray, "B K"]] | None = None,
    fill: Fill = "mean",
    steps: int = 20,
    patch: int = 1,
    batch_size: int = 64,
    seed: int = 0,
) -> pd.DataFrame:
    """Measures whether an explanation shows what a model used.

    Args:
      f: inputs [n, ...] -> scores [n, classes], in JAX or any other framework; jit it if possible. Always called with
        `batch_size` inputs.
      explain: (input, target) -> its relevance, of the input's shape or without the last axis (channels); for images
        [H, W, C] it is summed over the channels. Called for one input at a time; jit it.
      inputs: images [B, H, W, C], or any other inputs [B, ...].
      targets: the class to explain for each input.
      masks: the place of the evidence, for the localisation measures.
      gold: (parts, effects): K parts of each input, such as its objects, and the true decrease of the target's score
        without each part, see `gold_effects`. An effect of nan means that the input does not have the part.
      fill: the value of deleted pixels: a number, an array, or "mean" of each input.
      steps: number of steps of the curves.
      patch: side of the square patches that are deleted together.
      batch_size: inputs per call of f.
      seed: of the random order, of ties, and of the intervals.

    Returns:
      One row per measure, with its `value` (the mean over inputs), the ends of its 95 % interval over inputs, its
      `chance` level, and `n`, the number of inputs:

      - `deletion`: area under the score while the most relevant patches are deleted first; lower is better;
      - `insertion`: the same while they are inserted; higher is better. Chance: random orders;
      - `inside`: share of the positive relevance that lies in the mask; chance: the mask's share of the input;
      - `pointing`: how often the maximum of the relevance lies in the mask; chance: the same share;
      - `gold`: Spearman's rho of the relevance of the parts and their effects, for inputs with at least three parts
        with different effects; 0 if all relevances are equal. Chance: 0.

      Areas are in the units of the score: to compare models, use probabilities or divide by the score.

    Raises:
      ValueError: shapes are inconsistent; the message says what was wanted.

    References:
      Samek et al., Evaluating the visualization of what a deep neural network has learned, TNNLS 2017; Petsiuk et al.,
      RISE, BMVC 2018 (deletion and insertion).

    Example:
      >>> f = jax.jit(lambda x: model.apply(params, x))
      >>> explain = jax.jit(lambda x, t: jax.grad(lrp_jax.lrp(lambda x: f(x[None])[0, t]))(x))
      >>> faithfulness(f, explain, images, labels, masks=masks)
    """
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    if len(inputs) != len(targets) or not len(inputs):
        raise ValueError(
            f"got {len(inputs)} inputs and {len(targets)} targets; wanted one target for each, and one at least"
        )
    maps = np.stack([_map(explain(x, int(target)), x) for x, target in zip(inputs, targets, strict=True)])
    if not np.isfinite(maps).all():
        raise ValueError(f"got an explanation with nan or infinity, the first of input {_first_bad(maps)}")
    table = []

    def add(measure: str, values: np.ndarray, chance: float) -> None:
        known = values[~np.isnan(values)]
        low, high = bootstrap_interval(known, seed=seed) if len(known) else (np.nan, np.nan)
        value = float(known.mean()) if len(known) else np.nan
        table.append({"measure": measure, "value": value, "low": low, "high": high, "chance": chance, "n": len(known)})

    noise = np.random.default_rng(seed).random(maps.shape)
    for measure, insert in (("deletion", False), ("insertion", True)):
        found, random = (
            area_under(
                perturbation_curves(
                    f, inputs, targets, ranks_of(of, patch, seed),
                    insert=insert, fill=fill, steps=steps, batch_size=batch_size,
                )
            )
            for of in (maps, noise)
        )  # fmt: skip
        add(measure, found, float(random.mean()))
    if masks is not None:
        share = float(np.asarray(masks, bool).reshape(len(inputs), -1).mean())
        add("inside", share_inside(maps, masks), share)
        add("pointing", points_inside(maps, masks), share)
    if gold is not None:
        parts, effects = gold
        add("gold", _gold(sums_inside(maps, parts), np.asarray(effects, float)), 0.0)
    return pd.DataFrame(table)


def gold_effects(
    f: Callable[[np.ndarray], np.ndarray],
    inputs: Float[np.ndarray, "B ..."],
    targets: Int[np.ndarray, " B"],
    without: Float[np.ndarray, "B K ..."],
    batch_size: int = 64,
) -> Float[np.ndarray, "B K"]:
    """The decrease of each target's score without each of K parts of its input.

    Args:
      f, inputs, targets, batch_size: as for `faithfulness`.
      without: K versions of each input, each with one part truly removed, for example drawn again without an object.
        (If a part is painted over instead, the effect of the paint is measured too.)

    Raises:
      ValueError: `without` does not have K versions of each input.
    """
    inputs, without, targets = np.asarray(inputs), np.asarray(without), np.asarray(targets)
    if without.shape[:1] + without.shape[2:] != inputs.shape:
        raise ValueError(
            f"got inputs {inputs.shape} and {without.shape} without parts; wanted [B, ...] and [B, K, ...]"
        )
    count = without.shape[1]
    left = scores_of(f, without.reshape(-1, *inputs.shape[1:]), np.repeat(targets, count), batch_size)
    return scores_of(f, inputs, targets, batch_size)[:, None] - left.reshape(-1, count)


def _map(relevance: np.ndarray, x: np.ndarray) -> np.ndarray:
    relevance = np.asarray(relevance, np.float64)
    if relevance.shape == x.shape:
        return relevance.sum(axis=-1) if x.ndim == 3 else relevance
    if relevance.shape != x.shape[:-1]:
        raise ValueError(
            f"got an explanation of shape {relevance.shape} for an input of {x.shape}; wanted the same shape, with or "
            "without its last axis"
        )
    return relevance


def _gold(scores: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Rho of each input; nan if it has too few parts, or all their effects are equal."""
    if scores.shape != effects.shape:
        raise ValueError(f"got effects of shape {effects.shape} for parts [{scores.shape[0]}, {scores.shape[1]}, ...]")
    found = np.full(len(scores), np.nan)
    for i, (score, effect) in enumerate(zip(scores, effects, strict=True)):
        known = ~np.isnan(effect)
        if known.sum() >= 3 and np.ptp(effect[known]) > 0:
            found[i] = spearman(score[known], effect[known]) if np.ptp(score[known]) > 0 else 0.0
    return found


def _first_bad(maps: np.ndarray) -> int:
    return int(np.flatnonzero(~np.isfinite(maps).reshape(len(maps), -1).all(axis=1))[0])
