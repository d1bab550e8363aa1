"""Inverted lists as files of their own: the quantiser is stored once, a shard holds only lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FiglakeError

Ids = NDArray[np.int64]


def _faiss() -> Any:
    """The module, untyped: its stubs lack the classes of inverted lists."""
    return import_module("faiss")


def write_lists(index: Any, path: Path) -> None:
    """Write the inverted lists of an IVF index (perhaps behind a transform)."""
    faiss = _faiss()
    writer = faiss.FileIOWriter(str(path))
    faiss.write_InvertedLists(faiss.extract_index_ivf(index).invlists, writer)
    del writer  # closes the file


def open_lists(codebook: Any, paths: Iterable[Path]) -> Any:
    """``codebook`` (empty, trained; it is changed) with the lists of all shards in it.

    Plain lists are memory-mapped and laid side by side. faiss cannot map fast-scan lists, so those
    are read and merged, which costs the size of the codes in memory.
    """
    faiss = _faiss()
    ivf = faiss.extract_index_ivf(codebook)
    if isinstance(faiss.downcast_InvertedLists(ivf.invlists), faiss.BlockInvertedLists):
        for path in paths:
            ivf.invlists.merge_from(_read_lists(faiss, path), 0)
        rows = ivf.invlists.compute_ntotal()
    else:
        parts = [_read_lists(faiss, path) for path in paths]
        rows = sum(part.compute_ntotal() for part in parts)
        pointers = faiss.InvertedListsPtrVector()
        for part in parts:
            pointers.push_back(part)
        stack = faiss.HStackInvertedLists(pointers.size(), pointers.data())
        ivf.replace_invlists(stack, False)
        faiss.add_to_referenced_objects(codebook, (stack, parts))  # faiss itself only points at them
    ivf.ntotal = codebook.ntotal = rows
    return codebook


def merged_lists(
    empty: Callable[[], Any], parts: Iterable[tuple[Path, Ids, NDArray[np.bool_]]], ids: Ids,
    vectors: NDArray[np.float16], path: Path,
) -> None:  # fmt: skip
    """Write the lists of several shards as one. ``empty`` makes the trained, empty index of their codebook.

    ``parts``: each shard's lists, the ids of its rows, and which of them stay; together these are the rows of ``ids``
    and ``vectors``. Codes are moved as they are. Where one id names both a row that stays and one that goes (a document
    that came twice), its code is made anew, because lists know rows by their ids only.
    """
    faiss = _faiss()
    whole, again = empty(), [np.empty(0, np.int64)]
    target = faiss.extract_index_ivf(whole)
    for lists, own, keep in parts:
        part = empty()
        ivf = faiss.extract_index_ivf(part)
        ivf.invlists.merge_from(faiss.read_InvertedLists(faiss.FileIOReader(str(lists))), 0)
        ivf.ntotal = part.ntotal = ivf.invlists.compute_ntotal()
        gone = np.unique(own[~keep])
        if len(gone):
            part.remove_ids(faiss.IDSelectorBatch(gone))
            again.append(own[keep & np.isin(own, gone)])
        target.invlists.merge_from(ivf.invlists, 0)
    target.ntotal = whole.ntotal = target.invlists.compute_ntotal()
    lost = np.flatnonzero(np.isin(ids, np.concatenate(again)))
    if len(lost):
        whole.add_with_ids(vectors[lost].astype(np.float32), ids[lost])
    if whole.ntotal != len(ids):
        raise FiglakeError(f"compaction made lists of {whole.ntotal:,} codes for {len(ids):,} vectors")
    write_lists(whole, path)


def _read_lists(faiss: Any, path: Path) -> Any:
    return faiss.read_InvertedLists(faiss.FileIOReader(str(path)), faiss.IO_FLAG_MMAP)
