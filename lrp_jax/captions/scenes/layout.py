"""Places the entities of a scene such that each relation is visible."""

import dataclasses
import math

from lrp_jax.captions.scenes.cast import LARGEST, SMALLEST, Cast, Part
from lrp_jax.captions.scenes.dice import Dice
from lrp_jax.captions.scenes.figures import figure
from lrp_jax.captions.scenes.kinds import KINDS
from lrp_jax.captions.scenes.paint import visible
from lrp_jax.captions.scenes.world import Box, Object, Relation

_MARGIN = 0.012  # minimum distance from the edge of the image
_SEEN = 0.4  # minimum visible share of every object; higher for small ones
_SEEN_SMALL = 0.7

# Maximum lean of a figure to either side, in degrees.
LEAN = {
    "kite": 26.0, "ball": 0.0, "banana": 30.0, "hammer": 40.0, "apple": 10.0, "pizza": 25.0, "balloon": 8.0,
    "umbrella": 18.0, "plane": 12.0, "moon": 10.0, "ladder": 12.0, "teddy": 8.0, "boat": 5.0, "bird": 8.0,
    "house": 0.0, "castle": 0.0, "table": 0.0, "chair": 1.0, "sofa": 0.0, "tent": 0.0, "windmill": 0.0,
}  # fmt: skip
LEAN_OF_OTHERS = 3.0


@dataclasses.dataclass
class _Block:
    """A placed entity: the box around all its objects, and the box of each object."""

    box: Box
    parts: tuple[Box, ...]
    depth: float
    facing: int
    grounded: bool

    @property
    def x(self) -> float:
        return (self.box[0] + self.box[2]) / 2

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]


@dataclasses.dataclass(frozen=True)
class _Body:
    """The appearance of an entity, fixed before it is placed."""

    part: Part
    tilt: float
    poses: tuple[tuple[float, ...], ...]
    width: float
    height: float
    span: float  # width of all objects side by side
    spread: tuple[tuple[float, float], ...]

    def anchor(self, name: str, facing: int, default: tuple[float, float]) -> tuple[float, float]:
        """The offset of a named anchor of the (first) object from its upper left corner, in units of the image."""
        x, y = figure(self.part.kind, self.poses[0], self.part.gesture, facing, self.tilt).anchors.get(name, default)
        return x * self.width, y * self.height


def arrange(dice: Dice, cast: Cast, horizon: float) -> tuple[Object, ...] | None:
    """The placed objects of a cast, back to front, or None if they do not fit at these sizes."""
    bodies = [_embody(dice, part) for part in cast.parts]
    if any(body.span > 1 - 2 * _MARGIN or body.height > 1 - 2 * _MARGIN for body in bodies):
        return None
    for _ in range(12):
        blocks = _place_all(dice, cast, bodies, horizon)
        if blocks is None:
            continue
        objects = _objects(dice, bodies, blocks)
        if all(o.visible >= (_SEEN_SMALL if KINDS[o.kind].small else _SEEN) for o in objects):
            return objects
    return None


def _embody(dice: Dice, part: Part) -> _Body:
    lean = LEAN.get(part.kind, LEAN_OF_OTHERS)
    tilt = round(dice.between(-lean, lean), 1) if part.gesture == "rest" else 0.0
    pose = dice.units(8)
    poses = [pose]
    for _ in range(part.count - 1):  # similar to the first, but not identical
        poses.append((*dice.units(6), *pose[6:]) if KINDS[part.kind].group != "people" else dice.units(8))
    aspect = figure(part.kind, pose, part.gesture, 1, tilt).aspect
    width, height = (part.area * aspect) ** 0.5, (part.area / aspect) ** 0.5
    spread, x = [(0.0, 0.0)], 0.0
    for _ in range(part.count - 1):
        x += width * dice.between(0.86, 1.15)
        spread.append((x, dice.between(-0.02, 0.02)))
    return _Body(part, tilt, tuple(poses), width, height, width + x, tuple(spread))


def _place_all(dice: Dice, cast: Cast, bodies: list[_Body], horizon: float) -> dict[int, _Block] | None:
    first = _root(cast)
    blocks = {first: _anywhere(dice, bodies[first], horizon)}
    waiting = list(cast.relations)
    crowded = dice.chance(0.9)  # whether unrelated objects may overlap a little
    while waiting:
        relation = next(r for r in waiting if r.subject in blocks or r.object in blocks)
        waiting.remove(relation)
        new = relation.object if relation.subject in blocks else relation.subject
        for _ in range(14):
            block = _propose(dice, relation, new, blocks, bodies, horizon)
            if block is None:
                return None
            if _fits(block, relation, new, blocks, bodies, crowded):
                blocks[new] = block
                break
        else:
            return None
    return blocks


