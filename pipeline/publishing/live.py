"""Which rows a release shows: documents that stand, their figures, and the vectors of both.

The same document may lie in two archives; the newest by (delivery date, archive) is the one that
readers see. Tombstoned documents are seen nowhere. What is not seen stays in the shards, masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import FiglakeError
from pipeline.indexing.ids import IdCollisionError, vector_ids
from pipeline.lake import Lake
from schemas.facets import FIGURE_TYPES, PERSPECTIVES

_NAMES = pa.dictionary(pa.int32(), pa.string())
_LISTS_OF_NAMES = pa.list_(_NAMES)
#: One row per figure that a release shows, ordered by figure_id.
FACETS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("figure_id", pa.string(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("archive", _NAMES),
        pa.field("office", _NAMES),
        pa.field("kind", _NAMES),
        pa.field("publication_date", pa.date32()),
        pa.field("figure_type", _NAMES),
        pa.field("perspective", _NAMES),
        pa.field("sheet_hash", pa.int64()),
        pa.field("family", pa.string(), nullable=False),
        pa.field("ipc", _LISTS_OF_NAMES, nullable=False),
        pa.field("cpc", _LISTS_OF_NAMES, nullable=False),
        pa.field("applicants", _LISTS_OF_NAMES, nullable=False),
    ]
)
#: Record batch 0 is of the figures (``row``: in facets.arrow), then comes one per modality.
IDS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
    ]
)
MASKED_SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False)])
#: Pairs of vector ids, by modality of details. Record batch 0 is ordered by figure, record batch 1 by detail.
DETAILS_SCHEMAS = {
    "passage": pa.schema([pa.field(name, pa.int64(), nullable=False) for name in ("figure", "passage")]),
    "region": pa.schema(
        [
            *(pa.field(name, pa.int64(), nullable=False) for name in ("figure", "region")),
            *(pa.field(name, pa.int32(), nullable=False) for name in ("x0", "y0", "x1", "y1")),
        ]
    ),
}

#: A document without a family identifier belongs with those of the same number: A1 with B1.
_LIVE_DOCUMENTS = """
    SELECT archive, doc_id, office, kind, publication_date, coalesce(family_id, country || number) AS family,
           coalesce(ipc, []) AS ipc, coalesce(cpc, []) AS cpc, coalesce(applicants, []) AS applicants FROM (
        SELECT *, row_number() OVER (
            PARTITION BY doc_id ORDER BY coalesce(delivery_date, publication_date) DESC NULLS LAST, archive DESC
        ) AS place FROM documents
    ) WHERE place = 1 AND doc_id NOT IN (SELECT doc_id FROM tombstones)
"""
_LIVE_FIGURES = f"""
    WITH live AS ({_LIVE_DOCUMENTS})
    SELECT figure_id, doc_id, archive, office, kind, publication_date,
           coalesce(figure_type, 'unknown') AS figure_type, coalesce(perspective, 'unknown') AS perspective, sha256,
           family, ipc, cpc, applicants
    FROM figures JOIN live USING (archive, doc_id)
    LEFT JOIN (SELECT archive, sheet_id, sha256 FROM sheets) USING (archive, sheet_id)
    LEFT JOIN (SELECT archive, figure_id, figure_type, perspective FROM facets) USING (archive, figure_id)
    ORDER BY figure_id
