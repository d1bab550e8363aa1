"""Which rows a release shows: documents that stand, their figures, and the vectors of both.

The same document may lie in two archives; the newest by (delivery date, archive) is the one that
readers see. Tombstoned documents are seen nowhere. What is not seen stays in the shards, masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.indexing.ids import vector_ids
from pipeline.lake import Lake
from pipeline.publishing.rows import LiveRows
from pipeline.publishing.spool import Spool
from pipeline.sql import opened
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
_BATCH_ROWS = 1 << 16


def live_documents(lake: Lake) -> dict[str, pa.Array]:
    """The doc_ids that each archive shows."""
    sql = f"SELECT archive, doc_id FROM ({_LIVE_DOCUMENTS})"  # noqa: S608 - no part of it comes from outside
    documents = _query(lake, sql, ("documents", "tombstones")).read_all()
    by_archive = documents.group_by("archive").aggregate([("doc_id", "list")])
    return {
        archive: found.values
        for archive, found in zip(by_archive["archive"].to_pylist(), by_archive["doc_id_list"], strict=True)
    }


def write_facets(lake: Lake, path: Path) -> LiveRows:
    """Stream the figures that a release shows to ``facets.arrow``; returns their ids and rows there."""
    names = _names(lake, path.parent)
    ids = [np.empty(0, np.int64)]
    with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, FACETS_SCHEMA) as writer:
        for batch in _query(lake, _LIVE_FIGURES, _TABLES, path.parent):
            ids.append(vector_ids(batch["figure_id"].to_pylist()))
            writer.write_batch(_facets_batch(batch, ids[-1], names))
    all_ids = np.concatenate(ids)
    order = np.argsort(all_ids, kind="stable")
    rows = order.astype(np.int32)
    return LiveRows(all_ids[order], np.zeros(len(rows), np.int32), rows, np.empty(0, np.int64))


def write_details(lake: Lake, name: str, path: Path) -> NDArray[np.int64]:
    """Write which figure that a release shows has which detail; returns the details' ids, ascending, mapped.

    ``name`` is a modality of details: passage (the sentences linked with it) or region. DuckDB sorts, on disk when
    memory is short.
    """
    schema, tables = DETAILS_SCHEMAS[name], ("documents", "tombstones", "figures", "links", "region_vectors")
    with opened(lake, tables, path.parent) as connection:
        connection.register("nothing", schema.empty_table())
        connection.execute("CREATE TABLE pairs AS SELECT * FROM nothing")
        into = connection.cursor()
        for batch in connection.sql(_LIVE_DETAILS[name]).to_arrow_reader(_BATCH_ROWS):
            keys = [pa.array(_ids_of(batch[place])) for place in (0, 1)]
            into.register("more", pa.table([*keys, *batch.columns[2:]], schema=schema))
            into.execute("INSERT INTO pairs SELECT * FROM more")
        with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, schema) as writer:
            for order in (("figure", name), (name, "figure")):
                rows = connection.sql(f"SELECT * FROM pairs ORDER BY {', '.join(order)}").to_arrow_reader(_BATCH_ROWS)  # noqa: S608
                columns = _spooled(rows, schema, path.with_name(f"{name}s-by-{order[0]}"))
                writer.write_batch(pa.record_batch(columns, schema=schema))
    ids: NDArray[np.int64] = columns[schema.get_field_index(name)]
    return ids


def _ids_of(keys: pa.Array) -> NDArray[np.int64]:
    """Vector ids; keys of one batch repeat."""
    encoded = keys.dictionary_encode()
    places: NDArray[np.int32] = encoded.indices.to_numpy()
    return vector_ids(encoded.dictionary.to_pylist())[places]


def _spooled(batches: pa.RecordBatchReader, schema: pa.Schema, path: Path) -> list[NDArray[Any]]:
    """The columns of all batches, each as one mapped array."""
    spools = [Spool(path.parent, f"{path.name}-{field.name}", field.type.to_pandas_dtype()) for field in schema]
    for batch in batches:
        for spool, column in zip(spools, batch.columns, strict=True):
            spool.append(column.to_numpy())
    return [spool.mapped() for spool in spools]


def _names(lake: Lake, folder: Path) -> dict[str, pa.Array]:
    """Every value that a column of names may have, so that all batches share one dictionary."""
    found = {"figure_type": FIGURE_TYPES, "perspective": PERSPECTIVES}
    asked = {name: name for name in ("archive", "office", "kind")}
    asked |= {name: f"unnest({name})" for name in ("ipc", "cpc", "applicants")}
    for name, value in asked.items():
        sql = f"SELECT DISTINCT {value} AS name FROM documents ORDER BY name"  # noqa: S608 - none of it from outside
        rows = _query(lake, sql, ("documents",), folder).read_all()
        found[name] = rows["name"].drop_null().to_pylist()
    return {name: pa.array(values, pa.string()) for name, values in found.items()}


def _query(lake: Lake, sql: str, tables: Sequence[str], folder: Path | None = None) -> pa.RecordBatchReader:
    """Run a query over snapshots of tables."""
    return opened(lake, tables, folder).sql(sql).to_arrow_reader(_BATCH_ROWS)


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
