"""Retraining and maintenance: what they ask of figlake, and when they leave it be."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.airflow.conftest import DAGS, PYTHON, ROOT, Run

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
    with listening() as (url, heard):
        done = dags_test("figlake_maintenance", 24, {"rejects_days": 30}, command=command, lake="/lake", alert_url=url)
    assert done.returncode == 1
    assert "ended publish -1 skipped" in done.stdout
    commands = ("compact", "rejects --expire 30", "step publish", "releases --prune", "clean")
    assert calls.read_text().splitlines() == [f"{command} {OPTIONS}" for command in commands]
    assert [text.split(" after ")[0] for text in heard] == ["figlake: figlake_maintenance.clean failed"]
    assert "figlake ended with exit code 2" in heard[0]


def test_a_late_run_is_told_and_an_address_that_fails_is_not_named(airflow: dict[str, str]) -> None:
    tell = """
from figlake_alerts import announce_lateness
announce_lateness(hours=20, context={"dag_run": {"dag_run_id": "scheduled__2026-03-25"}})
"""
    with listening() as (url, heard):
        assert "is not done" in say(airflow, tell, url)
    assert heard == ["figlake: scheduled__2026-03-25 was queued 20 hours ago and is not done"]
    said = say(airflow, tell, f"{url}/s3cret")
    assert "the alert was not taken" in said
    assert "s3cret" not in said


def say(airflow: dict[str, str], program: str, url: str) -> str:
    """What a program of Airflow's environment prints; it must end well."""
    environment = airflow | {"AIRFLOW_VAR_FIGLAKE_ALERT_URL": url, "PYTHONPATH": f"{ROOT}:{DAGS}"}
    done = subprocess.run([PYTHON, "-c", program], env=environment, check=True, capture_output=True, text=True)
    return done.stdout + done.stderr


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A chat service's address, and what it is told."""
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()
