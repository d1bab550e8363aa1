"""The page of the night and the metrics: right numbers, escaped words, and nothing named that is not exported."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from deltalake import DeltaTable
from lxml import html
from typer.testing import CliRunner

from jobs.cli import app
from jobs.report import moment
from pipeline.config import CostSettings, Settings
from pipeline.errors import UsageError
from pipeline.flow import BY_NAME
from pipeline.lake import RANDOM_BITS, Lake
from pipeline.ledger import Run, record
from pipeline.report.facts import night
from pipeline.report.metrics import METRICS, LakeCollector, samples
from pipeline.report.page import page
from pipeline.runner import plan
from schemas import TABLES
from tests.indexing.lakes import add_archive, build_index, clustered, publish, small_settings
from tests.pipeline.test_runner import know

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
SETTINGS = Settings(cost=CostSettings(cpu_hour=1.0, gpu_hour=10.0, currency="EUR"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An archive of four figures with a night of runs, one of which failed and was made good."""
    found, vectors = Lake.at(tmp_path / "lake"), clustered(4, 16, 2, seed=1)
    add_archive(found, "A", {f"EP{n}A1": {"1": (vectors[n], vectors[n])} for n in range(4)}, date(2019, 1, 1))
    build_index(found, small_settings())
    publish(found, small_settings())

    def ran(step: str, state: str, hours: float, **facts: Any) -> None:
        at = NOW - timedelta(hours=hours)
        record(found, Run("A", step, 1, "f", state, at=at, **facts))  # type: ignore[arg-type]

    ran("extract", "done", 40, rows_in=4, rows_out={"documents": 4}, rejects=0, seconds=5.0, peak_memory_mb=100.0)
    ran("ocr", "started", 3)
    ran("ocr", "failed", 2.9, seconds=1.0, detail={"error": "out of <memory>"})
    detail = {"resources": {"cpus": 4, "gpus": 1}, "accelerator_utilisation": 0.05, "accelerator_idle": 0.9}
    ran("ocr", "done", 2, rows_in=20, rows_out={"regions": 90}, rejects=2, seconds=1800.0, peak_memory_mb=512.0,
        detail=detail)  # fmt: skip
    ran("link", "failed", 1, seconds=2.0, detail={"error": "no <b>luck</b>"})
    write_rejects(found)
    return found


def write_rejects(lake: Lake) -> None:
    from pipeline.parts import PartWriter

    rows = [
        {"item": f"EP{n}A1/<script>.tif", "reason": "image_unreadable", "detail": "cut off & damaged", "sha256": None,
         "attempt": 1, "first_seen": NOW, "last_seen": NOW}
        for n in range(5)
    ]  # fmt: skip
    with PartWriter(lake.storage, "rejects", {"archive": "A", "step": "ocr"}) as writer:
        writer.write_rows(rows)
    lake.commit("rejects", "ocr", "A", 1, writer.parts)


def test_the_facts_are_those_of_the_tables(lake: Lake) -> None:
    found = night(lake, SETTINGS, NOW - timedelta(hours=24))
    by_name = {step.name: step for step in found.steps}
    assert list(by_name) == ["ocr", "link"]  # the extract was before
    ocr = by_name["ocr"]
    assert (ocr.runs, ocr.failed, ocr.rows_in, ocr.rows_out, ocr.rejects) == (1, 1, 20, 90, 2)
    assert ocr.items_per_second == pytest.approx(20 / 1800)
    assert ocr.cost == pytest.approx(0.5 * (4 * 1.0 + 10.0))
    assert ocr.cost_per_1000_figures == pytest.approx(7.0 * 1000 / 4)
    assert [(run.step, run.archive) for run in found.failures] == [("link", "A")]  # that of ocr was made good
    assert (found.rejects[0].count, len(found.rejects[0].examples)) == (5, 3)
    assert found.archives["A"]["figures"] == found.figures == 4
    assert night(lake, SETTINGS, NOW + timedelta(hours=1)).rejects == []  # they stand, and are not of that night
    assert {step.name for step in night(lake, SETTINGS).steps} == {"extract", "ocr", "link"}


