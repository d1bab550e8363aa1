"""SIGKILL to the whole process group during each step; the next run ends where an undisturbed one does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.flow import STEPS
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from tests.equality import assert_equal
from tests.faults import small_disk

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
FIGLAKE = [sys.executable, "-m", "jobs.cli"]
SMALL = ["--set", "ray.object_store_mb=200", "--set", "spark.driver_memory_mb=512", "--set", "publish.recall_at_10=0.5"]


def figlake(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*FIGLAKE, *arguments], cwd=ROOT, text=True, capture_output=True, timeout=600)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archives")
    done = figlake("synth", "--out", str(folder), "--documents", "3", "--seed", "5")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def undisturbed(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root = tmp_path_factory.mktemp("undisturbed")
    done = figlake("run", "--archives", str(archives), "--lake", str(root), *SMALL)
    assert done.returncode == 0, done.stderr
    return Lake.at(root)


def kill_during(step: str, lake: Lake, arguments: list[str], rng: random.Random) -> bool:
    """Start a run, wait for the step to be under way, and kill everything; True if it was still running."""
    before = {run.generation for run in Ledger.read(lake).runs if run.step == step}
    process = subprocess.Popen(
        [*FIGLAKE, *arguments], cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            started = [run for run in Ledger.read(lake).runs if run.step == step and run.generation not in before]
            if started:
                break
            time.sleep(0.05)
        time.sleep(rng.uniform(0.0, 1.0))
        return process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
        process.wait()


def test_a_run_killed_in_every_step_ends_equal_to_an_undisturbed_one(
    archives: Path, undisturbed: Lake, tmp_path: Path
) -> None:
    rng, lake, hit = random.Random(20190213), Lake.at(tmp_path / "lake"), []
    for step in STEPS:
        arguments = ["run", "--archives", str(archives), "--lake", lake.storage.root, "--to", step.name, *SMALL]
        if kill_during(step.name, lake, arguments, rng):
            hit.append(step.name)
        done = figlake(*arguments)
        assert done.returncode == 0, f"after a kill in {step.name}: {done.stderr}"
    assert_equal(undisturbed, lake)
    # Short steps may finish before the signal lands; most must have been hit for this to mean anything.
    assert len(hit) >= 6, f"only {hit} were killed while running"
    again = figlake("run", "--archives", str(archives), "--lake", lake.storage.root, *SMALL)
    assert "nothing to do" in again.stdout


def test_a_disk_that_fills_under_the_workers_is_named_in_one_line_and_the_next_run_goes_on(
    archives: Path, undisturbed: Lake, tmp_path: Path
) -> None:
    if not small_disk.permitted():
        pytest.skip("no mount namespace may be made here (unshare --mount): a disk that fills is NOT tried")
    done = small_disk.unshared(
        "tests.faults.filling_disk", str(archives), undisturbed.storage.root, str(tmp_path), *SMALL
    )
    assert done.returncode == 0, done.stdout + done.stderr
