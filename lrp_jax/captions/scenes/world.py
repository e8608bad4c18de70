"""A scene as plain data: what there is, where it is, and what stands in which relation to what."""

import dataclasses

Box = tuple[float, float, float, float]

# In the order of frequency. A relation goes from its subject to its object.
RELATIONS: tuple[str, ...] = (
    "beside",
    "left of",
    "behind",
    "and",  # apart from each other, with no other relation: "... and a ball"
    "in front of",
    "right of",
    "holding",
    "chasing",
    "watching",
    "on",
    "above",
    "carrying",
    "pushing",
    "below",
    "sitting on",
    "riding",
)

LIGHTS: tuple[str, ...] = ("day", "evening", "mist", "night")


@dataclasses.dataclass(frozen=True)
class Object:
    """One thing in the picture.

    Attributes:
        entity: number of the entity it belongs to: "two dogs" are two objects and one entity.
        kind: one of `KINDS`.
        colour: one of `COLOURS`.
        box: (x0, y0, x1, y1) of the whole figure in [0, 1], hidden parts included.
        depth: place in the order of painting; 0 is painted first and lies farthest back.
        visible: share of the figure that no nearer object hides, in [0, 1].
        facing: 1 looks to the right, -1 to the left.
        gesture: what the body does ("rest", "hold", "run", ...).
        tilt: degrees by which the figure leans.
        tint: -1 to 1, how much darker or lighter it is than its colour's standard.
        pose: eight numbers in [0, 1) that vary the drawing.
        grounded: whether it stands on the ground and leaves a shadow there.
    """

    entity: int
    kind: str
    colour: str
    box: Box
    depth: int
    visible: float
    facing: int
    gesture: str
    tilt: float
    tint: float
    pose: tuple[float, ...]
    grounded: bool


@dataclasses.dataclass(frozen=True)
class Relation:
    """`subject` stands in the relation `name` to `object`; both are numbers of entities."""

    name: str
    subject: int
    object: int


@dataclasses.dataclass(frozen=True)
class Entity:
    """What one noun phrase names: one object, or two or three of the same kind and colour."""

    number: int
    kind: str
    colour: str
    count: int
    area: float


@dataclasses.dataclass(frozen=True)
class Clutter:
    """A thing that no caption names: its kind, the middle of its foot, its width, one number for its look."""

    kind: str
    x: float
    y: float
    width: float
    look: float


@dataclasses.dataclass(frozen=True)
class Scene:
    """Everything that is drawn and told; `draw`, `masks` and `captions` are functions of it alone.

    Attributes:
        key: (seed, split, bias, index), from which it was made and from which its captions are worded.
        background: one of `BACKGROUNDS`.
        light: one of `LIGHTS`.
        horizon: where the ground begins, in [0, 1] from the top.
        decor: eight numbers in [0, 1) that vary the background.
        sun: eight numbers in [0, 1) that vary light and line.
        clutter: things that no caption names, back to front.
        objects: the objects, back to front (the i-th has depth i, unless one was taken out).
        relations: a tree over the entities.
    """

    key: tuple[int, int, int, int]
    background: str
    light: str
    horizon: float
    decor: tuple[float, ...]
    sun: tuple[float, ...]
    clutter: tuple[Clutter, ...]
    objects: tuple[Object, ...]
    relations: tuple[Relation, ...]

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The entities in the order of their numbers."""
        members: dict[int, list[Object]] = {}
        for thing in self.objects:
            members.setdefault(thing.entity, []).append(thing)
        return tuple(
            Entity(number, group[0].kind, group[0].colour, len(group), max(area(thing.box) for thing in group))
            for number, group in sorted(members.items())
        )


def area(box: Box) -> float:
    """Share of the image that a box covers."""
    return (box[2] - box[0]) * (box[3] - box[1])
