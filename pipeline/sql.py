"""SQL over the lake's snapshots with DuckDB: every table a view, read-only."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping
from functools import cache
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

    When memory is short it sorts and joins on disk, in ``folder`` or in one of this process's own: by itself it would
    do so below the working directory. Where files are out of a query's reach, those of this folder are not.
    """
    import duckdb

    connection = duckdb.connect(config={"temp_directory": str(folder or _spills())})
    for table in tables:
        rows = lake.dataset(table)
        if archives is not None:
            rows = rows.filter(pc.field("archive").isin(pa.array(sorted(archives), pa.string())))
        connection.register(table, rows)
    return connection


@cache
def _spills() -> str:
    """A folder of this process, for this user's eyes only, that goes with it."""
    folder = tempfile.mkdtemp(prefix="figlake-sql-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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
