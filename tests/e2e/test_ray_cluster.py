"""Two nodes of a Ray cluster: a worker is killed and then a node, during OCR; the run finishes with the same tables."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.lake import Lake
from pipeline.ledger import Ledger
from tests.equality import assert_equal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
FIGLAKE = [sys.executable, "-m", "jobs.cli"]
SMALL = ["--set", "spark.driver_memory_mb=512", "--set", "ray.object_store_mb=200", "--to", "ocr"]


def figlake(*arguments: str) -> None:
    done = subprocess.run([*FIGLAKE, *arguments], cwd=ROOT, text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head with one processor; nodes can be added and taken away."""
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 200 << 20})
    yield found
    found.shutdown()


def workers_of(node: Any) -> list[psutil.Process]:
    """Processes of a node that run tasks or actors."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return [child for child in raylet.children() if child.cmdline() and child.cmdline()[0].startswith("ray::")]


def wait_for(condition: Any, seconds: float, process: subprocess.Popen[str]) -> Any:
    """What the condition gives once it is true; the run must not end before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        assert process.poll() is None, "the run ended before anything could be killed"
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s")


def test_a_killed_worker_and_a_killed_node_lose_nothing(cluster: Any, tmp_path: Path) -> None:
    figlake("synth", "--out", str(tmp_path / "week"), "--documents", "6", "--seed", "3")
    figlake("run", "--archives", str(tmp_path / "week"), "--lake", str(tmp_path / "undisturbed"), *SMALL)
    node = cluster.add_node(num_cpus=1, object_store_memory=200 << 20)
    cluster.wait_for_nodes()
    root = tmp_path / "lake"
    arguments = ["run", "--archives", str(tmp_path / "week"), "--lake", str(root), *SMALL]
    process = subprocess.Popen(
        [*FIGLAKE, *arguments, "--set", f"ray.address={cluster.address}"], cwd=ROOT, text=True, stderr=subprocess.PIPE
    )
    lake = Lake.at(root)
    wait_for(lambda: Ledger.read(lake).latest("ocr", started[0]) if (started := names(lake)) else None, 240, process)
    victims = wait_for(
        lambda: [w for w in workers_of(node) if "OCR" in w.cmdline()[0].upper() or busy(w)], 120, process
    )
    os.kill(victims[0].pid, signal.SIGKILL)
    time.sleep(2)
    assert process.poll() is None, "the run ended before the node could be killed"
    cluster.remove_node(node, allow_graceful=False)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert_equal(Lake.at(tmp_path / "undisturbed"), lake)


def names(lake: Lake) -> list[str]:
    return sorted({run.archive for run in Ledger.read(lake).runs if run.step == "ocr"})


def busy(process: psutil.Process) -> bool:
    """Whether it runs an actor or a task, not merely waits for one."""
    return "IDLE" not in process.cmdline()[0]
