"""Views of one object: perspective, exploded, from a side, in section. All show the same parts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.synth.geometry import Affine, Point, beside, bounds, scaled, shifted
from pipeline.synth.glyphs import smooth
from pipeline.synth.sketch import BOLD, CENTRE, NORMAL, THIN, Sketch
from pipeline.synth.solids import (
    Axis,
    Face,
    Hose,
    Project,
    Solid,
    Vector,
    camera,
    cross,
    dot,
    faces,
    on_axis,
    paint_order,
)

Mask = NDArray[np.int32]
Body = Solid | Hose
_MASK_SCALE = 0.25  # resolution at which it is found out what is visible


@dataclass(frozen=True)
class Piece:
    """One part of an object: its solids, how far it is pulled out in an exploded view, how it is cut.

    ``inside`` parts show only in sections and exploded views. ``solid_cut`` parts (shafts, bolts) are
    not hatched when cut lengthwise, as drawing standards have it. ``core`` is its true body where that
    reaches into others: it takes the place of ``solids`` in sections and exploded views. ``decor`` are
    loops drawn on a face, counter-clockwise as seen from outside.
    """

    key: str
    solids: tuple[Body, ...]
    inside: bool = False
    apart: Vector = (0.0, 0.0, 0.0)
    solid_cut: bool = False
    core: tuple[Body, ...] = ()
    decor: tuple[tuple[Vector, ...], ...] = ()


@dataclass(frozen=True)
class Thing:
    """An object of an invention.

    ``axis`` is its main axis, which runs through ``middle`` (the two other coordinates); ``cut`` is the plane of
    its section. ``shaded``: faces are toned by dots; ``lined``: round surfaces bear lines along their outline.
    """

    pieces: tuple[Piece, ...]
    axis: Axis
    middle: Point
    cut: tuple[Axis, float]
    shaded: bool = False
    lined: bool = False


def outside(thing: Thing, yaw: float, pitch: float, size: Point, exploded: bool = False) -> Sketch:
    """The object as seen from a direction, hidden surfaces left out, fitted into ``size`` pixels."""
    project, toward = camera(yaw, pitch)
    shown = [piece for piece in thing.pieces if exploded or not piece.inside]
    placed = [(piece, body) for piece in shown for body in _bodies(piece, exploded)]
    fit = _fit([project(c) for _, body in placed for end in (0, 1) for c in body.ring(end)], size)

    def page(point: Vector) -> Point:
        return fit(project(point))

    painter = _Painter(page, toward, fit.scale, thing, size)
    if exploded:
        _centre_line(painter.sketch, thing, [body for _, body in placed], page)
    order = paint_order([body.extent() for _, body in placed], toward)
    last = {placed[index][0].key: index for index in order}
    for index in order:
        piece, body = placed[index]
        painter.paint(body, index + 1)
        if last[piece.key] == index:
            painter.decorate(piece, piece.apart if exploded else (0.0, 0.0, 0.0))
    _mark_visible(painter.sketch, painter.seen, [piece.key for piece, _ in placed])
    return painter.sketch


def _bodies(piece: Piece, exploded: bool) -> list[Body]:
    return [body.moved(piece.apart) for body in piece.core or piece.solids] if exploded else list(piece.solids)


def _mask(size: Point) -> Mask:
    return np.zeros((round(size[1] * _MASK_SCALE) + 2, round(size[0] * _MASK_SCALE) + 2), np.int32)


def _fit(points: Sequence[Point], size: Point) -> Affine:
    x0, y0, x1, y1 = bounds(points)
    factor = min(size[0] / (x1 - x0), size[1] / (y1 - y0))
    back = shifted(-(x0 + x1) / 2, -(y0 + y1) / 2).then(scaled(factor))
    return back.then(shifted(size[0] / 2, size[1] / 2))


class _Painter:
    """Lays body over body and keeps a coarse map of which one is seen where."""

    def __init__(self, page: Project, toward: Vector, scale: float, thing: Thing, size: Point) -> None:
        self.page, self.toward, self.scale, self.thing = page, toward, scale, thing
        self.sketch, self.seen = Sketch(), _mask(size)

    def paint(self, body: Body, number: int) -> None:
        """Put a body over what is there."""
        if isinstance(body, Hose):
            self._hose(body, number)
            return
        for face in faces(body, self.toward):
            self._face(face, body, number)

    def _face(self, face: Face, solid: Solid, number: int) -> None:
        points = [self.page(c) for c in face.corners]
        sketch = self.sketch
        sketch.area(points)
        _fill(self.seen, points, number)
        if face.edges is None:
            sketch.line([*points, points[0]], NORMAL)
        else:
            if self.thing.shaded and solid.axis == 2:
                sketch.area(points, _tone(face.corners, self.toward))
            for i, drawn in enumerate(face.edges):
                if drawn:
                    sketch.line([points[i], points[(i + 1) % len(points)]], NORMAL)
            for i in face.rounding if self.thing.lined else ():
                sketch.line([points[i], points[(i + 1) % len(points)]], THIN)
        if face.hole:
            sketch.shape([self.page(c) for c in face.hole], NORMAL)

    def _hose(self, hose: Hose, number: int) -> None:
        course = smooth(tuple(self.page(p) for p in hose.points), 10)
        sides = [beside(course, offset) for offset in (hose.radius * self.scale, -hose.radius * self.scale)]
        outline = [*sides[0], *reversed(sides[1])]
        self.sketch.area(outline)
        _fill(self.seen, outline, number)
        for side in sides:
            self.sketch.line(side, NORMAL)
        for end in (0, -1):
            self.sketch.line([sides[0][end], sides[1][end]], NORMAL)

    def decorate(self, piece: Piece, by: Vector) -> None:
        """Slots, seams and the like on faces that look at the viewer."""
        for loop in piece.decor:
            points = [(x + by[0], y + by[1], z + by[2]) for x, y, z in loop]
            if dot(cross(points[0], points[1], points[-1]), self.toward) > 1e-9:
                self.sketch.shape([self.page(p) for p in points], 3.0, fill=False)


def _tone(corners: Sequence[Vector], toward: Vector) -> float:
    """Darker where the face turns away from the viewer; steps, as dither tones are few."""
    n = cross(corners[0], corners[1], corners[3])
    length = (dot(n, n) * dot(toward, toward)) ** 0.5 or 1.0
    return round((1 - abs(dot(n, toward)) / length) * 4) / 4 * 0.3


def _fill(seen: Mask, points: Sequence[Point], number: int) -> None:
    cv2.fillPoly(seen, [np.rint(np.array(points) * _MASK_SCALE).astype(np.int32)], number)


def _mark_visible(sketch: Sketch, seen: Mask, keys: Sequence[str]) -> None:
    """Find for each part the places where a leader line can end: deep inside a visible surface of it."""
    counts = np.bincount(seen.ravel(), minlength=len(keys) + 1)
    for index, key in enumerate(keys):
        if counts[index + 1] < 12:
            continue
        rows, columns = np.nonzero(seen == index + 1)
        y0, x0 = max(0, int(rows.min()) - 1), max(0, int(columns.min()) - 1)
        window = (seen[y0 : rows.max() + 2, x0 : columns.max() + 2] == index + 1).astype(np.uint8)
        window = cv2.copyMakeBorder(window, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        depth = cv2.distanceTransform(window, cv2.DIST_L1, 3)
        level = float(depth.max())
        if level < 1.0:
            continue
        ys, xs = np.nonzero(depth >= max(1.0, level * 0.6))
        step = max(1, len(ys) // 9)
        places = [
            ((x0 + int(x) - 1 + 0.5) / _MASK_SCALE, (y0 + int(y) - 1 + 0.5) / _MASK_SCALE)
            for y, x in list(zip(ys, xs, strict=True))[step // 2 :: step]
        ]
        sketch.anchors.setdefault(key, []).extend(places)


def _centre_line(sketch: Sketch, thing: Thing, bodies: Sequence[Body], page: Project) -> None:
    """The dash-dot line along which the parts were pulled apart."""
    lows, highs = zip(*(body.extent() for body in bodies), strict=True)
    ends = [min(v[thing.axis] for v in lows), max(v[thing.axis] for v in highs)]
    first, second = (page(on_axis(thing.axis, thing.middle, at)) for at in ends)
    sketch.line([first, second], THIN, CENTRE)


def section(thing: Thing, size: Point, rng: random.Random) -> Sketch:
    """The object cut along its plane, cut faces hatched, neighbours in different directions."""
    normal, at = thing.cut
    across, up = [axis for axis in range(3) if axis != normal]
    cuts: list[tuple[Piece, list[list[Point]]]] = []
    for piece in thing.pieces:
        loops = [[(u, -v) for u, v in loop] for solid in piece.core or piece.solids for loop in solid.cut(normal, at)]
        if loops:
            cuts.append((piece, loops))
    place = _fit([p for _, loops in cuts for loop in loops for p in loop], size)
    sketch = Sketch()
    seen = _mask(size)
    spacing = rng.choice((14.0, 18.0, 24.0))
    for index, (piece, loops) in enumerate(cuts):
        loops = [[place(p) for p in loop] for loop in loops]
        for loop in loops:
            sketch.area(loop)
            _fill(seen, loop, index + 1)
        if not piece.solid_cut:
            sketch.hatch(loops, (45, -45, 30, -60)[index % 4], spacing * (1, 1.3, 0.8, 1.15)[index % 4])
        for loop in loops:
            sketch.line([*loop, loop[0]], BOLD)
    if thing.axis in (across, up) and abs(on_axis(thing.axis, thing.middle, 0.0)[normal] - at) < 1.0:
        spot = on_axis(thing.axis, thing.middle, 0.0)
        middle = place((spot[across], -spot[up]))
        x0, y0, x1, y1 = sketch.bounds()
        ends = [(x0 - 40, middle[1]), (x1 + 40, middle[1])] if thing.axis == across else [
            (middle[0], y0 - 40), (middle[0], y1 + 40)]  # fmt: skip
        sketch.line(ends, THIN, CENTRE)
    _mark_visible(sketch, seen, [piece.key for piece, _ in cuts])
    return sketch
