"""The rules of the design's chapter on tables, each with real Delta tables and real processes."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Schema

from pipeline.errors import CommitError, SupersededError
from pipeline.lake import RANDOM_BITS, Lake, next_generation
from pipeline.ledger import Ledger, Run, record
from pipeline.parts import Part, PartWriter
from schemas import TABLES
from tests.pipeline.toy_step import row


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.at(tmp_path / "lake")


def write(lake: Lake, archive: str, ids: list[str]) -> list[Part]:
    with PartWriter(lake.storage, "facets", {"archive": archive}) as writer:
        writer.write_rows([row(each) for each in ids])
    return writer.parts


def ids(lake: Lake, archive: str | None = None) -> list[str]:
    return sorted(lake.read("facets", ["figure_id"], archive=archive)["figure_id"].to_pylist())


def test_a_lake_that_is_not_there_reads_as_empty(lake: Lake) -> None:
    assert lake.version("facets") is None
    assert lake.files("facets") == []
    assert lake.read("facets").schema.names == TABLES["facets"].schema.names
    assert lake.read("facets").num_rows == 0


def test_a_commit_replaces_only_the_archives_own_partition(lake: Lake) -> None:
    first, second = next_generation([]), next_generation([1 << RANDOM_BITS])
    lake.commit("facets", "classify", "A", first, write(lake, "A", ["a1", "a2"]))
    lake.commit("facets", "classify", "B", first, write(lake, "B", ["b1"]))
    lake.commit("facets", "classify", "A", second, write(lake, "A", ["a3"]))
    assert ids(lake) == ["a3", "b1"]
    assert lake.read("facets", ["archive", "figure_id"], archive="A").to_pylist() == [
        {"archive": "A", "figure_id": "a3"}
    ]


def test_an_empty_commit_empties_the_partition_and_counts_as_a_generation(lake: Lake) -> None:
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    assert lake.commit("facets", "classify", "A", 11, [])
    assert ids(lake) == []
    assert lake.generation("facets", "classify", "A") == 11


def test_the_same_generation_is_committed_once(lake: Lake) -> None:
    parts = write(lake, "A", ["a1"])
    assert lake.commit("facets", "classify", "A", 10, parts) is True
    assert lake.commit("facets", "classify", "A", 10, parts) is False
    assert ids(lake) == ["a1"]


def test_a_stale_writer_is_told_that_it_was_superseded(lake: Lake) -> None:
    lake.commit("facets", "classify", "A", 11, write(lake, "A", ["new"]))
    with pytest.raises(SupersededError, match="generation 11 of facets is newer than this run's 10"):
        lake.commit("facets", "classify", "A", 10, write(lake, "A", ["old"]))
    assert ids(lake) == ["new"]


def test_a_writer_with_an_old_snapshot_sees_the_newer_generation_before_it_commits(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    opened = lake.delta("facets")  # a snapshot from before the other writer
    lake.commit("facets", "classify", "A", 12, write(lake, "A", ["newer"]))
    monkeypatch.setattr(Lake, "create", lambda self, table: opened)
    with pytest.raises(SupersededError):
        lake.commit("facets", "classify", "A", 11, write(lake, "A", ["older"]))
    assert ids(lake) == ["newer"]


_RACER = """
import sys, time
from pipeline.lake import Lake, next_generation
from tests.pipeline.test_lake import write
lake, archive, name = Lake.at(sys.argv[1]), sys.argv[2], sys.argv[3]
parts = write(lake, archive, [name])
generation = next_generation([])
while time.time() < float(sys.argv[4]):
    pass
from pipeline.errors import SupersededError
try:
    print("committed", generation, lake.commit("facets", "classify", archive, generation, parts))
except SupersededError:
    print("superseded", generation)
