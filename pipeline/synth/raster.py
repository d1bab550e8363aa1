"""From vectors to the scanner's 1-bit image."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.synth.geometry import Affine, Point, bounds
from pipeline.synth.lettering import write
from pipeline.synth.sketch import Area, Line, Sketch, Text

_SHIFT = 3  # eighths of a pixel
_UNIT = 1 << _SHIFT
Canvas = NDArray[np.uint8]

#: Thresholds of a 4 × 4 ordered dither.
_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16 + 1 / 32


def rasterise(sketch: Sketch, width: int, height: int, place: Affine) -> Canvas:
    """Draw everything on a fresh canvas (height, width), uint8, 1 = ink."""
    canvas = np.zeros((height, width), np.uint8)
    for mark in sketch.marks:
        if isinstance(mark, Line):
            _stroke(canvas, mark.points, mark.width * place.scale, place)
        else:
            _area(canvas, mark, place)
    for text in sketch.texts:
        _text(canvas, text, place)
    return canvas


def _fixed(points: Sequence[Point], place: Affine) -> NDArray[np.int32]:
    """Points in fixed-point sheet coordinates; a pixel's centre is its whole number."""
    listed = np.array(points, np.float64)
    x, y = listed[:, 0], listed[:, 1]
    out = np.empty((len(listed), 1, 2), np.float64)
    out[:, 0, 0] = place.a * x + place.b * y + place.c - 0.5
    out[:, 0, 1] = place.d * x + place.e * y + place.f - 0.5
    return np.rint(out * _UNIT).astype(np.int32)


def _stroke(canvas: Canvas, points: Sequence[Point], width: float, place: Affine) -> None:
    cv2.polylines(canvas, [_fixed(points, place)], False, 1, max(1, round(width)), cv2.LINE_8, _SHIFT)


def _area(canvas: Canvas, area: Area, place: Affine) -> None:
    points = _fixed(area.points, place)
    if area.density in (0.0, 1.0):
        cv2.fillPoly(canvas, [points], int(area.density), cv2.LINE_8, _SHIFT)
        return
    height, width = canvas.shape
    x0, y0, x1, y1 = bounds((float(p[0][0]) / _UNIT, float(p[0][1]) / _UNIT) for p in points)
    left, top, right, bottom = max(0, int(x0)), max(0, int(y0)), min(width, int(x1) + 2), min(height, int(y1) + 2)
    if left >= right or top >= bottom:
        return
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(inside, [points - np.int32([left * _UNIT, top * _UNIT])], 1, cv2.LINE_8, _SHIFT)
    canvas[top:bottom, left:right] |= inside & _dither(area.density, bottom - top, right - left)


@lru_cache(maxsize=8)
def _dither(density: float, height: int, width: int) -> Canvas:
    tile = np.kron((density > _BAYER).astype(np.uint8), np.ones((3, 3), np.uint8))
    rows, columns = -(-height // tile.shape[0]), -(-width // tile.shape[1])
    return np.tile(tile, (rows, columns))[:height, :width]


def _text(canvas: Canvas, text: Text, place: Affine) -> None:
    written = write(text.text, text.hand, text.cap_px)
    frame = text.frame().then(place)
    if written.mask is not None:
        _stamp(canvas, written.mask, (text.angle + place.turn) % 360, bounds(text.polygon(place)))
        return
    wide, high = written.pen
    for stroke in written.strokes:
        if wide == high:
            _stroke(canvas, stroke, wide, Affine(frame.a, frame.b, frame.c, frame.d, frame.e, frame.f))
        else:
            for a, b in zip(stroke, stroke[1:], strict=False):
                cv2.fillConvexPoly(canvas, _fixed(_swept(a, b, wide / 2, high / 2), frame), 1, cv2.LINE_8, _SHIFT)


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
