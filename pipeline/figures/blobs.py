"""Connected ink as boxes, what lies apart as a stray mark, and grouping by nearness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.pixels import Sheet
from pipeline.screens import without_screens

Box = tuple[int, int, int, int]
#: N x 4, x0 y0 x1 y1 in sheet pixels.
Blobs = NDArray[np.int64]

_CELL_PX = 8  # gaps of less than a cell count as connected
_INK_BELOW = 128
_DUST_PX = 12  # a mark no larger than this is no line of a drawing
#: A mark this much smaller than the whole, and this far from all else, is a stray one.
_STRAY_SIZE, _STRAY_GAP, _STRAY_GAP_PX = 0.06, 0.1, 100
#: Gaps tried as cuts; the rest of the gaps lie within figures.
_MOST_CUTS = 200


def find_blobs(sheet: Sheet, leave_out: Sequence[Box]) -> Blobs:
    """Boxes of connected ink outside the boxes to leave out, without stray marks."""
    import cv2

    cleaned = without_screens(sheet)  # the dots of a grey ground would join everything
    ink = ((sheet if cleaned is None else cleaned) < _INK_BELOW).astype(np.uint8)
    for x0, y0, x1, y1 in leave_out:
        ink[max(0, y0) : y1, max(0, x0) : x1] = 0
    height, width = ink.shape
    padded = np.pad(ink, ((0, -height % _CELL_PX), (0, -width % _CELL_PX)))
    cells = padded.reshape(padded.shape[0] // _CELL_PX, _CELL_PX, -1, _CELL_PX).max(axis=(1, 3))
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(cells), connectivity=8)
    x, y, w, h = (stats[1:, column].astype(np.int64) * _CELL_PX for column in range(4))
    blobs = np.stack([x, y, np.minimum(x + w, width), np.minimum(y + h, height)], axis=1)
    return _without_strays(blobs) if len(blobs) else blobs


def _without_strays(blobs: Blobs) -> Blobs:
    """Blobs without dust, and without small marks that stand far from every large one."""
    drawn = blobs[_longer(blobs) > 2 * _DUST_PX]
    if not len(drawn):
        return blobs
    large = drawn[_longer(drawn) > _STRAY_SIZE * extent(drawn)]
    if not len(large):
        return drawn
    far = max(_STRAY_GAP_PX, _STRAY_GAP * extent(large))
    return drawn[[bool((gaps(blob, large) <= far).any()) for blob in drawn]]


def _longer(blobs: Blobs) -> NDArray[np.int64]:
    sides: NDArray[np.int64] = (blobs[:, 2:] - blobs[:, :2]).max(axis=1)
    return sides


def around(blobs: Blobs) -> NDArray[np.int64]:
    """The box around all blobs."""
    return np.concatenate([blobs[:, :2].min(axis=0), blobs[:, 2:].max(axis=0)])


def extent(blobs: Blobs) -> float:
    """Diagonal in pixels of the box around all blobs."""
    x0, y0, x1, y1 = around(blobs)
    return float(np.hypot(x1 - x0, y1 - y0))


def gaps(one: NDArray[np.int64], others: Blobs) -> NDArray[np.float64]:
    """White space in pixels between a box and each of N boxes; 0 where they overlap."""
    across = np.maximum(0, np.maximum(others[:, 0] - one[2], one[0] - others[:, 2]))
    down = np.maximum(0, np.maximum(others[:, 1] - one[3], one[1] - others[:, 3]))
    white: NDArray[np.float64] = np.hypot(across, down)
    return white


def nearest_groups(blobs: Blobs, wanted: int, substantial: float) -> list[Blobs]:
    """Cut the spanning tree's widest gaps until ``wanted`` substantial groups stand apart.

    Where no cut yields that many, the most that any does. Lesser groups join the nearest.
    """
    edges = sorted(_spanning_tree(blobs), key=lambda edge: -edge[0])
    best: list[list[int]] = [list(range(len(blobs)))]
    lesser: list[list[int]] = []
    for cuts in range(1, min(len(edges), _MOST_CUTS) + 1):
        components = _components(len(blobs), edges[cuts:])
        extents = [extent(blobs[members]) for members in components]
        groups = [c for c, e in zip(components, extents, strict=True) if e >= substantial * max(extents)]
        if len(groups) > len(best):
            best, lesser = groups, [c for c in components if c not in groups]
        if len(best) >= wanted:
            break
    boxes = np.array([around(blobs[members]) for members in best])
    for members in lesser:
        best[int(gaps(around(blobs[members]), boxes).argmin())] += members
    return [blobs[members] for members in best]


def _spanning_tree(blobs: Blobs) -> list[tuple[float, int, int]]:
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
