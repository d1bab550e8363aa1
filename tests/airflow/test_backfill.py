"""A backfill says what it will take, stops at its limits, and takes in what was asked for."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from pipeline.flow import STEPS
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from tests.airflow.conftest import COMMAND, DAGS, RUN_SECONDS, Night, Run, Start
from tests.equality import assert_equal

sys.path.insert(0, str(DAGS))
from figlake_weeks import monday, week_of

WEEKS = {"first_week": "2025-W01", "last_week": "2025-W03"}
SYNTHETIC = {"first_week": "2025-W06", "last_week": "2025-W06"}
OPTIONS = "--lake /lake --profile laptop"
EPO = "EPRTBJV2025{:06}001001"


def test_a_deliverys_week_is_in_its_name_or_the_day_it_was_published() -> None:
    assert week_of("EPRTBJV2025000002001001.zip") == "2025-W02"
    assert week_of("I20250626.tar") == "2025-W26"
    assert week_of("I20241231") == "2025-W01"
    assert week_of("national.zip", "2026-02-11T14:00:00+00:00") == "2026-W07"
    assert week_of("national.zip") is None
    assert week_of("I20259999.tar") is None
    assert monday("2025-W01").isoformat() == "2024-12-30"
    with pytest.raises(ValueError, match="Invalid week: 53"):
        monday("2025-W53")


def test_a_backfill_fetches_and_takes_in_the_weeks_asked_for_oldest_first(
    dags_test: Run, stub: Callable[[str], tuple[str, Path]], tmp_path: Path
) -> None:
    folder = tmp_path / "deliveries"
    names = [EPO.format(week) for week in (4, 3, 1, 2)]
    offers = ", ".join(
        f'{{"name": "{name}.zip", "published": "2026-01-01T00:00:00+00:00", "about_bytes": 5000000000}}'
        for name in names
    )
    step, rest = '{"hours": 1, "bytes": 2e9, "cost": 3}', '"currency": "EUR", "assumptions": []'
    command, calls = stub(
        f"""*--list*) echo '[{offers}]';;
        fetch*) echo '{{"files": [], "failed": {{}}, "known": 0}}';;
        *"pending --to classify"*) echo '{{"pending": ["{'", "'.join(names)}", "other"], "archives": 5}}';;
        *pending*) echo '{{"pending": [], "archives": 5}}';;
        plan*) echo '{{"documents": 9, "steps": {{"ocr": {step}}}, "total": {step}, {rest}}}';;
        """
    )
    params = WEEKS | {"dry_run": False, "max_archives": 2}
    done = dags_test("figlake_backfill", 11, params, command=command, lake="/lake", archives=str(folder), source="32")
    said = done.stdout
    assert done.returncode == 0, said[-4000:]
    assert "left out, because their names say no week: other" in said
    assert "1 archives are left for another backfill" in said
    assert "plan: all of 9 documents in 2 archive(s): 1.00 hours, 2.000 GB, 3.00 EUR" in said
    one, two = (EPO.format(week) for week in (1, 2))
    made = calls.read_text().splitlines()
    fetch = f"fetch --product 32 --to {folder}/.backfill --since 2024-12-30"
    assert made[1] == f"{fetch} --list --json --profile laptop"
    assert made[2] == f"{fetch} --match {one}.zip --match {two}.zip --json --profile laptop"
    both = f"--archives {folder} --archives {folder}/.backfill"
    assert made[3] == f"pending --to classify {both} --json {OPTIONS}"
    assert made[4] == f"plan {both} --only {one} --only {two} --json {OPTIONS}"
    assert all(call.split("--archives ", 1)[1].startswith(both[11:]) for call in made if "step extract" in call)
    # In which order tasks of one instant run is up to Airflow: `dags test` has none, its scheduler goes by index.
    assert sorted(call.split()[3] for call in made if "step extract" in call) == [one, two]
    assert sum("step " in call for call in made) == 2 * 6 + 3


def test_what_rests_takes_no_place_in_a_backfill_and_turns_it_red(
    dags_test: Run, stub: Callable[[str], tuple[str, Path]], tmp_path: Path
) -> None:
    offers = ", ".join(
        f'{{"name": "{EPO.format(week)}.zip", "published": "2026-01-01T00:00:00+00:00", "about_bytes": 5, '
        f'"rests_until": {rests}}}'
        for week, rests in ((1, '"2026-01-01T12:00:00+00:00"'), (2, "null"))
    )
    command, calls = stub(
        f"""*--list*) echo '[{offers}]';;
        fetch*) echo '{{"files": [], "failed": {{}}, "known": 0}}';;
        *pending*) echo '{{"pending": [], "archives": 5}}';;
        """
    )
    params = WEEKS | {"dry_run": False, "max_archives": 1}
    done = dags_test(
        "figlake_backfill",
        15,
        params,
        command=command,
        lake="/lake",
        archives=str(tmp_path / "deliveries"),
        source="32",
    )
    assert done.returncode == 1
    why = f"not fetched, because their checksums were wrong within the last half day: {EPO.format(1)}.zip"
    assert why in done.stdout
    fetched = [call for call in calls.read_text().splitlines() if "--match" in call]
    assert len(fetched) == 1 and f"--match {EPO.format(2)}.zip --json" in fetched[0]


@pytest.mark.parametrize(
    ("day", "params", "why"),
    [
        (12, {"max_hours": 1e-9}, r"the plan is beyond its limits: hours \d+\.\d+ of 0\.00"),
        (13, {"last_week": "2024-W52"}, "last_week 2024-W52 is before first_week 2025-W06"),
    ],
)
def test_a_plan_beyond_its_limits_starts_nothing(
    dags_test: Run, deliveries: Path, tmp_path: Path, day: int, params: dict[str, object], why: str
) -> None:
    lake = tmp_path / "lake"
    asked = SYNTHETIC | {"dry_run": False} | params
    done = dags_test("figlake_backfill", day, asked, command=COMMAND, lake=str(lake), archives=str(deliveries))
    assert done.returncode == 1
    assert re.search(why, done.stdout)
    assert not lake.exists()


def test_a_dry_run_ends_after_the_plan_and_makes_no_lake(dags_test: Run, deliveries: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    done = dags_test("figlake_backfill", 14, SYNTHETIC, command=COMMAND, lake=str(lake), archives=str(deliveries))
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"plan: ocr: 0\.\d\d hours, \d\.\d{3} GB, \d+\.\d\d USD", done.stdout)
    assert "plan: all of 2 documents in 1 archive(s):" in done.stdout
    assert "ended plan -1 success" in done.stdout
    assert "ended publish -1 skipped" in done.stdout
    assert not lake.exists()


@dataclass(frozen=True)
class Backfill:
    """A backfill during which Airflow was killed, and started again.

    ``working``: processes of figlake and its engine as Airflow was killed; ``left``: those still there later.
    """

    lake: Lake
    working: set[int]
    left: set[int]
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def backfill(dags_start: Start, dags_test: Run, deliveries: Path, tmp_path_factory: pytest.TempPathFactory) -> Backfill:
    """Takes in the archive of the night; Airflow gets SIGKILL while the step embed is at work."""
    folder = tmp_path_factory.mktemp("backfill")
    lake, log, asked = Lake.at(folder / "lake"), folder / "first.log", SYNTHETIC | {"dry_run": False}
    variables = {
        "command": f"env BACKFILL={folder} {COMMAND}", "lake": str(folder / "lake"), "archives": str(deliveries)
    }  # fmt: skip
    with log.open("w") as output, dags_start("figlake_backfill", 15, asked, output, **variables) as first:
        _until(lambda: first.poll() is not None or ("embed", "started") in _steps(lake), RUN_SECONDS)
        time.sleep(1)
        working = _processes(folder)
        first.kill()
    assert first.returncode == -signal.SIGKILL, log.read_text(encoding="utf-8")[-5000:]
    _until(lambda: not _processes(folder), 60)
    left = _processes(folder)
    return Backfill(lake, working, left, dags_test("figlake_backfill", 16, asked, **variables))


def _steps(lake: Lake) -> list[tuple[str, str]]:
    """The ledger's rows, oldest first: step and state."""
    return [(run.step, run.state) for run in Ledger.read(lake).runs]


def _processes(folder: Path) -> set[int]:
    """Those that the backfill's command and its descendants run in."""
    running = psutil.process_iter(["environ"])
    return {process.pid for process in running if (process.info["environ"] or {}).get("BACKFILL") == str(folder)}


def _until(ready: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready() and time.monotonic() < deadline:
        time.sleep(0.2)


@pytest.mark.timeout(3 * RUN_SECONDS)
def test_a_backfill_that_was_killed_goes_on_and_does_no_finished_step_again(backfill: Backfill) -> None:
    assert backfill.working
    assert not backfill.left
    assert backfill.done.returncode == 0, backfill.done.stdout[-5000:]
    once = [(step.name, state) for step in STEPS for state in ("started", "done")]
    again = once.index(("embed", "started"))
    assert _steps(backfill.lake) == [*once[:again], ("embed", "started"), *once[again:]]


@pytest.mark.timeout(3 * RUN_SECONDS)
def test_a_backfill_makes_the_same_tables_as_a_night_in_which_a_task_was_killed(
    backfill: Backfill, night: Night
) -> None:
    assert "ended link 0 success after 2" in night.done.stdout
    assert "ended link 0 success after 1" in backfill.done.stdout
    assert_equal(Lake.at(night.lake), backfill.lake)
