"""Samples the entities of a scene, their sizes and their relations, before they are placed."""

import dataclasses
import math

from lrp_jax.captions.scenes import frequencies
from lrp_jax.captions.scenes.colours import COLOURS
from lrp_jax.captions.scenes.dice import Dice
from lrp_jax.captions.scenes.kinds import ANIMATE, KINDS, LARGE, PEOPLE, SMALL
from lrp_jax.captions.scenes.world import Relation

SMALLEST, LARGEST, SMALL_LIMIT = 0.008, 0.25, 0.05  # shares of the image

# Small kinds are about a fifth of all objects and always below 5 %; the others are below 5 % a little less often than
# log-uniform, so that all boxes together are log-uniform from 0.8 to 25 %.
_LARGE_BELOW_LIMIT = 0.345

_MOUNTED = ("riding", "sitting on", "on")
_DEPTHS = ("behind", "in front of")
_STOOD_ON = ("table", "sofa", "car", "bus", "boat", "house")

# The kinds that can be the subject and the object of each relation.
DOERS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "riding": (PEOPLE, frozenset(("bicycle", "horse"))),
    "sitting on": (ANIMATE - {"horse"}, frozenset(("chair", "sofa"))),
    "on": (ANIMATE | {"robot", "lamp", "chair"}, frozenset(_STOOD_ON)),
    "pushing": (
        PEOPLE,
        frozenset(("car", "bus", "sofa", "table", "boat", "chair", "bicycle", "robot", "lamp")),
    ),
    "chasing": (ANIMATE, ANIMATE | {"car", "bus", "bicycle", "robot"}),
}

# The relations between large objects, with their weights where they are possible.
_LARGE_RELATIONS: dict[str, float] = {
    "beside": 0.40,
    "left of": 0.19,
    "right of": 0.105,
    "behind": 0.24,
    "in front of": 0.20,
    "chasing": 0.22,
    "pushing": 0.7,
    "on": 1.8,
    "sitting on": 6.0,
    "riding": 40.0,
    "above": 2.2,
    "below": 1.5,
}


@dataclasses.dataclass
class Part:
    """An entity before it is placed."""

    kind: str
    colour: str
    count: int
    area: float
    gesture: str = "rest"


@dataclasses.dataclass
class Cast:
    """The entities of a scene and the tree of their relations, each relation after those it depends on."""

    parts: list[Part]
    relations: list[Relation]


def draw_cast(dice: Dice, background: str, bias: str) -> Cast:
    """Samples the entities of a scene, their sizes and their relations."""
    options = list(frequencies.COUNTS)
    large, small = dice.weighted(options, [frequencies.COUNTS[option] for option in options])
    chosen = dice.systematic(frequencies.large_kinds(bias)[background, large])
    kinds = dice.shuffled([LARGE[i] for i in chosen])
    parts = [Part(kind, dice.zipf(tuple(COLOURS)), 1, 0.0) for kind in kinds]
    for part, area in zip(parts, _areas(dice, parts), strict=True):
        part.area = area
    relations: list[Relation] = []
    if small:
        area = log_uniform(dice, SMALLEST, SMALL_LIMIT)
        name, holder = _small_relation(dice, parts, area)
        kind = dice.weighted(SMALL, frequencies.small_kinds(bias)[name])
        parts.append(Part(kind, dice.zipf(tuple(COLOURS)), 1, area))
        if (name in ("left of", "right of", "beside") and dice.chance(0.5)) or name in ("in front of", "on"):
            relations.append(Relation(name, len(parts) - 1, holder))
        else:
            relations.append(Relation(name, holder, len(parts) - 1))
        if name == "carrying":
            parts[holder].gesture = "raise"
        elif name == "holding":
            parts[holder].gesture = "hold"
    _make_plural(dice, parts, relations)
    _relate_large(dice, parts, relations, large)
    return Cast(parts, relations)


def redraw_areas(dice: Dice, cast: Cast) -> None:
    """Samples new sizes for the same entities such that their relations are still possible."""
    for _ in range(200):
        large = [part for part in cast.parts if not KINDS[part.kind].small]
        for part, area in zip(large, _areas(dice, large), strict=True):
            part.area = area
        for part in cast.parts:
            if KINDS[part.kind].small:
                part.area = log_uniform(dice, SMALLEST, SMALL_LIMIT)
        plural_fits = all(part.count == 1 or part.area <= _plural_limit(part.count) for part in cast.parts)
        if plural_fits and all(_sizes_allow(cast.parts, relation) for relation in cast.relations):
            return
    raise RuntimeError(f"found no sizes for {cast}: its relations contradict each other")


def log_uniform(dice: Dice, low: float, high: float) -> float:
    """A number in [low, high) whose logarithm is uniform."""
    return low * (high / low) ** dice.unit()


def _areas(dice: Dice, parts: list[Part]) -> list[float]:
    """Sizes of large entities: sampled from one distribution, then assigned so that houses mostly exceed dogs."""
    while True:
        areas = sorted(
            log_uniform(dice, SMALLEST, SMALL_LIMIT)
            if dice.chance(_LARGE_BELOW_LIMIT)
            else log_uniform(dice, SMALL_LIMIT, LARGEST)
            for _ in parts
        )
        if sum(area * part.count for area, part in zip(areas, parts, strict=True)) < 0.5:
            break
    wish = [math.log(KINDS[part.kind].size) + 1.6 * (dice.unit() + dice.unit() - 1) for part in parts]
    order = sorted(range(len(parts)), key=wish.__getitem__)
    return [areas[order.index(i)] for i in range(len(parts))]


