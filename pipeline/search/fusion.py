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
    similarities: Mapping[str, NDArray[np.float32]], method: str, calibrations: Mapping[str, Calibration | None]
) -> NDArray[np.float64]:
    """One score per candidate, float64 (n,).

    ``similarities`` holds an array (n,) for each modality that the query has; NaN where the candidate
    has no vector. For a mean, such a candidate counts as a random one would (no evidence either way);
    for a maximum and for ranks the modality is left out. Raises UsageError for an unknown method.
    """
    if method not in METHODS:
        raise UsageError(f"unknown fusion {method!r}; choose one of: {', '.join(METHODS)}")
    if method == "reciprocal-rank":
        return np.asarray(np.sum([_reciprocal_rank(values) for values in similarities.values()], axis=0))
    columns = []
    for name, values in similarities.items():
        calibration = calibrations.get(name)
        mean, std = (calibration.mean, calibration.std) if calibration else (0.0, 1.0)
        column = values.astype(np.float64)
        if method.endswith("mean"):
            column = np.where(np.isnan(column), mean, column)
        if method.startswith("calibrated"):
            column = (column - mean) / max(std, 1e-6)
        columns.append(column)
    return np.asarray(np.mean(columns, axis=0) if method.endswith("mean") else np.nanmax(columns, axis=0))


def _reciprocal_rank(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """1 / (60 + rank), rank from 1; equal similarities share the better rank; 0 where there is none."""
    missing = np.isnan(values)
    ranks = np.searchsorted(np.sort(-values[~missing]), -values, side="left") + 1
    return np.where(missing, 0.0, 1.0 / (_RANK_OFFSET + ranks))
