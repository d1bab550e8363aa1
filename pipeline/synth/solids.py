"""Solids for technical objects: prisms along an axis, with or without a bore; how they look and how they are cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.synth.geometry import Point, arc

Vector = tuple[float, float, float]
Axis = Literal[0, 1, 2]
#: The two other axes of each axis, in the order of a profile's coordinates.
_OTHERS: dict[int, tuple[int, int]] = {0: (1, 2), 1: (0, 2), 2: (0, 1)}


@dataclass(frozen=True)
class Solid:
    """A profile pulled along ``axis`` from ``low`` to ``high``; ``taper`` scales it at the high end.

    ``centre`` is the profile's origin in the plane of the two other axes. ``smooth`` marks a round profile,
    whose lengthwise edges do not show. ``bore`` is the radius of a round hole through it, ``wall`` the thickness of
    a hollow one as sections show it.
    """

    axis: Axis
    low: float
    high: float
    profile: tuple[Point, ...]
    centre: Point = (0.0, 0.0)
    smooth: bool = False
    taper: float = 1.0
    bore: float = 0.0
    wall: float = 0.0

    def place(self, u: float, v: float, w: float) -> Vector:
        """Profile coordinates (u, v) at height w as a point in space."""
        return on_axis(self.axis, (u + self.centre[0], v + self.centre[1]), w)

    def ring(self, end: int, profile: Sequence[Point] | None = None) -> list[Vector]:
        """The outline at the low (0) or high (1) end."""
        scale = self.taper if end and profile is None else 1.0
        height = self.high if end else self.low
        return [self.place(u * scale, v * scale, height) for u, v in profile or self.profile]

    def extent(self) -> tuple[Vector, Vector]:
        """The upright box around it: lowest and highest corner."""
        points = [*self.ring(0), *self.ring(1)]
        low, high = zip(*((min(c), max(c)) for c in zip(*points, strict=True)), strict=True)
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    def moved(self, by: Vector) -> Solid:
        """The same solid elsewhere."""
        first, second = _OTHERS[self.axis]
        centre = (self.centre[0] + by[first], self.centre[1] + by[second])
        return replace(self, low=self.low + by[self.axis], high=self.high + by[self.axis], centre=centre)

    def cut(self, normal: Axis, at: float) -> list[list[Point]]:
        """Where the plane ``normal`` = ``at`` cuts it: loops in the plane's other two axes.

        A bore along the axis leaves two loops when cut lengthwise, a loop and its hole when cut across.
        """
        if normal == self.axis:
            if not self.low <= at <= self.high:
                return []
            loops = [[(u + self.centre[0], v + self.centre[1]) for u, v in self.profile]]
            return [*loops, arc(self.centre, self.bore, self.bore)] if self.bore else loops
        side = _OTHERS[self.axis].index(normal)
        spans = _spans(self.profile, side, at - self.centre[side])
        if self.bore and abs(at - self.centre[side]) < self.bore:
            half = math.sqrt(self.bore**2 - (at - self.centre[side]) ** 2)
            spans = [piece for a, b in spans for piece in ((a, -half), (half, b)) if piece[1] > piece[0]]
        shift = self.centre[1 - side]
        first = _OTHERS[normal][0]
        loops = []
        for a, b in spans:
            for inset in (0.0, self.wall) if self.wall else (0.0,):
                low, high = self.low + inset, self.high - inset
                wide, top = (a + inset, b - inset), (a * self.taper + inset, b * self.taper - inset)
                quad = [(wide[0], low), (wide[1], low), (top[1], high), (top[0], high)]
                loops.append([(w, u + shift) if first == self.axis else (u + shift, w) for u, w in quad])
        return loops


def _spans(profile: Sequence[Point], side: int, at: float) -> list[tuple[float, float]]:
    """Stretches of the line coordinate[side] = at inside the profile."""
    hits = []
    for a, b in zip(profile, [*profile[1:], profile[0]], strict=True):
        if min(a[side], b[side]) <= at < max(a[side], b[side]):
            share = (at - a[side]) / (b[side] - a[side])
            hits.append(a[1 - side] + share * (b[1 - side] - a[1 - side]))
    hits.sort()
    return list(zip(hits[::2], hits[1::2], strict=False))


def on_axis(axis: int, others: Point, at: float) -> Vector:
    """The point at height ``at`` of the line along ``axis`` through ``others``."""
    point = [0.0, 0.0, 0.0]
    point[_OTHERS[axis][0]], point[_OTHERS[axis][1]], point[axis] = others[0], others[1], at
    return (point[0], point[1], point[2])


def block(low: Vector, high: Vector) -> Solid:
    """A box."""
    u, v = (high[0] - low[0]) / 2, (high[1] - low[1]) / 2
    centre = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
    return Solid(2, low[2], high[2], ((-u, -v), (u, -v), (u, v), (-u, v)), centre)


def cylinder(
    axis: Axis,
    radius: float,
    low: float,
    high: float,
    centre: Point = (0.0, 0.0),
    taper: float = 1.0,
    bore: float = 0.0,
) -> Solid:
    """A round bar, cone or tube."""
    return Solid(axis, low, high, tuple(arc((0, 0), radius, radius, pieces=36)[:-1]), centre, True, taper, bore)


def regular(axis: Axis, radius: float, low: float, high: float, sides: int, centre: Point = (0.0, 0.0)) -> Solid:
    """A nut or a bar of many sides."""
    return Solid(axis, low, high, tuple(arc((0, 0), radius, radius, 15, 375, sides)[:sides]), centre)


def prism(axis: Axis, profile: Sequence[Point], low: float, high: float, centre: Point = (0.0, 0.0)) -> Solid:
    """Any profile pulled along an axis; the profile runs once around, in either sense."""
    return Solid(axis, low, high, tuple(profile), centre)


def gear(axis: Axis, radius: float, teeth: int, low: float, high: float, centre: Point = (0.0, 0.0)) -> Solid:
    """A toothed wheel."""
    profile = []
    for tooth in range(teeth):
        for share, reach in ((0.0, 0.86), (0.2, 1.0), (0.5, 1.0), (0.7, 0.86)):
            angle = math.tau * (tooth + share) / teeth
            profile.append((radius * reach * math.cos(angle), radius * reach * math.sin(angle)))
    return Solid(axis, low, high, tuple(profile), centre)


def bar(axis: Axis, start: Point, end: Point, width: float, low: float, high: float) -> Solid:
    """A lever with round ends from ``start`` to ``end`` in the plane across the axis."""
    angle = math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))
    half = width / 2
    profile = [
        *arc(start, half, half, angle + 90, angle + 270, 24),
        *arc(end, half, half, angle - 90, angle + 90, 24),
    ]
    return Solid(axis, low, high, tuple(profile), smooth=True)


def ring_on(axis: Axis, centre: Point, at: float, radius: float, outward: int) -> tuple[Vector, ...]:
    """A circle drawn on a flat end, counter-clockwise as seen from outside; ``outward`` is the end's side, 1 or -1."""
    turn = outward if axis != 1 else -outward  # axis 1 makes a left-handed frame of its profile
    return tuple(on_axis(axis, point, at) for point in arc(centre, radius, radius, 0, 360 * turn, 28)[:-1])


