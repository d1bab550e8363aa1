"""Which figure is linked with which sentence, by vector ids: what leads from sentences to the figures they speak of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Links:
    """Pairs of a figure and a sentence, in two orders, so that a binary search finds those of either.

    ``by_figure`` are (figures ascending, their sentences), ``by_passage`` (sentences ascending, their figures).
    """

    by_figure: tuple[Ids, Ids]
    by_passage: tuple[Ids, Ids]

    def passages_of(self, figures: Ids) -> tuple[Ids, Ids]:
        """(row of ``figures``, sentence) for each sentence linked with one of the figures."""
        return _pairs(*self.by_figure, figures)

    def figures_of(self, passages: Ids) -> tuple[Ids, Ids]:
        """(row of ``passages``, figure) for each figure linked with one of the sentences."""
        return _pairs(*self.by_passage, passages)


def _pairs(keys: Ids, values: Ids, wanted: Ids) -> tuple[Ids, Ids]:
    first, last = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
    counts = last - first
    owners = np.repeat(np.arange(len(wanted)), counts)
    before = np.cumsum(counts) - counts
    return owners, values[np.arange(counts.sum()) + (first - before)[owners]]
