"""From a box on a sheet to an upright crop, and back to a place on the sheet.

A *turn* is the angle in degrees clockwise by which text stands turned: 0 reads left to right, 90 top to
bottom, 270 bottom to top. A *box* is x0, y0, x1, y1 in pixels, right and bottom edges exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.pixels import Sheet

Box = tuple[int, int, int, int]


def clip(box: Sequence[float], height_px: int, width_px: int, margin_px: int = 0) -> Box | None:
    """The box grown by a margin and cut to the sheet; None when nothing of it lies inside."""
    x0 = max(0, int(np.floor(box[0])) - margin_px)
    y0 = max(0, int(np.floor(box[1])) - margin_px)
    x1 = min(width_px, int(np.ceil(box[2])) + margin_px)
    y1 = min(height_px, int(np.ceil(box[3])) + margin_px)
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def upright(pixels: Sheet, turn: int) -> Sheet:
    """Pixels turned back so that text standing at this turn reads left to right."""
    return np.rot90(pixels, turn // 90)


def polygon(box: Sequence[float], turn: int) -> NDArray[np.float32]:
    """The box's corners clockwise from the one where text at this turn begins."""
    x0, y0, x1, y1 = box
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32)
    return np.roll(corners, -(turn // 90), axis=0)


def part(box: Box, turn: int, start: float, stop: float) -> tuple[float, float, float, float]:
    """The piece of a box between two shares of its length along the reading direction."""
    x0, y0, x1, y1 = box
    if turn == 0:
        return x0 + start * (x1 - x0), y0, x0 + stop * (x1 - x0), y1
    if turn == 90:
        return x0, y0 + start * (y1 - y0), x1, y0 + stop * (y1 - y0)
    if turn == 180:
        return x1 - stop * (x1 - x0), y0, x1 - start * (x1 - x0), y1
    return x0, y1 - stop * (y1 - y0), x1, y1 - start * (y1 - y0)


def turned_back(box: Sequence[float], turn: int, height_px: int, width_px: int) -> tuple[float, float, float, float]:
    """A box on ``upright(sheet, turn)`` as a box on the sheet, whose size is given."""
    x0, y0, x1, y1 = box
    if turn == 90:
        return width_px - y1, x0, width_px - y0, x1
    if turn == 180:
        return width_px - x1, height_px - y1, width_px - x0, height_px - y0
    if turn == 270:
        return y0, height_px - x1, y1, height_px - x0
    return x0, y0, x1, y1


#: Height in pixels of a usual sheet's lettering: 3.2 mm at 300 dpi. A sheet's own may change its scale so far.
_USUAL_HEIGHT_PX, _LEAST, _MOST = 38.0, 0.7, 1.6


def reduced_size(shape: Sequence[int], scale: float, height_px: float, stride: int) -> tuple[int, int]:
    """Height and width, multiples of ``stride``, to which a detector's input is reduced.

    At ``scale`` for a usual sheet; by as much more or less as the sheet's lettering (0: unknown) is smaller or larger.
    """
    relative = _USUAL_HEIGHT_PX / height_px if height_px else 1.0
    fitting = min(1.0, scale * min(_MOST, max(_LEAST, relative)))
    height, width = (max(stride, round(side * fitting / stride) * stride) for side in shape)
    return height, width


def by_width(widths_px: Sequence[int], step_px: int, pixels: int) -> list[tuple[list[int], int]]:
    """Indices grouped by width, and each group's padded width: a multiple of ``step_px``.

    A group's padded widths add up to at most ``pixels``. Padding every crop of a batch to the widest wastes most of
    a recogniser's work; steps keep it narrow. A group has 1, 2, 4, 8 … crops: an engine that prepares for each shape
    of input meets few of them.
    """
    buckets: dict[int, list[int]] = {}
    for index, width in enumerate(widths_px):
        buckets.setdefault(max(1, -(-width // step_px)) * step_px, []).append(index)
    groups = []
    for width, indices in sorted(buckets.items()):
        at, most = 0, max(1, pixels // width)
        while left := len(indices) - at:
            size = 1 << min(most, left).bit_length() - 1
            groups.append((indices[at : at + size], width))
            at += size
    return groups