def _root(cast: Cast) -> int:
    """The entity that is placed first: one that carries another, else one on the ground with many relations."""
    load = [0.0] * len(cast.parts)
    for relation in cast.relations:
        load[relation.subject] += 1
        load[relation.object] += 20 if relation.name in ("riding", "sitting on", "on") else 1
    for i, part in enumerate(cast.parts):
        load[i] -= 10 * KINDS[part.kind].airborne + 40 * KINDS[part.kind].small
    return max(range(len(load)), key=load.__getitem__)


def _anywhere(dice: Dice, body: _Body, horizon: float) -> _Block:
    x = dice.between(_MARGIN, 1 - _MARGIN - body.span) + body.span / 2
    return _block(dice, body, x, _foot(dice, body, horizon), dice.pick((-1, 1)))


def _foot(dice: Dice, body: _Body, horizon: float) -> float:
    """A height for the lower edge: on the ground, or in the sky for airborne kinds."""
    if KINDS[body.part.kind].airborne:
        low = _MARGIN + body.height
        return dice.between(low, max(low + 0.01, horizon - 0.02))
    low = max(horizon + 0.04, _MARGIN + body.height)
    near = math.log(body.part.area / SMALLEST) / math.log(LARGEST / SMALLEST)  # small objects look far away
    return low + max(0.005, 0.975 - low) * (0.5 * near + 0.5 * dice.unit())


def _block(
    dice: Dice,
    body: _Body,
    x: float,
    foot: float,
    facing: int,
    depth: float | None = None,
    grounded: bool | None = None,
) -> _Block:
    """The block whose horizontal centre is x and whose (first object's) lower edge is at `foot`."""
    left = x - body.span / 2
    parts = tuple((left + dx, foot + dy - body.height, left + dx + body.width, foot + dy) for dx, dy in body.spread)
    box = (left, min(p[1] for p in parts), left + body.span, max(p[3] for p in parts))
    if grounded is None:
        grounded = not KINDS[body.part.kind].airborne
    return _Block(box, parts, foot if depth is None else depth, facing, grounded)


def _propose(
    dice: Dice, relation: Relation, new: int, blocks: dict[int, _Block], bodies: list[_Body], horizon: float
) -> _Block | None:
    """A place for `new` that makes the relation true, given only the other entity's place; None if there is none."""
    body, name = bodies[new], relation.name
    is_subject = new == relation.subject
    old = relation.object if is_subject else relation.subject
    other, host = blocks[old], bodies[old]
    reach = (other.width + body.span) / 2
    fly = KINDS[body.part.kind].airborne
    facing = dice.pick((-1, 1))
    foot = other.box[3] + dice.between(-0.05, 0.05)
    if fly and name in ("beside", "left of", "right of"):
        foot = other.box[1] + (other.box[3] - other.box[1]) * dice.between(0.3, 1.0)

    if not fly:
        foot = min(max(foot, horizon + 0.03), 1 - 2 * _MARGIN)
    if name in ("left of", "right of"):
        side = (-1 if name == "left of" else 1) * (1 if is_subject else -1)
        room = (1 - _MARGIN - other.box[2] if side > 0 else other.box[0] - _MARGIN) - body.span
        if room < 0.05:
            return None
        return _block(dice, body, other.x + side * (reach + dice.between(0.05, min(0.3, room))), foot, facing)
    if name == "beside":
        return _block(dice, body, other.x + facing * (reach + dice.between(-0.045, 0.035)), foot, dice.pick((-1, 1)))
    if name in ("behind", "in front of"):
        nearer = (name == "in front of") == is_subject
        foot = other.box[3] + (1 if nearer else -1) * dice.between(0.03, 0.1)
        x = other.x + facing * reach * dice.between(0.2, 0.68)
        return _block(dice, body, x, foot, dice.pick((-1, 1)))
    if name in ("above", "below"):
        x = other.x + dice.between(-0.6, 0.6) * reach
        if (name == "above") == is_subject:
            low = other.box[1]
            return _block(dice, body, x, dice.between(low - 0.2, low - 0.01), facing)
        return _block(dice, body, x, max(_foot(dice, body, horizon), other.box[3] + body.height + 0.01), facing)
    if name == "chasing":
        way = other.facing
        gap = dice.between(0.02, 0.16) + reach
        return _block(dice, body, other.x - way * gap * (1 if is_subject else -1), foot, way)
    if name == "pushing":
        way = other.facing
        reach -= dice.between(0.0, 0.25) * min(other.width, body.span) * 0.3
        foot = other.box[3] + (0.012 if is_subject else -0.012)
        return _block(dice, body, other.x - way * reach * (1 if is_subject else -1), foot, way)
    if name == "watching":
        way = 1 if dice.chance(0.5) else -1
        if is_subject:
            x, facing = other.x - way * (reach + dice.between(0.03, 0.25)), way
            return _block(dice, body, x, _foot(dice, body, horizon), facing)
        x = other.x + other.facing * (reach + dice.between(0.03, 0.25))
        return _block(dice, body, x, _foot(dice, body, horizon) if fly else foot, facing)
    if name == "and":
        return _anywhere(dice, body, horizon)
    if name in ("riding", "sitting on", "on"):
        return _seat(dice, relation, is_subject, body, other, host)
    # holding, carrying: the object is placed at the hand
    hand = host.anchor("hand", other.facing, (0.5, 0.0))
    x, y = other.box[0] + hand[0], other.box[1] + hand[1]
    lean = dice.pick((-1, 1))
    if name == "carrying":
        return _block(dice, body, x, y + 0.01, lean, other.depth + 0.002, grounded=False)
    grip = body.anchor("grip", lean, (0.5, 0.6))
    left, top = x - grip[0], y - grip[1]
    return _block(dice, body, left + body.span / 2, top + body.height, lean, other.depth + 0.002, grounded=False)


