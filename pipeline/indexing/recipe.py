"""The recipe of a codebook: a faiss factory string chosen from the number of vectors, their dimension and a budget.

Inverted lists follow Jégou et al. 2011, "Product Quantization for Nearest Neighbor Search". The codes are RaBitQ
(Gao and Long 2024, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound"), a bit for each
dimension, or, where memory is short, 4-bit fast-scan codes (André et al. 2017, "Accelerated Nearest Neighbor Search
with Quick ADC"). A random rotation goes before either: encoders put most of the variance into few dimensions, and a
code that spends the same on each dimension then tells neighbours apart far worse.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pipeline.config import IndexSettings
from pipeline.errors import UsageError

FLAT = "Flat"
#: k-means wants this many training vectors per centroid (faiss warns below it).
_POINTS_PER_CENTROID = 39
#: From this many lists on, the coarse quantiser is a graph instead of a scan.
_HNSW_FROM_LISTS = 16_384
_HNSW_LINKS = 32
_MAX_LISTS = 1 << 18
_ID_BYTES = 8
#: A codebook is outgrown when so many times its lists are wanted: lists sixteen times as long.
_OUTGROWN = 4

#: What one core of a small cloud machine takes, in nanoseconds: to compare a dimension of a centroid, of a code of one
#: bit per dimension and of a fast-scan code, and to fetch a stored vector and score it. A prediction, to choose by;
#: publishing measures and its gate decides.
_CENTROID_NS, _BIT_NS, _FAST_NS, _VECTOR_NS = 0.06, 0.1, 0.02, 700.0
_LISTS_LOOKED_INTO, _GRAPH_COMPARISONS = 16, 2_000


@dataclass(frozen=True)
class Code:
    """How a vector is stored in the lists. ``candidates``: how many must be scored exactly for a recall@10 of 0.99,
    measured on vectors like CLIP's (`benchmarks/index.py`)."""

    name: str
    bytes: int
    ns: float
    candidates: int


@dataclass(frozen=True)
class Estimate:
    """What an index is expected to take: bytes of memory when a search holds all of it, milliseconds for one query on
    one core."""

    memory_bytes: int
    latency_ms: float


def codes(dimension: int) -> tuple[Code, ...]:
    """The codes to choose from, the most exact first."""
    found = [Code("RaBitQ", (dimension + 7) // 8 + 8, _BIT_NS * dimension, 100)]
    for per_part, candidates in ((8, 800), (16, 3200)):
        parts = max(1, dimension // per_part)
        if parts * per_part == dimension:
            found.append(Code(f"PQ{parts}x4fs", (parts + 1) // 2, _FAST_NS * dimension, candidates))
    return tuple(found)


def choose(rows: int, dimension: int, settings: IndexSettings) -> str:
    """The recipe for ``rows`` vectors: the configured factory string, Flat, or inverted lists of the most exact codes
    that stay within ``indexing.memory_mb`` and ``indexing.latency_ms``.

    Raises UsageError when the configured string is no flat or inverted-file index of this dimension, or when
    nothing stays within the budget.
    """
    if settings.factory:
        check_factory(settings.factory, dimension)
        return settings.factory
    if rows < settings.flat_below:
        return FLAT
    choices = [text(lists, code, dimension) for lists in _numbers_of_lists(rows, settings) for code in codes(dimension)]
    for recipe in choices:
        if _fits(estimate(recipe, rows, dimension), settings):
            return recipe
    found = [one for recipe in choices if (one := estimate(recipe, rows, dimension))]
    raise UsageError(
        f"no index of {rows:,} vectors of dimension {dimension} stays within indexing.memory_mb={settings.memory_mb} "
        f"and indexing.latency_ms={settings.latency_ms:g}: the smallest takes "
        f"{min(one.memory_bytes for one in found) / 2**20:,.0f} MB, the fastest "
        f"{min(one.latency_ms for one in found):.2g} ms on one core; raise them, or set indexing.factory"
    )


def text(lists: int, code: Code, dimension: int) -> str:
    """The factory string."""
    coarse = f"IVF{lists}_HNSW{_HNSW_LINKS}" if lists >= _HNSW_FROM_LISTS else f"IVF{lists}"
    return f"RR{dimension},{coarse},{code.name}"


def estimate(recipe: str, rows: int, dimension: int) -> Estimate | None:
    """What an index of this recipe takes; None for one that :func:`choose` would not make."""
    if recipe == FLAT:
        return Estimate(rows * 2 * dimension, rows * dimension * _CENTROID_NS / 1e6)
    lists, code = lists_of(recipe), next((one for one in codes(dimension) if recipe.endswith(f",{one.name}")), None)
    if lists is None or code is None:
        return None
    graph = f"_HNSW{_HNSW_LINKS}" in recipe
    coarse_bytes = lists * (4 * dimension + (8 * _HNSW_LINKS if graph else 0)) + 4 * dimension * dimension
    compared = min(lists, _GRAPH_COMPARISONS) if graph else lists
    scanned = min(1.0, _LISTS_LOOKED_INTO / lists) * rows
    nanoseconds = dimension * compared * _CENTROID_NS + scanned * code.ns + code.candidates * _VECTOR_NS
    return Estimate(rows * (code.bytes + _ID_BYTES) + coarse_bytes, nanoseconds / 1e6)


def number_of_lists(rows: int, sample: int) -> int:
    """About four times the root of ``rows``, as a power of two that the training sample can carry."""
    aim = 1 << round(math.log2(4 * math.sqrt(max(1, rows))))
    most = max(1, min(rows, sample) // _POINTS_PER_CENTROID)
    return min(aim, 1 << (most.bit_length() - 1), _MAX_LISTS)


def lists_of(recipe: str) -> int | None:
    """How many inverted lists a factory string asks for."""
    found = re.search(r"\bIVF(\d+)", recipe)
    return int(found[1]) if found else None


def outgrown(recipe: str, wanted: str, settings: IndexSettings) -> bool:
    """Whether a frozen codebook gives way to the ``wanted`` one: another kind, many more lists, or another configured
    string. Fewer vectors never ask for it, nor does a change of the codes: that is what ``figlake retrain`` is for."""
    if settings.factory:
        return recipe != wanted
    if FLAT in (recipe, wanted):
        return recipe == FLAT and wanted != FLAT
    return (lists_of(wanted) or 1) >= _OUTGROWN * (lists_of(recipe) or 1)


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


def _numbers_of_lists(rows: int, settings: IndexSettings) -> list[int]:
    """The usual number, then more: shorter lists answer faster where scanning them is what takes the time."""
    usual = number_of_lists(rows, settings.sample)
    most = max(1, min(rows, settings.sample) // _POINTS_PER_CENTROID)
    return [usual << step for step in range(4) if usual << step <= min(most, _MAX_LISTS)] or [usual]


def _fits(found: Estimate | None, settings: IndexSettings) -> bool:
    if found is None:
        return False
    small = not settings.memory_mb or found.memory_bytes <= settings.memory_mb << 20
    return small and (not settings.latency_ms or found.latency_ms <= settings.latency_ms)
