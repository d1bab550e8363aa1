"""From a box on a sheet to an upright crop, and from what was read there back to a place on the sheet.

A *turn* is the angle in degrees clockwise by which text stands turned: 0 reads left to right, 90 top to
bottom, 270 bottom to top. A *box* is x0, y0, x1, y1 in sheet pixels, right and bottom edges exclusive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.engines import Sheet

TURNS = (0, 90, 270)

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Crop:
    """A box on one of the batch's sheets, to be read at one turn."""

    sheet: int
    box: Box
    turn: int


def clip(box: Sequence[float], height_px: int, width_px: int, margin_px: int = 0) -> Box | None:
    """The box grown by a margin and cut to the sheet; None when nothing of it lies inside."""
    x0 = max(0, int(np.floor(box[0])) - margin_px)
    y0 = max(0, int(np.floor(box[1])) - margin_px)
    x1 = min(width_px, int(np.ceil(box[2])) + margin_px)
    y1 = min(height_px, int(np.ceil(box[3])) + margin_px)
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def upright(sheet: Sheet, box: Box, turn: int) -> Sheet:
    """The box's pixels, turned back so that its text reads left to right."""
    x0, y0, x1, y1 = box
    return np.rot90(sheet[y0:y1, x0:x1], turn // 90)


def polygon(box: Box, turn: int) -> NDArray[np.float32]:
    """The box's corners clockwise from the one where text at this turn begins."""
    x0, y0, x1, y1 = box
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32)
    return np.roll(corners, -(turn // 90), axis=0)


def bounding_box(points: NDArray[np.float32]) -> Box:
    """The upright box around a polygon."""
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def by_width(widths_px: Iterable[int], step_px: int, pixels: int) -> list[list[int]]:
    """Indices grouped so that a group's widths fall in one step and its padded pixels stay in bounds.

    Padding every crop of a batch to the widest wastes most of a recogniser's work; steps keep it narrow.
    """
    buckets: dict[int, list[int]] = {}
    for index, width in enumerate(widths_px):
        buckets.setdefault(-(-width // step_px), []).append(index)
    groups = []
    for steps, indices in sorted(buckets.items()):
        size = max(1, pixels // max(1, steps * step_px))
        groups += [indices[at : at + size] for at in range(0, len(indices), size)]
    return groups
