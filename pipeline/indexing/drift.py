"""Whether vectors still look like those that the codebook was trained on.

Two gauges, taken of a held-out part of the training sample and of every shard: the mean squared error of the codes, and
how unevenly the inverted lists are filled. A codebook whose shards have drifted too far is trained anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import IndexSettings
from pipeline.indexing.recipe import FLAT
from pipeline.indexing.train import transformed
from pipeline.lake import Lake

#: Vectors that the error is measured on.
SAMPLE = 4096


@dataclass(frozen=True)
class Gauges:
    """``quantisation_error``: mean squared distance of a vector from what its code stands for; ``imbalance``: how many
    times likelier than with equal lists two vectors share one. None: cannot be measured."""

    quantisation_error: float | None = None
    imbalance: float | None = None


@dataclass(frozen=True)
class Drift:
    """A modality's shards against its codebook's training sample, each weighted by its rows; None where there is
    nothing to compare. ``error`` 0.1: the codes are a tenth worse; ``imbalance`` 2: lists twice as uneven."""

    codebook: str
    rows: int
    error: float | None
    imbalance: float | None
    retrain: bool


def gauges_of(index: Any, vectors: NDArray[np.float32], sizes: NDArray[np.int64]) -> Gauges:
    """Of a codebook: ``vectors`` (n, d) to measure the error on, and the rows in each list."""
    _point_at_codes(index)
    try:
        decoded = index.sa_decode(index.sa_encode(np.ascontiguousarray(vectors)))
        error = float(np.square(decoded - vectors).sum(axis=1).mean()) if len(vectors) else None
    except RuntimeError:  # a configured index whose codes faiss cannot take apart
        error = None
    return Gauges(error, imbalance(sizes))


def _point_at_codes(index: Any) -> None:
    """Give a fast-scan index the pointer to its own codes that it decodes with: faiss loses it when an index is read,
    and a clone keeps that of its original."""
    faiss: Any = import_module("faiss")
    ivf: Any = faiss.try_extract_index_ivf(index)
    ivf = ivf and faiss.downcast_index(ivf)
    for codes in ("pq", "aq"):
        if hasattr(ivf, "fine_quantizer") and hasattr(ivf, codes):
            ivf.fine_quantizer = getattr(ivf, codes)


def imbalance(sizes: NDArray[np.int64]) -> float | None:
    """Lists times the probability that two different vectors lie in the same list: 1 where all lists are equal,
    whatever the number of vectors (the plain sum of squares grows where there are few)."""
    rows = int(sizes.sum())
    if rows < 2:
        return None
    return float(len(sizes) * (np.square(sizes.astype(np.float64)).sum() - rows) / (rows * (rows - 1.0)))


def assigned(index: Any, vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """How many of the vectors fall into each list."""
    faiss: Any = import_module("faiss")
    ivf = faiss.extract_index_ivf(index)
    rows = transformed(index, vectors)
    return np.bincount(ivf.quantizer.search(rows, 1)[1][:, 0], minlength=ivf.nlist)


def list_sizes(index: Any) -> NDArray[np.int64]:
    """How many vectors lie in each list."""
    faiss: Any = import_module("faiss")
    lists = faiss.extract_index_ivf(index).invlists
    return np.array([lists.list_size(number) for number in range(lists.nlist)], np.int64)


def drift_of(codebook: Mapping[str, Any], shards: Sequence[Mapping[str, Any]], settings: IndexSettings) -> Drift:
    """One modality: the row of its codebook, and rows of ``shards``; those under another codebook do not count."""
    own = [row for row in shards if row["codebook"] == codebook["codebook"]]
    rows = sum(row["rows"] for row in own)
    error = _ratio(codebook["quantisation_error"], own, "quantisation_error")
    error = None if error is None else error - 1
    uneven = _ratio(codebook["imbalance"], own, "imbalance")
    too_far = bool(settings.drift_limit) and error is not None and error > settings.drift_limit
    too_uneven = bool(settings.imbalance_limit) and uneven is not None and uneven > settings.imbalance_limit
    return Drift(codebook["codebook"], rows, error, uneven, codebook["recipe"] != FLAT and (too_far or too_uneven))


def drifts(lake: Lake, settings: IndexSettings) -> dict[str, Drift]:
    """Every modality that has a codebook."""
    shards = lake.read("shards", ["codebook", "rows", "quantisation_error", "imbalance"]).to_pylist()
    return {row["modality"]: drift_of(row, shards, settings) for row in lake.read("codebooks").to_pylist()}


def plain(found: Mapping[str, Drift]) -> dict[str, Any]:
    """As JSON types."""
    return {name: asdict(drift) for name, drift in sorted(found.items())}


def _ratio(trained: float | None, shards: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """Mean over the rows of the shards, as a multiple of the training sample's."""
    known = [(row[name], row["rows"]) for row in shards if row[name] is not None]
    if not trained or not known:
        return None
    values, weights = zip(*known, strict=True)
    return float(np.average(values, weights=weights) / trained)
