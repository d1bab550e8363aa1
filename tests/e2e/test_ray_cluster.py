"""Two nodes of a Ray cluster: a worker is killed and then a node, during OCR; the run finishes with the same tables."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.lake import Lake
from tests.equality import assert_equal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
RAY = Path(sys.executable).with_name("ray")
FIGLAKE = [sys.executable, "-m", "jobs.cli"]
SMALL = ["--set", "spark.driver_memory_mb=512", "--set", "ray.object_store_mb=200", "--to", "ocr"]


def figlake(*arguments: str) -> None:
    done = subprocess.run([*FIGLAKE, *arguments], cwd=ROOT, text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr


class Nodes:
    """Nodes of one cluster, each with a processor, as process groups of their own; they know each other by a token."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.groups: list[subprocess.Popen[bytes]] = []

    def add(self) -> subprocess.Popen[bytes]:
        """Start a node, the first as head, and wait until it has joined."""
        head = ["--head", "--port", self.address.split(":")[1], "--include-dashboard", "false"]
        command = [str(RAY), "start", *(["--address", self.address] if self.groups else head), "--num-cpus", "1",
                   "--block", "--object-store-memory", str(200 << 20), "--node-ip-address", "127.0.0.1",
                   "--disable-usage-stats"]  # fmt: skip
        log = self.folder / f"node-{len(self.groups)}.log"
        with log.open("wb") as stream:
            node = subprocess.Popen(
                command, env=self.environment, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.groups.append(node)
        end = time.monotonic() + 60
        while b"Ray runtime started" not in log.read_bytes():
            assert node.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        return node

    @staticmethod
    def kill(node: subprocess.Popen[bytes]) -> None:
        """SIGKILL to all processes of the node."""
        children = psutil.Process(node.pid).children(recursive=True) if node.poll() is None else []
        for process in children:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        node.kill()
        node.wait()


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    found = Nodes(tmp_path)
    yield found
    for node in found.groups:
        found.kill(node)


def workers_of(node: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Processes of a node that read sheets. Its agents are named ray:: too, and the node does not outlive them."""
    found = psutil.Process(node.pid).children(recursive=True)
    return [child for child in found if child.cmdline() and "MapWorker" in child.cmdline()[0]]


def wait_for(condition: Any, seconds: float, process: subprocess.Popen[str]) -> Any:
    """What the condition gives once it is true; the run must not end before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        assert process.poll() is None, "the run ended before anything could be killed"
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s")


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