"""  # noqa: S608 - no part of it comes from outside
#: The first two columns are keys of vectors, the others are copied.
_LIVE_DETAILS = {
    "passage": f"""
        WITH live AS ({_LIVE_DOCUMENTS})
        SELECT DISTINCT figure_id, passage_id FROM links JOIN live USING (archive, doc_id)
    """,  # noqa: S608 - no part of it comes from outside
    "region": f"""
        WITH live AS ({_LIVE_DOCUMENTS})
        SELECT figure_id, region_id, r.x0, r.y0, r.x1, r.y1 FROM region_vectors r JOIN live USING (archive, doc_id)
        WHERE (archive, figure_id) IN (SELECT (archive, figure_id) FROM figures)
    """,  # noqa: S608 - no part of it comes from outside
}
_TABLES = ("documents", "tombstones", "figures", "sheets", "facets")


@dataclass(frozen=True)
class ShardKeys:
    """Ids and documents of rows of one archive, which are those from ``first`` on of shard number ``shard``."""

    shard: int
    first: int
    archive: str
    rows: pa.Table  # indexing.shard.KEYS_SCHEMA


@dataclass(frozen=True)
class LiveRows:
    """One modality: the vectors that are seen, by ascending id, and the ids that are masked."""

    id: NDArray[np.int64]
    shard: NDArray[np.int32]
    row: NDArray[np.int32]
    masked: NDArray[np.int64]

    @property
    def batch(self) -> pa.RecordBatch:
        return pa.record_batch([self.id, self.shard, self.row], schema=IDS_SCHEMA)


def live_documents(lake: Lake) -> dict[str, pa.Array]:
    """The doc_ids that each archive shows."""
    sql = f"SELECT archive, doc_id FROM ({_LIVE_DOCUMENTS})"  # noqa: S608 - no part of it comes from outside
    documents = _query(lake, sql, ("documents", "tombstones")).read_all()
    by_archive = documents.group_by("archive").aggregate([("doc_id", "list")]).to_pylist()
    return {row["archive"]: pa.array(row["doc_id_list"], pa.string()) for row in by_archive}


def write_facets(lake: Lake, path: Path) -> LiveRows:
    """Stream the figures that a release shows to ``facets.arrow``; returns their ids and rows there."""
    names = _names(lake)
    ids = [np.empty(0, np.int64)]
    with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, FACETS_SCHEMA) as writer:
        for batch in _query(lake, _LIVE_FIGURES, _TABLES):
            ids.append(vector_ids(batch["figure_id"].to_pylist()))
            writer.write_batch(_facets_batch(batch, ids[-1], names))
    all_ids = np.concatenate(ids)
    order = np.argsort(all_ids, kind="stable")
    rows = order.astype(np.int32)
    return LiveRows(all_ids[order], np.zeros(len(rows), np.int32), rows, np.empty(0, np.int64))


def write_details(lake: Lake, name: str, path: Path) -> NDArray[np.int64]:
    """Write which figure that a release shows has which detail; returns the details' ids, ascending.

    ``name`` is a modality of details: passage (the sentences linked with it) or region.
    """
    schema, tables = DETAILS_SCHEMAS[name], ("documents", "tombstones", "figures", "links", "region_vectors")
    batches = [schema.empty_table()]
    for batch in _query(lake, _LIVE_DETAILS[name], tables):
        keys = [pa.array(vector_ids(batch[place].to_pylist())) for place in (0, 1)]
        batches.append(pa.table([*keys, *batch.columns[2:]], schema=schema))
    rows = pa.concat_tables(batches).combine_chunks()
    with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, schema) as writer:
        for order in (("figure", name), (name, "figure")):
            places = pc.sort_indices(rows, [(column, "ascending") for column in order])
            columns = [column.combine_chunks() for column in rows.take(places).columns]
            writer.write_batch(pa.record_batch(columns, schema=schema))
    return np.unique(rows[name].to_numpy())


def select_rows(
    modality: str, shards: Sequence[ShardKeys], documents: Mapping[str, pa.Array],
    existing: NDArray[np.int64] | None,
) -> LiveRows:  # fmt: skip
    """The vectors of a modality that a release shows: of live documents, and with an ``existing`` id (None: any).

    Raises IdCollisionError when two keys share an id, FiglakeError when a row would be seen twice.
    """
    ids, shard_numbers, rows, masked = [], [], [], [np.empty(0, np.int64)]
    for shard in shards:
        own = shard.rows["id"].to_numpy()
        seen = pc.is_in(shard.rows["doc_id"], value_set=documents.get(shard.archive, pa.array([], pa.string())))
        keep = seen.to_numpy(zero_copy_only=False) & (True if existing is None else np.isin(own, existing))
        where = np.flatnonzero(keep)
        ids.append(own[where])
        rows.append((shard.first + where).astype(np.int32))
        shard_numbers.append(np.full(len(where), shard.shard, np.int32))
        masked.append(own[~keep])
    all_ids = np.concatenate([np.empty(0, np.int64), *ids])
    order = np.argsort(all_ids, kind="stable")
    live = all_ids[order]
    _require_one_key_per_id(modality, shards, live)
    hidden = np.setdiff1d(np.concatenate(masked), live)
    empty = np.empty(0, np.int32)
    return LiveRows(live, np.concatenate([empty, *shard_numbers])[order], np.concatenate([empty, *rows])[order], hidden)


def _require_one_key_per_id(modality: str, shards: Sequence[ShardKeys], live: NDArray[np.int64]) -> None:
    """Look at the keys of ids that several shards hold, and refuse an id that is seen twice."""
    everything = np.sort(np.concatenate([np.empty(0, np.int64), *(shard.rows["id"].to_numpy() for shard in shards)]))
    repeated = np.unique(everything[1:][everything[1:] == everything[:-1]])
    keys: dict[int, str] = {}
    for shard in shards if len(repeated) else ():
        rows = shard.rows.filter(pc.is_in(shard.rows["id"], value_set=pa.array(repeated)))
        for vector, key in zip(rows["id"].to_pylist(), rows["key"].to_pylist(), strict=True):
            if keys.setdefault(vector, key) != key:
                raise IdCollisionError(f"{modality}: {keys[vector]!r} and {key!r} have the same vector id {vector}")
    twice = live[1:][live[1:] == live[:-1]]
    if len(twice):
        raise FiglakeError(f"{modality}: {keys[int(twice[0])]!r} would be in the release twice")


def _names(lake: Lake) -> dict[str, pa.Array]:
    """Every value that a column of names may have, so that all batches share one dictionary."""
    found = {"figure_type": FIGURE_TYPES, "perspective": PERSPECTIVES}
    asked = {name: name for name in ("archive", "office", "kind")}
    asked |= {name: f"unnest({name})" for name in ("ipc", "cpc", "applicants")}
    for name, value in asked.items():
        rows = _query(lake, f"SELECT DISTINCT {value} AS name FROM documents ORDER BY name", ("documents",)).read_all()  # noqa: S608
        found[name] = rows["name"].drop_null().to_pylist()
    return {name: pa.array(values, pa.string()) for name, values in found.items()}


def _query(lake: Lake, sql: str, tables: Sequence[str]) -> pa.RecordBatchReader:
    """Run a query over snapshots of tables; DuckDB sorts and joins on disk when memory is short."""
    import duckdb

    connection = duckdb.connect()
    for table in tables:
        connection.register(table, lake.dataset(table))
    return connection.sql(sql).to_arrow_reader(1 << 16)


def _facets_batch(batch: pa.RecordBatch, ids: NDArray[np.int64], names: Mapping[str, pa.Array]) -> pa.RecordBatch:
    hashes = pa.array([None if s is None else int(s[:16], 16) >> 1 for s in batch["sha256"].to_pylist()], pa.int64())
    columns = {"id": pa.array(ids), "sheet_hash": hashes}
    for field in FACETS_SCHEMA:
        if field.type == _LISTS_OF_NAMES:
            lists = batch[field.name]
            offsets = pc.subtract(lists.offsets, lists.offsets[0])
            columns[field.name] = pa.ListArray.from_arrays(offsets, _numbered(lists.flatten(), names[field.name]))
        elif field.name in names:
            columns[field.name] = _numbered(batch[field.name], names[field.name])
        elif field.name not in columns:
            columns[field.name] = batch[field.name]
    return pa.record_batch([columns[name] for name in FACETS_SCHEMA.names], schema=FACETS_SCHEMA)


def _numbered(values: pa.Array, known: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pc.index_in(values, value_set=known), known)