def _seat(dice: Dice, relation: Relation, is_subject: bool, body: _Body, other: _Block, host: _Body) -> _Block | None:
    """Places an entity that rides, sits or stands on another one, which must be placed already."""
    if not is_subject:
        return None
    name = "top" if relation.name == "on" else "seat"
    place = host.anchor(name, other.facing, (0.5, 0.1))
    facing = other.facing if relation.name == "riding" else dice.pick((-1, 1))
    if relation.name == "on":
        point = (0.5 * body.width, body.height)
    else:
        point = body.anchor("seat", facing, (0.5, 1.0))
    x, y = other.box[0] + place[0], other.box[1] + place[1]
    left, top = x - point[0], y - point[1]
    return _block(dice, body, left + body.span / 2, top + body.height, facing, other.depth + 0.001, grounded=False)


def _fits(
    block: _Block, relation: Relation, new: int, blocks: dict[int, _Block], bodies: list[_Body], crowded: bool
) -> bool:
    """Whether a proposed place lies in the image and overlaps other entities no more than allowed."""
    x0, y0, x1, y1 = block.box
    if min(x0, y0) < _MARGIN or max(x1, y1) > 1 - _MARGIN:
        return False
    if block.grounded and y1 < 0.45:
        return False
    partner = relation.object if new == relation.subject else relation.subject
    for i, other in blocks.items():
        share = _overlap(block.box, other.box)
        if i == partner:
            if relation.name in ("behind", "in front of"):
                if not 0.08 <= share <= 0.75:
                    return False
            elif relation.name == "beside":
                if share > 0.3:
                    return False
            elif relation.name in ("left of", "right of", "above", "below", "chasing", "watching"):
                if share > 0.02:
                    return False
            elif relation.name == "and" and _gap(block.box, other.box) < 0.06:
                return False
        elif share > (0.5 if crowded else 0.03) or (relation.name == "and" and _gap(block.box, other.box) < 0.03):
            return False
    return True


def _overlap(a: Box, b: Box) -> float:
    """The intersection of two boxes as a share of the smaller one."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def _gap(a: Box, b: Box) -> float:
    return max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])


def _objects(dice: Dice, bodies: list[_Body], blocks: dict[int, _Block]) -> tuple[Object, ...]:
    loose = []
    for number, block in blocks.items():
        body = bodies[number]
        tint = dice.between(-1, 1)
        for box, pose in zip(block.parts, body.poses, strict=True):
            depth = block.depth + box[3] - block.parts[0][3]
            thing = Object(
                number, body.part.kind, body.part.colour, box, 0, 1.0, block.facing, body.part.gesture, body.tilt,
                tint, pose, block.grounded,
            )  # fmt: skip
            loose.append((depth, thing))
    loose.sort(key=lambda pair: pair[0])
    things = tuple(thing for _, thing in loose)
    return tuple(
        dataclasses.replace(thing, depth=depth, visible=round(seen, 4))
        for depth, (thing, seen) in enumerate(zip(things, visible(things), strict=True))
    )