@dataclass(frozen=True)
class Hose:
    """A hose or cable along a smooth curve through ``points``."""

    points: tuple[Vector, ...]
    radius: float

    def extent(self) -> tuple[Vector, Vector]:
        """The upright box around its points."""
        low, high = zip(*((min(c), max(c)) for c in zip(*self.points, strict=True)), strict=True)
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    def moved(self, by: Vector) -> Hose:
        """The same hose elsewhere."""
        return replace(self, points=tuple((x + by[0], y + by[1], z + by[2]) for x, y, z in self.points))

    def ring(self, end: int) -> list[Vector]:
        """Points that tell how far it reaches."""
        return list(self.points)

    def cut(self, normal: Axis, at: float) -> list[list[Point]]:
        """Sections leave hoses out."""
        return []


@dataclass(frozen=True)
class Face:
    """A flat piece of a solid's surface.

    ``edges`` says which of its sides are drawn (None: all), ``rounding`` which are surface lines of a round
    solid near its outline.
    """

    corners: list[Vector]
    edges: list[bool] | None
    hole: list[Vector] | None = None
    rounding: tuple[int, ...] = ()


def faces(solid: Solid, toward: Vector) -> list[Face]:
    """The faces that look toward the viewer, far ones first."""
    low, high = solid.ring(0), solid.ring(1)
    count = len(low)
    # Side normals are profile direction × axis direction; axis 1 makes a left-handed frame of its profile.
    outward = -1.0 if (_signed_area(solid) < 0) != (solid.axis == 1) else 1.0
    sides = []
    for i in range(count):
        j = (i + 1) % count
        quad = [low[i], low[j], high[j], high[i]]
        sides.append((quad, outward * dot(cross(quad[0], quad[1], quad[3]), toward) > 1e-9))
    shown = []
    for i, (quad, seen) in enumerate(sides):
        if seen:
            before, after = sides[i - 1][1], sides[(i + 1) % count][1]
            edges = [True, not (solid.smooth and after), True, not (solid.smooth and before)]
            near = solid.smooth and any(not sides[(i + d) % count][1] for d in (2, -3))
            shown.append(Face(quad, edges, None, (1,) if near and after else ()))
    shown.sort(key=lambda face: sum(dot(c, toward) for c in face.corners))
    for end, ring in ((0, low), (1, high)):
        if toward[solid.axis] * (1 if end else -1) > 1e-9:
            hole = solid.ring(end, arc((0, 0), solid.bore, solid.bore)) if solid.bore else None
            shown.append(Face(ring, None, hole))
    return shown


