"""SQL over the lake's snapshots with DuckDB: every table a view, read-only."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.merge import rows_of
from pipeline.withdrawal import withdrawn
from schemas import TABLES

if TYPE_CHECKING:
    import duckdb


def connect(lake: Lake, versions: Mapping[str, int] | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with a view per table, at ``versions`` where given, else at the newest.

    Files and the network are out of a query's reach: only the views can be read. They lack the documents that have
    been withdrawn by now, whatever the version.
    """
    connection, gone = opened(lake), sorted(withdrawn(lake))
    for name, table in TABLES.items():
        rows = lake.dataset(name, version=(versions or {}).get(name))
        if gone and name != "tombstones" and ("doc_id" in table.schema.names or name == "rejects"):
            rows = rows.filter(~rows_of(name, gone))
        connection.register(name, rows)
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def opened(
    lake: Lake, tables: Iterable[str] = (), folder: Path | None = None, archives: Collection[str] | None = None
) -> duckdb.DuckDBPyConnection:
    """DuckDB with snapshots of these tables, of all ``archives`` or some, whose files alone are then read.

    Of the memory that there is it takes two fifths (by itself it would take four); then it sorts and joins on disk, in
    ``folder`` or in a new one among the temporary files (by itself below the working directory), which DuckDB makes
    when it needs it and removes. Where files are out of a query's reach, those of this folder are not, so nothing else
    may lie there.
    """
    import duckdb

    spills = folder or Path(tempfile.gettempdir()) / f"figlake-sql-{uuid.uuid4().hex}"
    connection = duckdb.connect(config={"temp_directory": str(spills), "memory_limit": "40%"})
    for table in tables:
        rows = lake.dataset(table)
        if archives is not None:
            rows = rows.filter(pc.field("archive").isin(pa.array(sorted(archives), pa.string())))
        connection.register(table, rows)
    return connection


def query(lake: Lake, statement: str, versions: Mapping[str, int] | None = None) -> pa.Table:
    """The result of one SELECT. Raises UsageError with DuckDB's message for a statement that fails."""
    import duckdb

    with connect(lake, versions) as connection:
        try:
            kinds = [statement.type for statement in duckdb.extract_statements(statement)]
            if kinds not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
                raise UsageError("figlake sql takes one SELECT and changes nothing")
            return connection.sql(statement).to_arrow_table()
        except duckdb.Error as error:
            tables = ", ".join(TABLES)
            raise UsageError(f"{str(error).strip()}\nTables: {tables}") from None
