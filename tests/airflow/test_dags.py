"""The DAGs, in a real Airflow 3: they import, keep the policy, and run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.flow import STEPS

ROOT = Path(__file__).resolve().parent.parent.parent
DAGS = ROOT / "airflow_dags"
PYTHON = ROOT / ".venv-airflow" / "bin" / "python"
FIGLAKE = Path(sys.executable).parent / "figlake"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="the Airflow environment is not here; `make airflow` makes it"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An Airflow of its own: home and database in a temporary folder, no examples, nothing sent anywhere."""
    home = tmp_path_factory.mktemp("airflow")
    found = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    found |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    subprocess.run([PYTHON, "-m", "airflow", "db", "migrate"], env=found, check=True, capture_output=True)
    return found


@pytest.fixture(scope="module")
def facts(environment: dict[str, str]) -> dict[str, Any]:
    script = Path(__file__).with_name("dag_facts.py")
    done = subprocess.run([PYTHON, script, DAGS], env=environment, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def dags_test(environment: dict[str, str], day: int, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the DAG once, as ``airflow dags test`` does: every task for real, one after the other."""
    named = {f"AIRFLOW_VAR_FIGLAKE_{name.upper()}": value for name, value in variables.items()}
    command = [PYTHON, "-m", "airflow", "dags", "test", "figlake", f"2026-03-{day:02}"]
    return subprocess.run(command, env=environment | named, capture_output=True, text=True, check=False, timeout=1000)


def stub(folder: Path, cases: str) -> tuple[str, Path]:
    """A command that stands in for figlake's environment and notes how it was called."""
    calls, program = folder / "calls", folder / "figlake"
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\ncase "$*" in\n{cases}\nesac\n')
    program.chmod(0o755)
    return str(program), calls


def test_the_files_import_without_error_in_under_a_second_and_load_no_engine(facts: dict[str, Any]) -> None:
    assert facts["errors"] == {}
    assert facts["seconds"] < 1
    assert facts["engines"] == []


def test_every_dag_is_documented_tagged_and_starts_on_a_fixed_day(facts: dict[str, Any]) -> None:
    assert list(facts["dags"]) == ["figlake"]
    for dag in facts["dags"].values():
        assert dag["doc"].startswith("### figlake")
        assert dag["tags"] == ["figlake", "patents"]
        assert dag["start_date"] == "2026-01-01T00:00:00+00:00"
        assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)
        assert {name: schema["type"] for name, schema in dag["params"].items()} == {
            "only": "array",
            "max_archives": "integer",
        }


def test_every_task_has_an_owner_a_time_limit_and_retries_but_the_watch(facts: dict[str, Any]) -> None:
    tasks = facts["dags"]["figlake"]["tasks"]
    assert {task["owner"] for task in tasks.values()} == {"figlake"}
    assert all(task["timeout"] for task in tasks.values())
    assert {name: task["retries"] for name, task in tasks.items() if task["retries"] != 2} == {"watch": 0}


def test_the_tasks_are_the_steps_in_their_order(facts: dict[str, Any]) -> None:
    tasks = facts["dags"]["figlake"]["tasks"]
    assert {name for name, task in tasks.items() if task["mapped"]} == {s.name for s in STEPS if s.scope == "archive"}
    assert set(tasks) == {step.name for step in STEPS} | {"pending_extract", "pending_encode", "watch"}
    for before, after in pairwise(STEPS):
        search = f"pending_{after.name}"
        assert before.name in tasks[search if search in tasks else after.name]["upstream"]
    assert tasks["watch"]["upstream"] == sorted(set(tasks) - {"watch"})


def test_an_archive_that_fails_stops_no_other_and_turns_the_run_red(
    environment: dict[str, str], tmp_path: Path
) -> None:
    command, calls = stub(
        tmp_path,
        """*pending*extract*) echo '{"pending": ["bad", "good"], "archives": 2}';;
        *pending*encode*) echo '{"pending": ["good"], "archives": 2}';;
        *"step ocr --archive bad"*) echo "error: no such engine"; exit 2;;""",
    )
    done = dags_test(environment, 1, command=command, lake="/lake", archives="/deliveries")
    assert done.returncode == 1
    assert "figlake ended with exit code 2: error: no such engine" in done.stdout + done.stderr
    options = "--lake /lake --profile laptop"
    made = calls.read_text().splitlines()
    assert [call for call in made if "bad" in call] == [
        f"step extract --archive bad --archives /deliveries {options}",
        f"step ocr --archive bad {options}",
    ]
    assert [call for call in made if "bad" not in call] == [
        f"pending --from extract --archives /deliveries --json {options}",
        f"step extract --archive good --archives /deliveries {options}",
        *(f"step {name} --archive good {options}" for name in ("ocr", "figures", "link", "embed", "classify")),
        f"step codebook {options}",
        f"pending --from encode --archives /deliveries --json {options}",
        f"step encode --archive good {options}",
        f"step publish {options}",
    ]


def test_before_the_first_delivery_a_night_ends_green_and_touches_no_lake(
    environment: dict[str, str], tmp_path: Path
) -> None:
    command, calls = stub(tmp_path, """*) echo '{"pending": [], "archives": 0}';;""")
    done = dags_test(environment, 2, command=command, lake="/lake", archives="/deliveries")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(calls.read_text().splitlines()) == 1


def test_a_relative_lake_is_refused_because_tasks_run_in_folders_of_their_own(
    environment: dict[str, str], tmp_path: Path
) -> None:
    command, calls = stub(tmp_path, "*) echo unreachable;;")
    done = dags_test(environment, 3, command=command, lake="lake", archives="/deliveries")
    assert done.returncode == 1
    assert "figlake_lake must be a URI or an absolute path, not 'lake'" in done.stdout + done.stderr
    assert not calls.exists()


@pytest.mark.timeout(1100)  # nine tasks, each of which starts an engine of its own
def test_a_synthetic_archive_becomes_a_release(environment: dict[str, str], tmp_path: Path) -> None:
    deliveries, lake = tmp_path / "deliveries", tmp_path / "lake"
    subprocess.run([FIGLAKE, "synth", "--out", deliveries, "--documents", "1", "--seed", "5"], check=True)
    done = dags_test(environment, 4, command=str(FIGLAKE), lake=str(lake), archives=str(deliveries))
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    answer = subprocess.run([FIGLAKE, "status", "--json", "--lake", lake], check=True, capture_output=True, text=True)
    status = json.loads(answer.stdout)
    states = {step["state"] for archive in status["archives"].values() for step in archive["steps"].values()}
    assert states | {step["state"] for step in status["lake_steps"].values()} == {"done"}
    assert status["tables"]["documents"]["rows"] == 1
    assert status["release"] is not None
