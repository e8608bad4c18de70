"""The marginal frequencies of the scenes, and the two biases as couplings that leave all marginals unchanged.

A bias never makes a kind more frequent: it only changes with what the kind occurs. The strongly biased, weakly biased
and unbiased scenes therefore show each background, each relation and each kind equally often, and differ only in which
of them occur together.
"""

import functools

import numpy as np
from jaxtyping import Float

from lrp_jax.captions.scenes.backdrops import BACKDROPS
from lrp_jax.captions.scenes.kinds import KINDS, LARGE, SMALL

BACKGROUNDS: tuple[str, ...] = tuple(BACKDROPS)
"""The ten backgrounds, most frequent first."""

RHO: dict[str, float | None] = {"strong": 0.8, "weak": 0.5, "none": None}
"""Each bias and its rho, the probability of the partner given the background or the phrase; None: the natural rate."""

VISUAL_PARTNERS: dict[str, str] = {
    "park": "dog",
    "street": "car",
    "room": "chair",
    "beach": "palm",
    "lake": "boat",
    "kitchen": "cat",
    "desert": "cactus",
    "mountains": "tent",
}
"""Bias V, visual context: each background and its partner, P(partner is in the scene | background) = rho. Two
backgrounds have no partner, as controls."""

LANGUAGE_PARTNERS: dict[str, str] = {"and": "ball", "holding": "kite", "watching": "bird", "carrying": "bucket"}
"""Bias L, language: each relation and its partner, P(the relation's object is the partner | relation) = rho. Partners
are small kinds, and these four relations are used for small kinds only."""

# The numbers of (large, small) entities in a scene, with their probabilities. A small entity always has a relation.
COUNTS: dict[tuple[int, int], float] = {(1, 1): 0.08, (2, 0): 0.07, (2, 1): 0.276, (3, 0): 0.224, (3, 1): 0.35}

# The relations of a small object to a large one, with their weights where they are possible. Only a person who is
# clearly larger than the object can hold or carry it; only something alive can watch it.
SMALL_RELATIONS: dict[str, float] = {
    "and": 0.300,
    "holding": 0.300,
    "watching": 0.130,
    "carrying": 0.130,
    "beside": 0.150,
    "left of": 0.085,
    "right of": 0.060,
    "in front of": 0.040,
    "on": 0.035,
}

# Of the scenes with a small object, the shares in which (somebody can hold it, somebody can watch it); counted on
# 20,000 scenes. They only set the column sums of `small_kinds`; rho does not depend on them.
ABLE: dict[tuple[bool, bool], float] = {(True, True): 0.65, (False, True): 0.26, (False, False): 0.09}


def zipf(count: int, s: float = 1.0) -> Float[np.ndarray, " count"]:
    """The shares of `count` ranks under Zipf's law: rank r has a share proportional to r ** -s."""
    weights = np.arange(1, count + 1) ** -float(s)
    return weights / weights.sum()


def natural() -> dict[str, float]:
    """The share of each kind among all entities."""
    return dict(zip(KINDS, zipf(len(KINDS)).tolist(), strict=True))


@functools.lru_cache
def large_kinds(bias: str) -> dict[tuple[str, int], tuple[float, ...]]:
    """Returns, for (background, number of large entities), the probability that each kind of `LARGE` is in the scene.

    Every row sums to its number, the mean over scenes follows Zipf for every kind, and a partner has
    probability rho on its background. Under these constraints the table is as close to independence as possible
    (log odds that are the sum of a row term and a column term).
    """
    rho = RHO[bias]
    rows = [(background, number) for background in BACKGROUNDS for number in (1, 2, 3)]
    number_share = {n: sum(p for (large, _), p in COUNTS.items() if large == n) for n in (1, 2, 3)}
    share = dict(zip(BACKGROUNDS, zipf(len(BACKGROUNDS)), strict=True))
    weights = np.array([share[background] * number_share[number] for background, number in rows])
    sums = np.array([number for _, number in rows], float)
    shares = natural()
    columns = np.array([shares[kind] for kind in LARGE])
    columns *= weights @ sums / columns.sum()
    fixed = np.full((len(rows), len(LARGE)), np.nan)
    if rho is not None:
        for i, (background, _) in enumerate(rows):
            if background in VISUAL_PARTNERS:
                fixed[i, LARGE.index(VISUAL_PARTNERS[background])] = rho
    table = _rake(sums, columns, weights, fixed)
    return {row: tuple(table[i].tolist()) for i, row in enumerate(rows)}


@functools.lru_cache
def small_kinds(bias: str) -> dict[str, tuple[float, ...]]:
    """Returns, for each relation of a small object, the probability that it is each kind of `SMALL`.

    A partner has probability rho given its relation; over all relations the kinds follow Zipf.
    """
    rho = RHO[bias]
    relations = list(SMALL_RELATIONS)
    weights = np.zeros(len(relations))
    for able, share in ABLE.items():
        possible = np.array([SMALL_RELATIONS[name] * small_possible(name, *able) for name in relations])
        weights += share * possible / possible.sum()
    shares = natural()
    columns = np.array([shares[kind] for kind in SMALL])
    columns /= columns.sum()
    fixed = np.full((len(relations), len(SMALL)), np.nan)
    if rho is not None:
        for name, kind in LANGUAGE_PARTNERS.items():
            fixed[relations.index(name), SMALL.index(kind)] = rho
    table = _rake(np.ones(len(relations)), columns, weights, fixed)
    return {name: tuple(table[i].tolist()) for i, name in enumerate(relations)}


def small_possible(relation: str, can_hold: bool, can_watch: bool) -> bool:
    """Whether a relation of a small object is possible in a scene with or without a holder or a watcher."""
    if relation in ("holding", "carrying"):
        return can_hold
    return can_watch if relation == "watching" else True


def _rake(
    sums: Float[np.ndarray, " rows"],
    columns: Float[np.ndarray, " columns"],
    weights: Float[np.ndarray, " rows"],
    fixed: Float[np.ndarray, "rows columns"],
) -> Float[np.ndarray, "rows columns"]:
    """A table of probabilities with given row sums, given weighted column means, and some given entries.

    The free entries have log odds a_i + b_j, which keeps them below one; a and b are found by alternating
    Newton steps. Entries that are not nan in `fixed` are kept.
    """
    free = np.isnan(fixed)
    given = np.where(free, 0.0, fixed)
    weights = weights / weights.sum()
    a = np.zeros((len(sums), 1))
    b = np.log(columns / columns.sum())[None, :]
    for _ in range(2000):
        p = np.where(free, (1 + np.tanh((a + b) / 2)) / 2, 0.0)
        a -= np.clip((p.sum(1) + given.sum(1) - sums) / np.maximum((p * (1 - p)).sum(1), 1e-12), -1, 1)[:, None]
        p = np.where(free, (1 + np.tanh((a + b) / 2)) / 2, 0.0)
        miss = weights @ (p + given) - columns
        b -= np.clip(miss / np.maximum(weights @ (p * (1 - p)), 1e-12), -1, 1)[None, :]
        if np.abs(miss).max() < 1e-10 and np.abs(p.sum(1) + given.sum(1) - sums).max() < 1e-10:
            return p + given
    raise ArithmeticError("the given frequencies are inconsistent: a partner is too rare for its bias; lower rho")
