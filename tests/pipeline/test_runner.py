"""Skipping, ordering and recovery of steps, with a toy step on a real lake."""

from __future__ import annotations

import dataclasses
import errno
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import runner
from pipeline.config import Settings, load_settings
from pipeline.context import StepContext
from pipeline.errors import FiglakeError, UsageError
from pipeline.flow import STEPS, Step, engine_groups, steps_between
from pipeline.lake import RANDOM_BITS, Lake
from pipeline.ledger import Ledger, Run, record
from pipeline.parts import Outcome
from pipeline.rejects import expire
from pipeline.runner import execute, plan, skipped
from tests.pipeline import toy_step

TOY = Step(
    "classify", "driver", "archive", "tests.pipeline.toy_step", (), ("facets",), ("publish",), 1, "writes facets"
)


def settings(queries: int, keep: int = 5) -> Settings:
    return load_settings(environment={}, overrides=[f"publish.queries={queries}", f"publish.keep={keep}"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake.at(tmp_path / "lake")
    know(lake, "A", "1")
    toy_step.RUNS.clear()
    return lake


def know(lake: Lake, name: str, sha256: str) -> None:
    entry = {"name": name, "uri": f"/somewhere/{name}.zip", "sha256": sha256, "stamp": sha256}
    lake.storage.write_bytes(json.dumps(entry).encode(), "archives", f"{name}.json")


def bring(lake: Lake, tree: Settings, step: Step = TOY, archive: str = "A") -> str:
    task = plan(lake, tree, step, archive)
    if task.done:
        return "skipped"
    return execute(lake, tree, task, None, lambda done, total: None).state


def rows(lake: Lake) -> list[str]:
    return sorted(lake.read("facets", ["figure_id"])["figure_id"].to_pylist())


def test_a_second_run_does_nothing(lake: Lake) -> None:
    assert (bring(lake, settings(2)), bring(lake, settings(2))) == ("done", "skipped")
    assert toy_step.RUNS == ["A"]


def test_settings_a_b_a_redo_the_work_each_time(lake: Lake) -> None:
    states = [bring(lake, settings(n)) for n in (2, 3, 2)]
    assert states == ["done", "done", "done"]
    assert rows(lake) == ["f0", "f1"]


def test_another_batch_size_does_not_redo_the_work(lake: Lake) -> None:
    ocr = dataclasses.replace(TOY, settings=("ocr",))
    assert bring(lake, load_settings(environment={}, overrides=["ocr.batch_size=8"]), ocr) == "done"
    assert bring(lake, load_settings(environment={}, overrides=["ocr.batch_size=9"]), ocr) == "skipped"


def test_a_new_step_version_redoes_the_work(lake: Lake) -> None:
    assert bring(lake, settings(2)) == "done"
    assert bring(lake, settings(2), dataclasses.replace(TOY, version=2)) == "done"


def test_other_content_under_the_archive_redoes_the_work(lake: Lake) -> None:
    assert bring(lake, settings(2)) == "done"
    know(lake, "A", "2")
    assert bring(lake, settings(2)) == "done"


def test_a_crash_between_data_commit_and_ledger_row_leaves_the_step_done(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = runner.write_down, []

    def crash_on_done(lake: Lake, tree: Settings, step: Step, run: runner.Run) -> None:
        if run.state == "done":
            raise KeyboardInterrupt  # nothing in the step may catch it, as with SIGKILL
        written.append(run.state)
        real(lake, tree, step, run)

    monkeypatch.setattr(runner, "write_down", crash_on_done)
    with pytest.raises(KeyboardInterrupt):
        bring(lake, settings(2))
    monkeypatch.undo()
    assert written == ["started"]
    assert bring(lake, settings(2)) == "skipped"
    assert rows(lake) == ["f0", "f1"]
    assert bring(lake, settings(3)) == "done"


def test_a_kill_before_the_ledgers_row_does_not_forgive_the_rejects(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tree = runner.write_down, settings(2, keep=1)

    def crash_on_done(lake: Lake, tree: Settings, step: Step, run: runner.Run) -> None:
        if run.state == "done":
            raise KeyboardInterrupt
        real(lake, tree, step, run)

    monkeypatch.setattr(runner, "write_down", crash_on_done)
    with pytest.raises(KeyboardInterrupt):
        bring(lake, tree)
    monkeypatch.undo()
    task = plan(lake, tree, TOY, "A")
    assert task.done
    assert skipped(lake, tree, task).over_limit


def test_a_crash_between_two_tables_of_a_step_redoes_the_step(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Lake.commit

    def crash_on_rejects(self: Lake, table: str, *args: object, **kw: object) -> bool:
        if table == "rejects":
            raise KeyboardInterrupt
        return real(self, table, *args, **kw)  # type: ignore[arg-type]

    monkeypatch.setattr(Lake, "commit", crash_on_rejects)
    with pytest.raises(KeyboardInterrupt):
        bring(lake, settings(2))
    monkeypatch.undo()
    assert plan(lake, settings(2), TOY, "A").standing is None
    assert bring(lake, settings(2)) == "done"
    assert rows(lake) == ["f0", "f1"]


def test_a_failing_step_is_recorded_and_leaves_the_tables_as_they_were(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(lake, settings(2))
    monkeypatch.setenv("TOY_STEP_FAILS", "1")
    assert bring(lake, settings(3)) == "failed"
    assert "the toy broke" in capsys.readouterr().err
    assert rows(lake) == ["f0", "f1"]
    last = Ledger.read(lake).latest("classify", "A")
    assert last is not None
    assert (last.state, last.detail["error"]) == ("failed", "RuntimeError: the toy broke")
    assert last.detail["resources"]["cpus"] > 0, "what failed costs, too"


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (
            RuntimeError("the toy broke"),
            "classify of A: RuntimeError: the toy broke; the ledger could not take it down: ",
        ),
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), "the storage refuses to write: No space left on"),
    ],
)
def test_a_failure_that_the_ledger_cannot_take_down_is_told_and_not_only_that_it_cannot(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], first: Exception, told: str
) -> None:
    def breaks_the_ledger_and_itself(_: StepContext) -> Outcome:
        ledger = Path(lake.storage.path("tables", "runs"))
        shutil.rmtree(ledger)
        ledger.write_text("a file in its place")
        raise first

    monkeypatch.setattr(toy_step, "run", breaks_the_ledger_and_itself)
    with pytest.raises(FiglakeError) as raised:
        bring(lake, settings(2))
    assert str(raised.value).startswith(told)
    assert raised.value.__cause__ is first
    assert str(first) in capsys.readouterr().err  # with its traceback, in the log


def test_rejects_count_attempts_and_keep_their_first_date(lake: Lake) -> None:
    bring(lake, settings(2, keep=1))
    first = lake.read("rejects").to_pylist()[0]
    bring(lake, settings(3, keep=1))
    second = lake.read("rejects").to_pylist()[0]
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert first["first_seen"] == second["first_seen"] < second["last_seen"]
    bring(lake, settings(3, keep=2))
    assert lake.read("rejects").num_rows == 0


def test_more_rejects_than_the_limit_stay_more_until_somebody_deals_with_them(lake: Lake) -> None:
    tree = settings(2, keep=1)
    first = execute(lake, tree, plan(lake, tree, TOY, "A"), None, lambda done, total: None)
    assert (first.state, first.over_limit) == ("done", True)
    ledger = Ledger.read(lake)
    again = skipped(lake, tree, plan(lake, tree, TOY, "A"), ledger)
    assert (again.state, again.rejects, again.over_limit) == ("skipped", 1, True)
    execute(lake, tree, plan(lake, tree, TOY, "A"), None, lambda done, total: None, frozenset({"bad"}))
    assert skipped(lake, tree, plan(lake, tree, TOY, "A")).over_limit, "a replay that changed nothing"
    generous = load_settings(
        environment={}, overrides=["publish.queries=2", "publish.keep=1", "lake.rejects_limit=0.5"]
    )
    assert not skipped(lake, generous, plan(lake, generous, TOY, "A")).over_limit
    expire(lake, datetime.now(UTC) + timedelta(days=1))
    assert not skipped(lake, tree, plan(lake, tree, TOY, "A")).over_limit


def test_one_steps_rejects_never_erase_anothers(lake: Lake) -> None:
    other = dataclasses.replace(TOY, name="ocr", writes=("facets",))
    bring(lake, settings(2, keep=1))
    bring(lake, settings(2, keep=2), other)
    assert lake.read("rejects", ["step", "item"]).to_pylist() == [{"step": "classify", "item": "bad"}]


def test_an_archive_that_the_lake_does_not_know_is_named_in_the_error(lake: Lake) -> None:
    with pytest.raises(UsageError, match="knows no archive 'B' \\(known: A\\)"):
        plan(lake, settings(2), TOY, "B")


def test_steps_are_cut_by_name_and_grouped_by_engine() -> None:
    assert [s.name for s in steps_between("ocr", "link")] == ["ocr", "figures", "link"]
    assert [[s.name for s in g] for g in engine_groups(STEPS)] == [
        ["extract"],
        ["ocr"],
        ["figures", "link"],
        ["embed", "classify", "codebook", "encode"],
        ["publish"],
    ]
    with pytest.raises(ValueError, match="link comes after ocr"):
        steps_between("link", "ocr")


def test_every_table_a_step_reads_is_written_by_an_earlier_step() -> None:
    written: set[str] = {"tombstones", "compacted"}
    for step in STEPS:
        assert set(step.reads) <= written, step.name
        written |= set(step.writes)


def test_a_clock_that_was_set_back_does_not_make_an_old_run_the_newest(lake: Lake) -> None:
    now = datetime.now(UTC)
    for counter, at in ((1, now), (2, now - timedelta(hours=2))):
        for state in ("started", "done"):
            record(lake, Run("_lake", "publish", counter << RANDOM_BITS, f"f{counter}", state, at=at))  # type: ignore[arg-type]
    ledger = Ledger.read(lake)
    newest = ledger.latest("publish", "_lake", "done")
    assert newest is not None and newest.fingerprint == "f2"
    either = ledger.latest("publish", "_lake")
    assert either is not None and (either.fingerprint, either.state) == ("f2", "done")
