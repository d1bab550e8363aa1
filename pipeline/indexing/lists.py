"""Inverted lists as files of their own: the quantiser is stored once, a shard holds only lists."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any


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


def _read_lists(faiss: Any, path: Path) -> Any:
    return faiss.read_InvertedLists(faiss.FileIOReader(str(path)), faiss.IO_FLAG_MMAP)
