"""Splitting a sheet's drawing into its figures by white space and labels.

Ink is reduced to blobs; blobs join in the order of the white space between them (Kruskal's minimum
spanning tree) until as many substantial groups are left as the sheet has figures; the labels are then
assigned to the groups on the side of them where labels stand throughout the sheet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.pixels import Sheet

Box = tuple[int, int, int, int]

_CELL_PX = 8  # ink is looked at in cells of this size
#: A group smaller than this share of the largest one's extent is a stray mark, not a figure.
_SUBSTANTIAL = 0.12
_INK_BELOW = 128
#: Gaps tried as cuts; a sheet has a handful of figures, the rest of the gaps lie within them.
_MOST_CUTS = 200


def split(sheet: Sheet, labels: Sequence[Box | None], margin_px: int) -> list[Box]:
    """One box per label, in their order, inside the sheet; labels without a place take what is left over.

    With one label the box holds all ink; a sheet without ink gives the whole sheet.
    """
    blobs = _blobs(sheet, [box for box in labels if box])
    if not len(blobs):
        return [_whole(sheet)] * len(labels)
    groups = _groups(blobs, len(labels)) if len(labels) > 1 else [blobs]
    boxes = np.array([_around(group) for group in groups])
    places = _assign(boxes, labels)
    height, width = sheet.shape
    result: list[Box] = []
    for label, place in zip(labels, places, strict=True):
        x0, y0, x1, y1 = boxes[place]
        if label:
            x0, y0, x1, y1 = min(x0, label[0]), min(y0, label[1]), max(x1, label[2]), max(y1, label[3])
        result.append((
            max(0, int(x0) - margin_px), max(0, int(y0) - margin_px),
            min(width, int(x1) + margin_px), min(height, int(y1) + margin_px),
        ))  # fmt: skip
    return result


def _whole(sheet: Sheet) -> Box:
    return (0, 0, sheet.shape[1], sheet.shape[0])


def _blobs(sheet: Sheet, labels: Sequence[Box]) -> NDArray[np.int64]:
    """N x 4 boxes of connected ink, labels left out; gaps of less than a cell count as connected."""
    import cv2

    ink = (sheet < _INK_BELOW).astype(np.uint8)
    for x0, y0, x1, y1 in labels:
        ink[y0:y1, x0:x1] = 0
    height, width = ink.shape
    padded = np.pad(ink, ((0, -height % _CELL_PX), (0, -width % _CELL_PX)))
    cells = padded.reshape(padded.shape[0] // _CELL_PX, _CELL_PX, -1, _CELL_PX).max(axis=(1, 3))
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(cells), connectivity=8)
    x, y, w, h = (stats[1:, column].astype(np.int64) * _CELL_PX for column in range(4))
    return np.stack([x, y, np.minimum(x + w, width), np.minimum(y + h, height)], axis=1)


def _around(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _extent(boxes: NDArray[np.int64]) -> float:
    x0, y0, x1, y1 = _around(boxes)
    return float(np.hypot(x1 - x0, y1 - y0))


def gaps(one: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """White space in pixels between a box and each of N boxes; 0 where they overlap."""
    across = np.maximum(0, np.maximum(others[:, 0] - one[2], one[0] - others[:, 2]))
    down = np.maximum(0, np.maximum(others[:, 1] - one[3], one[1] - others[:, 3]))
    white: NDArray[np.float64] = np.hypot(across, down)
    return white


def _groups(blobs: NDArray[np.int64], wanted: int) -> list[NDArray[np.int64]]:
    """Cut the spanning tree's widest gaps until ``wanted`` substantial groups stand apart.

    Where no cut yields that many, the most that any does. Stray marks join the nearest group.
    """
    edges = sorted(_spanning_tree(blobs), key=lambda edge: -edge[0])
    best: list[list[int]] = [list(range(len(blobs)))]
    strays: list[list[int]] = []
    for cuts in range(1, min(len(edges), _MOST_CUTS) + 1):
        components = _components(len(blobs), edges[cuts:])
        extents = [_extent(blobs[members]) for members in components]
        least = _SUBSTANTIAL * max(extents)
        substantial = [members for members, extent in zip(components, extents, strict=True) if extent >= least]
        if len(substantial) > len(best):
            best = substantial
            strays = [members for members in components if members not in substantial]
        if len(best) >= wanted:
            break
    around = np.array([_around(blobs[members]) for members in best])
    for members in strays:
        best[int(gaps(_around(blobs[members]), around).argmin())] += members
    return [blobs[members] for members in best]


def _spanning_tree(blobs: NDArray[np.int64]) -> list[tuple[float, int, int]]:
    """Prim's algorithm over the gaps between boxes: (gap, blob, blob)."""
    nearest = gaps(blobs[0], blobs)
    parent = np.zeros(len(blobs), dtype=np.int64)
    outside = np.ones(len(blobs), dtype=bool)
    outside[0] = False
    edges = []
    for _ in range(len(blobs) - 1):
        index = int(np.where(outside, nearest, np.inf).argmin())
        edges.append((float(nearest[index]), int(parent[index]), index))
        outside[index] = False
        distance = gaps(blobs[index], blobs)
        closer = outside & (distance < nearest)
        nearest[closer], parent[closer] = distance[closer], index
    return edges


def _components(count: int, edges: Sequence[tuple[float, int, int]]) -> list[list[int]]:
    root = list(range(count))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for _, a, b in edges:
        root[find(a)] = find(b)
    members: dict[int, list[int]] = {}
    for i in range(count):
        members.setdefault(find(i), []).append(i)
    return list(members.values())


def _assign(boxes: NDArray[np.int64], labels: Sequence[Box | None]) -> list[int]:
    """For each label the index of its box; a box may serve two labels only when there are too few."""
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    if len(boxes) == 1:
        return [0] * len(labels)
    best: tuple[float, list[int]] = (np.inf, [])
    for side in range(4):
        cost = np.stack([_cost(label, boxes, side) for label in labels])
        cost = np.tile(cost, (1, -(-len(labels) // len(boxes))))
        rows, columns = linear_sum_assignment(cost)
        total = float(cost[rows, columns].sum())
        if total < best[0]:
            best = (total, [int(column) % len(boxes) for column in columns])
    return best[1]


def _cost(label: Box | None, boxes: NDArray[np.int64], side: int) -> NDArray[np.float64]:
    """How ill a label fits each box when labels stand below (0), above (1), right (2) or left (3) of it."""
    if label is None:
        return np.zeros(len(boxes))
    gap = gaps(np.asarray(label), boxes)
    middle_x, middle_y = (label[0] + label[2]) / 2, (label[1] + label[3]) / 2
    beyond = (
        boxes[:, 3] - middle_y, middle_y - boxes[:, 1], boxes[:, 2] - middle_x, middle_x - boxes[:, 0],
    )[side]  # fmt: skip
    centre = np.where(
        side < 2, np.abs(middle_x - (boxes[:, 0] + boxes[:, 2]) / 2), np.abs(middle_y - (boxes[:, 1] + boxes[:, 3]) / 2)
    )
    cost: NDArray[np.float64] = gap + np.maximum(0, beyond) + 0.1 * centre
    return cost
