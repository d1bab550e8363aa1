"""Splitting a sheet's drawing into its figures by white space and labels.

Ink is reduced to blobs, without the labels, the sheet's page number and stray marks. White stripes across
the whole drawing cut it in two, recursively (the XY-cut of Nagy and Seth 1984), until there are as many
parts as figures; of the cuts that yield that many, the best has wide stripes and a label at the same side
of every part. Where no stripes do, blobs join in the order of the white space between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pipeline.figures.blobs import Blobs, around, extent, find_blobs, gaps, nearest_groups
from pipeline.pixels import Sheet

Box = tuple[int, int, int, int]

#: A part smaller than this share of the other is no figure of its own.
_SUBSTANTIAL = 0.12
_NARROWEST_STRIPE_PX = 24
#: Stripes tried at each cut, and divisions kept: a sheet has a handful of figures.
_STRIPES, _DIVISIONS = 6, 12
#: Wider white space than this says nothing more.
_WIDE_PX = 250
_MOST_FIGURES = 12


def split(sheet: Sheet, labels: Sequence[Box | None], margin_px: int, furniture: Sequence[Box] = ()) -> list[Box]:
    """One box per label, in their order, inside the sheet; labels without a place take what is left over.

    A box holds a figure's drawing, not its label. ``furniture``: page numbers and headings to leave out. A
    sheet without ink gives the whole sheet.
    """
    height, width = sheet.shape
    blobs = find_blobs(sheet, [*(box for box in labels if box), *furniture])
    if not len(blobs):
        return [(0, 0, width, height)] * len(labels)
    boxes, places = _best(_divisions(blobs, len(labels)), labels)
    return [
        (
            max(0, int(x0) - margin_px), max(0, int(y0) - margin_px),
            min(width, int(x1) + margin_px), min(height, int(y1) + margin_px),
        )
        for x0, y0, x1, y1 in boxes[places].tolist()
    ]  # fmt: skip


#: A division of the blobs into parts, and the white space in pixels that speaks for it.
_Division = tuple[float, list[Blobs]]


def _divisions(blobs: Blobs, parts: int) -> list[_Division]:
    """Ways to divide the blobs into so many parts, the widest stripes first; never empty."""
    if parts == 1:
        return [(0.0, [blobs])]
    cuts = _cut(blobs, min(parts, _MOST_FIGURES))
    return cuts or [(0.0, nearest_groups(blobs, parts, _SUBSTANTIAL))]


def _cut(blobs: Blobs, parts: int) -> list[_Division]:
    if parts == 1:
        return [(0.0, [blobs])]
    found: list[_Division] = []
    for stripe, one, other in _stripes(blobs):
        for first in range(1, parts):
            for (a, left), (b, right) in product(_cut(one, first), _cut(other, parts - first)):
                found.append((min(stripe, _WIDE_PX) + a + b, [*left, *right]))
    found.sort(key=lambda division: -division[0])
    return found[:_DIVISIONS]


def _stripes(blobs: Blobs) -> list[tuple[float, Blobs, Blobs]]:
    """White stripes across all blobs that part substantial drawings: width in pixels and the two sides."""
    found: list[tuple[float, Blobs, Blobs]] = []
    for axis in (0, 1):
        order = blobs[np.argsort(blobs[:, axis], kind="stable")]
        reached = np.maximum.accumulate(order[:, axis + 2])
        white = order[1:, axis] - reached[:-1]
        for index in np.flatnonzero(white >= _NARROWEST_STRIPE_PX):
            one, other = order[: index + 1], order[index + 1 :]
            small, large = sorted((extent(one), extent(other)))
            if small >= _SUBSTANTIAL * large:
                found.append((float(white[index]), one, other))
    found.sort(key=lambda stripe: -stripe[0])
    return found[:_STRIPES]


def _best(divisions: Sequence[_Division], labels: Sequence[Box | None]) -> tuple[NDArray[np.int64], list[int]]:
    """The boxes of the best division, and for each label the index of its box."""
    best: tuple[float, NDArray[np.int64], list[int]] | None = None
    for white, parts in divisions:
        boxes = np.array([around(part) for part in parts])
        cost, places = assign(boxes, labels)
        if best is None or cost - white < best[0]:
            best = (cost - white, boxes, places)
    assert best is not None  # noqa: S101 - there is always a division
    return best[1], best[2]


def assign(boxes: NDArray[np.int64], labels: Sequence[Box | None]) -> tuple[float, list[int]]:
    """How ill the labels fit the boxes, in pixels, and for each label the index of its box.

    All labels stand at the same side of their figures. A box serves two labels only when there are too few.
    """
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    best: tuple[float, list[int]] = (np.inf, [0] * len(labels))
    for side in range(4):
        cost = np.tile(np.stack([_cost(label, boxes, side) for label in labels]), (1, -(-len(labels) // len(boxes))))
        rows, columns = linear_sum_assignment(cost)
        total = float(cost[rows, columns].sum())
        if total < best[0]:
            best = (total, [int(column) % len(boxes) for column in columns])
    return best


def _cost(label: Box | None, boxes: NDArray[np.int64], side: int) -> NDArray[np.float64]:
    """How ill a label fits each box when labels stand below (0), above (1), right (2) or left (3) of it."""
    if label is None:
        return np.zeros(len(boxes))
    middle_x, middle_y = (label[0] + label[2]) / 2, (label[1] + label[3]) / 2
    beyond = (
        boxes[:, 3] - middle_y, middle_y - boxes[:, 1], boxes[:, 2] - middle_x, middle_x - boxes[:, 0],
    )[side]  # fmt: skip
    off_x, off_y = middle_x - (boxes[:, 0] + boxes[:, 2]) / 2, middle_y - (boxes[:, 1] + boxes[:, 3]) / 2
    cost: NDArray[np.float64] = (
        gaps(np.asarray(label), boxes) + np.maximum(0, beyond) + 0.1 * np.abs(off_x if side < 2 else off_y)
    )
    return cost
