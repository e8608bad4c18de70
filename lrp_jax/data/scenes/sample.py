"""Makes the scene that belongs to a key."""

import dataclasses

from lrp_jax.data.scenes import frequencies
from lrp_jax.data.scenes.cast import LARGEST, SMALL_LIMIT, SMALLEST, Part, draw_cast, log_uniform, redraw_areas
from lrp_jax.data.scenes.clutter import CLUTTER
from lrp_jax.data.scenes.colours import COLOURS
from lrp_jax.data.scenes.dice import Dice
from lrp_jax.data.scenes.kinds import ANIMATE, KINDS, PEOPLE
from lrp_jax.data.scenes.layout import arrange, scatter
from lrp_jax.data.scenes.world import LIGHTS, Clutter, Scene

Key = tuple[int, int, int, int]

_ENTITIES, _SURROUNDINGS = 0, 1  # what a stream of dice is for
_LIGHT_SHARES = (0.62, 0.18, 0.1, 0.1)
_GESTURES = ("rest", "rest", "rest", "hold", "raise", "push", "ride", "sit", "run")


def sample(key: Key, bias: str) -> Scene:
    """Returns the scene of a key, drawn from the world with this bias ("strong", "weak" or "none").

    Where the entities find no room their sizes are drawn anew; what there is and how it is related stays, so
    that no frequency depends on how easily something can be placed. (A cast that finds no room at forty
    choices of sizes is drawn anew as well; this happens to one scene in some ten thousand.)
    """
    bare = _surroundings(key, frequencies.zipf(len(frequencies.BACKGROUNDS)).tolist())
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


def practice(key: Key) -> Scene:
    """Returns a scene for an encoder to learn from: up to nine objects strewn over any background.

    Kind, colour, background, gesture and place are independent of one another and each is uniform, so that rare
    kinds are learned as well as frequent ones and nothing can be learned about what goes with what. Nothing is
    related to anything, and there is nothing to tell: such a scene has no captions.
    """
    bare = _surroundings(key, [1.0] * len(frequencies.BACKGROUNDS))
    dice = Dice(*key, _ENTITIES)
    parts, total = [], 0.0
    for _ in range(int(dice.between(5, 10))):
        kind = dice.pick(tuple(KINDS))
        area = log_uniform(dice, SMALLEST, SMALL_LIMIT if KINDS[kind].small else LARGEST)
        gesture = dice.pick(_GESTURES) if kind in PEOPLE else dice.pick(("rest", "run")) if kind in ANIMATE else "rest"
        total += area
        if total < 0.7:
            parts.append(Part(kind, dice.pick(tuple(COLOURS)), 1, area, gesture))
    return dataclasses.replace(bare, objects=scatter(dice, parts, bare.horizon))


def _surroundings(key: Key, shares: list[float]) -> Scene:
    """A scene without objects: background, light and clutter."""
    dice = Dice(*key, _SURROUNDINGS)
    background = dice.weighted(frequencies.BACKGROUNDS, shares)
    horizon = dice.between(0.42, 0.54)
    light = dice.weighted(LIGHTS, _LIGHT_SHARES)
    clutter = [_clutter(dice, horizon) for _ in range(int(dice.between(0, 4)))]
    clutter.sort(key=lambda item: item.y)
    return Scene(key, background, light, horizon, dice.units(8), dice.units(8), tuple(clutter), (), ())


def _clutter(dice: Dice, horizon: float) -> Clutter:
    kind = dice.pick(tuple(CLUTTER))
    x, y = dice.between(0.06, 0.94), dice.between(horizon + 0.06, 0.97)
    return Clutter(kind, x, y, width=dice.between(0.05, 0.11), look=dice.unit())
