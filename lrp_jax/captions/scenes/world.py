"""A scene as plain data: the objects, their places and their relations."""

import dataclasses

Box = tuple[float, float, float, float]

RELATIONS: tuple[str, ...] = (
    "beside",
    "left of",
    "behind",
    "and",  # both are in the image, apart from each other, with no other relation: "... and a ball"
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
"""The names of the relations from a subject to an object, most frequent first."""

LIGHTS: tuple[str, ...] = ("day", "evening", "mist", "night")
"""The light of a scene, most frequent first."""


@dataclasses.dataclass(frozen=True)
class Object:
    """One object of a scene.

    Attributes:
        entity: number of the entity it belongs to: "two dogs" are two objects and one entity.
        kind: one of `KINDS`.
        colour: one of `COLOURS`.
        box: (x0, y0, x1, y1) of the whole figure in [0, 1], hidden parts included.
        depth: position in the painting order; 0 is painted first and is farthest back.
        visible: share of the figure that no nearer object hides, in [0, 1].
        facing: 1 looks to the right, -1 to the left.
        gesture: the posture of the body ("rest", "hold", "run", ...).
        tilt: degrees by which the figure leans.
        tint: -1 to 1, how much darker or lighter it is than the standard of its colour.
        pose: eight numbers in [0, 1) that vary the drawing.
        grounded: whether it stands on the ground and casts a shadow there.
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
    """A relation between two entities.

    Attributes:
        name: one of `RELATIONS`.
        subject: number of the entity that the relation starts from.
        object: number of the entity that it points to.
    """

    name: str
    subject: int
    object: int


@dataclasses.dataclass(frozen=True)
class Entity:
    """What one noun phrase names: one object, or two or three of the same kind and colour.

    Attributes:
        number: the `Object.entity` of its objects.
        kind: one of `KINDS`.
        colour: one of `COLOURS`.
        count: number of its objects, 1 to 3.
        area: share of the image that the box of its largest object covers.
    """

    number: int
    kind: str
    colour: str
    count: int
    area: float


@dataclasses.dataclass(frozen=True)
class Clutter:
    """A thing that no caption names.

    Attributes:
        kind: one of `clutter.CLUTTER`.
        x, y: the middle of its lower edge in [0, 1].
        width: as a share of the image's width.
        look: a number in [0, 1) that varies the drawing.
    """

    kind: str
    x: float
    y: float
    width: float
    look: float


@dataclasses.dataclass(frozen=True)
class Scene:
    """The scene graph: `draw`, `masks` and `captions` are functions of it alone.

    Attributes:
        key: (seed, split, bias, index), which seeds the scene and the wording of its captions.
        background: one of `BACKGROUNDS`.
        light: one of `LIGHTS`.
        horizon: height at which the ground begins, in [0, 1] from the top.
        decor: eight numbers in [0, 1) that vary the background.
        sun: eight numbers in [0, 1) that vary the light and the line width.
        clutter: things that no caption names, back to front.
        objects: the objects, back to front (the i-th has depth i, unless one was removed).
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
    """The share of the image that a box covers."""
    return (box[2] - box[0]) * (box[3] - box[1])
