"""Cutting a sketch along a convex outline, for enlarged details."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipeline.synth.geometry import Point
from pipeline.synth.sketch import Area, Line, Sketch


def clipped(sketch: Sketch, outline: Sequence[Point]) -> Sketch:
    """What lies inside a convex outline (clockwise as y grows downwards); texts are left out."""
    result = Sketch()
    for mark in sketch.marks:
        points = [(float(x), float(y)) for x, y in mark.points]
        if isinstance(mark, Line):
            result.marks += [Line(piece, mark.width) for piece in _line(points, outline)]
        elif len(inside := _polygon(points, outline)) >= 3:
            result.marks.append(Area(inside, mark.density))
    for key, anchors in sketch.anchors.items():
        if kept := [point for point in anchors if all(_depth(point, a, b) > 0 for a, b in _sides(outline))]:
            result.anchors[key] = kept
    return result


def _sides(outline: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(outline, [*outline[1:], outline[0]], strict=True))


def _depth(point: Point, a: Point, b: Point) -> float:
    """Positive on the inner side of the line a → b."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


def _between(p: Point, q: Point, share: float) -> Point:
    return p[0] + (q[0] - p[0]) * share, p[1] + (q[1] - p[1]) * share


def _line(points: Sequence[Point], outline: Sequence[Point]) -> list[list[Point]]:
    """The pieces of a polyline inside (Cyrus and Beck's method, segment by segment)."""
    pieces: list[list[Point]] = []
    for p, q in pairwise(points):
        enter, leave = 0.0, 1.0
        for a, b in _sides(outline):
            start, end = _depth(p, a, b), _depth(q, a, b)
            if start < 0 and end < 0:
                leave = -1.0
            elif start < 0:
                enter = max(enter, start / (start - end))
            elif end < 0:
                leave = min(leave, start / (start - end))
        if enter < leave:
            first, last = _between(p, q, enter), _between(p, q, leave)
            if enter == 0.0 and pieces and pieces[-1][-1] == p:
                pieces[-1].append(last)
            else:
                pieces.append([first, last])
    return pieces


def _polygon(points: Sequence[Point], outline: Sequence[Point]) -> list[Point]:
    """The polygon cut side by side (Sutherland and Hodgman's method)."""
    kept = list(points)
    for a, b in _sides(outline):
        previous, kept = kept, []
        for p, q in zip(previous, [*previous[1:], *previous[:1]], strict=True):
            start, end = _depth(p, a, b), _depth(q, a, b)
            if start >= 0:
                kept.append(p)
            if (start < 0) != (end < 0):
                kept.append(_between(p, q, start / (start - end)))
    return kept
