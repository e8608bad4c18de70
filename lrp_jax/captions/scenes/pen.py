"""A figure as a list of filled polygons, in its own units, independent of the image size.

Everything is a polygon, strokes too, so that the extent of a figure is the extent of its points, and every renderer
and every mask is painted from the same geometry at any size.
"""

import dataclasses
import functools
import math

import numpy as np
from jaxtyping import Float

Point = tuple[float, float]
Fill = str | tuple[int, int, int]  # a named tone of the figure's palette, or a colour

_ROUND = 18  # corners of a circle; at 144 pixels they are not visible
_CIRCLE = [(math.cos(2 * math.pi * i / _ROUND), math.sin(2 * math.pi * i / _ROUND)) for i in range(_ROUND)]
_HALF = [(math.cos(math.pi * i / 6), math.sin(math.pi * i / 6)) for i in range(7)]


@functools.lru_cache(maxsize=64)
def _spline(corners: int, closed: bool, pieces: int = 5) -> np.ndarray:
    """Matrices that map the corners of a Catmull-Rom spline to points along it and to the tangents there."""
    segments = corners if closed else corners - 1
    count = segments * pieces + (not closed)
    rows = np.zeros((2, count, corners))
    for n in range(count):
        s = min(n // pieces, segments - 1)
        t = (n - s * pieces) / pieces
        place = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3)
        slope = (-1 + 4 * t - 3 * t**2, -10 * t + 9 * t**2, 1 + 8 * t - 9 * t**2, -2 * t + 3 * t**2)
        for k in range(4):
            at = (s - 1 + k) % corners if closed else min(max(s - 1 + k, 0), corners - 1)
            rows[:, n, at] += place[k] / 2, slope[k] / 2
    return rows


@dataclasses.dataclass(frozen=True, eq=False)
class Figure:
    """A drawing whose box is the unit square.

    Attributes:
        points: corners of all polygons, one after the other; x to the right, y down.
        starts: index of the first corner of each polygon, and last the end of the last one.
        fills: the tone of each polygon, a key of `colours.palette`, or its colour.
        aspect: width over height of the box before it was scaled to a square.
        anchors: named points, such as the hand that holds something or the seat of a chair.
    """

    points: Float[np.ndarray, "n 2"]
    starts: tuple[int, ...]
    fills: tuple[Fill, ...]
    aspect: float
    anchors: dict[str, Point]

    def mirrored(self) -> "Figure":
        """The mirror image of the figure."""
        anchors = {name: (1 - x, y) for name, (x, y) in self.anchors.items()}
        return dataclasses.replace(self, points=self.points * (-1, 1) + (1, 0), anchors=anchors)


