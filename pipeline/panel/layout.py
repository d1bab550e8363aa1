"""Where part names go: beside their sign, on paper rather than on ink, never on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.panel.facts import Mark

#: Names that say no more than the sign does.
_EMPTY_NAMES = frozenset({"step", "schritt", "verfahrensschritt", "étape", "paso", "etapa"})
#: A name that would cover more ink than this share of its place is left out.
_MOST_INK = 0.12
#: Pixels between a sign's box and its name.
_GAP_PX = 6


@dataclass(frozen=True)
class Caption:
    """A part name placed at (x, y) = its left top corner, in figure pixels."""

    mark: Mark
    text: str
    x: float
    y: float
    width: float
    height: float


def font_px(drawing: np.ndarray) -> int:
    """A letter height that reads well when the figure is shown whole."""
    return int(np.clip(max(drawing.shape) / 60, 16, 44))


def place_names(drawing: np.ndarray, marks: Sequence[Mark], widths: Sequence[float], height: float) -> list[Caption]:
    """A place for the name of each mark that has one; ``widths`` in pixels, in the order of ``marks``.

    Greedy: each name takes the place around its sign that covers least ink, other signs and names
    already placed (point-feature labelling; Christensen, Marks, Shieber 1995). A name that would have to cover
    another or much ink is left out, as is one that says nothing: the list beside the figure still has it.
    """
    ink = np.pad((drawing < 128).astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    taken = [mark.box for mark in marks]
    placed: list[Caption] = []
    named: set[tuple[str, str]] = set()
    for mark, width in zip(marks, widths, strict=True):
        if mark.term is None or mark.term.lower() in _EMPTY_NAMES or (mark.sign, mark.term) in named:
            continue
        best: tuple[float, float, float] | None = None
        for order, (x, y) in enumerate(_candidates(mark.box, width, height)):
            box = (x, y, x + width, y + height)
            if x < 0 or y < 0 or box[2] > drawing.shape[1] or box[3] > drawing.shape[0]:
                continue
            if any(_overlap(box, other) for other in taken):
                continue
            covered = _ink_in(ink, box)
            if covered > _MOST_INK * width * height:
                continue
            cost = covered + order * 0.01 * width * height
            if best is None or cost < best[0]:
                best = (cost, x, y)
        if best is not None:
            _, x, y = best
            placed.append(Caption(mark, mark.term, x, y, width, height))
            taken.append((x, y, x + width, y + height))
            named.add((mark.sign, mark.term))
    return placed


def _candidates(box: tuple[float, float, float, float], width: float, height: float) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = box
    middle_x, middle_y = (x0 + x1 - width) / 2, (y0 + y1 - height) / 2
    near = [
        (x1 + _GAP_PX, middle_y),
        (x0 - width - _GAP_PX, middle_y),
        (middle_x, y0 - height - _GAP_PX),
        (middle_x, y1 + _GAP_PX),
        (x1 + _GAP_PX, y1),
        (x1 + _GAP_PX, y0 - height),
        (x0 - width - _GAP_PX, y1),
        (x0 - width - _GAP_PX, y0 - height),
    ]
    far = [(x, y + shift * height) for shift in (1.3, -1.3, 2.6, -2.6) for x, y in near[:2]]
    return near + far


def _overlap(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _ink_in(summed: np.ndarray, box: Sequence[float]) -> float:
    x0, y0, x1, y1 = (round(v) for v in box)
    return float(summed[y1, x1] - summed[y0, x1] - summed[y1, x0] + summed[y0, x0])
