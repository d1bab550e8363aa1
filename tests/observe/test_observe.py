"""Log lines, lineage and the floor: what others are told is right, secrets stay, and no listener breaks a run."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline import registry
from pipeline.config import Settings, load_settings
from pipeline.context import StepContext
from pipeline.errors import SupersededError, UsageError
from pipeline.flow import BY_NAME, STEPS
from pipeline.lake import Lake
from pipeline.ledger import Ledger, Run
from pipeline.local import run_all
from pipeline.observe import RUN_ID, write_down
from pipeline.observe.floor import Floor
from pipeline.observe.lineage import LINK_COLUMNS, event_of, settle
from pipeline.observe.secrecy import hide
from pipeline.parts import Outcome
from pipeline.runner import StepReport, execute, plan
from schemas import TABLES
from tests.pipeline import toy_step
from tests.pipeline.test_runner import TOY, know

SECRET = "s3cr3t-of-the-bucket"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    found = Lake.at(tmp_path / "lake")
    know(found, "A", "1")
    return found


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUN_ID, "night-1")
    monkeypatch.delenv("TOY_STEP_FAILS", raising=False)


def settings(*overrides: str) -> Settings:
    return load_settings(environment={}, overrides=["publish.queries=2", *overrides])


def bring(lake: Lake, tree: Settings) -> StepReport:
    return execute(lake, tree, plan(lake, tree, TOY, "A"), None, lambda done, total: None)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_step_writes_a_line_with_its_run_and_archive(lake: Lake, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "night.jsonl"
    assert bring(lake, settings(f"observe.logs={log}", "publish.keep=1")).state == "done"
    started, done = lines(log)
    assert [started["event"], done["event"]] == ["started", "done"]
    for line in (started, done):
        assert (line["run"], line["archive"], line["step"]) == ("night-1", "A", "classify")
    assert (done["rows_out"], done["rejects"], done["level"]) == ({"facets": 2}, 1, "info")
    assert done["resources"]["cpus"] > 0


def test_lines_for_standard_error_reach_it_from_an_engines_process(
    lake: Lake, capfd: pytest.CaptureFixture[str]
) -> None:
    summary = run_all(lake, settings("observe.logs=-"), ["A"], (BY_NAME["classify"],), lambda event: None)
    assert [report.state for report in summary.reports] == ["done"]
    found = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert [(line["event"], line["step"], line["run"]) for line in found] == [
        ("started", "classify", "night-1"),
        ("done", "classify", "night-1"),
    ]


def test_secrets_reach_nobody(
    lake: Lake, tmp_path: Path, receiver: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, taken = receiver
    monkeypatch.setenv("OPENLINEAGE_URL", url)
    monkeypatch.setenv("SOME_PASSWORD", "hunter2-hunter2")
    log = tmp_path / "night.jsonl"
    tree = replace(settings(f"observe.logs={log}"), storage={"AWS_SECRET_ACCESS_KEY": SECRET})

    def fails(_: StepContext) -> Outcome:
        raise RuntimeError(f"403 for {SECRET} hunter2-hunter2 at https://user:pass@host/bucket")

    monkeypatch.setattr(toy_step, "run", fails)
    report = bring(lake, tree)
    assert report.error == "RuntimeError: 403 for *** *** at https://***@host/bucket"
    failed = lines(log)[-1]
    assert (failed["event"], failed["level"], failed["error"]) == ("failed", "error", report.error)
    assert Ledger.read(lake).runs[-1].detail["error"] == report.error
    assert settle()
    assert taken[-1]["run"]["facets"]["errorMessage"]["message"] == report.error
    assert SECRET not in log.read_text() + json.dumps(taken)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at https://s0me-token@host/x", "at https://***@host/x"),
        ("GET https://b/k?X-Amz-Signature=abc12&X-Amz-Date=1", "GET https://b/k?X-Amz-Signature=***&X-Amz-Date=1"),
        ("s3://bucket/a@b.zip holds a user@example.org", "s3://bucket/a@b.zip holds a user@example.org"),
    ],
)  # fmt: skip
def test_credentials_in_addresses_are_hidden_and_the_rest_is_not(text: str, told: str) -> None:
    assert hide(text, {}) == told


def test_a_listener_that_fails_breaks_no_run(lake: Lake, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert bring(lake, settings(f"observe.logs={tmp_path}/file/night.jsonl")).state == "done"
    assert "classify of A could not be told" in capfd.readouterr().err
    assert [run.state for run in Ledger.read(lake).runs] == ["started", "done"]


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that takes lineage events."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    server.server_close()


def test_lineage_is_sent_where_the_client_is_told_to(
    lake: Lake, receiver: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, taken = receiver
    monkeypatch.setenv("OPENLINEAGE_URL", url)
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", "airflow/nightly.classify/01938e31-0000-7000-8000-000000000001")
    assert bring(lake, settings()).state == "done"
    monkeypatch.setenv("TOY_STEP_FAILS", "1")
    assert bring(lake, settings("publish.keep=2")).state == "failed"
    assert settle()
    assert [event["eventType"] for event in taken] == ["START", "COMPLETE", "START", "FAIL"]
    start, complete, _, fail = taken
    assert start["run"]["runId"] == complete["run"]["runId"] != fail["run"]["runId"]
    parent = complete["run"]["facets"]["parent"]
    assert (parent["job"]["namespace"], parent["job"]["name"]) == ("airflow", "nightly.classify")
    output = complete["outputs"][0]
    assert (output["namespace"], output["name"]) == ("file", f"{lake.storage.root}/tables/facets")
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert {field["name"] for field in output["facets"]["schema"]["fields"]} == set(TABLES["facets"].schema.names)
    assert "the toy broke" in fail["run"]["facets"]["errorMessage"]["message"]


def test_lineage_goes_to_a_file_too_and_nowhere_unless_configured(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TYPE", "file"), ("LOG_FILE_PATH", str(tmp_path / "lineage")), ("APPEND", "true")):
        monkeypatch.setenv(f"OPENLINEAGE__TRANSPORT__{name}", value)
    bring(lake, settings())
    assert settle()
    found = [json.loads(line) for path in tmp_path.glob("lineage*") for line in path.read_text().splitlines()]
    assert [event["eventType"] for event in found] == ["START", "COMPLETE"]
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    bring(lake, settings("publish.keep=3"))
    assert len([line for path in tmp_path.glob("lineage*") for line in path.read_text().splitlines()]) == 2


def test_links_say_for_every_column_where_it_comes_from() -> None:
    written = [name for name in TABLES["links"].schema.names if name not in TABLES["links"].partition_by]
    assert list(LINK_COLUMNS) and set(LINK_COLUMNS) == set(written)
    for sources in LINK_COLUMNS.values():
        for table, column in sources:
            assert table in BY_NAME["link"].reads
            assert column in TABLES[table].schema.names
    event = event_of(Lake.at("/lake"), BY_NAME["link"], Run("A", "link", 1, "f", "done", rows_out={"links": 3}))
    (links,) = [output for output in event.outputs if output.name.endswith("/links")]
    term = links.facets["columnLineage"].fields["term"]
    assert {(one.namespace, one.name, one.field) for one in term.inputFields} == {
        ("file", "/lake/tables/passages", "text")
    }


def test_data_sets_are_named_as_openlineage_says(lake: Lake) -> None:
    from openlineage.client.naming.dataset import S3, LocalFileSystem

    far = event_of(Lake.at("s3a://bucket/some/lake"), BY_NAME["link"], Run("A", "link", 1, "f", "started"))
    named = S3("bucket", "some/lake/tables/passages")
    assert (far.inputs[0].namespace, far.inputs[0].name) == (named.get_namespace(), named.get_name())
    first = event_of(lake, BY_NAME["extract"], Run("A", "extract", 1, "f", "started"))
    known = registry.known_one(lake, "A")
    assert known is not None
    delivery = LocalFileSystem(known.uri)
    assert [(one.namespace, one.name) for one in first.inputs] == [(delivery.get_namespace(), delivery.get_name())]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_every_step_has_an_event(step: Any) -> None:
    for state in ("started", "done", "failed", "aborted"):
        event = event_of(Lake.at("/lake"), step, Run("A", step.name, 1, "f", state))  # type: ignore[arg-type]
        assert len(event.inputs) == len(step.reads)


def test_a_step_that_crawls_is_ended_with_a_clear_word(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def crawls(ctx: StepContext) -> Outcome:
        for done in range(1000):
            ctx.progress(done, 1000)
            time.sleep(0.05)
        raise AssertionError("it was let go on")

    monkeypatch.setattr(toy_step, "run", crawls)
    started = time.monotonic()
    report = bring(lake, settings('observe.floor={"classify": "500"}', "observe.floor_after_s=0.3"))
    assert time.monotonic() - started < 20
    assert report.state == "failed"
    assert "observe.floor asks for 500" in report.error
    assert [run.state for run in Ledger.read(lake).runs] == ["started", "failed"]


def test_a_crawling_step_is_ended_while_it_waits_for_its_engine(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _theirs = socket.socketpair()
    ours.settimeout(20)

    def waits(ctx: StepContext) -> Outcome:
        def reports() -> None:
            for done in range(100):
                ctx.progress(done, 1000)
                time.sleep(0.05)

        threading.Thread(target=reports, daemon=True).start()
        ours.recv(1)
        raise AssertionError("it was let go on")

    monkeypatch.setattr(toy_step, "run", waits)
    report = bring(lake, settings('observe.floor={"classify": "500"}', "observe.floor_after_s=0.3"))
    assert "observe.floor asks for 500" in report.error
    assert report.seconds < 5


def test_counts_that_begin_anew_are_measured_anew() -> None:
    now = [0.0]
    floor = Floor(lambda done, total: None, "extract", 1.0, 10.0, lambda: now[0])
    for at, done in ((11, 40), (22, 80), (30, 0), (34, 2), (41, 15), (52, 40)):
        now[0] = at
        floor(done, 100)
    assert floor.error is None


def test_a_fast_step_and_the_warming_up_are_left_alone() -> None:
    now, seen = [0.0], list[int]()
    floor = Floor(lambda done, total: seen.append(done), "ocr", 1.0, 10.0, lambda: now[0])
    for at, done in ((5, 0), (11, 0), (20, 5), (22, 25), (33, 40), (60, 80)):
        now[0] = at
        floor(done, 80)
    assert floor.error is None
    assert seen == [0, 0, 5, 25, 40, 80]


@pytest.mark.parametrize("floor", ['{"OCR": "2"}', '{"ocr": "fast"}', '{"ocr": "nan"}', '{"ocr": "-1"}'])
def test_a_floor_for_no_step_or_of_no_number_is_refused_before_anything_runs(floor: str) -> None:
    with pytest.raises(UsageError, match=r"observe\.floor: "):
        settings(f"observe.floor={floor}")


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SupersededError("another run was first")], ids=["ctrl-c", "superseded"]
)
def test_what_is_broken_off_is_told_as_aborted(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def ends(_: StepContext) -> Outcome:
        raise error

    monkeypatch.setattr(toy_step, "run", ends)
    log = tmp_path / "night.jsonl"
    with suppress(KeyboardInterrupt):
        bring(lake, settings(f"observe.logs={log}"))
    assert [line["event"] for line in lines(log)] == ["started", "aborted"]
    assert [run.state for run in Ledger.read(lake).runs] == ["started"]


def test_a_listener_that_does_not_answer_costs_a_step_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert bring(lake, settings()).state == "done"
        assert time.monotonic() - began < 4  # the client waits 5 s for an answer, and tries again five times
        assert not settle(0.1)


def test_events_are_sent_before_a_process_ends_and_what_was_not_is_said(
    lake: Lake,
    receiver: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url, taken = receiver
    monkeypatch.setenv("OPENLINEAGE_URL", url)
    run_all(lake, settings(), ["A"], (BY_NAME["classify"],), lambda event: None)
    assert [event["eventType"] for event in taken] == ["START", "COMPLETE"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        run_all(lake, settings("publish.keep=4"), ["A"], (BY_NAME["classify"],), lambda event: None, again=True)
        assert time.monotonic() - began < 60
    assert "lineage events were not sent" in capfd.readouterr().err


def test_the_row_is_in_the_ledger_before_anybody_is_told(lake: Lake, tmp_path: Path) -> None:
    write_down(lake, settings(f"observe.logs={tmp_path}/x"), TOY, Run("A", "classify", 1, "f", "started"))
    assert [run.state for run in Ledger.read(lake).runs] == ["started"]
