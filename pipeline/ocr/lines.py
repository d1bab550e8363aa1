"""From places where a detector sees text to lines of characters, each cut out clean.

A detector on a reduced sheet says roughly where text is; the components of ink say exactly which pixels are
its characters. Together they give tight boxes, the direction of the line, and crops without the leader
lines and frames that touch a numeral's box but not the numeral.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.crops import Box
from pipeline.ocr.engines import Patch
from pipeline.ocr.ink import Ink
from pipeline.ocr.lettering import find_rows
from pipeline.pixels import Sheet

#: Shares of the height of the letters.
_WITHIN_WORD = 0.45  # fragments closer than this belong together
_MARGIN = 0.13  # white space around a crop
_REACH = 0.6  # how far beyond the last letter a prime or dot may stand
_SMALL = 0.55  # primes, dots and accents are smaller than this
#: A component this many times longer than wide is a stroke: a 1, a dash, an underline.
_STROKE = 2.5
_THIN = 0.35  # a stroke is thinner than this share of the letters' height
_LONG = 2.2  # a patch this many times longer than wide is a line along it, whatever its ink
_COVERED = 0.8  # share of the text's certain extent that separate characters must account for
_ALONE = 0.05  # unless they account for all but this share of the ink there: a 1 is thinner than its place


@dataclass(frozen=True)
class Line:
    """A line of characters, cut out of its page.

    ``axis``: 0 across the page, 1 along it, None when a single character says nothing. ``box``: tight around the
    line's ink. ``crop``: its pixels (uint8, 0 ink) as they stand on the page. ``clean``: the crop holds the line's own
    ink only; then ``starts`` and ``ends`` are its components' extents along the axis as shares of the crop, in
    order, and ``heights`` their pixels across it. ``size``: height of the letters in pixels.
    """

    axis: int | None
    box: Box
    crop: Sheet
    clean: bool
    size: float
    glyphs: int
    starts: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()
    heights: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Trace:
    """A line on its way: its components, and the box that is to be cut out."""

    patch: Patch
    glyphs: tuple[int, ...]
    axis: int | None
    size: float
    box: Box
    crop: Box
    clean: bool


def find_lines(sheet: Sheet, ink: Ink, patches: Sequence[Patch]) -> list[Line]:
    """One line per patch, fragments of one line joined."""
    glyph = np.flatnonzero(ink.glyphs())
    centres = (ink.boxes[glyph, :2] + ink.boxes[glyph, 2:]) / 2.0
    traces = [_trace(ink, patch, glyph[_inside(centres, patch.box)]) for patch in patches]
    return [_cut(sheet, ink, _with_crop(ink, trace)) for trace in _join(traces, ink)]


def completed(patches: Sequence[Patch], ink: Ink) -> list[Patch]:
    """The patches, and rows of characters that the detector missed: very large and very small lettering escapes it.

    What it saw of such a row, corners of its letters, gives way to the row."""
    boxes = np.array([patch.box for patch in patches]).reshape(-1, 4)
    cores = np.array([patch.core for patch in patches]).reshape(-1, 4)
    kept = np.ones(len(patches), dtype=np.bool_)
    found = []
    for row in find_rows(ink):
        middle = (row[:2] + row[2:]) / 2
        if not ((boxes[:, :2] <= middle) & (middle < boxes[:, 2:])).all(axis=1).any():
            x0, y0, x1, y1 = row.tolist()
            found.append(Patch((x0 - 1, y0 - 1, x1 + 1, y1 + 1), (x0, y0, x1, y1)))
            kept &= ~((cores[:, :2] >= row[:2]) & (cores[:, 2:] <= row[2:])).all(axis=1)
    return [patch for patch, stays in zip(patches, kept, strict=True) if stays] + found


def _cut(sheet: Sheet, ink: Ink, trace: _Trace) -> Line:
    """The line's pixels, 255 where another component's ink was; all of the sheet's where it is not clean."""
    x0, y0, x1, y1 = trace.crop
    pixels = sheet[y0:y1, x0:x1]
    count = len(trace.glyphs)
    if not trace.clean:
        return Line(trace.axis, trace.box, pixels.copy(), False, trace.size, count)
    own = np.isin(ink.labels[y0:y1, x0:x1], [i + 1 for i in trace.glyphs])
    along = 1 if trace.axis == 1 else 0
    boxes = ink.boxes[list(trace.glyphs)]
    boxes = boxes[np.argsort(boxes[:, along], kind="stable")]
    low, length = trace.crop[along], trace.crop[along + 2] - trace.crop[along]
    return Line(
        trace.axis, trace.box, np.where(own, 0, 255).astype(np.uint8), True, trace.size, count,
        starts=tuple(((boxes[:, along] - low) / length).tolist()),
        ends=tuple(((boxes[:, along + 2] - low) / length).tolist()),
        heights=tuple((boxes[:, 3 - along] - boxes[:, 1 - along]).tolist()),
    )  # fmt: skip


def _inside(points: NDArray[np.float64], box: Box) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = box
    x, y = points[:, 0], points[:, 1]
    inside: NDArray[np.bool_] = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    return inside


