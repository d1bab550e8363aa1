"""What a release measures of itself: recall against exact search, latency, and what a similarity means."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.config import SearchSettings
from pipeline.indexing.ids import draw
from pipeline.publishing.manifest import Calibration
from pipeline.search.nearest import exact, nearest
from pipeline.search.release import OpenModality

#: Similarities closer than this are the same one computed in another order.
TIE = 1e-5
_RECALL_AT = 10
_PAIRS = 4096
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_LATENCY_QUERIES = 50


@dataclass(frozen=True)
class Measured:
    """Recall@10 over ``queries`` queries; wall time of a single query in milliseconds."""

    queries: int
    recall_at_10: float | None
    latency_ms: dict[str, float]


def held_out(modality: OpenModality, count: int, seed: int) -> NDArray[np.int64]:
    """Positions of up to ``count`` vectors as queries: the last that a training sample would take."""
    ranks = draw(modality.ids, seed)
    return np.argsort(ranks, kind="stable")[::-1][:count]


def measure(modality: OpenModality, queries: int, seed: int, search: SearchSettings) -> Measured:
    """Search for stored vectors and compare with the exact answer, the vector itself left out of both.

    A neighbour counts as found when one at least as similar was returned, so that twins do not count
    against each other. Recall is None where there is nothing to find.
    """
    positions = held_out(modality, queries, seed)
    vectors = modality.gather(positions)
    wanted = _without_self(*exact(modality, vectors, _RECALL_AT + 1), positions)
    found = _without_self(*nearest(modality, vectors, _RECALL_AT + 1, search), positions)
    total = int(np.count_nonzero(np.isfinite(wanted)))
    least = np.min(np.where(np.isfinite(wanted), wanted, np.inf), axis=1, initial=np.inf, keepdims=True)
    hits = np.minimum(np.count_nonzero(found >= least - TIE, axis=1), np.count_nonzero(np.isfinite(wanted), axis=1))
    recall = float(hits.sum() / total) if total else None
    return Measured(len(positions), recall, _latency(modality, vectors[:_LATENCY_QUERIES], search))


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
    values = np.einsum("nd,nd->n", modality.gather(first), modality.gather(second))
    quantiles = {str(q): round(float(np.quantile(values, q)), 6) for q in _QUANTILES}
    return Calibration(_PAIRS, round(float(values.mean()), 6), round(float(values.std()), 6), quantiles)
