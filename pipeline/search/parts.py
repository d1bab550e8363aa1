"""The parts of a query at work: each finds figures by itself and says how similar any figure is to it.

Figures are named by their vector ids. A new kind of part is a class with the three members of
:class:`Part` and a line in ``SearchEngine.parts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.config import SearchSettings
from pipeline.publishing.manifest import Calibration
from pipeline.search.allowed import Allowed, nearest_among
from pipeline.search.details import Details
from pipeline.search.lexical import LexicalIndex
from pipeline.search.nearest import similarities
from pipeline.search.release import OpenModality

Ids = NDArray[np.int64]
Scores = NDArray[np.float32]
#: How many times more details are asked for when those found belong to too few figures.
_STEP = 4
#: A BM25 score of this much counts as a similarity of a half when it is joined with others.
_HALF = 10.0
#: So many drawings say what a similarity to a query in words means; the mean is then known to 3% of the spread.
_SAMPLE = 1024
_SEED = 20210414


class Part(Protocol):
    """One part of a query."""

    @property
    def calibration(self) -> Calibration | None:
        """What a similarity means here; None: it is taken as it is, and no similarity counts as 0."""

    def candidates(self, count: int, allowed: Allowed | None) -> Ids:
        """The most similar figures that are allowed (None: all), each once; fewer than ``count`` only
        where there are no more."""

    def scores(self, figures: Ids) -> Scores:
        """The similarity of each figure, float32 (n,); NaN where it has nothing to compare."""


@dataclass(frozen=True)
class VectorPart:
    """Vectors (m, dimension) against one vector per figure in the modality ``name``; the most similar counts."""

    name: str
    modality: OpenModality
    vectors: NDArray[np.float32]
    settings: SearchSettings

    @property
    def calibration(self) -> Calibration | None:
        return self.modality.entry.calibration

    def candidates(self, count: int, allowed: Allowed | None) -> Ids:
        subset = None if allowed is None else allowed.subset(self.name)
        positions = nearest_among(self.modality, self.vectors, count, self.settings, subset)[1]
        return np.unique(self.modality.ids[positions[positions >= 0]])

    def scores(self, figures: Ids) -> Scores:
        positions = np.broadcast_to(self.modality.positions_of(figures), (len(self.vectors), len(figures)))
        best = similarities(self.modality, self.vectors, positions).max(axis=0)
        return np.where(np.isneginf(best), np.float32(np.nan), best)


@dataclass(frozen=True)
class CrossModalPart(VectorPart):
    """Vectors of words against vectors of drawings.

    The two lie apart, each in a cone of its own (Liang et al. 2022, "Mind the Gap"), so similarities of random
    drawings say nothing of them; and how near the cone a query lies depends on its words. What a similarity
    means is therefore taken from the query's similarities to a random sample of the drawings, the same for
    every page.
    """

    @cached_property
    def calibration(self) -> Calibration | None:
        """None where there are fewer than two drawings."""
        rows = len(self.modality.ids)
        if rows < 2:
            return None
        sample = np.random.default_rng(_SEED).choice(rows, min(rows, _SAMPLE), replace=False, shuffle=False)
        return Calibration.of(self.scores(self.modality.ids[np.sort(sample)]))


@dataclass(frozen=True)
class DetailPart:
    """Vectors (m, dimension) against the details of figures in the modality ``name``, their linked sentences or
    their regions: a figure is as near as the nearest of its own."""

    name: str
    modality: OpenModality
    details: Details
    vectors: NDArray[np.float32]
    settings: SearchSettings
    everything: Allowed

    @property
    def calibration(self) -> Calibration | None:
        return self.modality.entry.calibration

    def candidates(self, count: int, allowed: Allowed | None) -> Ids:
        subset, wanted = (allowed or self.everything).subset(self.name), count
        while True:
            positions = nearest_among(self.modality, self.vectors, wanted, self.settings, subset)[1]
            found = np.unique(self.modality.ids[positions[positions >= 0]])
            figures = np.unique(self.details.figures_of(found)[1])
            if allowed is not None:
                figures = figures[allowed.keeps(figures)]
            if len(figures) >= count or wanted >= len(subset.positions):
                return figures
            wanted *= _STEP

    def scores(self, figures: Ids) -> Scores:
        rows, _, nearness = self._nearness(figures)
        best = np.full(len(figures), -np.inf, dtype=np.float32)
        np.maximum.at(best, rows, nearness)
        return np.where(np.isneginf(best), np.float32(np.nan), best)

    def nearest_box(self, figure: int) -> tuple[int, int, int, int] | None:
        """Where the nearest detail of a figure lies on its sheet; None where details have no place."""
        rows, details, nearness = self._nearness(np.array([figure]))
        return self.details.box_of(int(details[np.argmax(nearness)])) if len(rows) else None

    def _nearness(self, figures: Ids) -> tuple[Ids, Ids, Scores]:
        """(row of ``figures``, detail, similarity) of all their details; -inf for one without a vector."""
        rows, details = self.details.of_figures(figures)
        distinct, place = np.unique(self.modality.positions_of(details), return_inverse=True)
        everywhere = np.broadcast_to(distinct, (len(self.vectors), len(distinct)))
        return rows, details, similarities(self.modality, self.vectors, everywhere).max(axis=0)[place]


@dataclass(frozen=True)
class LexicalPart:
    """A lexical query as part of a search. A similarity is BM25 / (BM25 + 10): from 0 to 1, in the same order."""

    index: LexicalIndex
    query: Any  # tantivy.Query
    everything: Allowed

    @property
    def calibration(self) -> Calibration | None:
        return None

    def candidates(self, count: int, allowed: Allowed | None) -> Ids:
        """The best ``count`` figures that are allowed."""
        entries, shown = count * _STEP, allowed or self.everything
        while True:
            figures, _, complete = self.index.best(self.query, entries)
            figures = figures[shown.keeps(figures)]
            if complete or len(figures) >= count:
                return np.sort(figures[:count])
            entries *= _STEP

    def scores(self, figures: Ids) -> NDArray[np.float32]:
        """Similarities, float32 (n,); NaN where a figure does not match."""
        found = self.index.scores(self.query, figures)
        return found / (found + np.float32(_HALF))