def _trace(ink: Ink, patch: Patch, inside: NDArray[np.int64]) -> _Trace:
    """The patch's characters; long strokes along the line are underlines and leader lines."""
    x0, y0, x1, y1 = patch.box
    across, along = x1 - x0, y1 - y0
    width, height = ink.width[inside], ink.height[inside]
    fits = (width <= 1.15 * across + 4) & (height <= 1.15 * along + 4)
    inside, width, height = inside[fits], width[fits], height[fits]
    axis = 0 if across > _LONG * along else 1 if along > _LONG * across else None
    if not len(inside):
        return _Trace(patch, (), axis, 0.7 * min(across, along), patch.box, patch.box, False)
    longer, shorter = np.maximum(width, height), np.minimum(width, height)
    compact = longer <= _STROKE * shorter
    letters = compact if compact.any() else np.ones_like(compact)
    letters = letters & (longer >= _SMALL * longer[letters].max())
    if letters.sum() > 1:
        middle = (ink.boxes[inside, :2] + ink.boxes[inside, 2:])[letters] / 2.0
        axis = 0 if np.ptp(middle[:, 0]) >= np.ptp(middle[:, 1]) else 1
    size = (
        float(np.median((width if axis == 1 else height)[letters]))
        if axis is not None
        else float(longer[letters].max())
    )
    stroke = (height > _STROKE * width) if axis == 1 else (width > _STROKE * height)
    keep = letters | ~stroke | (longer < size) | (shorter > _THIN * size)  # letters that touch are no stroke
    return _Trace(patch, tuple(int(i) for i in inside[keep]), axis, size, patch.box, patch.box, False)


def _join(lines: list[_Trace], ink: Ink) -> list[_Trace]:
    """Join neighbouring lines that a detector left apart: turned words come in pieces."""
    whole = [line for line in lines if line.glyphs]
    extents = np.array([_extent(ink, line.glyphs) for line in whole]).reshape(-1, 4)
    root = list(range(len(whole)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for axis in (0, 1):
        order = np.argsort(extents[:, axis]).tolist()
        for position, i in enumerate(order):
            reach = extents[i, axis + 2] + _WITHIN_WORD * whole[i].size * 1.4
            for j in order[position + 1 :]:
                if extents[j, axis] > reach:
                    break
                if find(i) != find(j) and _neighbours(whole[i], whole[j], extents[i], extents[j], axis):
                    root[find(j)] = find(i)
    groups: dict[int, list[_Trace]] = {}
    for i, line in enumerate(whole):
        groups.setdefault(find(i), []).append(line)
    return [line for line in lines if not line.glyphs] + [_joined(group) for group in groups.values()]


def _neighbours(one: _Trace, other: _Trace, a: NDArray[np.int64], b: NDArray[np.int64], axis: int) -> bool:
    """True when ``other`` continues ``one`` along an axis that at least one of them is known to have."""
    if 1 - axis in (one.axis, other.axis) or one.axis is other.axis is None:
        return False
    small, large = sorted((one.size, other.size))
    gap = b[axis] - a[axis + 2]
    shared = min(a[3 - axis], b[3 - axis]) - max(a[1 - axis], b[1 - axis])
    return large <= 1.35 * small and -0.3 * small < gap < _WITHIN_WORD * small and shared > 0.7 * small


def _joined(group: Sequence[_Trace]) -> _Trace:
    if len(group) == 1:
        return group[0]
    axis = next(line.axis for line in group if line.axis is not None)
    patch = Patch(_around(line.patch.box for line in group), _around(line.patch.core for line in group))
    glyphs = tuple(sorted({glyph for line in group for glyph in line.glyphs}))
    return _Trace(patch, glyphs, axis, float(np.median([line.size for line in group])), patch.box, patch.box, False)


def _around(boxes: Iterable[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _extent(ink: Ink, glyphs: Sequence[int]) -> NDArray[np.int64]:
    boxes = ink.boxes[list(glyphs)]
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)]).astype(np.int64)


def _with_crop(ink: Ink, line: _Trace) -> _Trace:
    """Settle what is read: the line's own ink where its characters stand free, else all ink of the patch.

    A character that touches a line of the drawing is part of a large component and missing among the
    glyphs; then the glyphs do not account for all of the patch's core.
    """
    height, width = ink.labels.shape
    if not line.glyphs:
        return line
    along = 1 if line.axis == 1 else 0
    extent, core = _extent(ink, line.glyphs), line.patch.core
    covered = min(extent[along + 2], core[along + 2]) - max(extent[along], core[along])
    if covered < _COVERED * (core[along + 2] - core[along]) and _foreign(ink, line) > _ALONE:
        return line
    glyphs = tuple(sorted({*line.glyphs, *_marks(ink, extent, line.size, along)}))
    x0, y0, x1, y1 = (int(v) for v in _extent(ink, glyphs))
    margin = max(2, round(_MARGIN * line.size))
    crop = (max(0, x0 - margin), max(0, y0 - margin), min(width, x1 + margin), min(height, y1 + margin))
    return replace(line, glyphs=glyphs, box=(x0, y0, x1, y1), crop=crop, clean=True)


def _foreign(ink: Ink, line: _Trace) -> float:
    """Share of the ink in the patch's core that belongs to other components than the line's characters."""
    x0, y0, x1, y1 = line.patch.core
    found = ink.labels[y0:y1, x0:x1]
    found = found[found > 0]
    return 1.0 - float(np.isin(found, [i + 1 for i in line.glyphs]).mean()) if found.size else 1.0


def _marks(ink: Ink, extent: NDArray[np.int64], size: float, along: int) -> list[int]:
    """Primes, dots and accents around a line."""
    reach = np.array([0.25, 0.25]) * size
    reach[along] = _REACH * size
    low, high = extent[:2] - reach, extent[2:] + reach
    boxes = ink.boxes
    near = (boxes[:, :2] >= low).all(axis=1) & (boxes[:, 2:] <= high).all(axis=1)
    small = (np.maximum(ink.width, ink.height) < _SMALL * size) & (ink.area >= max(3, (0.07 * size) ** 2))
    return [int(i) for i in np.flatnonzero(near & small)]
