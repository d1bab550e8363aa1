"""The details of figures that have vectors of their own: the sentences linked with them, and their regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Details:
    """Pairs of a figure and a detail, by vector ids, in two orders, so that a binary search finds those of either.

    ``by_figure`` are (figures ascending, their details), ``by_detail`` (details ascending, their figures);
    ``boxes`` int32 (n, 4) in pixels of the sheet, in the order of ``by_detail``, where details have a place.
    """

    by_figure: tuple[Ids, Ids]
    by_detail: tuple[Ids, Ids]
    boxes: NDArray[np.int32] | None = None

    def of_figures(self, figures: Ids) -> tuple[Ids, Ids]:
        """(row of ``figures``, detail) for each detail of the figures."""
        return _pairs(*self.by_figure, figures)

    def figures_of(self, details: Ids) -> tuple[Ids, Ids]:
        """(row of ``details``, figure) for each figure that has one of the details."""
        return _pairs(*self.by_detail, details)

    def box_of(self, detail: int) -> tuple[int, int, int, int] | None:
        """Where a detail lies on its sheet; None where details have no place."""
        if self.boxes is None:
            return None
        x0, y0, x1, y1 = self.boxes[np.searchsorted(self.by_detail[0], detail)].tolist()
        return x0, y0, x1, y1


def _pairs(keys: Ids, values: Ids, wanted: Ids) -> tuple[Ids, Ids]:
    first, last = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
    counts = last - first
    owners = np.repeat(np.arange(len(wanted)), counts)
    before = np.cumsum(counts) - counts
    return owners, values[np.arange(counts.sum()) + (first - before)[owners]]
