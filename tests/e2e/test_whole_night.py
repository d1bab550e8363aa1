"""A whole night on clusters: Spark's master and two workers, two nodes of Ray, archives and lake in an object store.

An executor gets SIGKILL during extract, a worker of Ray and then its node during OCR; the night ends with a release and
the tables of a night on one machine and its disk.
"""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.flow import STEPS
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.publishing import pointer
from pipeline.storage import Storage
from tests.e2e.clusters import FIGLAKE, ROOT, Nodes, Standalone, wait_for, workers_of
from tests.equality import assert_equal
from tests.object_store import object_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SMALL = ["--set", "spark.driver_memory_mb=512", "--set", "ray.object_store_mb=200", "--set", "extract.shard_packages=1",
         "--set", "publish.recall_at_10=0.5"]  # fmt: skip


def figlake(*arguments: str) -> None:
    done = subprocess.run([*FIGLAKE, *arguments], cwd=ROOT, text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr


def is_at_work(lake: Lake, step: str) -> bool:
    """Whether a step has been started and is not done."""
    states = {run.state for run in Ledger.read(lake).runs if run.step == step}
    return "started" in states and "done" not in states


def test_a_night_on_clusters_with_kills_makes_the_tables_of_a_night_on_one_machine(tmp_path: Path) -> None:
    figlake("synth", "--out", str(tmp_path / "week"), "--documents", "4", "--seed", "3")
    (archive,) = (tmp_path / "week").glob("*.zip")
    figlake("run", "--archives", str(archive), "--lake", str(tmp_path / "undisturbed"), *SMALL)
    with object_store() as options:
        Storage.at("s3://figlake/week", options).write_bytes(archive.read_bytes(), archive.name)
        spark = Standalone(tmp_path, options)
        nodes = Nodes(tmp_path, options)
        try:
            nodes.add()
            second = nodes.add()
            clusters = ["--set", f"spark.master={spark.address}", "--set", f"ray.address={nodes.address}"]
            run = subprocess.Popen(
                [*FIGLAKE, "run", "--archives", "s3://figlake/week", "--lake", "s3://figlake/lake", *SMALL, *clusters],
                cwd=ROOT, env={**nodes.environment, "SPARK_LOCAL_IP": "127.0.0.1"}, text=True, stderr=subprocess.PIPE,
            )  # fmt: skip
            lake = Lake.at("s3://figlake/lake", options)
            wait_for(lambda: spark.executors() if is_at_work(lake, "extract") else [], 240, run)[0].kill()
            killed = {"extract": datetime.now(UTC)}
            wait_for(lambda: workers_of(second) if is_at_work(lake, "ocr") else [], 240, run)[0].kill()
            time.sleep(3)
            nodes.kill(second)
            killed["ocr"] = datetime.now(UTC)
            _, said = run.communicate(timeout=900)
            assert run.returncode == 0, said
        finally:
            for node in nodes.groups:
                nodes.kill(node)
            spark.stop()
        assert_equal(Lake.at(tmp_path / "undisturbed"), lake)
        done = [run for run in Ledger.read(lake).runs if run.state == "done"]
        assert [run.step for run in done] == [step.name for step in STEPS], "each step counts once, whatever was killed"
        ended = {run.step: run.at for run in done}
        assert all(ended[step] > at for step, at in killed.items()), "a step was done before anything was killed in it"
        assert pointer.current(lake)