"""


def race(lake: Lake, racers: list[tuple[str, str]]) -> list[list[str]]:
    start = str(time.time() + 2.5)
    root = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, lake.storage.root, archive, name, start],
            text=True,
            stdout=subprocess.PIPE,
            cwd=root,
        )
        for archive, name in racers
    ]
    return [process.communicate(timeout=60)[0].split() for process in running]


def test_two_first_writers_at_once_leave_exactly_one_in_the_partition(lake: Lake) -> None:
    answers = race(lake, [("A", "one"), ("A", "two")])
    winner = max(range(2), key=lambda i: int(answers[i][1]))
    assert ids(lake) == [["one", "two"][winner]]
    assert lake.generation("facets", "classify", "A") == int(answers[winner][1])
    assert answers[winner][0] == "committed"


def test_writers_of_different_archives_at_once_all_land(lake: Lake) -> None:
    answers = race(lake, [(f"A{i}", f"f{i}") for i in range(4)])
    assert [answer[0] for answer in answers] == ["committed"] * 4
    assert ids(lake) == ["f0", "f1", "f2", "f3"]


def test_next_generation_grows_and_racers_do_not_share_one() -> None:
    assert next_generation([None]) >> RANDOM_BITS == 1
    standing = next_generation([])
    assert next_generation([standing, None]) > standing
    assert len({next_generation([]) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 7}, "1 rows, not"),
        ({"size": 1}, "not 1 and 1 as claimed"),
        ({"path": "archive=A/none.parquet"}, "cannot be read"),
        ({"partition": {"archive": "B"}}, "belongs to facets"),
        ({"table": "links"}, "belongs to links"),
    ],
)
def test_a_part_that_is_not_what_was_claimed_is_refused(lake: Lake, change: dict[str, object], message: str) -> None:
    part = dataclasses.replace(write(lake, "A", ["a1"])[0], **change)  # type: ignore[arg-type]
    with pytest.raises(CommitError, match=message):
        lake.commit("facets", "classify", "A", 10, [part])
    assert lake.version("facets") is None


def test_a_part_with_another_schema_is_refused(lake: Lake) -> None:
    part = write(lake, "A", ["a1"])[0]
    path = lake.storage.path("tables", "facets", part.path)
    pq.write_table(pa.table({"figure_id": ["a1"]}), path)
    part = dataclasses.replace(part, size=Path(path).stat().st_size)
    with pytest.raises(CommitError, match="schema"):
        lake.commit("facets", "classify", "A", 10, [part])


def test_a_table_whose_stored_schema_is_another_is_never_overwritten(lake: Lake) -> None:
    other = pa.schema([pa.field("archive", pa.string(), False), pa.field("surprise", pa.int64())])
    lake.storage.make_folder("tables", "facets")
    DeltaTable.create(lake.storage.uri("tables", "facets"), schema=Schema.from_arrow(other), partition_by=["archive"])
    with pytest.raises(CommitError, match="stored schema"):
        lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    assert pa.schema(lake.delta("facets").schema()).names == ["archive", "surprise"]  # type: ignore[union-attr]


def test_a_column_is_added_by_migration_and_reads_as_null_in_older_files(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    declared = TABLES["facets"]
    wider = dataclasses.replace(declared, schema=declared.schema.append(pa.field("mood", pa.string())))
    monkeypatch.setitem(TABLES, "facets", wider)
    with pytest.raises(CommitError, match="migrate"):
        lake.commit("facets", "classify", "B", 10, write(lake, "B", ["b1"]))
    assert lake.migrate("facets") == ["mood"]
    assert lake.migrate("facets") == []
    lake.commit("facets", "classify", "B", 11, write(lake, "B", ["b1"]))
    assert lake.read("facets", ["figure_id", "mood"]).to_pylist() == [
        {"figure_id": "a1", "mood": None},
        {"figure_id": "b1", "mood": None},
    ]


def test_a_migration_that_is_not_additive_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.create("facets")
    declared = TABLES["facets"]
    monkeypatch.setitem(TABLES, "facets", dataclasses.replace(declared, schema=declared.schema.remove(3)))
    with pytest.raises(CommitError, match="only nullable columns"):
        lake.migrate("facets")


def test_a_pinned_lake_keeps_reading_the_snapshot_it_was_pinned_to(lake: Lake) -> None:
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["old"]))
    pinned = lake.pinned({"facets": lake.version("facets") or 0})
    lake.commit("facets", "classify", "A", 11, write(lake, "A", ["new"]))
    assert (ids(pinned), ids(lake)) == (["old"], ["new"])
    assert pinned.generation("facets", "classify", "A") == 10


def test_cleaning_removes_what_killed_workers_left_and_keeps_versions_of_kept_releases(lake: Lake) -> None:
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["old"]))
    kept = lake.version("facets") or 0
    lake.commit("facets", "classify", "A", 11, write(lake, "A", ["new"]))
    write(lake, "A", ["orphan"])
    folder = Path(lake.storage.path("tables", "facets", "archive=A"))
    assert len(list(folder.iterdir())) == 3
    lake.clean(0, {"facets": [kept]})
    assert len(list(folder.iterdir())) == 2
    assert (ids(lake.pinned({"facets": kept})), ids(lake)) == (["old"], ["new"])
    lake.clean(0, {})
    assert len(list(folder.iterdir())) == 1
    assert ids(lake) == ["new"]


def test_young_files_survive_cleaning(lake: Lake) -> None:
    write(lake, "A", ["in the making"])
    lake.create("facets")
    assert lake.clean(168, {}) == 0
    assert len(list(Path(lake.storage.path("tables", "facets", "archive=A")).iterdir())) == 1


def test_every_table_needs_only_the_oldest_delta_protocol(lake: Lake) -> None:
    for table in TABLES:
        protocol = lake.create(table).protocol()
        assert (table, protocol.min_reader_version, protocol.min_writer_version) == (table, 1, 2)


def test_appends_from_several_processes_all_stand_once(lake: Lake) -> None:
    code = (
        "import sys; from pipeline.lake import Lake; from pipeline.ledger import Run, record\n"
        "for g in range(5): record(Lake.at(sys.argv[1]), Run(sys.argv[2], 'ocr', g, 'f', 'done'))"
    )
    root = Path(__file__).resolve().parents[2]
    running = [subprocess.Popen([sys.executable, "-c", code, lake.storage.root, f"A{i}"], cwd=root) for i in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    rows = lake.read("runs", ["archive", "generation"]).to_pylist()
    assert sorted((r["archive"], r["generation"]) for r in rows) == [(f"A{i}", g) for i in range(3) for g in range(5)]


def test_the_ledgers_files_are_gathered_while_others_append(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [datetime(2026, 1 + number % 2, 1, number, tzinfo=UTC) for number in range(10)]
    for number in range(10):
        record(lake, Run("A", "ocr", number, "f", "done", rows_out={"regions": number}), lambda n=number: times[n])
    assert lake.gather("runs") == 0, "young files are left"
    monkeypatch.setattr("pipeline.lake._GATHERED_AFTER_S", -60)
    before = Ledger.read(lake)
    honest, beaten = Lake._try_commit, []

    def try_after_another(self: Lake, delta: DeltaTable, *arguments: Any) -> bool:
        if not beaten:
            beaten.append(True)
            record(Lake.at(lake.storage.root), Run("B", "ocr", 1, "f", "done"))
        return honest(self, delta, *arguments)

    monkeypatch.setattr(Lake, "_try_commit", try_after_another)
    assert lake.gather("runs") == 10
    assert len(lake.files("runs")) == 3
    after = Ledger.read(lake)
    assert [run for run in after.runs if run.archive == "A"] == list(before.runs)
    assert len(after.runs) == 11
    assert lake.gather("runs") == 0 and lake.gather("facets") == 0


def test_versions_older_than_a_month_can_still_be_read(lake: Lake) -> None:
    """delta-rs removes a log's old entries once a checkpoint covers them; releases name versions."""
    lake.commit("facets", "classify", "A", 1, write(lake, "A", ["first"]))
    pinned = lake.version("facets")
    year_ago = time.time() - 365 * 86_400
    generation = 2
    while (lake.version("facets") or 0) < 205:  # past two checkpoints
        lake.commit("facets", "classify", "B", generation, [])
        generation += 1
        for entry in Path(lake.storage.path("tables", "facets", "_delta_log")).iterdir():
            os.utime(entry, (year_ago, year_ago))
        if lake.version("facets") in (98, 99, 198, 199):  # vacuum makes two commits of its own
            write(lake, "A", ["orphan"])
            lake.clean(0, {"facets": [pinned or 0]})
    assert list(Path(lake.storage.path("tables", "facets", "_delta_log")).glob("*.checkpoint.parquet"))
    assert ids(lake.pinned({"facets": pinned})) == ["first"]


def test_a_writer_killed_before_its_commit_leaves_the_table_as_it_was(lake: Lake) -> None:
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1"]))
    code = (
        "import sys, time; from pipeline.lake import Lake; from tests.pipeline.test_lake import write\n"
        "write(Lake.at(sys.argv[1]), 'A', ['half']); print('written', flush=True); time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", code, lake.storage.root], stdout=subprocess.PIPE, cwd=root)
    assert process.stdout is not None and process.stdout.readline() == b"written\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert ids(lake) == ["a1"]
