"""The order of the figures that a query finds: one list, however deep a reader pages into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.search.allowed import Allowed
from pipeline.search.fusion import fuse
from pipeline.search.parts import Ids, Part, Scores

#: How many times more candidates each tier asks for than the one before.
_STEP = 4


@dataclass(frozen=True)
class Ranking:
    """Figures, best first: ids (n,), fused scores (n,), and the similarity by part (n,), NaN where there is none."""

    ids: Ids
    fused: NDArray[np.float64]
    scores: Mapping[str, Scores]

    def take(self, rows: NDArray[np.int64] | slice) -> Ranking:
        """These rows, in this order."""
        return Ranking(self.ids[rows], self.fused[rows], {name: values[rows] for name, values in self.scores.items()})


@dataclass(frozen=True)
class Joined:
    """The parts of a query and how they are joined."""

    parts: Mapping[str, Part]
    fusion: str
    weights: Mapping[str, float]

    def rank(self, ids: Ids) -> Ranking:
        """Every figure scored in every part, best first, ties by id."""
        scores = {name: part.scores(ids) for name, part in self.parts.items()}
        calibrations = {name: part.calibration for name, part in self.parts.items()}
        fused = fuse(scores, self.fusion, calibrations, self.weights)
        return Ranking(ids, fused, scores).take(np.lexsort((ids, -fused)))

    def tiers(self, depth: int, allowed: Allowed | None) -> Iterator[Ranking]:
        """The union of the parts' ``depth`` best candidates, ranked; then those that a wider search adds; and so on.

        The tiers laid end to end are one order that does not depend on how far it is read, which is what
        makes pages of it stable. Ends when no part finds more.
        """
        seen = np.empty(0, dtype=np.int64)
        while True:
            found = [part.candidates(depth, allowed) for part in self.parts.values()]
            ranking = self.rank(np.union1d(seen, np.concatenate(found)))
            yield ranking.take(np.flatnonzero(~np.isin(ranking.ids, seen)))
            if len(ranking.ids) == len(seen) or all(len(ids) < depth for ids in found):
                return
            seen, depth = np.sort(ranking.ids), depth * _STEP


def join(rankings: list[Ranking], names: Mapping[str, Part]) -> Ranking:
    """Rankings laid end to end."""
    empty = Ranking(np.empty(0, np.int64), np.empty(0), {name: np.empty(0, np.float32) for name in names})
    everything = [empty, *rankings]
    return Ranking(
        np.concatenate([r.ids for r in everything]), np.concatenate([r.fused for r in everything]),
        {name: np.concatenate([r.scores[name] for r in everything]) for name in names},
    )  # fmt: skip