def test_the_page_holds_them_and_escapes_what_archives_say(lake: Lake) -> None:
    text = page(night(lake, SETTINGS))
    tree = html.fromstring(text)
    shown = tree.text_content()
    for part in (
        "link of A",
        "no <b>luck</b>",
        "EP0A1/<script>.tif: cut off & damaged",
        "image_unreadable",
        "1,750.00",
    ):
        assert part in shown, part
    assert not tree.xpath("//script | //b[text()='luck'] | //*[@src] | //link")  # nothing is run, nothing is fetched
    assert len(tree.xpath("//h2")) == 8
    assert not tree.xpath("//table[not(parent::div[@class='wide'])]")  # on narrow screens they scroll


def test_how_busy_accelerators_were_is_a_mean_over_the_time_of_the_runs_that_know_it(lake: Lake) -> None:
    record(lake, Run("B", "ocr", 1, "f", "done", at=NOW, seconds=600.0, detail={"accelerator_utilisation": 0.65}))
    record(lake, Run("C", "ocr", 1, "f", "done", at=NOW, seconds=9000.0))
    found = night(lake, SETTINGS)
    busy = {step.name: step.utilisation for step in found.steps}
    assert busy == {"extract": None, "ocr": pytest.approx((0.05 * 1800 + 0.65 * 600) / 2400), "link": None}
    assert "<td class=n>20%</td>" in page(found)


def test_a_step_costs_what_it_cost_for_the_figures_of_the_archives_it_came_to(lake: Lake) -> None:
    add_archive(lake, "C", {"EP9A1": {f"{n}": (None, None) for n in range(12)}}, date(2019, 1, 1))
    record(lake, Run("C", "link", 1, "f", "done", at=NOW, seconds=1.0))
    assert {step.name: step for step in night(lake, SETTINGS).steps}["ocr"].cost_per_1000_figures == pytest.approx(
        7.0 * 1000 / 4
    )


def test_the_slowest_documents_are_those_whose_sheets_took_longest(lake: Lake) -> None:
    record(
        lake, Run("B", "ocr", 1, "f", "done", at=NOW, seconds=9.0, detail={"slowest": [["EP7A1", 6.5], ["EP8A1", 2]]})
    )
    record(lake, Run("C", "ocr", 1, "f", "done", at=NOW, seconds=9.0, detail={"slowest": [["EP9A1", 4.0]]}))
    found = night(lake, SETTINGS)
    assert found.slowest_documents == [("EP7A1", "B", 6.5), ("EP9A1", "C", 4.0), ("EP8A1", "B", 2)]
    assert "EP7A1" in html.fromstring(page(found)).text_content()


def test_what_was_not_checked_is_not_said_to_hold(lake: Lake) -> None:
    assert "None was checked." not in page(night(lake, SETTINGS))
    assert "None was checked." in page(night(lake, SETTINGS, datetime.now(UTC) + timedelta(hours=1)))


def test_an_empty_lake_has_a_page_too(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path / "lake")
    record(lake, Run("A", "extract", 1, "f", "started", at=NOW))
    shown = html.fromstring(page(night(lake, SETTINGS))).text_content()
    assert "Nothing ran." in shown
    assert "Nothing is published yet." in shown


def test_the_command_writes_the_page(lake: Lake, tmp_path: Path) -> None:
    out = tmp_path / "pages" / "night.html"
    done = CliRunner().invoke(app, ["report", "--out", str(out), "--lake", lake.storage.root])
    assert done.exit_code == 0, done.output
    assert out.read_text().startswith("<!doctype html>")
    refused = CliRunner().invoke(app, ["report", "--since", "soon", "--lake", lake.storage.root])
    assert (refused.exit_code, "no moment" in refused.output) == (2, True)