def _signed_area(solid: Solid) -> float:
    points = solid.profile
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True))


def cross(corner: Vector, first: Vector, second: Vector) -> Vector:
    """(first - corner) × (second - corner)."""
    a = [q - p for p, q in zip(corner, first, strict=True)]
    b = [q - p for p, q in zip(corner, second, strict=True)]
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def dot(a: Vector, b: Vector) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


Project = Callable[[Vector], Point]


def camera(yaw: float, pitch: float) -> tuple[Project, Vector]:
    """A parallel projection: degrees around the upright axis and up from the horizon.

    Returns the map from space (x right, y away, z up) to the page (y down), and the direction to the viewer.
    """
    cy, sy = _unit(yaw)
    cp, sp = _unit(pitch)

    def project(point: Vector) -> Point:
        x, y, z = point
        across, away = x * cy + y * sy, -x * sy + y * cy
        return across, -(z * cp + away * sp)

    return project, (sy * cp, -cy * cp, sp)


def _unit(degrees: float) -> Point:
    if degrees % 90 == 0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(degrees // 90) % 4]
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def paint_order(extents: Sequence[tuple[Vector, Vector]], toward: Vector) -> list[int]:
    """Indices from far to near; boxes that a plane separates are ordered exactly, others by their middles."""
    count = len(extents)
    middle = [sum(t * (a + b) for t, a, b in zip(toward, low, high, strict=True)) for low, high in extents]
    behind: list[set[int]] = [set() for _ in range(count)]  # what must be painted before
    for i in range(count):
        for j in range(i):
            order = _before(extents[i], extents[j], toward)
            if order:
                (behind[j] if order > 0 else behind[i]).add(i if order > 0 else j)
    done: list[int] = []
    left = set(range(count))
    while left:
        ready = [i for i in left if not behind[i] & left] or list(left)
        chosen = min(ready, key=lambda i: (middle[i], i))
        done.append(chosen)
        left.remove(chosen)
    return done


def _before(first: tuple[Vector, Vector], second: tuple[Vector, Vector], toward: Vector) -> int:
    """1 when first is painted before second, -1 after, 0 when no plane across an axis tells."""
    for axis in range(3):
        if abs(toward[axis]) < 1e-9:
            continue
        if first[1][axis] <= second[0][axis] + 1e-6:
            return 1 if toward[axis] > 0 else -1
        if second[1][axis] <= first[0][axis] + 1e-6:
            return -1 if toward[axis] > 0 else 1
    return 0