def _small_relation(dice: Dice, parts: list[Part], area: float) -> tuple[str, int]:
    """Samples the relation of the small object and the large entity it is related to, independently of its kind."""
    holders = [i for i, part in enumerate(parts) if part.kind in PEOPLE and part.area >= 1.5 * area]
    watchers = [i for i, part in enumerate(parts) if part.kind in ANIMATE]
    weights = {
        name: weight * frequencies.small_possible(name, bool(holders), bool(watchers))
        for name, weight in frequencies.SMALL_RELATIONS.items()
    }
    name = dice.weighted(tuple(weights), tuple(weights.values()))
    if name in ("holding", "carrying"):
        return name, dice.pick(holders)
    if name == "watching":
        return name, dice.pick(watchers)
    if name == "on":
        bases = [i for i, part in enumerate(parts) if part.kind in _STOOD_ON and part.area >= 1.5 * area]
        return ("on", dice.pick(bases)) if bases else ("beside", int(dice.unit() * len(parts)))
    return name, int(dice.unit() * len(parts))


def _plural_limit(count: int) -> float:
    return 0.09 if count == 2 else 0.045


def _make_plural(dice: Dice, parts: list[Part], relations: list[Relation]) -> None:
    """Sometimes turns one large entity into two or three objects, with at most five objects in the scene."""
    busy = {r.subject for r in relations if r.name in ("holding", "carrying")}
    busy |= {r.object for r in relations if r.name == "on"}
    if not dice.chance(0.36):
        return
    count = 3 if dice.chance(0.3) else 2
    if len(parts) + count - 1 > (5 if len(parts) > 2 else 3):
        count = 2
    able = [
        i
        for i, part in enumerate(parts)
        if i not in busy and not KINDS[part.kind].small and part.area <= _plural_limit(count)
    ]
    if able and len(parts) + count - 1 <= 5:
        parts[dice.pick(able)].count = count


def _relate_large(dice: Dice, parts: list[Part], relations: list[Relation], large: int) -> None:
    """Connects the large entities, one relation each, verbs first."""
    start = relations[0].subject if relations and relations[0].subject < large else 0
    if relations and relations[0].object < large:
        start = relations[0].object
    tied, rest = [start], [i for i in range(large) if i != start]
    for new in dice.shuffled(rest):
        old = start if dice.chance(0.6) else dice.pick(tied)
        options = [
            Relation(name, a, b)
            for name in _LARGE_RELATIONS
            for a, b in ((old, new), (new, old))
            if _possible(parts, relations, Relation(name, a, b))
        ]
        relation = dice.weighted(options, [_LARGE_RELATIONS[option.name] for option in options])
        relations.append(relation)
        tied.append(new)
        _gesticulate(parts, relation)


def _gesticulate(parts: list[Part], relation: Relation) -> None:
    gesture = {"riding": "ride", "sitting on": "sit", "pushing": "push", "chasing": "run"}.get(relation.name)
    if gesture and parts[relation.subject].gesture == "rest":
        parts[relation.subject].gesture = gesture
    if relation.name == "chasing" and parts[relation.object].gesture == "rest":
        parts[relation.object].gesture = "run"


def _possible(parts: list[Part], relations: list[Relation], relation: Relation) -> bool:
    """Whether a relation between two large entities is possible, given their kinds and their other relations."""
    name, a, b = relation.name, parts[relation.subject], parts[relation.object]
    high_a, high_b = KINDS[a.kind].airborne, KINDS[b.kind].airborne
    if name in ("above", "below"):
        return (high_a, high_b) == ((True, False) if name == "above" else (False, True))
    if high_a != high_b or not _sizes_allow(parts, relation):
        return False
    if name in _DEPTHS:  # a sitting figure has the depth of its seat, not that of its feet
        return not high_a and not any(
            r.name in _MOUNTED and r.subject in (relation.subject, relation.object) for r in relations
        )
    if name not in DOERS:
        return True
    doers, targets = DOERS[name]
    if a.kind not in doers or b.kind not in targets:
        return False
    busy = a.gesture != "rest" or any(r.name in DOERS and r.subject == relation.subject for r in relations)
    laden = any(r.name in _MOUNTED and relation.object in (r.subject, r.object) for r in relations)
    if busy or laden:
        return False
    if name == "chasing":
        return b.gesture in ("rest", "run")
    if a.count > 1 or b.count > 1:
        return False
    if name == "pushing":
        return not any(r.name in ("pushing", "chasing") and r.object == relation.object for r in relations)
    # At most one pair in a scene sits or rides, and not a pair that must also be behind something.
    return not any(
        (r.name in _MOUNTED and not KINDS[parts[r.subject].kind].small)
        or (r.name in _DEPTHS and relation.subject in (r.subject, r.object))
        for r in relations
    )


def _sizes_allow(parts: list[Part], relation: Relation) -> bool:
    a, b = parts[relation.subject].area, parts[relation.object].area
    match relation.name:
        case "holding" | "carrying":
            return a >= 1.5 * b
        case "riding":
            return 0.35 * b <= a <= 1.6 * b
        case "sitting on":
            return 0.1 * b <= a <= 1.6 * b
        case "on":
            return 0.06 * b <= a <= 1.1 * b
        case "pushing":
            return a >= 0.15 * b
        case "behind":
            return b <= 2.5 * a
        case "in front of":
            return a <= 2.5 * b
    return True