def test_since_names_a_moment() -> None:
    assert moment("24h", NOW) == NOW - timedelta(hours=24)
    assert moment("7d", NOW) == NOW - timedelta(days=7)
    assert moment("2026-11-20T03:00", NOW) == NOW
    with pytest.raises(UsageError):
        moment("yesterday")


def test_metrics_say_what_stands(lake: Lake) -> None:
    know(lake, "A", "1")
    found = {(name, *sorted(labels.values())): value for name, labels, value in samples(lake, SETTINGS)}
    assert found["figlake_table_rows", "figures"] == 4
    assert found["figlake_rejects", "image_unreadable", "ocr"] == 5
    assert found["figlake_step_failed", "link"] == 1
    assert found["figlake_step_failed", "ocr"] == 0
    assert found["figlake_step_items_per_second", "ocr"] == pytest.approx(20 / 1800)
    assert found["figlake_step_accelerators", "ocr"] == 1
    assert found["figlake_accelerator_utilisation_ratio", "ocr"] == 0.05
    assert found["figlake_accelerator_idle_ratio", "ocr"] == 0.9
    assert ("figlake_accelerator_utilisation_ratio", "extract") not in found  # not known is not 0
    assert found["figlake_release_figures",] == 4
    assert {name for name, *_ in found} <= set(METRICS)
    for name, labels, _ in samples(lake, SETTINGS):
        assert tuple(labels) == METRICS[name][1]


