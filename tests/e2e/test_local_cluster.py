"""Spark with executors in processes of their own: the same rows as in one process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pipeline.lake import Lake
from tests.e2e.clusters import executors_below
from tests.equality import assert_equal
from tests.faults.archives import good_package, weekly

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]


def command(archive: Path, root: Path, *settings: str) -> list[str]:
    chosen = [part for setting in settings for part in ("--set", setting)]
    where = ["--archives", str(archive), "--lake", str(root), "--to", "extract"]
    return [sys.executable, "-m", "jobs.cli", "run", *where, *chosen]


def extract(archive: Path, root: Path, *settings: str) -> Lake:
    done = subprocess.run(command(archive, root, *settings), cwd=ROOT, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return Lake.at(root)


def test_real_executor_processes_give_the_same_rows(tmp_path: Path) -> None:
    archive = weekly(tmp_path / "week.zip", {f"EP30000{i:02}NWA1": good_package(f"30000{i:02}") for i in range(12)})
    small = "extract.shard_packages=2"  # six shards, so that both executors get work
    one = extract(archive, tmp_path / "one", small)
    many = extract(archive, tmp_path / "many", small, "spark.master=local-cluster[2,1,1024]")
    assert len(one.read("documents", ["doc_id"])) == 12
    assert_equal(one, many)


def test_an_executor_killed_during_the_extract_loses_nothing(tmp_path: Path) -> None:
    archive = weekly(tmp_path / "week.zip", {f"EP3000{i:03}NWA1": good_package(f"3000{i:03}") for i in range(120)})
    small = "extract.shard_packages=5"
    one = extract(archive, tmp_path / "one", small)
    many = ["spark.master=local-cluster[2,1,1024]", small]
    run = subprocess.Popen(command(archive, tmp_path / "many", *many), cwd=ROOT, text=True, stderr=subprocess.PIPE)
    victims: list[psutil.Process] = []
    while not victims:
        assert run.poll() is None, "the run ended before an executor could be killed"
        victims = executors_below(run.pid)
        time.sleep(0.1)
    victims[0].kill()
    _, said = run.communicate(timeout=300)
    assert run.returncode == 0, said
    lake = Lake.at(tmp_path / "many")
    assert len(lake.read("documents", ["doc_id"])) == 120
    assert_equal(one, lake)
