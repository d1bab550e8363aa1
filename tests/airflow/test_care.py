"""Retraining and maintenance: what they ask of figlake, and when they leave it be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.airflow.conftest import Run

Stub = Callable[[str], tuple[str, Path]]
OPTIONS = "--lake /lake --profile laptop"
DRIFT = (
    """echo '{{"modalities": {{"image": {{"codebook": "image-1", "rows": 5, "retrain": {image}}},"""
    """ "text": {{"codebook": "text-1", "rows": 5, "retrain": false}}}}}}'"""
)


def test_only_the_codebooks_that_drifted_are_trained_anew(dags_test: Run, stub: Stub) -> None:
    command, calls = stub(f"drift*) {DRIFT.format(image='true')};;")
    done = dags_test("figlake_retrain", 21, command=command, lake="/lake")
    assert done.returncode == 0, done.stdout[-3000:]
    assert calls.read_text().splitlines() == [
        f"drift --json {OPTIONS}",
        f"retrain --no-publish --modality image {OPTIONS}",
        f"step publish {OPTIONS}",
    ]


def test_codebooks_that_fit_are_left_alone_unless_somebody_insists(dags_test: Run, stub: Stub) -> None:
    command, calls = stub(f"drift*) {DRIFT.format(image='false')};;")
    assert dags_test("figlake_retrain", 22, command=command, lake="/lake").returncode == 0
    assert calls.read_text().splitlines() == [f"drift --json {OPTIONS}"]
    insisting = {"force": True, "modalities": ["text"]}
    assert dags_test("figlake_retrain", 23, insisting, command=command, lake="/lake").returncode == 0
    assert calls.read_text().splitlines()[1:] == [
        f"drift --json {OPTIONS}",
        f"retrain --no-publish --modality text {OPTIONS}",
        f"step publish {OPTIONS}",
    ]


def test_maintenance_goes_on_when_there_is_nothing_to_publish_and_ends_red_when_a_task_failed(
    dags_test: Run, stub: Stub
) -> None:
    command, calls = stub('*publish*) echo "nothing to do: publish of _lake is up to date";; clean*) exit 2;;')
    done = dags_test("figlake_maintenance", 24, {"rejects_days": 30}, command=command, lake="/lake")
    assert done.returncode == 1
    assert "ended publish -1 skipped" in done.stdout
    commands = ("compact", "rejects --expire 30", "step publish", "releases --prune", "clean")
    assert calls.read_text().splitlines() == [f"{command} {OPTIONS}" for command in commands]
