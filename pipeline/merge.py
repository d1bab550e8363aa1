"""Rows of documents that come out again replace the rows they had; the rest of a partition stays."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config import Settings
from pipeline.lake import Lake
from pipeline.parts import Part, PartWriter, read_group
from schemas import TABLES


def merge(lake: Lake, table: str, archive: str, parts: list[Part], settings: Settings) -> tuple[list[Part], list[str]]:
    """Parts to add and file paths to remove so that documents in ``parts`` replace their old rows."""
    fresh: set[str] = set()
    for part in parts:
        with lake.storage.open_path(lake.storage.path("tables", table, part.path)) as stream:
            fresh |= set(pq.ParquetFile(stream).read(["doc_id"])["doc_id"].to_pylist())
    added, removed, _ = without(lake, table, archive, fresh, settings)
    return [*parts, *added], removed


def rows_of(table: str, doc_ids: Iterable[str]) -> pc.Expression:
    """The rows of a table that are of these documents; what was rejected of one begins with its id."""
    values = pa.array(sorted(doc_ids), pa.string())
    if "doc_id" in TABLES[table].schema.names:
        return pc.field("doc_id").isin(values)
    return pc.list_element(pc.split_pattern(pc.field("item"), "/", max_splits=1), 0).isin(values)


def without(
    lake: Lake, table: str, archive: str, doc_ids: Iterable[str], settings: Settings
) -> tuple[list[Part], list[str], int]:
    """Parts to add and file paths to remove so that these documents have no rows, and how many they had.

    Only the files that hold such a document are written anew, one row group in memory at a time.
    """
    theirs = rows_of(table, doc_ids)
    key = "doc_id" if "doc_id" in TABLES[table].schema.names else "item"
    added: list[Part] = []
    removed: list[str] = []
    rows_removed = 0
    root = lake.storage.path("tables", table) + "/"
    for file in lake.files(table, archive):
        with lake.storage.open_path(file.path) as stream:
            reader = pq.ParquetFile(stream)
            if not reader.read([key]).filter(theirs).num_rows:
                continue
            with PartWriter(lake.storage, table, file.partition, settings.lake) as writer:
                for group in range(reader.num_row_groups):
                    writer.write(read_group(reader, group, TABLES[table].part_schema).filter(~theirs))
        added += writer.parts
        removed.append(file.path.removeprefix(root))
        rows_removed += file.rows - sum(part.rows for part in writer.parts)
    return added, removed, rows_removed
