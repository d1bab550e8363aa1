"""Training: a bounded sample, and a codebook made from it. Both depend only on the rows and the seed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import FiglakeError
from pipeline.indexing.checkpoint import Checkpoint, Progress
from pipeline.indexing.ids import ID_BITS, draw, vector_ids
from pipeline.indexing.recipe import FLAT

#: Iterations of k-means over the whole sample; those before look at its first part, so many rows a centroid at least.
_FULL_ITERATIONS, _FIRST_PART, _FIRST_ROWS = 3, 0.25, 10
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


def train(
    sample: NDArray[np.float32], recipe: str, dimension: int, seed: int, checkpoint: Checkpoint | None = None
) -> Any:
    """An empty, trained faiss index: transform, coarse quantiser, codes. Inner product.

    With a ``checkpoint`` what is done is kept after every iteration, and a training that was killed goes on from
    there; the result is the same, byte for byte. Raises FiglakeError when the sample is too small for the recipe.
    """
    import faiss

    index = empty = faiss.index_factory(dimension, recipe, faiss.METRIC_INNER_PRODUCT)
    if recipe == FLAT:
        return index
    parameters = faiss.extract_index_ivf(empty).cp  # no file of an index holds them
    parameters.seed = seed % 2**31
    try:
        done = checkpoint.read() if checkpoint else None
        if done is not None:
            index = faiss.deserialize_index(done.index)
        rows = transformed(index, sample)
        ivf = faiss.extract_index_ivf(index)
        if ord(ivf.quantizer_trains_alone) != 1:  # 1: a quantiser that is not made of centroids
            ivf.quantizer.add(_centroids(rows, index, parameters, done, checkpoint))
        index.train(sample)
    except RuntimeError as error:
        raise FiglakeError(
            f"the recipe {recipe} cannot be trained on {len(sample)} vectors; set indexing.factory to one with fewer "
            f"lists and smaller codes, or leave it empty ({str(error).rsplit('failed: ', 1)[-1]})"
        ) from None
    if checkpoint is not None:
        checkpoint.remove()
    return index


def transformed(index: Any, sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sample as the inverted lists see it, behind the transforms, which are trained where they are not."""
    faiss: Any = import_module("faiss")
    rows = sample
    if isinstance(index, faiss.IndexPreTransform):
        for place in range(index.chain.size()):
            transform = faiss.downcast_VectorTransform(index.chain.at(place))
            if not transform.is_trained:
                transform.train(rows)
            rows = transform.apply(rows)
    return rows


def _centroids(
    rows: NDArray[np.float32], index: Any, wanted: Any, done: Progress | None, checkpoint: Checkpoint | None
) -> NDArray[np.float32]:
    """k-means as faiss does it, iteration by iteration, on a GPU where faiss has one; the early ones on fewer rows."""
    faiss: Any = import_module("faiss")
    ivf = faiss.extract_index_ivf(index)
    parameters, iterations = faiss.ClusteringParameters(), wanted.niter
    parameters.spherical, parameters.seed, parameters.niter = wanted.spherical, wanted.seed, 1
    centroids, first = (None, 0) if done is None else (done.centroids, done.iterations)
    assigner = faiss.IndexFlat(ivf.d, ivf.metric_type)
    if getattr(faiss, "get_num_gpus", int)():
        assigner = faiss.index_cpu_to_all_gpus(assigner)
    for iteration in range(first, iterations):
        part = _rows_of(iteration, iterations, len(rows), ivf.nlist)
        parameters.min_points_per_centroid = wanted.min_points_per_centroid if part == len(rows) else 1
        step = faiss.Clustering(ivf.d, ivf.nlist, parameters)
        if centroids is not None:
            faiss.copy_array_to_vector(centroids.reshape(-1), step.centroids)
        step.train(rows[:part], assigner)
        centroids = faiss.vector_to_array(step.centroids).reshape(ivf.nlist, ivf.d)
        if checkpoint is not None:
            checkpoint.write(index, centroids, iteration + 1)
    assert centroids is not None  # noqa: S101 - there is at least one iteration
    return centroids


def _rows_of(iteration: int, iterations: int, rows: int, lists: int) -> int:
    """How many rows an iteration looks at. Centroids find their places on a part of the sample as well as on all of
    it (the rows come in random order), at a fraction of the time; the last iterations settle them."""
    if iteration >= iterations - _FULL_ITERATIONS:
        return rows
    return min(rows, max(int(_FIRST_PART * rows), _FIRST_ROWS * lists))
