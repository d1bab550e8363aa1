"""Points, boxes and affine maps of the plane; y grows downwards, units are pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
#: x0, y0, x1, y1
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Affine:
    """(x, y) → (a·x + b·y + c, d·x + e·y + f)."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

    def __call__(self, point: Point) -> Point:
        x, y = point
        return self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f

    def then(self, after: Affine) -> Affine:
        """First this map, then ``after``."""
        return Affine(
            after.a * self.a + after.b * self.d,
            after.a * self.b + after.b * self.e,
            after.a * self.c + after.b * self.f + after.c,
            after.d * self.a + after.e * self.d,
            after.d * self.b + after.e * self.e,
            after.d * self.c + after.e * self.f + after.f,
        )

    @property
    def scale(self) -> float:
        """How much lengths grow; the maps here keep shapes."""
        return math.hypot(self.a, self.d)

    @property
    def turn(self) -> int:
        """Clockwise quarter turns, small angles rounded away: 0, 90, 180 or 270."""
        return round(math.degrees(math.atan2(self.d, self.a)) / 90) % 4 * 90


#: The map that leaves everything where it is.
STILL = Affine()

_QUARTER = {0: (1.0, 0.0), 90: (0.0, 1.0), 180: (-1.0, 0.0), 270: (0.0, -1.0)}


def shifted(x: float, y: float) -> Affine:
    """Move by (x, y)."""
    return Affine(c=x, f=y)


def scaled(factor: float) -> Affine:
    """Scale about the origin."""
    return Affine(a=factor, e=factor)


def turned(degrees: float) -> Affine:
    """Turn clockwise about the origin; quarter turns are exact."""
    cos, sin = _QUARTER.get(degrees, (math.cos(math.radians(degrees)), math.sin(math.radians(degrees))))  # type: ignore[call-overload]
    return Affine(cos, -sin, 0.0, sin, cos, 0.0)


def bounds(points: Iterable[Point]) -> Box:
    """The smallest box around the points; raises ValueError when there is none."""
    listed = list(points)
    xs, ys = [p[0] for p in listed], [p[1] for p in listed]
    return min(xs), min(ys), max(xs), max(ys)


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box around the boxes."""
    listed = list(boxes)
    return (
        min(b[0] for b in listed),
        min(b[1] for b in listed),
        max(b[2] for b in listed),
        max(b[3] for b in listed),
    )


def corners(box: Box) -> tuple[Point, Point, Point, Point]:
    """Clockwise from the top left."""
    x0, y0, x1, y1 = box
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def overlap(first: Box, second: Box, margin: float = 0.0) -> bool:
    """True when the boxes come closer than ``margin``."""
    return (
        first[0] < second[2] + margin
        and second[0] < first[2] + margin
        and first[1] < second[3] + margin
        and second[1] < first[3] + margin
    )


def arc(centre: Point, rx: float, ry: float, start: float = 0.0, end: float = 360.0, pieces: int = 48) -> list[Point]:
    """Points of an elliptic arc; degrees clockwise from 3 o'clock."""
    count = max(3, round(pieces * abs(end - start) / 360))
    angles = (math.radians(start + (end - start) * i / count) for i in range(count + 1))
    return [(centre[0] + rx * math.cos(t), centre[1] + ry * math.sin(t)) for t in angles]


def along(points: Sequence[Point], dash: Sequence[float]) -> list[list[Point]]:
    """Cut a polyline into dashes; ``dash`` alternates drawn and left-out lengths."""
    pieces: list[list[Point]] = []
    current: list[Point] = [points[0]]
    index, left, drawn = 0, dash[0], True
    for a, b in pairwise(points):
        length, done = math.dist(a, b), 0.0
        while length - done > left:
            done += left
            at = (a[0] + (b[0] - a[0]) * done / length, a[1] + (b[1] - a[1]) * done / length)
            if drawn:
                pieces.append([*current, at])
            current, drawn = [at], not drawn
            index = (index + 1) % len(dash)
            left = dash[index]
        left -= length - done
        current.append(b)
    return [*pieces, current] if drawn and len(current) > 1 else pieces


def beside(points: Sequence[Point], offset: float) -> list[Point]:
    """The polyline moved sideways by ``offset``, to its right for positive ones as y grows downwards."""
    moved = []
    for i, (x, y) in enumerate(points):
        a, b = points[max(0, i - 1)], points[min(len(points) - 1, i + 1)]
        length = math.dist(a, b) or 1.0
        moved.append((x - (b[1] - a[1]) / length * offset, y + (b[0] - a[0]) / length * offset))
    return moved


def hatching(
    polygons: Sequence[Sequence[Point]], angle: float, spacing: float, phase: float = 0.0
) -> list[list[Point]]:
    """Parallel lines inside the polygons (even-odd rule, so that an inner one is a hole), ``angle`` clockwise."""
    back, forth = turned(-angle), turned(angle)
    loops = [[back(p) for p in polygon] for polygon in polygons]
    edges = [(a, b) for loop in loops for a, b in zip(loop, [*loop[1:], loop[0]], strict=True) if a[1] != b[1]]
    if not edges:
        return []
    low = min(min(a[1], b[1]) for a, b in edges)
    high = max(max(a[1], b[1]) for a, b in edges)
    lines = []
    y = math.ceil((low - phase) / spacing) * spacing + phase
    while y < high:
        hits = sorted(
            a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
            for a, b in edges
            if min(a[1], b[1]) <= y < max(a[1], b[1])
        )
        lines += [[forth((x0, y)), forth((x1, y))] for x0, x1 in zip(hits[::2], hits[1::2], strict=False)]
        y += spacing
    return lines
