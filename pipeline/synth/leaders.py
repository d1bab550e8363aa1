"""Numerals and their leader lines: put beside the drawing where nothing else is."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.synth.geometry import Affine, Box, Point, bounds, shifted
from pipeline.synth.lettering import Hand, write
from pipeline.synth.raster import rasterise
from pipeline.synth.sketch import Area, Line, Sketch, Text, wavy

#: Side of an occupancy cell in pixels.
CELL = 8
_DIRECTIONS = 24
_DISTANCES = (70, 95, 120, 150, 185, 225, 270, 320, 380, 450, 540)
_MARGIN = 14.0  # free space around a numeral, px
_ALONG = np.linspace(0.06, 0.94, 12)

Grid = NDArray[np.uint8]


@dataclass(frozen=True)
class LeaderStyle:
    """How one draughtsman's numerals stand. ``kind``: straight, bow, tilde or arrow."""

    hand: Hand
    cap_px: int
    kind: str = "straight"
    angle: int = 0
    width: float = 2.0
    underlined: float = 0.0  # share of the numerals that stand inside their part, underlined, without a line


@dataclass
class _Field:
    """What is taken: ink of the drawing, texts, and leader lines, in cells; ``left``, ``top`` its corner in px."""

    left: float
    top: float
    ink: Grid
    texts: Grid
    lines: Grid


def annotate(
    sketch: Sketch, signs: Mapping[str, str], style: LeaderStyle, rng: random.Random, whole: tuple[str, ...] = ()
) -> list[str]:
    """Add a numeral for each part key of ``signs`` that can be pointed at; returns the keys that found a place.

    Texts never overlap ink, each other or a leader line. Keys in ``whole`` name the assembly: their arrow
    points at the drawing as a whole.
    """
    field = _survey(sketch)
    placed = []
    centre = _middle(sketch.bounds())
    keys = [key for key in signs if key not in whole and sketch.anchors.get(key)]
    keys.sort(key=lambda key: _bearing(sketch.anchors[key][0], centre))
    for key in keys:
        if (rng.random() < style.underlined and _inside(sketch, field, key, signs[key], style)) or _outside(
            sketch, field, sketch.anchors[key], signs[key], style, centre, rng
        ):
            placed.append(key)
    for key in whole:
        if key in signs and _whole(sketch, field, signs[key], style, centre, rng):
            placed.append(key)
    return placed


def _survey(sketch: Sketch) -> _Field:
    """Rasterise the sketch coarsely with a wide border for the numerals."""
    x0, y0, x1, y1 = sketch.bounds()
    border = 330.0
    left, top = x0 - border, y0 - border
    width, height = math.ceil((x1 - x0 + 2 * border) / CELL), math.ceil((y1 - y0 + 2 * border) / CELL)
    bare = Sketch([_thick(mark) for mark in sketch.marks])
    ink = rasterise(bare, width, height, shifted(-left, -top).then(Affine(a=1 / CELL, e=1 / CELL)))
    field = _Field(left, top, ink, np.zeros_like(ink), np.zeros_like(ink))
    for text in sketch.texts:
        _take(field, field.texts, text.box(), 6.0)
    return field


def _thick(mark: Line | Area) -> Line | Area:
    return replace(mark, width=max(float(CELL), mark.width)) if isinstance(mark, Line) else mark


