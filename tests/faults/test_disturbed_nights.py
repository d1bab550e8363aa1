"""Whole nights on a disk that is full or read-only, under a clock that jumps, and two at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.search import open_release
from tests.faults import clock, nights, small_disk
from tests.faults.verdict import assert_nothing_twice_and_current_readable, assert_whole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return nights.make_whole(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("fault", ["read-only", "0", "150"])
def test_a_lake_that_takes_no_more_is_named_in_one_line_and_goes_on_when_mended(
    whole: Lake, tmp_path: Path, fault: str
) -> None:
    if not small_disk.permitted():
        pytest.skip("no mount namespace may be made here (unshare --mount): a full or read-only disk is NOT tried")
    done = small_disk.in_namespace(whole, tmp_path / "lake", fault)
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_runs_of_one_archive_at_once_end_with_every_row_once(whole: Lake, tmp_path: Path) -> None:
    lake = nights.started(whole, tmp_path / "lake")
    both = [nights.start(lake, whole) for _ in range(2)]
    ends = [nights.end(process) for process in both]
    assert_nothing_twice_and_current_readable(lake, whole, nights.SETTINGS)
    for code, said in ends:
        assert "Traceback" not in said, said
        assert code == 0 or "is newer than this run's" in said or "another writer" in said, said
    nights.assert_next_night_ends_whole(lake, whole)


def test_of_two_archives_by_two_runs_one_killed_both_are_whole_after_the_next_night(tmp_path: Path) -> None:
    whole = nights.make_whole(tmp_path / "whole", "AB")
    lake, second = nights.started(whole, tmp_path / "lake"), str(tmp_path / "whole" / "B.zip")
    killed, other = nights.start(lake, whole), nights.start(lake, whole, archive=second)
    kill_when_at(killed, lake, "A", "link")
    code, said = nights.end(other)
    assert code == 0, said
    assert "Traceback" not in said, said
    assert not lake.files("facets", "A"), "the night was not killed where it was meant to be"
    assert set(open_release(lake, nights.SETTINGS).release.facets["archive"].to_pylist()) == {"B"}
    assert_nothing_twice_and_current_readable(lake, whole, nights.SETTINGS)
    nights.assert_next_night_ends_whole(lake, whole, "--archives", second)


def kill_when_at(night: subprocess.Popen[str], lake: Lake, archive: str, step: str) -> None:
    """SIGKILL to a night's process group once it has begun the step."""
    while not any((run.archive, run.step) == (archive, step) for run in Ledger.read(lake.snapshot()).runs):
        assert night.poll() is None, nights.end(night)
        time.sleep(0.02)
    os.killpg(night.pid, signal.SIGKILL)
    night.communicate()


def test_a_clock_that_jumps_a_year_on_and_a_day_back_changes_no_table(whole: Lake, tmp_path: Path) -> None:
    lake = nights.started(whole, tmp_path / "lake")
    code, said, jumps = clock.night_with_jumps(lake, whole, tmp_path, random.Random(7))
    assert code == 0, said
    assert jumps >= 4
    years = {run.at.year for run in Ledger.read(lake).runs if run.at}
    assert len(years) > 1, "the night never saw its clock jump"
    assert_whole(lake, whole)
    assert "nothing to do" in nights.run(lake, whole)[1]
