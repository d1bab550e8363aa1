"""docs/tables.md says what the schemas say."""

from __future__ import annotations

import pyarrow as pa
import pytest

from schemas import TABLES
from schemas.base import STRINGS, TIMESTAMP, field
from schemas.docs import PAGE, render, section, type_name


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: make docs"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (pa.string(), "string"),
        (pa.float32(), "float32"),
        (pa.float64(), "float64"),
        (pa.bool_(), "boolean"),
        (pa.date32(), "date"),
        (TIMESTAMP, "timestamp, µs, UTC"),
        (STRINGS, "list of string"),
        (pa.map_(pa.string(), pa.int64()), "map from string to int64"),
        (pa.struct([field("kind", pa.string(), "K."), field("text", pa.string(), "T.")]),
         "struct of kind (string), text (string)"),
    ],
)  # fmt: skip
def test_types_are_named_as_people_write_them(kind: pa.DataType, name: str) -> None:
    assert type_name(kind) == name


def test_a_section_gives_key_partitioning_and_every_column() -> None:
    text = section(TABLES["rejects"])
    assert "Key: `archive`, `step`, `item`, `reason`. Partitioned by: `archive`, `step`." in text
    assert "| `sha256` | string |  | SHA-256 of the rejected bytes, hex, where they were read. |" in text
    assert "| `attempt` | int32 | yes | How many runs have rejected the item. |" in text


def test_every_column_of_every_table_has_a_description_and_every_key_is_a_column() -> None:
    for table in TABLES.values():
        assert all(column.metadata and column.metadata[b"comment"] for column in table.schema)
        assert set(table.key) | set(table.partition_by) <= set(table.schema.names)
