"""Numerals and their leader lines: put beside the drawing where nothing else is."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pipeline.synth.geometry import Box, Point, bounds
from pipeline.synth.lettering import Hand
from pipeline.synth.sketch import Sketch, Text, wavy
from pipeline.synth.space import Floats, Space

_DIRECTIONS = 24
_DISTANCES = np.array((70, 95, 120, 150, 185, 225, 270, 320, 380, 450, 540), np.float64)
_MARGIN = 14.0  # free space around a numeral, px
_SHORTLIST = 80  # places whose leader lines are looked at closely
#: Pixels of leader length that it is worth not to stand on the object, and not to point inward.
_ON_BODY, _INWARD = 150.0, 90.0


@dataclass(frozen=True)
class LeaderStyle:
    """How one draughtsman's numerals stand. ``kind``: straight, bow, tilde or arrow.

    ``underlined`` is the share of the numerals that stand inside their part, underlined, without a line.
    """

    hand: Hand
    cap_px: int
    kind: str = "straight"
    angle: int = 0
    width: float = 2.0
    underlined: float = 0.0


def annotate(
    sketch: Sketch, signs: Mapping[str, str], style: LeaderStyle, rng: random.Random, whole: str | None = None
) -> list[str]:
    """Add a numeral for each part key of ``signs`` that can be pointed at; returns the keys that found a place.

    Texts never overlap ink, each other or a leader line. ``whole`` is the key of the assembly, whose arrow
    points at the drawing as a whole.
    """
    return _Annotator(sketch, style, rng).put_all(signs, whole)


class _Annotator:
    """One run over one sketch."""

    def __init__(self, sketch: Sketch, style: LeaderStyle, rng: random.Random) -> None:
        self.sketch, self.style, self.rng = sketch, style, rng
        self.space = Space(sketch)
        self.around = sketch.bounds()
        self.centre = _middle(self.around)

    def put_all(self, signs: Mapping[str, str], whole: str | None) -> list[str]:
        anchors = self.sketch.anchors
        keys = [key for key in signs if key != whole and anchors.get(key)]
        keys.sort(key=lambda key: math.atan2(anchors[key][0][1] - self.centre[1], anchors[key][0][0] - self.centre[0]))
        placed = [key for key in keys if self._put(key, signs[key])]
        if whole is not None and whole in signs and self._point_at_whole(signs[whole]):
            placed.append(whole)
        return placed

    def _put(self, key: str, sign: str) -> bool:
        if self.rng.random() < self.style.underlined and self._inside(key, sign):
            return True
        return self._outside(self.sketch.anchors[key], sign)

    def _size(self, sign: str) -> Box:
        """The numeral's box around its anchor, as turned."""
        style = self.style
        return Text(sign, (0.0, 0.0), style.cap_px, style.hand.suits(sign), "sign", style.angle).box()

    def _outside(self, anchors: list[Point], sign: str) -> bool:
        """Of the places around up to four anchors, take the one with the shortest line that crosses little."""
        chosen = np.array(anchors if len(anchors) <= 4 else self.rng.sample(anchors, 4))
        angles = np.array([math.tau * (i + 0.8 * self.rng.random()) / _DIRECTIONS for i in range(_DIRECTIONS)])
        rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        offsets = (rays[:, None, :] * _DISTANCES[:, None]).reshape(-1, 2)
        start = np.repeat(chosen, len(offsets), axis=0)
        end = start + np.tile(offsets, (len(chosen), 1))
        size = self._size(sign)
        free = np.flatnonzero(self.space.free(end, size, _MARGIN))
        if not len(free):
            return False
        cost = np.tile(np.tile(_DISTANCES, _DIRECTIONS), len(chosen))[free]
        start, end = start[free], end[free]
        inward = ((end - start) * (start - self.centre)).sum(axis=1) < 0
        cost = cost + np.where(inward, _INWARD, 0.0) + np.where(self.space.on_body(end, size), _ON_BODY, 0.0)
        short = np.argsort(cost, kind="stable")[:_SHORTLIST]
        total = cost[short] + self.space.crossing_cost(start[short], end[short])
        best = int(np.argmin(total))
        if total[best] >= 1e6:
            return False
        self._draw(sign, _point(end[short[best]]), _point(start[short[best]]), self.style)
        return True

    def _draw(self, sign: str, at: Point, anchor: Point, style: LeaderStyle) -> None:
        text = self.sketch.write(sign, at, style.cap_px, style.hand.suits(sign), "sign", style.angle)
        start = _leave(text.box(), anchor, 9.0)
        points = self._bent(start, anchor, style)
        self.space.take_text(text.box(), 8.0)
        self.space.take_line(points)
        if style.kind == "arrow":
            self.sketch.arrow(points, style.width, head=20.0)
        else:
            self.sketch.line(points, style.width)

    def _bent(self, start: Point, anchor: Point, style: LeaderStyle) -> list[Point]:
        """The leader's course: bent to one side or the other, or straight where a bend would touch a text."""
        length = math.dist(start, anchor)
        share = {"bow": 0.13, "tilde": 0.1}.get(style.kind, 0.0)
        if share and length > 40:
            side = self.rng.choice((-1, 1))
            for bend in (side * share * length, -side * share * length):
                points = wavy(start, anchor, bend, style.kind == "tilde")
                if self.space.clear_of_texts(points):
                    return points
        return [start, anchor]

    def _inside(self, key: str, sign: str) -> bool:
        """An underlined numeral on the part's own surface, where it is large and empty enough."""
        anchors, style = self.sketch.anchors[key], self.style
        box = self._size(sign)
        free = self.space.free(np.array(anchors), (box[0] - 8, box[1] - 8, box[2] + 8, box[3] + 18), _MARGIN)
        if not free.any():
            return False
        at = anchors[int(np.argmax(free))]
        text = self.sketch.write(sign, at, style.cap_px, style.hand.suits(sign), "sign", style.angle)
        polygon = text.polygon()
        (x0, y0), (x1, y1) = polygon[3], polygon[2]
        dx, dy = {0: (0.0, 9.0), 90: (-9.0, 0.0), 180: (0.0, -9.0), 270: (9.0, 0.0)}[style.angle]
        line = [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy)]
        self.sketch.line(line, max(2.0, style.width))
        self.space.take_text(bounds([*polygon, *line]), 10.0)
        return True

    def _point_at_whole(self, sign: str) -> bool:
        """A numeral off a corner of the drawing with an arrow toward it that touches nothing."""
        x0, y0, x1, y1 = self.around
        box = self._size(sign)
        corners = [(x0 - 30, y0 - 30), (x1 + 30, y0 - 30), (x1 + 30, y1 + 30), (x0 - 30, y1 + 30)]
        self.rng.shuffle(corners)
        style = replace(self.style, kind="arrow", width=max(3.0, self.style.width))
        for tip in corners:
            away = math.atan2(tip[1] - self.centre[1], tip[0] - self.centre[0])
            for reach in (90.0, 160.0, 240.0):
                reach += (box[2] - box[0]) / 2
                at = (tip[0] + reach * math.cos(away), tip[1] + reach * math.sin(away))
                if self.space.empty_along(tip, at) and self.space.free(np.array([at]), box, _MARGIN)[0]:
                    self._draw(sign, at, tip, style)
                    return True
        return False


def _point(row: Floats) -> Point:
    return float(row[0]), float(row[1])


def _middle(box: Box) -> Point:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _leave(box: Box, toward: Point, gap: float) -> Point:
    """Where the straight way from the box's middle to ``toward`` leaves the box, a gap further on."""
    cx, cy = _middle(box)
    dx, dy = toward[0] - cx, toward[1] - cy
    half_w, half_h = (box[2] - box[0]) / 2 + gap, (box[3] - box[1]) / 2 + gap
    share = min(half_w / abs(dx) if dx else math.inf, half_h / abs(dy) if dy else math.inf, 1.0)
    return cx + dx * share, cy + dy * share
