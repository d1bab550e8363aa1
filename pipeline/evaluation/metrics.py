"""Measures of one ranked list against judgements, and intervals for their means over queries.

A list is the grades of what was found, best first: 0 not relevant, 1 and more relevant. What stands beyond ``k`` does
not count. ``relevant`` is how many relevant items there are to be found at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grades = Sequence[float]
#: Share of the bootstrap's means that an interval covers.
CONFIDENCE = 0.95


def average_precision(grades: Grades, k: int, relevant: int) -> float:
    """Mean of the precision at each relevant rank up to ``k``, over the relevant items found there.

    The definition of Pustu-Iren et al. 2021 (and of TREC's video retrieval): the denominator is the number of relevant
    items among the first ``k``, because in a judged list nobody knows how many more the collection holds. 0 when none
    was found. ``relevant`` is not used; see :func:`complete_average_precision`.
    """
    hits = np.asarray(grades[:k], dtype=np.float64) > 0
    if not hits.any():
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


def complete_average_precision(grades: Grades, k: int, relevant: int) -> float:
    """The same sum over min(relevant, k): what is not found counts as 0. DeepPatent's mAP where k is the gallery."""
    hits = np.asarray(grades[:k], dtype=np.float64) > 0
    if not relevant or not hits.any():
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].sum() / min(relevant, k))


def precision(grades: Grades, k: int, relevant: int) -> float:
    """Share of relevant ones among the first ``k``; a list that ends earlier is filled with misses."""
    return sum(grade > 0 for grade in grades[:k]) / k


def recall(grades: Grades, k: int, relevant: int) -> float:
    """Share of the relevant items that stand among the first ``k``; 0 where there are none."""
    return sum(grade > 0 for grade in grades[:k]) / relevant if relevant else 0.0


def reciprocal_rank(grades: Grades, k: int, relevant: int) -> float:
    """1 / rank of the first relevant item among the first ``k``; 0 without one."""
    return next((1.0 / rank for rank, grade in enumerate(grades[:k], 1) if grade > 0), 0.0)


def discounted_gain(grades: Grades, k: int, ideal: Grades) -> float:
    """NDCG@k: gains 2^grade - 1, discounted by log2(rank + 1), over those of the best order (Järvelin, Kekäläinen 2002,
    in the form of Burges et al. 2005). ``ideal`` holds the grades of all judged items."""
    best = _gain(sorted(ideal, reverse=True)[:k])
    return _gain(grades[:k]) / best if best else 0.0


def _gain(grades: Grades) -> float:
    gains = np.exp2(np.asarray(grades, dtype=np.float64)) - 1
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


#: The measures that a count of relevant items suffices for.
MEASURES: Mapping[str, Callable[[Grades, int, int], float]] = {
    "mAP": average_precision,
    "mAP-all": complete_average_precision,
    "P": precision,
    "R": recall,
    "MRR": reciprocal_rank,
}
#: In the order of a table's columns.
NAMES = ("mAP", "mAP-all", "P", "R", "NDCG", "MRR")


def measure(grades: Grades, k: int, ideal: Grades) -> dict[str, float]:
    """Every measure of one list; ``ideal`` holds the grades of all judged items, found or not."""
    relevant = sum(grade > 0 for grade in ideal)
    found = {name: of_list(grades, k, relevant) for name, of_list in MEASURES.items()}
    return found | {"NDCG": discounted_gain(grades, k, ideal)}


@dataclass(frozen=True)
class Interval:
    """A mean over queries and where it would lie for other queries of the same kind."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(
    values: Sequence[float], samples: int = 2000, seed: int = 0, groups: Sequence[str] | None = None
) -> Interval:
    """The mean with the percentile bootstrap's interval (Efron 1979), the queries drawn anew ``samples`` times.

    ``groups`` names the group of each query, such as its document: queries that resemble each other are then
    drawn together (the cluster bootstrap). Without values all three are 0.
    """
    found: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if not len(found):
        return Interval(0.0, 0.0, 0.0)
    rng = np.random.default_rng(seed)
    _, group = np.unique(np.arange(len(found)) if groups is None else groups, return_inverse=True)
    sums, counts = np.bincount(group, found), np.bincount(group)
    drawn = (rng.integers(0, len(sums), len(sums)) for _ in range(samples))
    means = np.array([sums[some].sum() / counts[some].sum() for some in drawn])
    edge = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [edge, 1 - edge])
    return Interval(float(found.mean()), float(low), float(high))
