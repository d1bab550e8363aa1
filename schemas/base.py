"""The vocabulary every table file uses: a described field, and a table with its key and partitioning."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

#: Delta knows neither float16 nor fixed-size lists, so vectors are lists of float32 whose values
#: are exactly representable in float16.
VECTOR = pa.list_(pa.field("element", pa.float32(), nullable=False))
STRINGS = pa.list_(pa.field("element", pa.string(), nullable=False))
#: Delta's reader version 1 knows only timestamps with a zone.
TIMESTAMP = pa.timestamp("us", tz="UTC")


def field(name: str, kind: pa.DataType, description: str, *, nullable: bool = True) -> pa.Field:
    """A column with its meaning; ``docs/tables.md`` is made from these descriptions."""
    return pa.field(name, kind, nullable=nullable, metadata={"comment": description})


@dataclass(frozen=True)
class Table:
    """One Delta table.

    ``schema`` includes the partition columns; a Parquet part holds all the others, because Delta
    keeps partition values in its log.
    """

    name: str
    description: str
    schema: pa.Schema
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ("archive",)
    row_group_rows: int = 50_000
    #: Columns whose bit patterns compress better split byte by byte (vectors).
    byte_stream_split: tuple[str, ...] = ()

    @property
    def part_schema(self) -> pa.Schema:
        """The schema of a Parquet part: every column that is not a partition column."""
        return pa.schema([f for f in self.schema if f.name not in self.partition_by])


ARCHIVE = field(
    "archive", pa.string(), "Archive the row was made from: file stem, or the name given with --as.", nullable=False
)
