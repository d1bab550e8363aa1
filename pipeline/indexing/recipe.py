"""The recipe of a codebook: a faiss factory string chosen from the number of vectors and their dimension.

IVF-PQ follows Jégou et al. 2011, "Product Quantization for Nearest Neighbor Search"; the 4-bit
fast-scan codes follow André et al. 2017, "Accelerated Nearest Neighbor Search with Quick ADC".
"""

from __future__ import annotations

import math

from pipeline.config import IndexSettings
from pipeline.errors import UsageError

FLAT = "Flat"
#: k-means wants this many training vectors per centroid (faiss warns below it).
_POINTS_PER_CENTROID = 39
#: From this many lists on, the coarse quantiser is a graph instead of a scan.
_HNSW_FROM_LISTS = 16_384
_MAX_LISTS = 1 << 18


def choose(rows: int, dimension: int, settings: IndexSettings) -> str:
    """The recipe for ``rows`` vectors: the configured factory string, Flat, or IVF with fast-scan PQ.

    Raises UsageError when the configured string is no flat or inverted-file index of this dimension.
    """
    if settings.factory:
        check_factory(settings.factory, dimension)
        return settings.factory
    if rows < settings.flat_below:
        return FLAT
    lists = number_of_lists(rows, settings.sample)
    coarse = f"IVF{lists}_HNSW32" if lists >= _HNSW_FROM_LISTS else f"IVF{lists}"
    return _transform_and_code(coarse, dimension)


def number_of_lists(rows: int, sample: int) -> int:
    """About four times the root of ``rows``, as a power of two that the training sample can carry."""
    aim = 1 << round(math.log2(4 * math.sqrt(max(1, rows))))
    most = max(1, min(rows, sample) // _POINTS_PER_CENTROID)
    return min(aim, 1 << (most.bit_length() - 1), _MAX_LISTS)


def _transform_and_code(coarse: str, dimension: int) -> str:
    """PQ of half a bit per dimension; a dimension that eight does not divide is rotated to one that it does."""
    parts = max(1, dimension // 8)
    if dimension % parts == 0:
        return f"{coarse},PQ{parts}x4fs"
    return f"OPQ{parts}_{parts * 8},{coarse},PQ{parts}x4fs"


def family(recipe: str, settings: IndexSettings) -> str:
    """What must be the same for a frozen codebook to stay: flat or ivf, or the configured string itself."""
    if settings.factory:
        return recipe
    return "flat" if recipe == FLAT else "ivf"


def check_factory(factory: str, dimension: int) -> None:
    """Raise UsageError when faiss does not know the string, or makes of it an index without inverted lists."""
    import faiss

    try:
        index = faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise UsageError(
            f"indexing.factory: faiss cannot build {factory!r} for dimension {dimension}: {error}"
        ) from None
    if factory != FLAT and faiss.try_extract_index_ivf(index) is None:
        raise UsageError(f"indexing.factory: {factory!r} has no inverted lists; give Flat or an IVF… string")