class Pen:
    """Collects polygons and anchors; `figure()` fits them into the unit square."""

    def __init__(self):
        self._flat: list[float] = []  # x, y, x, y, ...: NumPy reads flat lists three times as fast as pairs
        self._starts: list[int] = [0]
        self._fills: list[Fill] = []
        self._anchors: dict[str, Point] = {}

    def _close(self, fill: Fill) -> None:
        self._starts.append(len(self._flat) // 2)
        self._fills.append(fill)

    def anchor(self, name: str, x: float, y: float) -> None:
        """Names a point of the figure."""
        self._anchors[name] = (x, y)

    def poly(self, fill: Fill, *points: Point) -> None:
        """A polygon with straight sides."""
        for point in points:
            self._flat += point
        self._close(fill)

    def rect(self, fill: Fill, x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> None:
        """An upright rectangle, with cut corners if `radius` is given."""
        if not radius:
            self._flat += (x0, y0, x1, y0, x1, y1, x0, y1)
            self._close(fill)
            return
        r, k = radius, 0.3 * radius
        self._flat += (x0 + r, y0, x1 - r, y0, x1 - k, y0 + k, x1, y0 + r)
        self._flat += (x1, y1 - r, x1 - k, y1 - k, x1 - r, y1, x0 + r, y1)
        self._flat += (x0 + k, y1 - k, x0, y1 - r, x0, y0 + r, x0 + k, y0 + k)
        self._close(fill)

    def oval(self, fill: Fill, x: float, y: float, rx: float, ry: float | None = None, turn: float = 0.0) -> None:
        """An ellipse around (x, y), turned clockwise by `turn` degrees."""
        ry = rx if ry is None else ry
        a, b, c, d = rx, 0.0, 0.0, ry
        if turn:
            cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
            a, b, c, d = rx * cos, -ry * sin, rx * sin, ry * cos
        for u, v in _CIRCLE:
            self._flat += (x + a * u + b * v, y + c * u + d * v)
        self._close(fill)

    def blob(self, fill: Fill, *corners: Point) -> None:
        """A closed smooth outline through the corners."""
        self._flat += (_spline(len(corners), True)[0] @ corners).ravel().tolist()
        self._close(fill)

    def limb(self, fill: Fill, a: Point, b: Point, width_a: float, width_b: float | None = None) -> None:
        """A straight limb with round ends, `width_a` thick at `a` and `width_b` at `b`."""
        ra, rb = width_a / 2, (width_a if width_b is None else width_b) / 2
        dx, dy = b[0] - a[0], b[1] - a[1]
        length = math.sqrt(dx * dx + dy * dy) or 1.0
        dx, dy = dx / length, dy / length
        for (x, y), r in ((b, rb), (a, -ra)):
            rx, ry = r * dx, r * dy
            for u, v in _HALF:
                self._flat += (x + v * rx + u * ry, y + v * ry - u * rx)
        self._close(fill)

    def curve(self, fill: Fill, width: float, *corners: Point, taper: float = 1.0) -> None:
        """A smooth stroke through the corners; its last point is `taper` times as thick as its first."""
        centre, along = (_spline(len(corners), False) @ np.array(corners)).tolist()
        last = len(centre) - 1
        back: list[float] = []
        for n, ((x, y), (dx, dy)) in enumerate(zip(centre, along, strict=True)):
            r = width / 2 * (1 + (taper - 1) * n / last) / (math.sqrt(dx * dx + dy * dy) or 1.0)
            self._flat += (x - r * dy, y + r * dx)
            back += (y - r * dx, x + r * dy)
        self._flat += reversed(back)
        self._close(fill)

    def ring(self, fill: Fill, x: float, y: float, radius: float, width: float) -> None:
        """The outline of a circle, `width` thick, as a polygon with a slit."""
        outer = [*_CIRCLE, _CIRCLE[0]]
        inner = radius - width
        for u, v in outer:
            self._flat += (x + radius * u, y + radius * v)
        for u, v in reversed(outer):
            self._flat += (x + inner * u, y + inner * v)
        self._close(fill)

    def polygons(self) -> tuple[Float[np.ndarray, "n 2"], tuple[int, ...], tuple[Fill, ...]]:
        """The corners as drawn, the start of each polygon (and the end of the last one), and the fills."""
        return np.array(self._flat).reshape(-1, 2), tuple(self._starts), tuple(self._fills)

    def figure(self, tilt: float = 0.0) -> Figure:
        """Turns the drawing by `tilt` degrees and fits it into the unit square."""
        drawn, starts, fills = self.polygons()
        named = np.array(list(self._anchors.values())).reshape(-1, 2)
        if tilt:
            c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
            turn = np.array([[c, s], [-s, c]])
            drawn, named = drawn @ turn, named @ turn
        low = drawn.min(axis=0)
        span = np.maximum(drawn.max(axis=0) - low, 1e-9)
        places = map(tuple, ((named - low) / span).tolist())
        anchors = dict(zip(self._anchors, places, strict=True))
        return Figure((drawn - low) / span, starts, fills, float(span[0] / span[1]), anchors)
