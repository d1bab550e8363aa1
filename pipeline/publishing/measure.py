"""What a release measures of itself: recall against exact search, latency, and what a similarity means."""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.config import SearchSettings
from pipeline.indexing.ids import draw
from pipeline.publishing.manifest import Calibration, Effort
from pipeline.search.nearest import exact, nearest, number_of_lists
from pipeline.search.release import OpenModality

#: Similarities closer than this are the same one computed in another order.
TIE = 1e-5
_RECALL_AT = 10
_PAIRS = 4096
_LATENCY_QUERIES = 50
#: Rows looked at in one step where all are gone through.
_BLOCK_ROWS = 1 << 20
#: What the tuning tries.
_NPROBES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
_CANDIDATES = (50, 100, 200, 400, 800, 1600, 3200)


@dataclass(frozen=True)
class Measured:
    """Recall@10 over ``queries`` queries; wall time of a single query in milliseconds."""

    queries: int
    recall_at_10: float | None
    latency_ms: dict[str, float]


@dataclass(frozen=True)
class Trial:
    """Stored vectors as queries: positions (n,), vectors (n, dimension), and the similarities of the ten nearest
    others by exact search, (n, 10), -inf where there are fewer."""

    modality: OpenModality
    positions: NDArray[np.int64]
    vectors: NDArray[np.float32]
    wanted: NDArray[np.float32]

    def __getitem__(self, rows: slice) -> Trial:
        return Trial(self.modality, self.positions[rows], self.vectors[rows], self.wanted[rows])

    def recall(self, search: SearchSettings) -> float | None:
        """Recall@10 of the search; None where there is nothing to find.

        A neighbour counts as found when one at least as similar was returned, so that twins do not count
        against each other.
        """
        found = nearest(self.modality, self.vectors, _RECALL_AT + 1, search)
        found_scores, there = _without_self(*found, self.positions), np.isfinite(self.wanted)
        least = np.min(np.where(there, self.wanted, np.inf), axis=1, initial=np.inf, keepdims=True)
        hits = np.minimum(np.count_nonzero(found_scores >= least - TIE, axis=1), np.count_nonzero(there, axis=1))
        return float(hits.sum() / there.sum()) if there.any() else None


def try_out(modality: OpenModality, queries: int, seed: int) -> Trial:
    """Up to ``queries`` vectors to search with: the last that a training sample would take. Scores every vector."""
    positions = _last_drawn(modality.ids, queries, seed)
    vectors = modality.gather(positions)
    return Trial(modality, positions, vectors, _without_self(*exact(modality, vectors, _RECALL_AT + 1), positions))


def _last_drawn(ids: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """The positions of the ``count`` largest ranks, the largest first."""
    best, places = np.empty(0, np.int64), np.empty(0, np.int64)
    for start in range(0, len(ids), _BLOCK_ROWS):
        ranks = np.concatenate([best, draw(ids[start : start + _BLOCK_ROWS], seed)])
        where = np.concatenate([places, np.arange(start, start + len(ranks) - len(best))])
        order = np.argsort(ranks, kind="stable")[::-1][:count]
        best, places = ranks[order], where[order]
    return places


def tune(trial: Trial, aim: float) -> Effort | None:
    """The effort that reaches a recall@10 of ``aim`` in the least time; the greatest where none does.

    None where there is nothing to tune: a flat codebook, or too few vectors.
    """
    modality = trial.modality
    if modality.is_flat or not np.isfinite(trial.wanted).any():
        return None
    best, least_s = Effort(_NPROBES[-1], _CANDIDATES[-1]), np.inf
    lists = number_of_lists(modality)
    for nprobe in [count for count in _NPROBES if count < lists] + ([lists] if lists <= _NPROBES[-1] else []):
        best = replace(best, nprobe=nprobe) if least_s == np.inf else best
        enough = bisect_left(_CANDIDATES, aim, key=lambda count: _recall(trial, Effort(nprobe, count)))
        if enough == len(_CANDIDATES):
            continue
        effort = Effort(nprobe, _CANDIDATES[enough])
        started = time.perf_counter()
        _recall(trial, effort)
        seconds = time.perf_counter() - started
        if seconds > least_s:  # more lists only cost more from here on
            break
        best, least_s = effort, seconds
    while least_s < np.inf and (less := _below(trial, best, aim)):  # the clock may have been wrong
        best = less
    return best


def kept(trial: Trial, effort: Effort, aim: float) -> Effort | None:
    """An effort that was tuned before, or the next below it; None where it must be tuned anew.

    It must, where it falls short of ``aim`` or far less would do. To be lowered wants a quarter of the misses to
    spare: else a night would lower by chance what the next one has to raise.
    """
    if _recall(trial, effort) < aim:
        return None
    spare = aim + (1 - aim) / 4
    below = _below(trial, effort, spare)
    return effort if below is None else None if _below(trial, below, spare) else below


def _below(trial: Trial, effort: Effort, aim: float) -> Effort | None:
    """An effort next below that reaches ``aim``. Fewer lists or candidates always cost less: no clock is asked."""
    return next((less for less in _lower(effort) if _recall(trial, less) >= aim), None)


def _lower(effort: Effort) -> list[Effort]:
    """With the next fewer candidates, and with the next fewer lists."""
    less = [replace(effort, candidates=count) for count in _CANDIDATES if count < effort.candidates][-1:]
    return less + [replace(effort, nprobe=count) for count in _NPROBES if count < effort.nprobe][-1:]


def _recall(trial: Trial, effort: Effort) -> float:
    return trial.recall(SearchSettings(nprobe=effort.nprobe, candidates=effort.candidates)) or 0.0


def measure(trial: Trial, search: SearchSettings) -> Measured:
    """Recall and latency of the search that readers get."""
    latency = _latency(trial.modality, trial.vectors[:_LATENCY_QUERIES], search)
    return Measured(len(trial.positions), trial.recall(search), latency)


def _without_self(scores: NDArray[np.float32], found: NDArray[np.int64], own: NDArray[np.int64]) -> NDArray[np.float32]:
    """The ten best similarities to other vectors, descending; -inf where there are fewer."""
    others = np.where(found == own[:, None], -np.inf, scores).astype(np.float32)
    return -np.sort(-others, axis=1)[:, :_RECALL_AT]


def _latency(modality: OpenModality, vectors: NDArray[np.float32], search: SearchSettings) -> dict[str, float]:
    times_ms = []
    for vector in vectors:
        started = time.perf_counter()
        nearest(modality, vector[None, :], _RECALL_AT, search)
        times_ms.append((time.perf_counter() - started) * 1000)
    if not times_ms:
        return {}
    return {f"p{p}": round(float(np.percentile(times_ms, p)), 3) for p in (50, 95, 99)}


def calibrate(modality: OpenModality, seed: int) -> Calibration | None:
    """Mean, standard deviation and quantiles of the similarities of random pairs; None below two vectors."""
    rows = len(modality.ids)
    if rows < 2:
        return None
    rng = np.random.default_rng(seed)
    first = rng.integers(0, rows, _PAIRS)
    second = (first + rng.integers(1, rows, _PAIRS)) % rows  # another vector than the first
    return Calibration.of(np.einsum("nd,nd->n", modality.gather(first), modality.gather(second)))
