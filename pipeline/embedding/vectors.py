"""Vectors as the tables hold them: unit length, float32 values that float16 represents exactly."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.base import VECTOR

#: n x d, float32.
Vectors = NDArray[np.float32]


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Rows at unit length, then rounded to values of float16. Raises ValueError for a row of no direction."""
    rows = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or not np.all(lengths > 0):
        raise ValueError("a vector has no direction: it is zero or not finite")
    rounded: Vectors = (rows / lengths).astype(np.float16).astype(np.float32)
    return rounded


def vector_rows(
    key: str, keys: pa.Array, doc_ids: pa.Array, model: str, revision: str, vectors: Vectors
) -> pa.Table:  # fmt: skip
    """Rows of a vector table under their key column; ``vectors`` in the order of ``keys``."""
    count, dimension = vectors.shape
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * dimension)
    column = pa.ListArray.from_arrays(offsets, pa.array(vectors.reshape(-1)), type=VECTOR)
    return pa.table(
        {
            key: keys,
            "doc_id": doc_ids,
            "model": pa.repeat(model, count),
            "revision": pa.repeat(revision, count),
            "vector": column,
        }
    )


def figure_means(
    links: pa.Table, passage_ids: pa.Array, vectors: Vectors, *, weighted: bool = False
) -> tuple[pa.Table, Vectors]:
    """One vector per figure: the mean of its linked sentences' (Pustu-Iren et al. 2021), at unit length.

    ``links`` has figure_id, doc_id, passage_id and score; a sentence that several signs link to the same
    figure counts once, with its best score where ``weighted``. Returns a table of figure_id and doc_id
    sorted by figure_id, and the vectors in its order.
    """
    pairs = links.group_by(["figure_id", "doc_id", "passage_id"]).aggregate([("score", "max")])
    pairs = pairs.append_column("row", pc.index_in(pairs["passage_id"], value_set=passage_ids))
    pairs = pairs.filter(pc.is_valid(pairs["row"])).sort_by([("figure_id", "ascending"), ("row", "ascending")])
    figures = pairs.group_by(["figure_id", "doc_id"], use_threads=False).aggregate([([], "count_all")])
    figures = figures.select(["figure_id", "doc_id"])
    if figures.num_rows == 0:
        return figures, np.empty((0, vectors.shape[1]), np.float32)
    of_figure = pc.index_in(pairs["figure_id"], value_set=figures["figure_id"]).to_numpy()
    weights = pairs["score_max"].to_numpy().astype(np.float32) if weighted else np.ones(pairs.num_rows, np.float32)
    rows = vectors[pairs["row"].to_numpy()] * weights[:, None]
    starts = np.flatnonzero(np.diff(of_figure, prepend=-1))
    return figures, unit(np.add.reduceat(rows, starts, axis=0))
