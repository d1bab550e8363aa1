"""Nearest vectors of one modality: candidates from the inverted lists, exact scores from the stored vectors.

All similarities are inner products of unit vectors. Results are sorted by similarity, ties by position,
and padded with -inf and position -1.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import SearchSettings
from pipeline.publishing.manifest import Effort
from pipeline.search.release import OpenModality

#: Vectors scored at a time: 32 MiB of float32 at 512 dimensions.
_BLOCK_VECTORS = 1 << 14
#: The same where each query has vectors of its own: 1.5 MiB of both kinds of float at 512 dimensions.
_CACHED_VECTORS = 1 << 9
#: A batch is shared out among threads when each gets at least so many queries.
_QUERIES_PER_THREAD = 16

#: Of an index that nobody has tuned.
DEFAULT_EFFORT = Effort(nprobe=32, candidates=200)

Found = tuple[NDArray[np.float32], NDArray[np.int64]]


def nearest(modality: OpenModality, queries: NDArray[np.float32], k: int, settings: SearchSettings) -> Found:
    """The ``k`` most similar vectors: (similarities, positions), each (queries, k).

    Exact under a flat codebook; else the best of the candidates that IVF-PQ finds.
    """
    if modality.is_flat:
        return exact(modality, queries, k)
    effort = effort_of(modality, settings)
    ids = candidate_ids(modality, queries, max(k, effort.candidates), effort.nprobe)
    return refine(modality, queries, modality.positions_of(ids), k)


def effort_of(modality: OpenModality, settings: SearchSettings) -> Effort:
    """What the settings say, else what the release was tuned to."""
    tuned = modality.entry.effort or DEFAULT_EFFORT
    return Effort(settings.nprobe or tuned.nprobe, settings.candidates or tuned.candidates)


def number_of_lists(modality: OpenModality) -> int:
    """The inverted lists of a codebook that is not flat."""
    faiss: Any = import_module("faiss")
    return int(faiss.extract_index_ivf(modality.index()).nlist)


def refine(modality: OpenModality, queries: NDArray[np.float32], positions: NDArray[np.int64], k: int) -> Found:
    """The ``k`` best of each query's own candidates, (queries, n), by their stored vectors; -1 is none."""
    positions = np.sort(positions, axis=1)
    # A document that came in two archives has its id in two shards; it is one candidate.
    positions[:, 1:][positions[:, 1:] == positions[:, :-1]] = -1
    return _best(similarities(modality, queries, positions), positions, k)


def exact(
    modality: OpenModality, queries: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None
) -> Found:
    """The ``k`` most similar vectors by scoring every one, or all at the positions ``among``, in stored order."""
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    positions = np.full((len(queries), k), -1, dtype=np.int64)
    order = modality.stored_order if among is None else modality.in_stored_order(among)
    for start in range(0, len(order), _BLOCK_VECTORS):
        block = order[start : start + _BLOCK_VECTORS]
        found = queries @ modality.gather(block).T
        where = np.broadcast_to(block.astype(np.int64), found.shape)
        if start:
            found, where = _as_good(found, block, scores[:, -1:])
        both = np.concatenate([scores, found], axis=1), np.concatenate([positions, where], axis=1)
        scores, positions = _best(*both, k)
    return scores, positions


def _as_good(found: NDArray[np.float32], block: NDArray[np.signedinteger], least: NDArray[np.float32]) -> Found:
    """Of each query's similarities to a block those that are not below its ``least``, padded as results are.

    After a few blocks that is next to nothing, and to compare costs a tenth of what sorting them out does.
    """
    queries, columns = np.nonzero(found >= least)
    counts = np.bincount(queries, minlength=len(found))
    slots = np.arange(len(queries)) - (np.cumsum(counts) - counts)[queries]
    scores = np.full((len(found), counts.max(initial=0)), -np.inf, np.float32)
    positions = np.full(scores.shape, -1, np.int64)
    scores[queries, slots], positions[queries, slots] = found[queries, columns], block[columns]
    return scores, positions


