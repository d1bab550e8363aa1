"""The night: what it asks of figlake, and that it makes a release."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.flow import STEPS
from tests.airflow.conftest import FIGLAKE, Night, Run

Stub = Callable[[str], tuple[str, Path]]
NOW = {"wait_hours": 0}
OPTIONS = "--lake /lake --profile laptop"
#: What a night asks where others fill the folder of deliveries: has something new come, and what is there to do.
LOOKS = [f"pending {which} --archives /deliveries --json {OPTIONS}" for which in ("--new", "--to classify")]


def test_an_archive_that_fails_stops_no_other_and_turns_the_run_red(dags_test: Run, stub: Stub) -> None:
    command, calls = stub(
        """*pending*) echo '{"pending": ["bad", "good"], "archives": 2}';;
        *"step ocr --archive bad"*) echo "error: no such engine"; exit 2;;"""
    )
    done = dags_test("figlake_nightly", 1, NOW, command=command, lake="/lake", archives="/deliveries")
    said = done.stdout
    assert done.returncode == 1
    assert "figlake ended with exit code 2: error: no such engine" in said
    assert "figlake: figlake_nightly.ocr [0] failed after 1 tries in " in said
    made = calls.read_text().splitlines()
    assert [call for call in made if "bad" in call] == [
        f"step extract --archive bad --archives /deliveries {OPTIONS}",
        f"step ocr --archive bad {OPTIONS}",
    ]
    assert [call for call in made if "bad" not in call] == [
        *LOOKS,
        f"step extract --archive good --archives /deliveries {OPTIONS}",
        *(f"step {name} --archive good {OPTIONS}" for name in ("ocr", "figures", "link", "embed", "classify")),
        f"step codebook {OPTIONS}",
        f"step encode {OPTIONS}",
        f"step publish {OPTIONS}",
    ]


def test_on_a_cluster_steps_go_to_spark_and_ray_and_only_what_ended_wrongly_for_good_is_not_tried_again(
    dags_test: Run, stub: Stub
) -> None:
    command, calls = stub(
        """*pending*) echo '{"pending": ["a"], "archives": 1}';;
        *submit*"step embed"*) echo "Job entrypoint command failed with exit code 3, last logs:"; exit 1;;
        *"step publish"*) echo "nothing to do: publish of _lake is up to date";;"""
    )
    done = dags_test(
        "figlake_nightly", 3, NOW, command=command, lake="/lake", archives="/deliveries",
        runner="cluster", spark_options="--master spark://m:7077", ray_address="http://ray-head:8265",
    )  # fmt: skip
    assert done.returncode == 1
    assert "figlake ended with exit code 3" in done.stdout
    made = calls.read_text().splitlines()
    (extract,) = [call for call in made if "step extract" in call]
    assert extract.startswith("spark-submit --name figlake-nightly-manual")
    assert extract.endswith(
        f"--master spark://m:7077 /opt/submit.py step extract --archive a --archives /deliveries {OPTIONS}"
    )
    (embed,) = [call for call in made if "step embed" in call]
    assert embed.startswith("ray job submit --address http://ray-head:8265 --submission-id figlake-nightly-")
    assert '-embed-0-1 --runtime-env-json {"env_vars": {"FIGLAKE_RUN_ID": "' in embed
    assert embed.endswith(f"}}}} -- {command} step embed --archive a {OPTIONS}")
    assert [call for call in made if "step publish" in call] == [f"step publish {OPTIONS}"]


def test_a_corrected_delivery_is_taken_when_somebody_says_so(dags_test: Run, stub: Stub) -> None:
    command, calls = stub("""*pending*) echo '{"pending": ["a"], "archives": 1}';;""")
    asked = NOW | {"replace": True}
    done = dags_test("figlake_nightly", 9, asked, command=command, lake="/lake", archives="/deliveries")
    assert done.returncode == 0, done.stdout
    (extract,) = [call for call in calls.read_text().splitlines() if "step extract" in call]
    assert extract == f"step extract --archive a --archives /deliveries --replace {OPTIONS}"


def test_before_the_first_delivery_a_night_ends_green_and_touches_no_lake(dags_test: Run, stub: Stub) -> None:
    command, calls = stub("""*) echo '{"pending": [], "archives": 0}';;""")
    done = dags_test("figlake_nightly", 4, NOW, command=command, lake="/lake", archives="/deliveries")
    assert done.returncode == 0, done.stdout
    assert calls.read_text().splitlines() == LOOKS


def test_the_wait_is_deferred_looks_again_and_goes_on_when_something_has_come(
    dags_test: Run, stub: Stub, tmp_path: Path
) -> None:
    come = tmp_path / "come"
    command, calls = stub(
        f"""*--list*) [ -e {come} ] && echo '[{{"name": "week09.zip"}}]' || echo '[]'; touch {come};;
        *fetch*) echo '{{"files": ["/deliveries/week09.zip"], "failed": {{}}, "known": 0}}';;
        *pending*) echo '{{"pending": [], "archives": 0}}';;"""
    )
    done = dags_test(
        "figlake_nightly", None, {"wait_hours": 1, "look_every_minutes": 0.03},
        command=command, lake="/lake", archives="/deliveries", source="32",
    )  # fmt: skip
    said = done.stdout
    assert done.returncode == 0, said[-3000:]
    assert "there is something new: week09.zip" in said
    fetch = "fetch --product 32 --to /deliveries"
    assert calls.read_text().splitlines() == [
        f"{fetch} --list --json --profile laptop",
        f"{fetch} --list --json --profile laptop",
        f"{fetch} --json --profile laptop",
        f"pending --to classify --archives /deliveries --json {OPTIONS}",
    ]
    assert "running trigger in line" in said


def test_the_account_of_a_connection_reaches_the_fetch_and_no_log(dags_test: Run, stub: Stub, tmp_path: Path) -> None:
    told = tmp_path / "told"
    command, _ = stub(
        f"""*--list*) echo "$FIGLAKE_BDDS_USER $FIGLAKE_BDDS_PASSWORD" >> {told}; echo '[{{"name": "a.zip"}}]';;
        *fetch*) echo "$FIGLAKE_BDDS_USER $FIGLAKE_BDDS_PASSWORD" >> {told}; echo '{{"files": []}}';;
        *pending*) echo "${{FIGLAKE_BDDS_USER:-none}}" >> {told}; echo '{{"pending": [], "archives": 0}}';;"""
    )
    done = dags_test(
        "figlake_nightly", 10, NOW, command=command, lake="/lake", archives="s3://figlake/deliveries", source="32",
        connection="bdds",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert told.read_text().splitlines() == ["anna s3cr3t-of-anna", "anna s3cr3t-of-anna", "none"]
    assert "s3cr3t-of-anna" not in done.stdout


def test_a_relative_lake_is_refused_because_tasks_run_in_folders_of_their_own(dags_test: Run, stub: Stub) -> None:
    command, calls = stub("*) echo unreachable;;")
    done = dags_test("figlake_nightly", 6, NOW, command=command, lake="lake", archives="/deliveries")
    assert done.returncode == 1
    assert "figlake_lake must be a URI or an absolute path, not 'lake'" in done.stdout
    assert not calls.exists()


@pytest.mark.timeout(1100)  # nine tasks, each of which starts an engine of its own
def test_a_delivery_is_fetched_and_becomes_a_release_although_a_task_is_killed(
    night: Night,
) -> None:
    assert night.done.returncode == 0, night.done.stdout[-5000:]
    assert "figlake ended with exit code -9" in night.done.stdout
    assert "ended link 0 success after 2" in night.done.stdout
    assert "ended embed 0 success after 1" in night.done.stdout
    answer = subprocess.run(
        [FIGLAKE, "status", "--json", "--lake", night.lake], check=True, capture_output=True, text=True
    )
    status = json.loads(answer.stdout)
    states = {step["state"] for archive in status["archives"].values() for step in archive["steps"].values()}
    assert states | {step["state"] for step in status["lake_steps"].values()} == {"done"}
    assert status["tables"]["documents"]["rows"] == 2
    assert status["release"] is not None


@pytest.mark.timeout(1100)
def test_the_lineage_of_each_step_goes_up_to_the_task_that_ran_it(night: Night) -> None:
    events = [json.loads(line) for line in night.lineage.read_text().splitlines()]
    tasks = {
        event["run"]["runId"]: event["job"]["name"]
        for event in events
        if event["job"]["name"].startswith("figlake_nightly.")
    }
    steps = [event for event in events if event["job"]["name"].startswith("figlake.")]
    complete = [event["job"]["name"].removeprefix("figlake.") for event in steps if event["eventType"] == "COMPLETE"]
    assert sorted(complete) == sorted(step.name for step in STEPS)
    for event in steps:
        task = tasks[event["run"]["facets"]["parent"]["run"]["runId"]]
        assert task.rpartition(".")[2] == event["job"]["name"].rpartition(".")[2]
    (extract,) = [
        event for event in steps if event["job"]["name"] == "figlake.extract" and event["eventType"] == "START"
    ]
    assert [one["name"].startswith(str(night.deliveries)) for one in extract["inputs"]] == [True]
