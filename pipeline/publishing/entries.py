"""The lexical index of a release, made from the one before it: entries of what changed go, those of what is new come.

Tantivy's segments are immutable files, so a release shares those of the release before by hard links where the lake
is local, and by copies elsewhere; what a night costs follows from what the night brought.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import GateError
from pipeline.lake import Lake
from pipeline.merge import rows_of
from pipeline.publishing.manifest import File, Manifest
from pipeline.quality import changed_archives
from pipeline.search.lexical import SOURCE_FIELD, LexicalIndex, open_index
from pipeline.sql import opened
from pipeline.storage import Storage

if TYPE_CHECKING:
    import duckdb

FOLDER = "lexical"
#: The tables that entries are made from.
TABLES = ("documents", "passages", "figures", "links", "figure_signs", "regions", "facets")
#: Memory of the writer; Tantivy wants at least 15 MB.
_HEAP_BYTES = 128 << 20
_BATCH_ROWS = 1 << 14
_PAIRS = pa.schema([("archive", pa.string()), ("doc_id", pa.string())])
#: What Tantivy replaces when it commits; everything else is immutable.
_REPLACED = ("meta.json", ".managed.json")
_NOT_FILES = (".tantivy-writer.lock", ".tantivy-meta.lock")

#: A text belongs to the figure in whose box its centre lies.
_ENTRIES = """
    WITH shown AS (SELECT figures.* FROM figures JOIN wanted USING (archive, doc_id)),
    printed AS (
        SELECT archive, figure_id, string_agg(regions.text, ' . ' ORDER BY regions.ordinal) AS words
        FROM regions JOIN shown USING (archive, sheet_id)
        WHERE list_avg([polygon[1], polygon[3], polygon[5], polygon[7]]) BETWEEN x0 AND x1
          AND list_avg([polygon[2], polygon[4], polygon[6], polygon[8]]) BETWEEN y0 AND y1
        GROUP BY ALL
    ),
    parts AS (
        SELECT archive, figure_id, list(DISTINCT sign) AS signs, list(DISTINCT term) FILTER (term IS NOT NULL) AS terms
        FROM figure_signs JOIN shown USING (archive, figure_id) WHERE status <> 'stray' GROUP BY ALL
    ),
    sentences AS (
        SELECT DISTINCT archive, figure_id, passage_id, text
        FROM (SELECT archive, figure_id, passage_id, text FROM links) JOIN shown USING (archive, figure_id)
    )
    SELECT shown.archive, shown.doc_id, figure_id, sentences.text, section, passages.language, words, signs, terms,
           caption, map_values(titles) AS titles, figure_type, perspective, office, kind
    FROM shown
    JOIN documents USING (archive, doc_id)
    LEFT JOIN printed USING (archive, figure_id)
    LEFT JOIN parts USING (archive, figure_id)
    LEFT JOIN (SELECT archive, figure_id, figure_type, perspective FROM facets) USING (archive, figure_id)
    LEFT JOIN sentences USING (archive, figure_id)
    LEFT JOIN (SELECT archive, passage_id, section, language FROM passages) AS passages USING (archive, passage_id)
"""
_COUNT = """
    SELECT sum(greatest(1, coalesce(n, 0))) FROM (SELECT figures.* FROM figures JOIN wanted USING (archive, doc_id))
    LEFT JOIN (SELECT archive, figure_id, count(DISTINCT passage_id) AS n FROM links GROUP BY ALL)
    USING (archive, figure_id)
