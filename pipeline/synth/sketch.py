"""A drawing as a list of what is laid down in order: white and shaded areas, lines, and pieces of text.

Kept as vectors until the sheet is complete, so that turning, scaling and a scanner's skew move lines,
letters and ground truth together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.synth.geometry import (
    STILL,
    Affine,
    Box,
    Point,
    along,
    arc,
    bounds,
    corners,
    hatching,
    shifted,
    turned,
    union,
)
from pipeline.synth.lettering import Hand, write

DASHED = (22.0, 14.0)
CENTRE = (60.0, 12.0, 10.0, 12.0)
DOTTED = (4.0, 12.0)

THIN, NORMAL, BOLD = 2.0, 4.0, 6.0


#: Points as a builder gives them, or rows of an array (n, 2) once they have been moved.
Points = Sequence[Point] | NDArray[np.float64]


@dataclass(slots=True)
class Line:
    """A pen stroke along ``points``, ``width`` pixels wide."""

    points: Points
    width: float


@dataclass(slots=True)
class Area:
    """A filled polygon: density 0 is paper white, 1 is ink, between them a dither of dots."""

    points: Points
    density: float


@dataclass(slots=True)
class Text:
    """A piece of text and what it is. ``angle``: degrees clockwise by which it stands turned.

    ``role`` is that of the regions table; ``kind`` tells apart what the hand-read truth keeps apart: sign,
    label, word, number (dimension, axis, table, sheet), symbol (section letters, formula signs).
    ``figure`` is the index of its figure on the sheet, None for what belongs to the whole sheet.
    """

    text: str
    at: Point
    cap_px: int
    hand: Hand
    kind: str
    angle: int = 0
    figure: int | None = None

    def frame(self) -> Affine:
        """From the text's own coordinates to those of its sketch."""
        return turned(self.angle).then(shifted(*self.at))

    def polygon(self, place: Affine = STILL) -> list[Point]:
        """Corners of the ink, clockwise from where the text begins."""
        frame = self.frame().then(place)
        return [frame(p) for p in corners(write(self.text, self.hand, self.cap_px).box)]

    def box(self) -> Box:
        """Upright box around the ink."""
        return bounds(self.polygon())