def _take(field: _Field, grid: Grid, box: Box, margin: float) -> None:
    x0, y0 = int((box[0] - margin - field.left) // CELL), int((box[1] - margin - field.top) // CELL)
    x1, y1 = int((box[2] + margin - field.left) // CELL) + 1, int((box[3] + margin - field.top) // CELL) + 1
    grid[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = 1


def _middle(box: Box) -> Point:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _bearing(point: Point, centre: Point) -> float:
    return math.atan2(point[1] - centre[1], point[0] - centre[0])


def _size(sign: str, style: LeaderStyle) -> tuple[float, float, float, float]:
    """The numeral's box around its anchor, as turned."""
    return Text(sign, (0.0, 0.0), style.cap_px, style.hand.suits(sign), "sign", style.angle).box()


def _outside(
    sketch: Sketch,
    field: _Field,
    anchors: list[Point],
    sign: str,
    style: LeaderStyle,
    centre: Point,
    rng: random.Random,
) -> bool:
    """Search places around up to four anchors; the shortest line outward that crosses nothing wins."""
    chosen = anchors if len(anchors) <= 4 else rng.sample(anchors, 4)
    angles = [math.tau * (i + rng.random() * 0.8) / _DIRECTIONS for i in range(_DIRECTIONS)]
    spots = [
        (ax, ay, ax + d * math.cos(t), ay + d * math.sin(t), d) for ax, ay in chosen for t in angles for d in _DISTANCES
    ]
    table = np.array(spots)
    cost = table[:, 4] + 60.0 * _crossings(field.lines, field, table) + 4.0 * _crossings(field.ink, field, table)
    outward = (table[:, 2] - table[:, 0]) * (table[:, 0] - centre[0]) + (table[:, 3] - table[:, 1]) * (
        table[:, 1] - centre[1]
    )
    cost += np.where(outward < 0, 90.0, 0.0)
    free = _free(field, table, _size(sign, style)) & (_crossings(field.texts, field, table) == 0)
    if not free.any():
        return False
    best = int(np.argmin(np.where(free, cost, np.inf)))
    _put(sketch, field, sign, (spots[best][2], spots[best][3]), (spots[best][0], spots[best][1]), style, rng)
    return True


def _free(field: _Field, table: NDArray[np.float64], box: Box) -> NDArray[np.bool_]:
    """True where the numeral's box, with its margin, lies on empty cells inside the field."""
    taken = (field.ink | field.texts | field.lines).astype(np.int32)
    sums = np.zeros((taken.shape[0] + 1, taken.shape[1] + 1), np.int32)
    sums[1:, 1:] = taken.cumsum(axis=0).cumsum(axis=1)
    x0 = np.floor((table[:, 2] + box[0] - _MARGIN - field.left) / CELL).astype(np.int64)
    y0 = np.floor((table[:, 3] + box[1] - _MARGIN - field.top) / CELL).astype(np.int64)
    x1 = np.ceil((table[:, 2] + box[2] + _MARGIN - field.left) / CELL).astype(np.int64)
    y1 = np.ceil((table[:, 3] + box[3] + _MARGIN - field.top) / CELL).astype(np.int64)
    height, width = taken.shape
    within = (x0 >= 0) & (y0 >= 0) & (x1 <= width) & (y1 <= height)
    x0, x1, y0, y1 = (np.clip(v, 0, limit) for v, limit in ((x0, width), (x1, width), (y0, height), (y1, height)))
    return within & (sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] == 0)


def _crossings(grid: Grid, field: _Field, table: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many samples along each line hit a taken cell."""
    xs = table[:, 0:1] + (table[:, 2:3] - table[:, 0:1]) * _ALONG
    ys = table[:, 1:2] + (table[:, 3:4] - table[:, 1:2]) * _ALONG
    columns = np.clip(((xs - field.left) / CELL).astype(np.int64), 0, grid.shape[1] - 1)
    rows = np.clip(((ys - field.top) / CELL).astype(np.int64), 0, grid.shape[0] - 1)
    return grid[rows, columns].sum(axis=1, dtype=np.int64)


def _put(
    sketch: Sketch, field: _Field, sign: str, at: Point, anchor: Point, style: LeaderStyle, rng: random.Random
) -> None:
    text = sketch.write(sign, at, style.cap_px, style.hand.suits(sign), "sign", style.angle)
    _take(field, field.texts, text.box(), 8.0)
    start = _edge(text.box(), anchor, 9.0)
    length = math.dist(start, anchor)
    bend = {"bow": 0.13, "tilde": 0.1}.get(style.kind, 0.0) * length * rng.choice((-1, 1))
    points = wavy(start, anchor, bend, style.kind == "tilde") if bend and length > 40 else [start, anchor]
    if style.kind == "arrow":
        sketch.arrow(points, style.width, head=20.0)
    else:
        sketch.line(points, style.width)
    cells = [((x - field.left) / CELL, (y - field.top) / CELL) for x, y in points]
    cv2.polylines(field.lines, [np.array(cells).astype(np.int32)], False, 1, 1)


def _edge(box: Box, toward: Point, gap: float) -> Point:
    """Where the straight way from the box's middle to ``toward`` leaves the box, a gap further on."""
    cx, cy = _middle(box)
    dx, dy = toward[0] - cx, toward[1] - cy
    half_w, half_h = (box[2] - box[0]) / 2 + gap, (box[3] - box[1]) / 2 + gap
    share = min(half_w / abs(dx) if dx else math.inf, half_h / abs(dy) if dy else math.inf, 1.0)
    return cx + dx * share, cy + dy * share


def _inside(sketch: Sketch, field: _Field, key: str, sign: str, style: LeaderStyle) -> bool:
    """An underlined numeral on the part's own surface, where it is large and empty enough."""
    box = _size(sign, style)
    table = np.array([(x, y, x, y, 0.0) for x, y in sketch.anchors[key]])
    wide = (box[0] - 8, box[1] - 8, box[2] + 8, box[3] + 18)
    free = _free(field, table, wide)
    if not free.any():
        return False
    at = sketch.anchors[key][int(np.argmax(free))]
    text = sketch.write(sign, at, style.cap_px, style.hand.suits(sign), "sign", style.angle)
    polygon = text.polygon()
    (x0, y0), (x1, y1) = polygon[3], polygon[2]
    down = {0: (0.0, 9.0), 90: (-9.0, 0.0), 180: (0.0, -9.0), 270: (9.0, 0.0)}[style.angle]
    sketch.line([(x0 + down[0], y0 + down[1]), (x1 + down[0], y1 + down[1])], max(2.0, style.width))
    _take(field, field.texts, bounds([*polygon, (x0 + down[0], y0 + down[1])]), 10.0)
    return True


def _whole(sketch: Sketch, field: _Field, sign: str, style: LeaderStyle, centre: Point, rng: random.Random) -> bool:
    """A numeral off a corner of the drawing with an arrow toward it that touches nothing."""
    x0, y0, x1, y1 = sketch.bounds(texts=False)
    box = write(sign, style.hand.suits(sign), style.cap_px).box
    reach = 90 + (box[2] - box[0]) / 2
    corners = [(x0 - 30, y0 - 30), (x1 + 30, y0 - 30), (x1 + 30, y1 + 30), (x0 - 30, y1 + 30)]
    rng.shuffle(corners)
    for x, y in corners:
        away = math.atan2(y - centre[1], x - centre[0])
        for reach_to in (reach, reach + 70, reach + 150):
            at = (x + reach_to * math.cos(away), y + reach_to * math.sin(away))
            tip = (x, y)
            table = np.array([(*tip, *at, 0.0)])
            clear = _crossings(field.ink | field.texts | field.lines, field, table)[0] == 0
            if clear and _free(field, table, _size(sign, style))[0]:
                curved = replace(style, kind="arrow", width=max(3.0, style.width))
                _put(sketch, field, sign, at, tip, curved, rng)
                return True
    return False