"""


def build(lake: Lake, facets: Path, folder: Path, standing: Manifest | None) -> None:
    """Write the index of the figures in ``facets`` to ``folder``, from the tables that ``lake`` is pinned to.

    Memory: the writer's heap, a batch of rows, and the names of all documents. Raises GateError when it does not hold
    what it should.
    """
    folder.mkdir()
    before = _PAIRS.empty_table()
    if standing is not None and standing.lexical:
        _take_over(lake.storage, standing, folder)
        if _holds_purged(lake, folder):
            shutil.rmtree(folder)
            folder.mkdir()
        else:
            before = _pairs_of(lake.storage, standing.files["facets"])
    with pa.memory_map(str(facets)) as stream:
        now = _pairs(pa.ipc.open_file(stream).read_all())
    earlier = lake.pinned(standing.tables) if standing and before.num_rows else None
    changed = pa.array(sorted(changed_archives(lake, earlier, TABLES)), pa.string())
    with _connected(lake, _new_or_changed(now, before, changed), folder.parent) as connection:
        fresh = connection.sql(_ENTRIES).to_arrow_reader(_BATCH_ROWS)
        _write(folder, _new_or_changed(before, now, changed), fresh)
    with _connected(lake, now, folder.parent) as connection:
        expected = int(connection.sql(_COUNT).fetchall()[0][0] or 0)
    found = LexicalIndex({path.name: path for path in files_in(folder)}).searcher.num_docs
    if found != expected:
        raise GateError(f"gate lexical: the index has {found:,} entries, the tables {expected:,}")


def _holds_purged(lake: Lake, folder: Path) -> bool:
    """Whether words of documents that are gone for good are still in the files: Tantivy marks what is deleted, and
    writes a segment anew only when it merges it."""
    gone = set(lake.read("tombstones", ["doc_id"])["doc_id"].to_pylist())
    standing = lake.dataset("documents").to_table(columns=["doc_id"], filter=rows_of("documents", gone))
    searcher = open_index(folder).searcher()
    return any(searcher.doc_freq("doc", name.lower()) for name in gone.difference(standing["doc_id"].to_pylist()))


def files_in(folder: Path) -> list[Path]:
    """The files of a finished index."""
    return sorted(path for path in folder.iterdir() if path.name not in _NOT_FILES)


def _new_or_changed(pairs: pa.Table, others: pa.Table, changed: pa.Array) -> pa.Table:
    """The pairs that are not among the others, and those of archives that have changed."""
    has_changed = pc.is_in(pairs["archive"], value_set=changed)
    new = pairs.filter(pc.invert(has_changed)).join(others, _PAIRS.names, join_type="left anti")
    return pa.concat_tables([pairs.filter(has_changed), new])


def _write(folder: Path, stale: pa.Table, batches: pa.RecordBatchReader) -> None:
    import tantivy

    index = open_index(folder)
    writer = index.writer(_HEAP_BYTES, 1)
    for some in stale.to_batches(_BATCH_ROWS):
        for pair in some.to_pylist():
            writer.delete_documents_by_term(SOURCE_FIELD, _source(**pair))
    for batch in batches:
        for entry in _entries(batch):
            writer.add_document(tantivy.Document(**entry))
    writer.commit()
    writer.garbage_collect_files()
    writer.wait_merging_threads()


def _entries(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """The fields of each entry; what is not there is left out."""
    from pipeline.indexing.ids import vector_id

    for row in batch.to_pylist():
        entry = {
            "key": vector_id(row["figure_id"]), SOURCE_FIELD: _source(row["archive"], row["doc_id"]),
            "text": row["text"], "figure": row["words"], "part": row["terms"], "caption": row["caption"],
            "title": row["titles"], "section": row["section"], "language": row["language"], "sign": row["signs"],
            "type": row["figure_type"], "perspective": row["perspective"], "office": row["office"],
            "kind": row["kind"], "doc": row["doc_id"], "archive": row["archive"],
        }  # fmt: skip
        yield {name: value for name, value in entry.items() if value not in (None, [], "")}


def _source(archive: str, doc_id: str) -> str:
    return f"{archive}/{doc_id}"


def _take_over(storage: Storage, standing: Manifest, folder: Path) -> None:
    """The files of the release before: links to what stays as it is, copies of what is replaced or lies elsewhere."""
    for file in standing.lexical:
        target = folder / Path(file.path).name
        if storage.is_local and target.name not in _REPLACED:
            os.link(storage.path(file.path), target)
            os.utime(target)  # pruning spares what is young: until there is a manifest, nothing else says it is used
        else:
            with storage.open_input(file.path) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)


def _pairs_of(storage: Storage, facets: File) -> pa.Table:
    with storage.open_input(facets.path) as stream:
        return _pairs(pa.ipc.open_file(stream).read_all())


def _pairs(facets: pa.Table) -> pa.Table:
    """(archive, doc_id) of the documents with figures."""
    return facets.select(_PAIRS.names).cast(_PAIRS).group_by(_PAIRS.names).aggregate([])


def _connected(lake: Lake, wanted: pa.Table, folder: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB with the snapshot's tables and the documents that are wanted; it spills into ``folder``."""
    connection = opened(lake, TABLES, folder, wanted["archive"].unique().to_pylist())
    connection.register("wanted", wanted)
    return connection
