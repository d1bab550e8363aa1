"""From vectors to the scanner's 1-bit image."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.synth.geometry import Affine, Point, bounds, scaled, shifted
from pipeline.synth.lettering import write
from pipeline.synth.sketch import Area, Line, Sketch, Text, stacked

_SHIFT = 3  # eighths of a pixel
_UNIT = 1 << _SHIFT
Canvas = NDArray[np.uint8]
Fixed = NDArray[np.int32]

#: Thresholds of a 4 × 4 ordered dither.
_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16 + 1 / 32


def rasterise(sketch: Sketch, width: int, height: int, place: Affine) -> Canvas:
    """Draw everything on a fresh canvas (height, width), uint8, 1 = ink."""
    canvas = np.zeros((height, width), np.uint8)
    for mark, points in zip(sketch.marks, _fixed_all(sketch.marks, place), strict=True):
        if isinstance(mark, Line):
            _stroke(canvas, points, mark.width * place.scale)
        elif mark.density in (0.0, 1.0):
            cv2.fillPoly(canvas, [points], int(mark.density), cv2.LINE_8, _SHIFT)
        else:
            _dithered(canvas, points, mark.density)
    for text in sketch.texts:
        _text(canvas, text, place)
    return canvas


def silhouette(sketch: Sketch, width: int, height: int, place: Affine) -> Canvas:
    """All areas of a sketch filled, those erased to white as well: where its object is."""
    canvas = np.zeros((height, width), np.uint8)
    areas = [mark for mark in sketch.marks if isinstance(mark, Area)]
    for points in _fixed_all(areas, place):
        cv2.fillPoly(canvas, [points], 1, cv2.LINE_8, _SHIFT)
    return canvas


def _fixed_all(marks: Sequence[Line | Area], place: Affine) -> list[Fixed]:
    """The marks' points in fixed-point sheet coordinates; a pixel's centre is its whole number."""
    centred = place.then(shifted(-0.5, -0.5)).then(scaled(_UNIT))
    points, ends = stacked(marks, centred)
    fixed = np.rint(points).astype(np.int32)[:, None, :]
    return [fixed[start:end] for start, end in pairwise(ends)]


def _stroke(canvas: Canvas, points: Fixed, width: float) -> None:
    cv2.polylines(canvas, [points], False, 1, max(1, round(width)), cv2.LINE_8, _SHIFT)


def _dithered(canvas: Canvas, points: Fixed, density: float) -> None:
    height, width = canvas.shape
    low, high = points.min(axis=(0, 1)) // _UNIT, points.max(axis=(0, 1)) // _UNIT + 2
    left, top, right, bottom = max(0, low[0]), max(0, low[1]), min(width, high[0]), min(height, high[1])
    if left >= right or top >= bottom:
        return
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(inside, [points - np.array([left * _UNIT, top * _UNIT], np.int32)], 1, cv2.LINE_8, _SHIFT)
    canvas[top:bottom, left:right] |= inside & _dither(density, bottom - top, right - left)


def _dither(density: float, height: int, width: int) -> Canvas:
    tile = np.kron((density > _BAYER).astype(np.uint8), np.ones((3, 3), np.uint8))
    rows, columns = -(-height // tile.shape[0]), -(-width // tile.shape[1])
    return np.ascontiguousarray(np.tile(tile, (rows, columns))[:height, :width])


def _text(canvas: Canvas, text: Text, place: Affine) -> None:
    written = write(text.text, text.hand, text.cap_px)
    frame = text.frame().then(place)
    if written.mask is not None:
        _stamp(canvas, written.mask, (text.angle + place.turn) % 360, bounds(text.polygon(place)))
        return
    wide, high = written.pen
    if wide == high:
        pen = wide * place.scale
        for points in _fixed_all([Line(stroke, wide) for stroke in written.strokes], frame):
            _stroke(canvas, points, pen)
        return
    swept = [_swept(a, b, wide / 2, high / 2) for stroke in written.strokes for a, b in pairwise(stroke)]
    for points in _fixed_all([Area(polygon, 1.0) for polygon in swept], frame):
        cv2.fillConvexPoly(canvas, points, 1, cv2.LINE_8, _SHIFT)


def _swept(a: Point, b: Point, w: float, h: float) -> list[Point]:
    """The area that a rectangular nib covers on its way from a to b."""
    if a[0] > b[0]:
        a, b = b, a
    (ax, ay), (bx, by) = a, b
    if by >= ay:
        return [
            (ax - w, ay - h),
            (ax + w, ay - h),
            (bx + w, by - h),
            (bx + w, by + h),
            (bx - w, by + h),
            (ax - w, ay + h),
        ]
    return [(ax - w, ay - h), (bx - w, by - h), (bx + w, by - h), (bx + w, by + h), (ax + w, ay + h), (ax - w, ay + h)]


def _stamp(canvas: Canvas, mask: Canvas, angle: int, box: tuple[float, float, float, float]) -> None:
    """Lay a bitmap with its middle in the middle of the box."""
    mask = np.rot90(mask, -angle // 90)
    height, width = mask.shape
    left, top = round((box[0] + box[2] - width) / 2), round((box[1] + box[3] - height) / 2)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(canvas.shape[1], left + width), min(canvas.shape[0], top + height)
    if x0 < x1 and y0 < y1:
        canvas[y0:y1, x0:x1] |= mask[y0 - top : y1 - top, x0 - left : x1 - left]


def roughen(canvas: Canvas, rng: random.Random, share: float, specks: int) -> None:
    """Wear the image as a scan does, in place: ragged edges, stray specks, pin holes.

    ``share`` of the pixels take the value of a neighbour, which changes only those along an edge.
    """
    height, width = canvas.shape
    flat = canvas.reshape(-1)
    count = int(share * flat.size)
    if count:
        draw = np.frombuffer(rng.randbytes(4 * count), np.uint32)
        at = width + 1 + draw % np.uint32(flat.size - 2 * (width + 1))
        step = np.array([1, -1, width, -width], np.int64)[(draw >> np.uint32(30)).astype(np.intp)]
        flat[at] = flat[at.astype(np.int64) + step]
    for _ in range(specks):
        x, y, size = rng.randrange(width), rng.randrange(height), rng.choice((1, 1, 2, 3))
        canvas[y : y + size, x : x + size] = 1
