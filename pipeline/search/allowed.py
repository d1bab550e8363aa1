"""Nearest vectors among those that a filter keeps: always as many as asked for where there are as many."""

from __future__ import annotations

import threading
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import SearchSettings
from pipeline.indexing.ids import are_in
from pipeline.search.nearest import Found, candidate_ids, effort_of, exact, number_of_lists, refine
from pipeline.search.release import OpenModality, Release

#: A filter that keeps at least this share is sifted from as many more candidates; for a smaller one faiss
#: gets the set of ids, whose making costs about a microsecond each.
_WIDE = 0.05
#: A filtered search refines so many times the candidates of one without a filter: codes tell the few that are
#: kept and near from the many that are kept and farther only roughly.
_MORE_CANDIDATES = 4
#: How much wider the search becomes when a round found too few.
_STEP = 4


class Subset:
    """The vectors of one modality that may be found. ``positions`` int64, ascending."""

    def __init__(self, modality: OpenModality, positions: NDArray[np.int64]) -> None:
        self.modality, self.positions = modality, positions

    @property
    def share(self) -> float:
        """How much of the modality they are, above 0 to 1."""
        return max(1, len(self.positions)) / max(1, len(self.modality.ids))

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """By position of the modality, and False behind the last, where position -1 looks."""
        found = np.zeros(len(self.modality.ids) + 1, dtype=np.bool_)
        found[self.positions] = True
        return found

    @cached_property
    def selector(self) -> Any:
        """The ids as faiss wants them."""
        faiss: Any = import_module("faiss")
        return faiss.IDSelectorBatch(self.modality.ids[self.positions])


class Allowed:
    """The figures that a filter keeps (``figures``: vector ids, ascending), and their vectors by modality."""

    def __init__(self, release: Release, figures: NDArray[np.int64]) -> None:
        self.release, self.figures = release, figures
        self._subsets: dict[str, Subset] = {}
        self._making = threading.Lock()

    def subset(self, name: str) -> Subset:
        """Their vectors in a modality, or those of their details; made once."""
        with self._making:
            if name not in self._subsets:
                modality = self.release.modalities[name]
                details = self.release.details.get(name)
                ids = self.figures if details is None else details.of_figures(self.figures)[1]
                positions = np.unique(modality.positions_of(ids))
                self._subsets[name] = Subset(modality, positions[positions >= 0])
            return self._subsets[name]

    def keeps(self, figures: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these figures are among them."""
        return are_in(figures, self.figures)


def nearest_among(
    modality: OpenModality, queries: NDArray[np.float32], k: int, settings: SearchSettings, subset: Subset | None
) -> Found:
    """The ``k`` most similar vectors of a subset (None: of all), as :func:`nearest.nearest` gives them.

    Few are scored one and all. Many are found by the inverted lists: more lists are looked into than
    without a filter, since the nearest that it keeps lie farther away, and ever more until each query has
    ``k``; where all lists do not give as many, everything is scored.
    """
    kept = None if subset is None else subset.positions
    total = len(modality.ids if kept is None else kept)
    if modality.is_flat or not total or (kept is not None and total <= max(k, settings.exact_below)):
        return exact(modality, queries, k, kept)
    lists = number_of_lists(modality)
    effort = effort_of(modality, settings)
    count = max(k, effort.candidates * (1 if subset is None else _MORE_CANDIDATES))
    nprobe = _first_nprobe(effort.nprobe, subset)
    while nprobe < lists * _STEP:
        found = refine(modality, queries, _candidates(modality, queries, count, min(nprobe, lists), subset), k)
        if np.all(found[1][:, min(k, total) - 1] >= 0):
            return found
        nprobe, count = nprobe * _STEP, min(count * _STEP, len(modality.ids))
    return exact(modality, queries, k, kept)


def _candidates(
    modality: OpenModality, queries: NDArray[np.float32], count: int, nprobe: int, subset: Subset | None
) -> NDArray[np.int64]:
    """Positions of candidates that the subset holds, (queries, n); -1 where there are fewer."""
    if subset is None:
        return modality.positions_of(candidate_ids(modality, queries, count, nprobe))
    if subset.share < _WIDE:
        return modality.positions_of(candidate_ids(modality, queries, count, nprobe, subset.selector))
    positions = modality.positions_of(candidate_ids(modality, queries, int(count / subset.share), nprobe))
    return np.where(subset.mask[positions], positions, -1)


def _first_nprobe(nprobe: int, subset: Subset | None) -> int:
    """How many lists to look into at first: the fewer vectors are kept, the farther the nearest of them lie."""
    return nprobe if subset is None else round(nprobe / subset.share**0.5)
