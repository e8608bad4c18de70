"""Counterfactuals: the same scene with one thing changed."""

import dataclasses
from collections.abc import Iterable, Sequence

from lrp_jax.captions.scenes.backdrops import BACKDROPS
from lrp_jax.captions.scenes.cast import DOERS
from lrp_jax.captions.scenes.colours import COLOURS
from lrp_jax.captions.scenes.kinds import ANIMATE, KINDS, PEOPLE
from lrp_jax.captions.scenes.layout import LEAN, LEAN_OF_OTHERS
from lrp_jax.captions.scenes.paint import visible
from lrp_jax.captions.scenes.world import Entity, Object, Relation, Scene


def counterfactual(
    scene: Scene,
    *,
    drop: int | Entity | Sequence[int] | None = None,
    swap: tuple[int | Entity, str] | tuple[int | Entity, str, str] | None = None,
    background: str | None = None,
) -> Scene:
    """A scene with one thing changed and everything else as it was.

    Box, pose, colour and painting order of the other objects stay, and so do light, clutter and background: the
    images differ only where the object was, in its shadow, and in what it hid. Other objects do not react: a person
    whose kite is removed still lifts the hand, and the rider of a removed horse sits in the air.

    Args:
      scene: the original scene.
      drop: the objects to remove: the index of an object in `scene.objects`, several indices, or an entity of
        `scene.entities` with all its objects.
      swap: (what, kind) or (what, kind, colour): an object, or all objects of an entity, become another kind in the
        same box, or the same kind in another colour. Without a colour it keeps its own. An object that was one of
        several in an entity becomes an entity of its own.
      background: another background, with the same horizon and light; the colour of shadows follows the background.

    Returns:
      The changed scene. Its graph matches its image: relations of removed objects are removed, and so are relations
      that the new kind cannot have (no table rides a horse; spatial relations such as "beside" are kept). The
      remaining entities may no longer be connected; `captions` still works as long as there is an object. Objects that
      are less hidden than before have a larger `visible`.

    Raises:
      ValueError: not exactly one change is given, the change has no effect, or it would add a kind that the scene
        already has (entities of a scene are of different kinds).
      IndexError: the scene has no such object.

    Example:
      >>> without_dog = counterfactual(scene, drop=0)
      >>> at_sea = counterfactual(scene, background="lake")
    """
    asked = [name for name, value in (("drop", drop), ("swap", swap), ("background", background)) if value is not None]
    if len(asked) != 1:
        raise ValueError(f"got {' and '.join(asked) or 'no change'}; wanted one of drop, swap and background")
    if drop is not None:
        return _without(scene, _numbers(scene, drop))
    if swap is not None:
        return _with_another(scene, *swap)
    if background not in BACKDROPS:
        raise ValueError(f"got background={background!r}, wanted one of {', '.join(BACKDROPS)}")
    if background == scene.background:
        raise ValueError(f"got background={background!r}, which the scene already has; wanted another one")
    return dataclasses.replace(scene, background=background)


def _numbers(scene: Scene, what: int | Entity | Sequence[int]) -> list[int]:
    """The indices in `scene.objects` of an index, several indices, or an entity."""
    if isinstance(what, Entity):
        if what not in scene.entities:
            raise IndexError(f"got the entity {what.number}, a {what.kind}, which is not one of this scene's entities")
        return [i for i, thing in enumerate(scene.objects) if thing.entity == what.number]
    numbers = list(what) if isinstance(what, Iterable) else [what]
    if not numbers:
        raise ValueError("got no object; wanted the index of at least one")
    for number in numbers:
        if not 0 <= number < len(scene.objects):
            raise IndexError(f"got object {number}, wanted 0 to {len(scene.objects) - 1}")
    return numbers


def _without(scene: Scene, gone: list[int]) -> Scene:
    objects = tuple(thing for i, thing in enumerate(scene.objects) if i not in gone)
    left = {thing.entity for thing in objects}
    relations = tuple(r for r in scene.relations if r.subject in left and r.object in left)
    return dataclasses.replace(scene, objects=_seen(objects), relations=relations)


def _with_another(scene: Scene, what: int | Entity, kind: str, colour: str | None = None) -> Scene:
    numbers = _numbers(scene, what)
    old = scene.objects[numbers[0]]
    colour = old.colour if colour is None else colour
    if kind not in KINDS:
        raise ValueError(f"got swap to {kind!r}, wanted one of {', '.join(KINDS)}")
    if colour not in COLOURS:
        raise ValueError(f"got swap to {colour!r}, wanted one of {', '.join(COLOURS)}")
    if (kind, colour) == (old.kind, old.colour):
        raise ValueError(f"got swap of a {colour} {kind} to the same; wanted another kind or colour")
    alone = len(numbers) == sum(thing.entity == old.entity for thing in scene.objects)
    others = {thing.kind for thing in scene.objects if thing.entity != old.entity or not alone}
    if kind in others:
        raise ValueError(f"got swap to a {kind}, which the scene already has; wanted a kind that it does not have")
    entity = old.entity if alone else 1 + max(thing.entity for thing in scene.objects)
    objects = list(scene.objects)
    for number in numbers:
        objects[number] = _as(objects[number], entity, kind, colour)
    kinds = {thing.entity: thing.kind for thing in objects}
    relations = tuple(r for r in scene.relations if entity not in (r.subject, r.object) or _can(r, kinds))
    return dataclasses.replace(scene, objects=_seen(tuple(objects)), relations=relations)


def _as(thing: Object, entity: int, kind: str, colour: str) -> Object:
    lean = LEAN.get(kind, LEAN_OF_OTHERS)
    tilt = thing.tilt if kind == thing.kind else min(max(thing.tilt, -lean), lean)
    return dataclasses.replace(thing, entity=entity, kind=kind, colour=colour, tilt=tilt)


def _can(relation: Relation, kinds: dict[int, str]) -> bool:
    """Whether the relation is possible between these kinds, regardless of their places."""
    who, whom = kinds[relation.subject], kinds[relation.object]
    if relation.name in ("holding", "carrying"):
        return who in PEOPLE and KINDS[whom].small
    if relation.name == "watching":
        return who in ANIMATE
    if relation.name in DOERS:
        doers, targets = DOERS[relation.name]
        return (who in doers or (relation.name == "on" and KINDS[who].small)) and whom in targets
    return True


def _seen(objects: tuple[Object, ...]) -> tuple[Object, ...]:
    """The objects with `visible` computed again."""
    shares = visible(objects)
    return tuple(
        dataclasses.replace(thing, visible=round(share, 4)) for thing, share in zip(objects, shares, strict=True)
    )
