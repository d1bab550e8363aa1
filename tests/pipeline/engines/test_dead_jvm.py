"""A JVM that is killed costs the archive at hand: the session ends in peace, and the next one works."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from pipeline import worker
from pipeline.config import load_settings
from pipeline.engines import spark as spark_engine
from pipeline.lake import Lake
from pipeline.runner import StepReport

pytestmark = pytest.mark.slow


def test_the_next_archive_gets_a_session_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    counted = []

    def run_one(lake: Lake, settings: Any, name: str, archive: str, spark: Any, *_: Any) -> StepReport:
        """Counts in Spark; before the second archive its JVM is killed."""
        if archive == "B":
            os.kill(spark.sparkContext._gateway.proc.pid, signal.SIGKILL)
        try:
            counted.append((archive, spark.range(7).count()))
        except Exception as error:
            return StepReport(name, archive, "failed", error=str(error))
        return StepReport(name, archive, "done")

    reports = []
    monkeypatch.setattr(worker, "_run_one", run_one)
    monkeypatch.setattr(worker, "archives_for", lambda lake, step, archives, failed, alone: archives)
    settings = load_settings(environment={}, overrides=["spark.master=local[1]"])
    worker.run_group(Lake.at(tmp_path), settings, ["link"], ["A", "B", "C"], reports.append)
    assert counted == [("A", 7), ("C", 7)]
    assert [report["state"] for report in reports] == ["done", "failed", "done"]


def test_a_jvm_that_does_not_end_by_itself_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_engine, "_PATIENCE_S", 1)
    with spark_engine.session(load_settings(environment={}, overrides=["spark.master=local[1]"])) as spark:
        jvm = spark.sparkContext._gateway.proc
        os.kill(jvm.pid, signal.SIGSTOP)
        monkeypatch.setattr(spark, "stop", lambda: None)  # it would wait for an answer
        monkeypatch.setattr(spark.sparkContext._gateway, "shutdown", lambda: None)
    assert jvm.returncode == -signal.SIGKILL
