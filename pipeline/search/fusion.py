"""One score from the similarities in several modalities.

``mean`` and ``max`` of similarities follow Pustu-Iren et al. 2021, "Multimodal Image Retrieval for
Patents"; reciprocal rank follows Cormack et al. 2009, "Reciprocal Rank Fusion". Calibrated
similarities count in standard deviations above the similarity of random pairs, so that a modality
whose similarities all lie close to one does not drown another.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.publishing.manifest import Calibration

METHODS = ("mean", "max", "calibrated-mean", "calibrated-max", "reciprocal-rank")
#: Cormack et al.'s constant.
_RANK_OFFSET = 60


def fuse(
    similarities: Mapping[str, NDArray[np.float32]], method: str, calibrations: Mapping[str, Calibration | None],
    weights: Mapping[str, float] | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """One score per candidate, float64 (n,).

    ``similarities`` holds an array (n,) for each part that the query has; NaN where the candidate has
    nothing to compare. For a mean, such a candidate counts as a random one would (no evidence either
    way); for a maximum and for ranks the part is left out. ``weights`` (1 for a part not named) weigh a
    mean, and multiply what a maximum and reciprocal ranks take. Raises UsageError for an unknown method.
    """
    check_method(method)
    columns = [_column(method, values, calibrations.get(name)) for name, values in similarities.items()]
    weight = np.array([(weights or {}).get(name, 1.0) for name in similarities])[:, None]
    if method.endswith("mean"):
        return np.asarray(np.sum(weight * columns, axis=0) / weight.sum())
    weighted = weight * columns
    return np.asarray(weighted.sum(axis=0) if method == "reciprocal-rank" else np.nanmax(weighted, axis=0))


def check_method(method: str) -> None:
    """Raises UsageError naming the known methods."""
    if method not in METHODS:
        raise UsageError(f"unknown fusion {method!r}; choose one of: {', '.join(METHODS)}")


def _column(method: str, values: NDArray[np.float32], calibration: Calibration | None) -> NDArray[np.float64]:
    """What one part adds to the fusion, float64 (n,)."""
    if method == "reciprocal-rank":
        return _reciprocal_rank(values)
    mean, std = (calibration.mean, calibration.std) if calibration else (0.0, 1.0)
    column = values.astype(np.float64)
    if method.endswith("mean"):
        column = np.where(np.isnan(column), mean, column)
    return (column - mean) / max(std, 1e-6) if method.startswith("calibrated") else column


def _reciprocal_rank(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """1 / (60 + rank), rank from 1; equal similarities share the better rank; 0 where there is none."""
    missing = np.isnan(values)
    ranks = np.searchsorted(np.sort(-values[~missing]), -values, side="left") + 1
    return np.where(missing, 0.0, 1.0 / (_RANK_OFFSET + ranks))
