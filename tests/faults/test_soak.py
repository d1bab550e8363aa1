"""`make soak` counts what came of its cases truthfully, stops in time, and kills nights that were still running."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.lake import Lake
from tests.faults import nights, verdict
from tests.faults.soak import FIGURES, Case, Tally, killed, table, tried
from tests.indexing.lakes import add_archive, clustered

ROOT = Path(__file__).resolve().parents[2]
EVER = float("inf")


def case_that(error: Exception | None) -> Case:
    def case(*_: object) -> None:
        if error is not None:
            raise error

    return case


def lake_of(root: Path, documents: int) -> Lake:
    lake, vectors = Lake.at(root), clustered(3, 16, 2, seed=1)
    add_archive(lake, "A", {f"EP{n}A1": {"1": (vectors[n], vectors[n])} for n in range(documents)}, date(2019, 1, 1))
    return lake


def test_each_error_is_counted_as_what_it_is_also_one_of_another_process(tmp_path: Path) -> None:
    two, three = lake_of(tmp_path / "two", 2), lake_of(tmp_path / "three", 3)
    with pytest.raises(verdict.RowsLostError, match=r"rows are gone, such as \('A', 'EP2A1'\)"):
        verdict.assert_whole(two, three)
    with pytest.raises(AssertionError, match="rows too many") as more:
        verdict.assert_whole(three, two)
    assert type(more.value) is AssertionError
    code = "from tests.faults.verdict import RowsTwiceError; raise RowsTwiceError('figures: 1 rows twice')"
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    errors = (
        verdict.RowsLostError("figures: 1 rows are gone"), AssertionError(other.stderr), more.value,
        subprocess.TimeoutExpired("figlake", 400), AssertionError("assert_nothing_twice_and_current_readable"), None,
    )  # fmt: skip
    tally = tried("fault", [case_that(error) for error in errors], two, tmp_path, 1, EVER)
    counted = {figure: tally.figures[figure] for figure in ("cases", "lost", "doubled", "hung", "failed")}
    assert counted == {"cases": 6, "lost": 1, "doubled": 1, "hung": 1, "failed": 2}


def test_no_case_begins_after_its_time_and_the_table_says_what_was_left_out(tmp_path: Path) -> None:
    tally = tried("fault", [case_that(None)] * 3, Lake.at(tmp_path), tmp_path, 1, until=0.0)
    assert (tally.figures["cases"], tally.figures["left out"]) == (0, 3)
    head, _, row, *_ = table({"fault": tally}).splitlines()
    cells = dict(zip(FIGURES, [cell.strip() for cell in row.split("|")[2:-1]], strict=True))
    assert [cell.strip() for cell in head.split("|")[2:-1]] == list(FIGURES)
    assert (cells["cases"], cells["left out"]) == ("0", "3")


def test_the_steps_that_were_hit_stand_below_the_table_in_the_order_of_a_night() -> None:
    tally = Tally()
    tally.hit.update({"publish": 1, "after ocr": 2, "ocr": 1, "before extract": 1})
    assert table({"fault": tally}).splitlines()[-1] == "steps hit: before extract 1, ocr 1, after ocr 2, publish 1"


@pytest.mark.slow
def test_a_night_that_had_ended_before_the_kill_is_counted_and_another_killed_earlier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, real, started = nights.make_whole(tmp_path / "whole"), nights.start, list[subprocess.Popen[str]]()
    (tmp_path / "whole" / "seconds").write_text("4")

    def first_one_that_is_over_at_once(*arguments: Any, **more: Any) -> subprocess.Popen[str]:
        if started:
            started.append(real(*arguments, **more))
        else:
            started.append(subprocess.Popen(["true"], text=True, start_new_session=True))
        return started[-1]

    monkeypatch.setattr(nights, "start", first_one_that_is_over_at_once)
    tally = Tally()
    killed(whole, tmp_path, random.Random(3), tally)
    assert tally.figures["missed"] == 1
    assert [process.returncode for process in started] == [0, -signal.SIGKILL, 0]
    assert tally.hit.total() == 1


def test_make_soak_runs_the_tests_also_after_a_case_that_fell_short_and_fails_when_either_did(tmp_path: Path) -> None:
    for python, pytest_ends in ((0, 0), (1, 0), (0, 1), (1, 1)):
        for program, ends in (("python", python), ("pytest", pytest_ends)):
            (tmp_path / program).write_text(
                f'#!/bin/sh\necho "{program} $*" >> {tmp_path}/log\ncase "$*" in infra*) ;; *) exit {ends};; esac\n'
            )
            (tmp_path / program).chmod(0o755)
        (tmp_path / "log").write_text("")
        command = [
            "make",
            "-o",
            "java",
            "-o",
            ".venv/.installed",
            "-o",
            "classes",
            "soak",
            f"BIN={tmp_path}",
            "SOAK_ARGS=--kills 7",
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        ran = [line for line in (tmp_path / "log").read_text().splitlines() if "infra/java.py" not in line]
        assert ran == ["python -m tests.faults.soak --kills 7", "pytest -q -m  tests/faults"]
        assert (done.returncode != 0) == bool(python or pytest_ends)
