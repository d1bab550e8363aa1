"""Two nodes of a Ray cluster: a worker is killed and then a node, during OCR; the run finishes with the same tables."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.lake import Lake
from tests.e2e.clusters import FIGLAKE, ROOT, Nodes, wait_for, workers_of
from tests.equality import assert_equal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SMALL = ["--set", "spark.driver_memory_mb=512", "--set", "ray.object_store_mb=200", "--to", "ocr"]


def figlake(*arguments: str) -> None:
    done = subprocess.run([*FIGLAKE, *arguments], cwd=ROOT, text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    found = Nodes(tmp_path)
    yield found
    for node in found.groups:
        found.kill(node)


def test_a_killed_worker_and_a_killed_node_lose_nothing(nodes: Nodes, tmp_path: Path) -> None:
    figlake("synth", "--out", str(tmp_path / "week"), "--documents", "6", "--seed", "3")
    figlake("run", "--archives", str(tmp_path / "week"), "--lake", str(tmp_path / "undisturbed"), *SMALL)
    nodes.add()
    second = nodes.add()
    root = tmp_path / "lake"
    arguments = ["run", "--archives", str(tmp_path / "week"), "--lake", str(root), *SMALL]
    process = subprocess.Popen(
        [*FIGLAKE, *arguments, "--set", f"ray.address={nodes.address}"], cwd=ROOT, env=nodes.environment, text=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    victim = wait_for(lambda: workers_of(second), 240, process)[0]
    victim.kill()
    time.sleep(3)
    assert process.poll() is None, "the run ended before the node could be killed"
    nodes.kill(second)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert_equal(Lake.at(tmp_path / "undisturbed"), Lake.at(root))