def similarities(
    modality: OpenModality, queries: NDArray[np.float32], positions: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Exact similarity of each query to its own positions, (queries, n); -inf at position -1."""
    scores = np.full(positions.shape, -np.inf, dtype=np.float32)
    if not len(modality.ids):
        return scores
    threads = min(_threads(), len(queries) // _QUERIES_PER_THREAD)
    parts = np.array_split(np.arange(len(queries)), max(1, threads))
    if len(parts) == 1:
        _score(modality, queries, positions, scores)
        return scores
    with ThreadPoolExecutor(len(parts)) as pool:
        blocks = [slice(part[0], part[-1] + 1) for part in parts]
        list(pool.map(lambda block: _score(modality, queries[block], positions[block], scores[block]), blocks))
    return scores


def _score(
    modality: OpenModality, queries: NDArray[np.float32], positions: NDArray[np.int64], scores: NDArray[np.float32]
) -> None:
    """Fill ``scores`` in blocks that stay in the processor's cache."""
    step = max(1, _CACHED_VECTORS // max(1, positions.shape[1]))
    shape = (min(step, len(queries)) * positions.shape[1], modality.dimension)
    buffers = np.empty(shape, np.float16), np.empty(shape, np.float32)
    for start in range(0, len(queries), step):
        block = slice(start, start + step)
        vectors = modality.gather(np.maximum(positions[block], 0).reshape(-1), buffers)
        vectors = vectors.reshape(*positions[block].shape, modality.dimension)
        found = np.matmul(vectors, queries[block, :, None])[:, :, 0]
        np.copyto(scores[block], found, where=positions[block] >= 0)


def _threads() -> int:
    faiss: Any = import_module("faiss")
    return int(faiss.omp_get_max_threads())


def candidate_ids(
    modality: OpenModality, queries: NDArray[np.float32], count: int, nprobe: int, selector: Any = None
) -> NDArray[np.int64]:
    """Ids of the ``count`` best by their codes in ``nprobe`` lists, (queries, count); -1 where there are fewer.

    A faiss ``selector`` says which ids may be found; without one, all that are not masked.
    """
    faiss: Any = import_module("faiss")  # untyped: its stubs lack the keywords of the parameters
    index = modality.index()
    parameters = faiss.SearchParametersIVF(nprobe=nprobe, **({"sel": selector} if selector else _mask(modality)))
    if isinstance(index, faiss.IndexPreTransform):
        parameters = faiss.SearchParametersPreTransform(index_params=parameters)
    found: NDArray[np.int64] = index.search(np.ascontiguousarray(queries), count, params=parameters)[1]
    return found


def _mask(modality: OpenModality) -> dict[str, Any]:
    """Keeps withdrawn documents from taking candidates' places."""
    import faiss

    if not len(modality.masked):
        return {}
    return {"sel": faiss.IDSelectorNot(faiss.IDSelectorBatch(modality.masked))}


def _best(scores: NDArray[np.float32], positions: NDArray[np.int64], k: int) -> Found:
    """The first ``k`` of each row by (similarity descending, position)."""
    if scores.shape[1] > 4 * k:
        # Everything as good as the k-th stays, so that ties are settled by position and not by chance.
        threshold = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
        keep = int(np.count_nonzero(scores >= threshold, axis=1).max(initial=k))
        part = np.argpartition(-scores, keep - 1, axis=1)[:, :keep]
        scores, positions = np.take_along_axis(scores, part, 1), np.take_along_axis(positions, part, 1)
    order = np.lexsort((positions, -scores), axis=1)[:, :k]
    best, where = np.take_along_axis(scores, order, 1), np.take_along_axis(positions, order, 1)
    if best.shape[1] < k:
        pad = ((0, 0), (0, k - best.shape[1]))
        best, where = np.pad(best, pad, constant_values=-np.inf), np.pad(where, pad, constant_values=-1)
    return best, np.where(np.isneginf(best), -1, where)
