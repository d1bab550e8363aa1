"""A partition written before a table got a new column reads well through everything that reads the lake."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from typer.testing import CliRunner

from jobs.cli import app
from pipeline.config import load_settings
from pipeline.embedding.units import document_runs, read_spans
from pipeline.engines import ray as ray_engine
from pipeline.engines import spark as spark_engine
from pipeline.lake import Lake
from pipeline.ledger import Run, record
from pipeline.merge import merge
from pipeline.parts import PartWriter
from schemas import TABLES, contract
from schemas.base import field
from tests.object_store import object_store
from tests.pipeline.test_lake import write
from tests.pipeline.toy_step import row

SETTINGS = load_settings(environment={}, overrides=["ray.object_store_mb=100", "ray.num_cpus=2"])
OLD, NEW = TABLES["facets"], dataclasses.replace(
    TABLES["facets"], schema=TABLES["facets"].schema.append(field("mood", pa.string(), "How it looks."))
)  # fmt: skip
#: What every reader must see: the old archive's row without a mood, the new archive's with one.
EXPECTED = [("A", "a1", None), ("B", "b1", "gloomy")]
COLUMNS = ["archive", "figure_id", "mood"]


def grow(lake: Lake, patch: pytest.MonkeyPatch) -> Lake:
    """Archive A as an earlier version wrote it; then the new version: migrate, and archive B."""
    patch.setitem(TABLES, "facets", OLD)
    record(lake, Run("A", "classify", 10, "f", "done"))
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    patch.setitem(TABLES, "facets", NEW)
    assert lake.migrate("facets") == ["mood"]
    with PartWriter(lake.storage, "facets", {"archive": "B"}) as writer:
        writer.write_rows([{**row("b1"), "mood": "gloomy"}])
    lake.commit("facets", "classify", "B", 10, writer.parts)
    return lake


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    return grow(Lake.at(tmp_path / "lake"), monkeypatch)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with spark_engine.session(SETTINGS) as session:
        yield session


def rows(found: pa.Table) -> list[tuple[Any, ...]]:
    return sorted(tuple(each.values()) for each in found.select(COLUMNS).to_pylist())


def test_the_contract_allows_the_new_column() -> None:
    assert not contract.incompatibilities(contract.describe({"facets": OLD}), contract.describe({"facets": NEW}))


def test_the_lake_reads_it_whole_and_as_a_stream(lake: Lake) -> None:
    assert rows(lake.read("facets")) == EXPECTED
    assert rows(pa.Table.from_batches(lake.batches("facets", COLUMNS))) == EXPECTED


def test_it_reads_well_before_the_stored_table_was_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake.at(tmp_path)
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    monkeypatch.setitem(TABLES, "facets", NEW)
    assert rows(lake.read("facets")) == EXPECTED[:1]


def test_figlake_sql_reads_and_filters_it(lake: Lake) -> None:
    def ask(condition: str) -> list[tuple[Any, ...]]:
        statement = f"SELECT {', '.join(COLUMNS)} FROM facets WHERE {condition} ORDER BY 1"
        done = CliRunner().invoke(app, ["sql", statement, "--lake", lake.storage.root, "--latest", "--json"])
        assert done.exit_code == 0, done.output
        return [tuple(each.values()) for each in json.loads(done.output)]

    assert ask("true") == EXPECTED
    assert ask("mood IS NULL") == EXPECTED[:1]
    assert ask("mood = 'gloomy'") == EXPECTED[1:]


def test_a_plain_delta_reader_sees_the_new_column(lake: Lake) -> None:
    fields = DeltaTable(lake.storage.uri("tables", "facets")).schema().fields
    assert (fields[-1].name, fields[-1].nullable) == ("mood", True)


@pytest.mark.slow
def test_spark_reads_it_from_disk(lake: Lake, spark: Any) -> None:
    found = [spark_engine.read(spark, lake, "facets", archive).select(*COLUMNS).collect() for archive in "AB"]
    assert [tuple(each) for part in found for each in part] == EXPECTED


@pytest.mark.slow
def test_spark_reads_it_from_a_bucket(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with object_store("grown") as options:
        lake = grow(Lake.at("s3://grown/lake", options), monkeypatch)
        found = [spark_engine.read(spark, lake, "facets", archive, COLUMNS).collect() for archive in "AB"]
    assert sorted((r.archive, r.figure_id, r.mood) for part in found for r in part) == EXPECTED


@pytest.mark.slow
def test_ray_reads_and_filters_it(lake: Lake) -> None:
    with ray_engine.session(SETTINGS):
        found = ray_engine.read(lake, "facets", None, COLUMNS).take_all()
        gloomy = ray_engine.read(lake, "facets", None, ["figure_id"], where={"mood": ["gloomy"]}).take_all()
    assert sorted((r["archive"], r["figure_id"], r["mood"]) for r in found) == EXPECTED
    assert gloomy == [{"figure_id": "b1", "archive": "B"}]


def test_rows_of_single_documents_are_read_from_it(lake: Lake) -> None:
    (file,) = lake.files("facets", "A")
    spans = [span for _, span in document_runs(lake.storage, file.path)]
    found = read_spans(lake.storage, spans, ["figure_id", "mood"], NEW.schema)
    assert found.to_pylist() == [{"figure_id": "a1", "mood": None}]


def test_a_replay_writes_its_other_rows_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake.at(tmp_path)
    with PartWriter(lake.storage, "facets", {"archive": "A"}) as writer:
        writer.write_rows([{**row("a1"), "doc_id": "stays"}, {**row("a2"), "doc_id": "again"}])
    lake.commit("facets", "classify", "A", 10, writer.parts)
    monkeypatch.setitem(TABLES, "facets", NEW)
    lake.migrate("facets")
    with PartWriter(lake.storage, "facets", {"archive": "A"}) as writer:
        writer.write_rows([{**row("a2"), "doc_id": "again", "mood": "merry"}])
    parts, gone = merge(lake, "facets", "A", writer.parts, SETTINGS)
    lake.commit("facets", "classify", "A", 11, parts, instead_of=gone)
    assert rows(lake.read("facets")) == [("A", "a1", None), ("A", "a2", "merry")]
