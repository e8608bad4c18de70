"""The drawings of the forty kinds, each a function that draws with a `Pen`."""

import functools
from collections.abc import Callable

from lrp_jax.captions.scenes.figures import (
    animals,
    buildings,
    food,
    furniture,
    people,
    plants,
    sky,
    tools,
    toys,
    vehicles,
)
from lrp_jax.captions.scenes.pen import Figure, Pen

__all__ = ["FIGURES", "figure"]

# Arguments: pen, eight numbers in [0, 1) that vary the pose, gesture.
Drawing = Callable[[Pen, tuple[float, ...], str], None]

FIGURES: dict[str, Drawing] = {
    drawing.__name__: drawing
    for drawing in (
        *(animals.dog, animals.cat, animals.bird, animals.horse),
        *(vehicles.car, vehicles.bus, vehicles.bicycle, vehicles.boat),
        *(people.man, people.woman, people.boy, people.girl),
        *(furniture.chair, furniture.table, furniture.sofa, furniture.lamp),
        *(plants.tree, plants.flower, plants.cactus, plants.palm),
        *(food.apple, food.cake, food.pizza, food.banana),
        *(sky.plane, sky.balloon, sky.cloud, sky.moon),
        *(toys.ball, toys.kite, toys.teddy, toys.robot),
        *(tools.hammer, tools.bucket, tools.ladder, tools.umbrella),
        *(buildings.house, buildings.castle, buildings.tent, buildings.windmill),
    )
}


def figure(kind: str, pose: tuple[float, ...], gesture: str, facing: int, tilt: float) -> Figure:
    """The geometry of a kind of object.

    Args:
        kind: one of `KINDS`.
        pose: eight numbers in [0, 1) that vary limbs, shapes and details.
        gesture: the posture of the body ("rest", "hold", "run", ...); ignored by kinds that do not have it.
        facing: 1 looks to the right, -1 is the mirror image.
        tilt: degrees by which the figure leans clockwise, before mirroring.
    """
    drawn = _figure(kind, pose, gesture, tilt)
    return drawn if facing > 0 else drawn.mirrored()


@functools.lru_cache(maxsize=64)  # layout, masks and drawing of one scene use the same figures
def _figure(kind: str, pose: tuple[float, ...], gesture: str, tilt: float) -> Figure:
    pen = Pen()
    FIGURES[kind](pen, pose, gesture)
    return pen.figure(tilt)
