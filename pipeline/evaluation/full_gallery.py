"""Retrieval over a whole gallery: every item is ranked for every query, none is left to an index.

DeepPatent's protocol (Kucer et al. 2022): every drawing is a query, the other drawings of the same patent are the
relevant ones, the query itself is excluded, and the gallery is all that there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import (
    Interval,
    bootstrap,
    complete_average_precision,
    discounted_gain,
    precision,
    recall,
    reciprocal_rank,
)

Scores = NDArray[np.float32]
Truth = NDArray[np.bool_]
CUTOFFS = (1, 5, 10)


@dataclass(frozen=True)
class Measured:
    """``queries``: rows of those that have something to find, (m,); ``values``: measure → one value for each, (m,)."""

    queries: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]

    def intervals(self, groups: Sequence[str] | None = None) -> dict[str, Interval]:
        """Measure → mean over queries with its interval; ``groups`` of all rows, such as documents, are drawn whole."""
        drawn = None if groups is None else [groups[row] for row in self.queries]
        return {name: bootstrap(values.tolist(), groups=drawn) for name, values in self.values.items()}


def measure_all(scores: Scores, relevant: Truth, left_out: Truth | None = None) -> Measured:
    """Rank the whole gallery for each query; ``scores``, ``relevant`` and ``left_out`` are (queries, gallery).

    Equal scores keep the gallery's order; items without a score (NaN) come last. What is left out of a query's
    answer is no part of its gallery. Queries with nothing relevant are not counted.
    """
    out = np.zeros_like(relevant) if left_out is None else left_out
    wanted = relevant & ~out
    queries = np.flatnonzero(wanted.any(axis=1))
    order = np.argsort(-scores[queries], axis=1, kind="stable")
    rows = [_measure(wanted[query][ranked][~out[query][ranked]]) for query, ranked in zip(queries, order, strict=True)]
    names = rows[0] if rows else {}
    return Measured(queries, {name: np.array([row[name] for row in rows]) for name in names})


def same_document(vectors: Scores, documents: Sequence[str]) -> Measured:
    """DeepPatent's protocol for unit ``vectors`` (n, dimension) of drawings and the document of each."""
    names = np.asarray(documents)
    return measure_all(vectors @ vectors.T, names[:, None] == names[None, :], np.eye(len(names), dtype=np.bool_))


def _measure(hits: Truth) -> dict[str, float]:
    """The measures of one whole gallery, best first."""
    grades, count = hits.astype(np.float64).tolist(), int(hits.sum())
    found = {"mAP": complete_average_precision(grades, len(grades), count)}
    found["MRR"] = reciprocal_rank(grades, len(grades), count)
    for k in CUTOFFS:
        found[f"P@{k}"], found[f"R@{k}"] = precision(grades, k, count), recall(grades, k, count)
    return found | {"NDCG@10": discounted_gain(grades, 10, grades)}
