"""Spark with executors in processes of their own: the same rows as in one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.lake import Lake
from tests.equality import assert_equal
from tests.faults.archives import good_package, weekly

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]


def extract(archive: Path, root: Path, *settings: str) -> Lake:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "jobs.cli",
            "run",
            "--archives",
            str(archive),
            "--lake",
            str(root),
            "--to",
            "extract",
            *(part for setting in settings for part in ("--set", setting)),
        ],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return Lake.at(root)


def test_real_executor_processes_give_the_same_rows(tmp_path: Path) -> None:
    archive = weekly(tmp_path / "week.zip", {f"EP30000{i:02}NWA1": good_package(f"30000{i:02}") for i in range(12)})
    small = "extract.shard_packages=2"  # six shards, so that both executors get work
    one = extract(archive, tmp_path / "one", small)
    many = extract(archive, tmp_path / "many", small, "spark.master=local-cluster[2,1,1024]")
    assert len(one.read("documents", ["doc_id"])) == 12
    assert_equal(one, many)
