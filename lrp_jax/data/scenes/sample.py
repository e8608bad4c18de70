"""Makes the scene that belongs to a key."""

from lrp_jax.data.scenes import frequencies
from lrp_jax.data.scenes.cast import draw_cast, redraw_areas
from lrp_jax.data.scenes.clutter import CLUTTER
from lrp_jax.data.scenes.dice import Dice
from lrp_jax.data.scenes.layout import arrange
from lrp_jax.data.scenes.world import LIGHTS, Clutter, Scene

_ENTITIES, _SURROUNDINGS = 0, 1  # what a stream of dice is for
_LIGHT_SHARES = (0.62, 0.18, 0.1, 0.1)


def sample(key: tuple[int, int, int, int], bias: str) -> Scene:
    """Returns the scene of a key, drawn from the world with this bias ("strong", "weak" or "none").

    Where the entities find no room their sizes are drawn anew; what there is and how it is related stays, so
    that no frequency depends on how easily something can be placed. (A cast that finds no room at forty
    choices of sizes is drawn anew as well; this happens to one scene in some ten thousand.)
    """
    around = Dice(*key, _SURROUNDINGS)
    dice = Dice(*key, _ENTITIES)
    background = around.zipf(frequencies.BACKGROUNDS)
    horizon = around.between(0.42, 0.54)
    light = around.weighted(LIGHTS, _LIGHT_SHARES)
    clutter = tuple(
        sorted(
            (
                Clutter(
                    around.pick(tuple(CLUTTER)),
                    around.between(0.06, 0.94),
                    around.between(horizon + 0.06, 0.97),
                    around.between(0.05, 0.11),
                    around.unit(),
                )
                for _ in range(int(around.between(0, 4)))
            ),
            key=lambda item: item.y,
        )
    )
    decor, sun = around.units(8), around.units(8)
    objects = None
    while objects is None:
        cast = draw_cast(dice, background, bias)
        objects = arrange(dice, cast, horizon)
        for _ in range(40):
            if objects is not None:
                break
            redraw_areas(dice, cast)
            objects = arrange(dice, cast, horizon)
    return Scene(key, background, light, horizon, decor, sun, clutter, objects, tuple(cast.relations))
