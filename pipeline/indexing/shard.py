"""One archive's vectors of one modality become one immutable shard, the same bytes for the same rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.indexing.codebook import NAME_DIGITS
from pipeline.indexing.drift import SAMPLE, Gauges, gauges_of, list_sizes
from pipeline.indexing.files import put, sha256_of, workspace
from pipeline.indexing.ids import require_distinct, vector_ids
from pipeline.indexing.lists import write_lists
from pipeline.indexing.recipe import FLAT
from pipeline.indexing.train import vector_matrix
from pipeline.storage import Storage

#: Row i of a shard's .keys file describes row i of its .f16 file.
KEYS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
    ]
)
#: Vectors encoded at a time.
_BLOCK_ROWS = 1 << 15
#: Rows of a record batch in the .keys file; far below what the 32-bit offsets of a string column can carry.
_KEYS_BATCH_ROWS = 1 << 20


@dataclass(frozen=True)
class Source:
    """What a shard is made of. ``batches`` have the columns key, doc_id, model, revision and vector."""

    archive: str
    key: str
    batches: Iterable[pa.RecordBatch]


def write_shard(storage: Storage, codebook: dict[str, Any], index: Any, source: Source) -> dict[str, Any] | None:
    """Write a shard's files and return its row of the table ``shards``; None when there are no vectors.

    ``index`` is the codebook's empty faiss index; lists are added to it. Rows are sorted by key.
    Memory holds the keys, the codes and one block of vectors; the vectors themselves go through disk.
    Raises FiglakeError for a vector of another dimension, IdCollisionError for a key that comes twice.
    """
    with workspace(storage) as folder:
        unsorted = folder / "unsorted.f16"
        keys = _spool(source, codebook, unsorted)
        if not keys.num_rows:
            return None
        where = f"{codebook['modality']} vectors of archive {source.archive}"
        require_distinct(keys["id"].to_numpy(), keys["key"], where)
        order = pc.sort_indices(keys, [("key", "ascending")]).to_numpy()
        gauges = Gauges()
        files = {"keys": folder / "keys", "vectors": folder / "vectors"}
        _write_keys(keys.take(pa.array(order)), files["keys"])
        _write_sorted(unsorted, order, codebook["dimension"], files["vectors"])
        if codebook["recipe"] != FLAT:
            files["lists"] = folder / "lists"
            ids = keys["id"].to_numpy()[order]
            _encode(index, files["vectors"], ids, codebook["dimension"])
            write_lists(index, files["lists"])
            gauges = _gauges(index, files["vectors"], keys.num_rows, codebook["dimension"])
        return put_in_place(storage, codebook, source.archive, keys.num_rows, files) | asdict(gauges)


def _spool(source: Source, codebook: dict[str, Any], path: Path) -> pa.Table:
    """Write the vectors as float16 in the order they come; return their ids and keys in that order."""
    where = f"{codebook['modality']} vectors of archive {source.archive}"
    keys: list[pa.RecordBatch] = []
    with path.open("wb") as stream:
        for batch in source.batches:
            of_space = pc.and_(
                pc.equal(batch["model"], codebook["model"]), pc.equal(batch["revision"], codebook["revision"])
            )
            rows = batch.filter(of_space)
            stream.write(vector_matrix(rows["vector"], codebook["dimension"], where).astype(np.float16).tobytes())
            ids = pa.array(vector_ids(rows[source.key].to_pylist()))
            keys.append(pa.record_batch([ids, rows[source.key], rows["doc_id"]], schema=KEYS_SCHEMA))
    return pa.Table.from_batches(keys, schema=KEYS_SCHEMA).combine_chunks()


def _write_keys(keys: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, KEYS_SCHEMA) as writer:
        writer.write_table(keys.combine_chunks(), max_chunksize=_KEYS_BATCH_ROWS)


def _write_sorted(unsorted: Path, order: NDArray[np.int64], dimension: int, path: Path) -> None:
    vectors = np.memmap(unsorted, dtype=np.float16, mode="r", shape=(len(order), dimension))
    with path.open("wb") as stream:
        for start in range(0, len(order), _BLOCK_ROWS):
            stream.write(vectors[order[start : start + _BLOCK_ROWS]].tobytes())


def _encode(index: Any, path: Path, ids: NDArray[np.int64], dimension: int) -> None:
    """Add the float16 vectors, in row order, to the index's inverted lists."""
    vectors = np.memmap(path, dtype=np.float16, mode="r", shape=(len(ids), dimension))
    for start in range(0, len(ids), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        index.add_with_ids(vectors[block].astype(np.float32), ids[block])


def _gauges(index: Any, path: Path, rows: int, dimension: int) -> Gauges:
    """How well the codes fit, on rows at equal distances."""
    vectors = np.memmap(path, dtype=np.float16, mode="r", shape=(rows, dimension))
    chosen = np.linspace(0, rows - 1, min(rows, SAMPLE)).astype(np.int64)
    return gauges_of(index, vectors[chosen].astype(np.float32), list_sizes(index))


def put_in_place(
    storage: Storage, codebook: dict[str, Any], archive: str, rows: int, files: dict[str, Path]
) -> dict[str, Any]:
    """Name the files by their content and move them below the codebook's folder; returns their row of ``shards``."""
    digests = {kind: sha256_of(path) for kind, path in files.items()}
    name = hashlib.sha256("".join(digests[kind] for kind in sorted(digests)).encode()).hexdigest()[:NAME_DIGITS]
    suffixes = {"keys": "keys", "vectors": "f16", "lists": "lists"}
    row: dict[str, Any] = {
        "modality": codebook["modality"], "codebook": codebook["codebook"], "rows": rows,
        "lists_path": None, "lists_sha256": None,
    }  # fmt: skip
    for kind, local in files.items():
        path = f"index/{codebook['codebook']}/{archive}-{name}.{suffixes[kind]}"
        put(storage, local, path)
        row |= {f"{kind}_path": path, f"{kind}_sha256": digests[kind]}
    return row