def test_a_scrape_opens_each_table_once_however_many_archives_there_are(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def counting(uri: str, **options: Any) -> DeltaTable:
        opened.append(uri)
        return DeltaTable(uri, **options)

    monkeypatch.setattr("pipeline.lake.DeltaTable", counting)
    counts = []
    for archives in (1, 30):
        for number in range(archives):
            know(lake, f"A{number}", "1")
        opened.clear()
        found = {(name, labels.get("step")): value for name, labels, value in samples(lake, SETTINGS)}
        assert found["figlake_pending_tasks", "extract"] == archives
        counts.append(len(opened))
    assert counts[0] == counts[1] <= len(TABLES) + 2


def test_failures_that_nothing_asks_for_any_more_are_not_counted(lake: Lake) -> None:
    know(lake, "A", "1")
    step, settings = BY_NAME["classify"], small_settings()

    def standing() -> tuple[float, float, list[str]]:
        found = {(name, labels.get("step")): value for name, labels, value in samples(lake, settings)}
        page_of = night(lake, settings)
        return (
            found["figlake_step_failed", "classify"], found["figlake_step_unended", "classify"],
            [run.step for run in (*page_of.failures, *page_of.unended) if run.step == "classify"],
        )  # fmt: skip

    task = plan(lake, settings, step, "A")
    generation = 5 << RANDOM_BITS
    for table in ("facets", "rejects"):
        lake.commit(table, "classify", "A", generation, [])
    record(lake, Run("A", "classify", generation, task.fingerprint, "done", at=NOW))
    # Run again by hand it fails; what stands is good all the same.
    record(lake, Run("A", "classify", 9 << RANDOM_BITS, task.fingerprint, "failed", at=NOW + timedelta(hours=1)))
    assert standing() == (0, 0, [])
    # Settings changed: it failed under them, was begun anew, and killed, twice.
    record(lake, Run("A", "classify", 10 << RANDOM_BITS, "other", "failed", at=NOW + timedelta(hours=2)))
    settings = replace(settings, classify=replace(settings.classify, method="other"))
    assert standing() == (1, 0, ["classify"])
    for hours in (3, 5):
        record(
            lake, Run("A", "classify", (10 + hours) << RANDOM_BITS, "other", "started", at=NOW + timedelta(hours=hours))
        )
    assert standing() == (0, 1, ["classify"])
    since = {labels["step"]: value for name, labels, value in samples(lake, settings)
             if name == "figlake_step_unended_since_timestamp_seconds"}  # fmt: skip
    assert since == {"classify": (NOW + timedelta(hours=3)).timestamp()}
    assert "Begun and not ended" in page(night(lake, settings))


def test_the_longest_run_of_a_day_stands_for_a_step_not_the_last(lake: Lake) -> None:
    record(lake, Run("B", "ocr", 2, "f", "done", at=NOW, rows_in=1, rows_out={}, rejects=0, seconds=3.0))
    found = {(name, labels.get("step")): value for name, labels, value in samples(lake, SETTINGS)}
    assert found["figlake_step_seconds", "ocr"] == 1800
    assert found["figlake_accelerator_utilisation_ratio", "ocr"] == 0.05
    assert found["figlake_step_last_done_timestamp_seconds", "ocr"] == NOW.timestamp()


def test_a_service_gives_what_it_read_last_while_the_lake_cannot_be_read(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    collector = LakeCollector(lake, SETTINGS)
    collector.read_on(told.append, every_s=0.05)

    def read_at() -> float:
        (family,) = [one for one in collector.collect() if one.name == "figlake_read_timestamp_seconds"]
        return float(family.samples[0].value)

    first = read_at()
    wait(lambda: read_at() > first)

    def refuses(*_: Any) -> Any:
        raise OSError("503 Slow Down from https://user:pass@store/bucket")

    monkeypatch.setattr("pipeline.report.metrics.samples", refuses)
    wait(lambda: bool(told))
    before = read_at()
    time.sleep(0.3)
    assert read_at() == before
    assert told == ["OSError: 503 Slow Down from https://***@store/bucket"]  # once


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_prometheus_scrapes_a_real_server_that_writes_nothing_and_needs_no_models(lake: Lake) -> None:
    def files() -> set[tuple[Path, int]]:
        return {(path, path.stat().st_mtime_ns) for path in Path(lake.storage.root).rglob("*")}

    deployment = next(yaml.safe_load_all((ROOT / "infra/kubernetes/metrics.yaml").read_text()))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    environment = {**os.environ, "FIGLAKE_PROFILE": "cluster", "FIGLAKE_MODELS": "/nowhere", "HF_HUB_OFFLINE": "1"}
    before = files()
    command = [sys.executable, "-m", "jobs.cli", "metrics", "--serve", "0", "--lake", lake.storage.root]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        url = re.search(r"http://\S+/metrics", said)
        assert url, said
        for _ in range(2):
            with urllib.request.urlopen(url[0], timeout=60) as answer:
                text = answer.read().decode()
            assert 'figlake_table_rows{table="figures"} 4.0' in text
            assert "# HELP figlake_rejects Items that stand rejected." in text
            assert "figlake_read_timestamp_seconds" in text
        assert files() == before
        probe = url[0].replace("/metrics", container["livenessProbe"]["httpGet"]["path"])
        with urllib.request.urlopen(probe, timeout=60) as answer:
            assert (answer.status, answer.read()) == (200, b"")  # no table was read
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()


def named_metrics(text: str) -> set[str]:
    return set(re.findall(r"figlake_[a-z0-9_]+", text))


def test_dashboard_and_alerts_name_only_what_is_exported() -> None:
    dashboard = json.loads((ROOT / "infra/grafana/figlake.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((ROOT / "infra/prometheus/alerts.yml").read_text())
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    used = set().union(*(named_metrics(text) for text in (*expressions, *(rule["expr"] for rule in alerts))))
    assert used <= set(METRICS)
    assert set(METRICS) <= set().union(*(named_metrics(text) for text in expressions))  # all are shown somewhere
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for rule in alerts:
        assert rule["for"] and rule["labels"]["severity"] in ("page", "ticket")
        assert {"summary", "action"} <= set(rule["annotations"])
    scraped = yaml.safe_load((ROOT / "infra/prometheus/prometheus.yml").read_text())
    assert scraped["rule_files"] == ["alerts.yml"]
