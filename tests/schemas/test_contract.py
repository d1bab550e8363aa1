"""A change of a table that would break stored lakes or other people's queries does not pass unnoticed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest

from schemas import TABLES, Table, contract
from schemas.base import ARCHIVE, STRINGS, field

SMALL = Table(
    name="parts",
    description="P.",
    key=("archive", "part"),
    schema=pa.schema([ARCHIVE, field("part", pa.string(), "P.", nullable=False), field("weight", pa.float32(), "W.")]),
)


def changed(**facts: object) -> Table:
    return dataclasses.replace(SMALL, **facts)  # type: ignore[arg-type]


def with_column(position: int, column: pa.Field) -> Table:
    return changed(schema=SMALL.schema.insert(position, column))


def found(table: Table) -> list[str]:
    return contract.incompatibilities(contract.describe({"parts": SMALL}), contract.describe({"parts": table}))


def test_no_table_breaks_the_recorded_contract() -> None:
    broken = contract.incompatibilities(contract.read(), contract.describe(TABLES))
    assert not broken, "stored lakes rely on this; `python -m schemas.contract` says what to do"


def test_the_record_is_current() -> None:
    recorded = contract.RECORD.read_text(encoding="utf-8")
    assert recorded == contract.render(contract.describe(TABLES)), "run: make docs (or: python -m schemas.contract)"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (changed(schema=SMALL.schema.remove(2)), "parts: the column weight is gone"),
        (changed(schema=SMALL.schema.set(2, field("mass", pa.float32(), "M."))), "parts: the column weight is gone"),
        (changed(schema=SMALL.schema.set(2, field("weight", pa.float64(), "W."))),
         "parts: weight was float and is double"),
        (changed(schema=SMALL.schema.set(2, field("weight", pa.float32(), "W.", nullable=False))),
         "parts: weight was nullable and is not any more"),
        (changed(schema=SMALL.schema.set(1, field("part", pa.string(), "P."))),
         "parts: part was required and is not any more"),
        (changed(key=("archive", "weight")), "parts: key was ['archive', 'part'] and is ['archive', 'weight']"),
        (changed(partition_by=("part",)), "parts: partition_by was ['archive'] and is ['part']"),
        (with_column(3, field("colour", pa.string(), "C.", nullable=False)),
         "parts: the new column colour is required, which rows that are stored cannot meet"),
        (with_column(1, field("colour", pa.string(), "C.")),
         "parts: its columns stand in another order; new ones belong at the end"),
    ],
)  # fmt: skip
def test_what_breaks_readers_is_found_and_named(table: Table, message: str) -> None:
    assert found(table) == [message]


def test_a_table_that_is_gone_is_found() -> None:
    assert contract.incompatibilities(contract.describe({"parts": SMALL}), {}) == ["parts: the table is gone"]


@pytest.mark.parametrize("table", [with_column(3, field("colour", pa.string(), "C.")), changed(description="Other.")])
def test_nullable_columns_at_the_end_and_other_words_break_nothing(table: Table) -> None:
    assert found(table) == []


def test_new_tables_break_nothing() -> None:
    assert contract.incompatibilities({}, contract.describe({"parts": SMALL})) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (STRINGS, pa.list_(pa.string())),
        (pa.map_(pa.string(), pa.string()), pa.map_(pa.string(), pa.int64())),
        (pa.list_(pa.struct([field("a", pa.string(), "A.")])),
         pa.list_(pa.struct([field("a", pa.string(), "A."), field("b", pa.string(), "B.")]))),
    ],
)  # fmt: skip
def test_types_are_compared_down_to_their_last_element(before: pa.DataType, after: pa.DataType) -> None:
    assert contract.type_text(before) != contract.type_text(after)


def test_recording_refuses_what_breaks_the_contract_and_says_how_to_break_it_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(*arguments: str) -> int:
        return contract.main(list(arguments), tmp_path / "contract.json")

    assert record() == 0
    before = contract.read(tmp_path / "contract.json")
    assert before == contract.describe(TABLES)
    monkeypatch.setattr(contract, "TABLES", {name: TABLES[name] for name in TABLES if name != "facets"})
    assert record() == 1
    assert capsys.readouterr().err.startswith("facets: the table is gone\n")
    assert contract.read(tmp_path / "contract.json") == before
    assert record("--break") == 0
    assert "facets" not in contract.read(tmp_path / "contract.json")
