"""Where on a drawing there is room: a coarse map of ink, surfaces, texts and leader lines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.synth.geometry import Box, Point, scaled, shifted
from pipeline.synth.raster import rasterise, silhouette
from pipeline.synth.sketch import Sketch

#: Side of a cell in pixels.
CELL = 8
_BORDER = 330.0  # room for numerals around the drawing, px
_SAMPLES = np.linspace(0.06, 0.94, 12)
#: What it costs a leader line to run over a line or a surface of the drawing, another leader, a text.
_INK_COST, _BODY_COST, _LEADER_COST, _TEXT_COST = 4.0, 3.0, 60.0, 1e6

Floats = NDArray[np.float64]


class Space:
    """The map around one sketch."""

    def __init__(self, sketch: Sketch) -> None:
        x0, y0, x1, y1 = sketch.bounds()
        self.left, self.top = x0 - _BORDER, y0 - _BORDER
        self.shape = math.ceil((y1 - y0 + 2 * _BORDER) / CELL), math.ceil((x1 - x0 + 2 * _BORDER) / CELL)
        size = (self.shape[1], self.shape[0])
        place = shifted(-self.left, -self.top).then(scaled(1 / CELL))
        ink = rasterise(Sketch(sketch.marks), *size, place)
        body = silhouette(sketch, *size, place)
        self._body = _sums(body)
        self._taken = ink.astype(np.int32)
        self._cost = ink * _INK_COST + body * _BODY_COST
        self._counted: NDArray[np.int64] | None = None
        for text in sketch.texts:
            self.take_text(text.box(), 6.0)

    def take_text(self, box: Box, margin: float) -> None:
        """Nothing else may come closer to this text than ``margin`` pixels."""
        rows, columns = self._cells(box, margin)
        self._taken[rows, columns] = 1
        self._cost[rows, columns] = _TEXT_COST
        self._counted = None

    def take_line(self, points: Sequence[Point]) -> None:
        """Texts keep off this leader line, other leaders avoid it."""
        cells = [((x - self.left) / CELL, (y - self.top) / CELL) for x, y in points]
        drawn = np.zeros(self.shape, np.uint8)
        cv2.polylines(drawn, [np.array(cells).astype(np.int32)], False, 1, 1)
        self._taken[drawn == 1] = 1
        self._cost[drawn == 1] += _LEADER_COST
        self._counted = None

    def _cells(self, box: Box, margin: float) -> tuple[slice, slice]:
        x0, y0 = int((box[0] - margin - self.left) // CELL), int((box[1] - margin - self.top) // CELL)
        x1, y1 = int((box[2] + margin - self.left) // CELL) + 1, int((box[3] + margin - self.top) // CELL) + 1
        return slice(max(0, y0), max(0, y1)), slice(max(0, x0), max(0, x1))

    def free(self, at: Floats, box: Box, margin: float) -> NDArray[np.bool_]:
        """Which of the places (n, 2) can take a text whose box around its anchor is ``box``."""
        if self._counted is None:
            self._counted = _sums(self._taken)
        empty: NDArray[np.bool_] = self._inside(self._counted, at, box, margin) == 0
        return empty

    def on_body(self, at: Floats, box: Box) -> NDArray[np.bool_]:
        """Which of the places (n, 2) lie on a surface of the drawing."""
        covered: NDArray[np.bool_] = self._inside(self._body, at, box, 0.0) > 0
        return covered

    def _inside(self, sums: NDArray[np.int64], at: Floats, box: Box, margin: float) -> NDArray[np.int64]:
        """How many marked cells each box covers; -1 where it leaves the map."""
        low = np.floor((at + np.array([box[0] - margin - self.left, box[1] - margin - self.top])) / CELL).astype(
            np.int64
        )
        high = np.ceil((at + np.array([box[2] + margin - self.left, box[3] + margin - self.top])) / CELL).astype(
            np.int64
        )
        size = np.array([self.shape[1], self.shape[0]])
        outside = ((low < 0) | (high > size)).any(axis=1)
        (x0, y0), (x1, y1) = np.clip(low, 0, size).T, np.clip(high, 0, size).T
        count = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
        return np.where(outside, -1, count)

    def crossing_cost(self, start: Floats, end: Floats) -> Floats:
        """What straight lines from ``start`` to ``end`` (n, 2) run over; 1e6 and more means a text."""
        points = start[:, None, :] + (end - start)[:, None, :] * _SAMPLES[:, None]
        return self._sampled(points)

    def _sampled(self, points: Floats) -> Floats:
        columns = np.clip(((points[..., 0] - self.left) / CELL).astype(np.int64), 0, self.shape[1] - 1)
        rows = np.clip(((points[..., 1] - self.top) / CELL).astype(np.int64), 0, self.shape[0] - 1)
        total: Floats = self._cost[rows, columns].sum(axis=-1)
        return total

    def clear_of_texts(self, points: Sequence[Point]) -> bool:
        """True when a polyline, taken at its points, touches no text."""
        return bool(self._sampled(np.array(points, np.float64)) < _TEXT_COST)

    def empty_along(self, start: Point, end: Point) -> bool:
        """True when a straight line runs over nothing at all."""
        return bool(self.crossing_cost(np.array([start]), np.array([end]))[0] == 0)


def _sums(grid: NDArray[np.generic]) -> NDArray[np.int64]:
    """Summed-area table with a leading row and column of zeros."""
    sums = np.zeros((grid.shape[0] + 1, grid.shape[1] + 1), np.int64)
    sums[1:, 1:] = grid.astype(np.int64).cumsum(axis=0).cumsum(axis=1)
    return sums
