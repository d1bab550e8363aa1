"""Training: a bounded sample, and a codebook made from it. Both depend only on the rows and the seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import FiglakeError
from pipeline.indexing.ids import ID_BITS, draw, vector_ids
from pipeline.indexing.recipe import FLAT

#: Workers keep this share more than is wanted, so that chance leaves enough; the rest is cut off later.
_MARGIN = 1.1


def vector_matrix(column: pa.Array | pa.ChunkedArray, dimension: int, where: str) -> NDArray[np.float32]:
    """A list column as float32 of shape (n, dimension). Raises FiglakeError for vectors of another length."""
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values = chunk.flatten().to_numpy(zero_copy_only=False)
    if len(values) != len(chunk) * dimension:
        raise FiglakeError(f"{where}: the vectors are not all of dimension {dimension}; run embed again")
    return np.asarray(values, dtype=np.float32).reshape(len(chunk), dimension)


class SampleFilter:
    """Keeps a row when its draw falls below a threshold: stateless, so every worker may apply it to any block.

    Each archive gives its share of the sample, because the draw knows nothing of archives.
    """

    def __init__(self, key: str, model: str, revision: str, rows: int, sample: int, seed: int) -> None:
        self.key, self.model, self.revision, self.seed = key, model, revision, seed
        share = min(1.0, _MARGIN * sample / max(1, rows))
        self.threshold = int(share * 2**ID_BITS)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Columns rank (int64) and vector of the rows that are kept."""
        ranks = draw(vector_ids(batch[self.key].to_pylist()), self.seed)
        of_space = np.logical_and(
            pa.compute.equal(batch["model"], self.model).to_numpy(),
            pa.compute.equal(batch["revision"], self.revision).to_numpy(),
        )
        keep = pa.array((ranks.astype(np.uint64) < np.uint64(self.threshold)) & of_space)
        return pa.table({"rank": pa.array(ranks), "vector": batch["vector"]}).filter(keep)


def gather_sample(blocks: Iterable[pa.Table], dimension: int, sample: int) -> NDArray[np.float32]:
    """The ``sample`` vectors of the smallest ranks, in rank order, float32 (n, dimension)."""
    ranks, vectors = [np.empty(0, np.int64)], [np.empty((0, dimension), np.float32)]
    for block in blocks:
        ranks.append(block["rank"].to_numpy())
        vectors.append(vector_matrix(block["vector"], dimension, "training sample"))
    order = np.argsort(np.concatenate(ranks), kind="stable")[:sample]
    return np.ascontiguousarray(np.concatenate(vectors)[order])


def train(sample: NDArray[np.float32], recipe: str, dimension: int, seed: int) -> Any:
    """An empty, trained faiss index: coarse quantiser, transform and product quantiser. Inner product.

    Raises FiglakeError when the sample is too small for the recipe.
    """
    import faiss

    index = faiss.index_factory(dimension, recipe, faiss.METRIC_INNER_PRODUCT)
    if recipe == FLAT:
        return index
    ivf = faiss.extract_index_ivf(index)
    ivf.cp.seed = seed % 2**31
    try:
        index.train(sample)
    except RuntimeError as error:
        raise FiglakeError(
            f"the recipe {recipe} cannot be trained on {len(sample)} vectors; set indexing.factory to one with fewer "
            f"lists and smaller codes, or leave it empty ({str(error).rsplit('failed: ', 1)[-1]})"
        ) from None
    return index