@dataclass(slots=True)
class Sketch:
    """Marks in the order of drawing, texts over them, and where each part can be pointed at."""

    marks: list[Line | Area] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    #: part key → points on its visible surface, best first
    anchors: dict[str, list[Point]] = field(default_factory=dict)

    def line(self, points: Sequence[Point], width: float = NORMAL, dash: Sequence[float] = ()) -> None:
        """Draw along the points, in dashes where ``dash`` is given."""
        if dash:
            self.marks.extend(Line(piece, width) for piece in along(points, dash))
        else:
            self.marks.append(Line(points, width))

    def area(self, points: Sequence[Point], density: float = 0.0) -> None:
        """Fill: 0 erases to white, 1 is solid ink."""
        self.marks.append(Area(points, density))

    def shape(
        self, points: Sequence[Point], width: float = NORMAL, dash: Sequence[float] = (), fill: bool = True
    ) -> None:
        """A closed outline over white."""
        if fill:
            self.area(points)
        self.line([*points, points[0]], width, dash)

    def box(self, box: Box, width: float = NORMAL, dash: Sequence[float] = (), fill: bool = True) -> None:
        """A rectangle over white."""
        self.shape(corners(box), width, dash, fill)

    def ellipse(self, centre: Point, rx: float, ry: float, width: float = NORMAL, fill: bool = True) -> None:
        """An ellipse over white."""
        self.shape(arc(centre, rx, ry), width, fill=fill)

    def hatch(self, loops: Sequence[Sequence[Point]], angle: float, spacing: float, width: float = THIN) -> None:
        """Section lines inside the loops; an inner loop is a hole."""
        for piece in hatching(loops, angle, spacing):
            self.marks.append(Line(piece, width))

    def arrow(self, points: Sequence[Point], width: float = 3.0, both: bool = False, head: float = 26.0) -> None:
        """A line with a filled head at its end, or at both ends."""
        self.line(points, width)
        ends = [(points[-1], points[-2])] + ([(points[0], points[1])] if both else [])
        for tip, other in ends:
            away = math.atan2(other[1] - tip[1], other[0] - tip[0])
            wings = [
                (tip[0] + head * math.cos(away + side), tip[1] + head * math.sin(away + side)) for side in (0.3, -0.3)
            ]
            self.area([tip, *wings], 1.0)

    def write(self, text: str, at: Point, cap_px: int, hand: Hand, kind: str, angle: int = 0) -> Text:
        """Put a text with the middle of its capitals at ``at``."""
        piece = Text(text, at, cap_px, hand, kind, angle)
        self.texts.append(piece)
        return piece

    def words(self, lines: Sequence[str], at: Point, cap_px: int, hand: Hand, kind: str = "word") -> list[Text]:
        """Centred lines of words around ``at``."""
        step = cap_px * 1.75
        top = at[1] - step * (len(lines) - 1) / 2
        return [self.write(line, (at[0], top + i * step), cap_px, hand, kind) for i, line in enumerate(lines)]

    def add(self, other: Sketch, place: Affine) -> None:
        """Lay another sketch over this one."""
        for mark, points in zip(other.marks, moved(other.marks, place), strict=True):
            self.marks.append(
                Line(points, mark.width * place.scale) if isinstance(mark, Line) else Area(points, mark.density)
            )
        for text in other.texts:
            cap = max(8, round(text.cap_px * place.scale))
            self.texts.append(replace(text, at=place(text.at), cap_px=cap, angle=(text.angle + place.turn) % 360))
        for key, anchors in other.anchors.items():
            self.anchors.setdefault(key, []).extend(place(p) for p in anchors)

    def bounds(self) -> Box:
        """The box around all ink; erased areas do not count. Raises ValueError for an empty sketch."""
        boxes = [text.box() for text in self.texts]
        inked = [mark for mark in self.marks if isinstance(mark, Line) or mark.density > 0]
        if inked:
            reach = np.repeat(
                [mark.width / 2 if isinstance(mark, Line) else 0.0 for mark in inked], [len(m.points) for m in inked]
            )[:, None]
            points, _ = stacked(inked, STILL)
            (x0, y0), (x1, y1) = (points - reach).min(axis=0), (points + reach).max(axis=0)
            boxes.append((float(x0), float(y0), float(x1), float(y1)))
        return union(boxes)


def moved(marks: Sequence[Line | Area], place: Affine) -> list[NDArray[np.float64]]:
    """The points of each mark after ``place``, computed for all marks at once."""
    points, ends = stacked(marks, place)
    return [points[start:end] for start, end in pairwise(ends)]


def stacked(marks: Sequence[Line | Area], place: Affine) -> tuple[NDArray[np.float64], list[int]]:
    """All points after ``place``, one under the other, and where each mark's begin and the last one's end."""
    ends = [0, *accumulate(len(mark.points) for mark in marks)]
    if not marks:
        return np.empty((0, 2)), ends
    points = np.concatenate([np.asarray(mark.points, np.float64) for mark in marks])
    x, y = points[:, 0], points[:, 1]
    # Written out: a matrix product may be rounded differently from machine to machine.
    return np.stack([place.a * x + place.b * y + place.c, place.d * x + place.e * y + place.f], axis=1), ends


def wavy(start: Point, end: Point, bend: float, both: bool) -> list[Point]:
    """A curve from start to end: one bow, or with ``both`` a tilde; ``bend`` is its height in pixels."""
    count = 14
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy) or 1.0
    nx, ny = -dy / length, dx / length
    points = []
    for i in range(count + 1):
        t = i / count
        swing = bend * math.sin(math.tau * t if both else math.pi * t)
        points.append((start[0] + dx * t + nx * swing, start[1] + dy * t + ny * swing))
    return points
