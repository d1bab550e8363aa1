"""Vectors drawn to lie as normalised CLIP embeddings of drawings do, and a modality made of them.

What is imitated: all lie in a narrow cone (two at random have a similarity of about a half), in groups of groups
(sheets of the same kind, views of one thing), few directions carry most of the spread, and the nearest neighbours of a
vector are those of its own group. :func:`describe` measures this, so that a reader can judge the imitation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.publishing.manifest import Codebook, Effort, File, Modality, Shard
from pipeline.search.release import OpenModality

DIMENSION = 512
_KINDS, _VIEWS_OF_ONE_THING = 40, 250
_BLOCK = 50_000
Vectors = NDArray[np.float32]


def blocks(rows: int, seed: int, stream: int = 0) -> Iterator[Vectors]:
    """Unit vectors float32 (n, 512), together ``rows``. Another ``stream`` draws others of the same groups.

    The number of groups grows with ``rows``, as an archive grows by new things rather than by more views of the old.
    """
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, DIMENSION + 1, dtype=np.float32) ** -0.5
    spectrum /= np.linalg.norm(spectrum)
    mean, kinds = (rng.standard_normal((n, DIMENSION), dtype=np.float32) for n in (1, _KINDS))
    groups = rng.standard_normal((max(1, rows // _VIEWS_OF_ONE_THING), DIMENSION), dtype=np.float32)
    groups += kinds[rng.integers(0, _KINDS, len(groups))]
    mean /= np.linalg.norm(mean)
    own = np.random.default_rng([seed, stream])
    for start in range(0, rows, _BLOCK):
        count = min(_BLOCK, rows - start)
        found = own.standard_normal((count, DIMENSION), dtype=np.float32)
        found = (0.8 * found + groups[own.integers(0, len(groups), count)]) * spectrum + 1.6 * mean
        yield (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)


def some(rows: int, seed: int, count: int, stream: int) -> Vectors:
    """``count`` vectors of the groups that ``rows`` vectors have, others than those: queries."""
    found: list[Vectors] = []
    for block in blocks(rows, seed, stream):
        found.append(block[:count])
        if sum(map(len, found)) >= count:
            break
    return np.concatenate(found)[:count]


def describe(vectors: Vectors) -> str:
    """What the vectors look like: similarities of random pairs, and how many directions carry the variance."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, len(vectors), (2, 2000))
    similar = np.einsum("nd,nd->n", vectors[pairs[0]], vectors[pairs[1]])
    sample = vectors[:20_000] - vectors[:20_000].mean(axis=0)
    spread = np.cumsum(np.linalg.svd(sample.T @ sample, compute_uv=False))
    half, most = (int(np.searchsorted(spread / spread[-1], share)) + 1 for share in (0.5, 0.9))
    return f"random pairs {similar.mean():.2f} alike, half of the variance in {half} dimensions, 90% in {most}"


def batches(vectors: Iterator[Vectors], archive: str = "A") -> Iterator[pa.RecordBatch]:
    """The vectors as the table figure_vectors holds them."""
    number = 0
    for block in vectors:
        offsets = pa.array(np.arange(0, block.size + 1, DIMENSION, dtype=np.int32))
        names = pa.array([f"EP{archive}{number + row}A1/s.tif#1" for row in range(len(block))])
        number += len(block)
        yield pa.record_batch(
            {
                "figure_id": names, "doc_id": names, "model": pa.array(["benchmark"] * len(block)),
                "revision": pa.array(["1"] * len(block)),
                "vector": pa.ListArray.from_arrays(offsets, pa.array(block.reshape(-1))),
            }
        )  # fmt: skip


def opened(
    folder: Path, book: dict[str, object], shards: list[dict[str, object]], known: Sequence[NDArray[Any]] = ()
) -> OpenModality:
    """Shards under their codebook, as a release opens them; ``book`` and ``shards`` are rows of the catalogue.

    ``known``: ids, shard and row of all vectors by ascending id, where they have been put together already.
    """
    kinds = ("vectors", "keys", "lists")
    files = [{kind: File(str(row[f"{kind}_path"]), 0, "", int(str(row["rows"]))) for kind in kinds} for row in shards]
    code = File(str(book["path"]), 0, "")
    entry = Modality(
        1,
        Codebook(str(book["codebook"]), str(book["recipe"]), DIMENSION, "benchmark", "1", 0, code),
        tuple(Shard((str(n),), file["keys"].rows or 0, **file) for n, file in enumerate(files)),
        sum(file["keys"].rows or 0 for file in files), 0, Effort(32, 200),
    )  # fmt: skip
    paths = {file.path: folder / file.path for group in files for file in group.values()} | {
        code.path: folder / code.path
    }
    stored = [
        np.asarray(np.memmap(paths[group["vectors"].path], np.float16, "r").reshape(-1, DIMENSION)) for group in files
    ]
    if known:
        return OpenModality(entry, known[0], known[1], known[2], np.empty(0, np.int64), stored, paths)
    ids, numbers, rows = [], [], []
    for number, group in enumerate(files):
        with pa.memory_map(str(paths[group["keys"].path])) as stream:
            ids.append(pa.ipc.open_file(stream).read_all()["id"].to_numpy().copy())
        numbers.append(np.full(len(ids[-1]), number, np.int32))
        rows.append(np.arange(len(ids[-1]), dtype=np.int32))
    everything = np.concatenate(ids)
    order = np.argsort(everything)
    places = np.concatenate(numbers)[order], np.concatenate(rows)[order]
    return OpenModality(entry, everything[order], *places, np.empty(0, np.int64), stored, paths)
