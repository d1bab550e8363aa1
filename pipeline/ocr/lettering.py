"""How large the lettering of a sheet is, which way its lines run and where some stand, from its ink alone.

Characters of one line stand side by side, alike in height and on one base line; pieces of a drawing seldom do.
Such pairs across the sheet and along it tell all three in a millisecond, before any network runs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.ink import Ink

#: Sizes in pixels that a pair's characters may have, and how thin one of them may be (a 1, an l).
_SMALLEST_PX, _LARGEST_PX, _THINNEST_PX = 9, 90, 3
#: Shares of a pair's height: how far their edges may be apart, how much they may overlap, how wide they may stand,
#: how wide a character may be, and how wide at least one of the two must be (hatching is thinner).
_ALIKE, _OVERLAP, _APART, _WIDEST, _BROAD = 0.15, 0.1, 0.5, 1.2, 0.35
#: A filled box is no character.
_FILLED = 0.8
_NEIGHBOURS = 6
#: Components looked at; a sheet with more is full of dots, and a sample tells as much.
_MOST = 20_000
#: So many pairs tell the height.
_FEWEST = 4
#: Two pieces of a drawing may stand like two characters, three hardly ever.
_ROW = 3


class Lettering(NamedTuple):
    """``height_px``: usual height of the characters, 0 where nothing is clear. ``leaning``: more seem to stand in lines
    along the sheet than across it; where little is written, springs and threads seem so, too."""

    height_px: float
    leaning: bool


def find_lettering(ink: Ink) -> Lettering:
    """Size and direction of the sheet's lettering."""
    boxes = ink.boxes[_characters(ink)].astype(np.float64)
    across, along = (_heights(boxes, _pairs(boxes, axis), axis) for axis in (0, 1))
    leaning = len(along) > len(across) and len(along) > 1
    heights = along if leaning else across
    return Lettering(float(np.median(heights)) if len(heights) >= _FEWEST else 0.0, leaning)


def find_rows(ink: Ink) -> NDArray[np.int64]:
    """N x 4 boxes of rows of three and more characters, across the sheet and along it."""
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    boxes = ink.boxes[_characters(ink)]
    rows = [np.zeros((0, 4), np.int64)]
    for axis in (0, 1):
        one, other = _pairs(boxes.astype(np.float64), axis)
        joined = coo_matrix((np.ones(len(one)), (one, other)), shape=(len(boxes), len(boxes)))
        _, names = connected_components(joined, directed=False)
        for name in np.flatnonzero(np.bincount(names) >= _ROW):
            members = boxes[names == name]
            rows.append(np.concatenate([members[:, :2].min(axis=0), members[:, 2:].max(axis=0)])[None])
    return np.concatenate(rows).astype(np.int64)


def _characters(ink: Ink) -> NDArray[np.intp]:
    longer, shorter = np.maximum(ink.width, ink.height), np.minimum(ink.width, ink.height)
    sized = (longer >= _SMALLEST_PX) & (longer <= _LARGEST_PX) & (shorter >= _THINNEST_PX)
    return np.flatnonzero(sized & (ink.area <= _FILLED * ink.width * ink.height + _LARGEST_PX))[:_MOST]


def _pairs(boxes: NDArray[np.float64], axis: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of boxes, and of those that follow them in a line along ``axis`` (0 across the sheet)."""
    from scipy.spatial import cKDTree  # type: ignore[import-untyped]

    count = min(_NEIGHBOURS, len(boxes) - 1)
    if count < 1:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    _, nearest = cKDTree(centres).query(centres, count + 1)
    first, second = np.repeat(np.arange(len(boxes)), count), nearest[:, 1:].ravel()
    one, other = boxes[first], boxes[second]
    low, high = 1 - axis, 3 - axis
    height = np.maximum(one[:, high] - one[:, low], other[:, high] - other[:, low])
    width = np.maximum(one[:, axis + 2] - one[:, axis], other[:, axis + 2] - other[:, axis])
    gap = other[:, axis] - one[:, axis + 2]
    level = np.maximum(np.abs(one[:, low] - other[:, low]), np.abs(one[:, high] - other[:, high])) < _ALIKE * height
    near = (gap > -_OVERLAP * height) & (gap < _APART * height)
    found = level & near & (width < _WIDEST * height) & (width > _BROAD * height)
    return first[found], second[found]


def _heights(
    boxes: NDArray[np.float64], pairs: tuple[NDArray[np.intp], NDArray[np.intp]], axis: int
) -> NDArray[np.float64]:
    one, other = boxes[pairs[0]], boxes[pairs[1]]
    low, high = 1 - axis, 3 - axis
    heights: NDArray[np.float64] = np.maximum(one[:, high] - one[:, low], other[:, high] - other[:, low])
    return heights
