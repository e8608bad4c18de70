"""Generates the scene of a key."""

import dataclasses

from lrp_jax.captions.scenes import frequencies
from lrp_jax.captions.scenes.cast import draw_cast, redraw_areas
from lrp_jax.captions.scenes.clutter import CLUTTER
from lrp_jax.captions.scenes.dice import Dice
from lrp_jax.captions.scenes.layout import arrange
from lrp_jax.captions.scenes.world import LIGHTS, Clutter, Scene

Key = tuple[int, int, int, int]

_ENTITIES, _SURROUNDINGS = 0, 1  # the purpose of a random stream, the last number of its key
_LIGHT_SHARES = (0.62, 0.18, 0.1, 0.1)


def sample(key: Key, bias: str) -> Scene:
    """The scene of a key, sampled with this bias ("strong", "weak" or "none").

    If the entities cannot be placed, only their sizes are sampled again; the entities and their relations stay, so
    that no frequency depends on how easily something can be placed. (If forty choices of sizes all fail, the entities
    are sampled again as well; this happens in about one of ten thousand scenes.)
    """
    bare = _surroundings(key)
    dice = Dice(*key, _ENTITIES)
    objects = None
    while objects is None:
        cast = draw_cast(dice, bare.background, bias)
        objects = arrange(dice, cast, bare.horizon)
        for _ in range(40):
            if objects is not None:
                break
            redraw_areas(dice, cast)
            objects = arrange(dice, cast, bare.horizon)
    return dataclasses.replace(bare, objects=objects, relations=tuple(cast.relations))


def _surroundings(key: Key) -> Scene:
    """A scene without objects: background, light and clutter."""
    dice = Dice(*key, _SURROUNDINGS)
    background = dice.zipf(frequencies.BACKGROUNDS)
    horizon = dice.between(0.42, 0.54)
    light = dice.weighted(LIGHTS, _LIGHT_SHARES)
    clutter = [_clutter(dice, horizon) for _ in range(int(dice.between(0, 4)))]
    clutter.sort(key=lambda item: item.y)
    return Scene(key, background, light, horizon, dice.units(8), dice.units(8), tuple(clutter), (), ())


def _clutter(dice: Dice, horizon: float) -> Clutter:
    kind = dice.pick(tuple(CLUTTER))
    x, y = dice.between(0.06, 0.94), dice.between(horizon + 0.06, 0.97)
    return Clutter(kind, x, y, width=dice.between(0.05, 0.11), look=dice.unit())
