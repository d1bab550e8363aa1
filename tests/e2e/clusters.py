"""Clusters of real processes on one machine: Ray's nodes, and Spark's master with its workers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from pipeline.engines.java import find_java

ROOT = Path(__file__).resolve().parents[2]
RAY = Path(sys.executable).with_name("ray")
FIGLAKE = [sys.executable, "-m", "jobs.cli"]


class Nodes:
    """Nodes of one cluster, each with a processor, as process groups of their own; they know each other by a token."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None, dashboard: int | None = None) -> None:
        """``dashboard``: a port for the head's, which takes jobs."""
        self.folder = folder
        self.dashboard = ["--include-dashboard", "false"]
        if dashboard:
            self.dashboard = ["--include-dashboard", "true", "--dashboard-port", str(dashboard)]
        self.environment = {**os.environ, **(environment or {}), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64}
        self.address = f"127.0.0.1:{free_port()}"
        self.groups: list[subprocess.Popen[bytes]] = []

    def add(self) -> subprocess.Popen[bytes]:
        """Start a node, the first as head, and wait until it has joined."""
        head = ["--head", "--port", self.address.split(":")[1], *self.dashboard]
        command = [str(RAY), "start", *(["--address", self.address] if self.groups else head), "--num-cpus", "1",
                   "--block", "--object-store-memory", str(200 << 20), "--node-ip-address", "127.0.0.1",
                   "--dashboard-agent-listen-port", str(free_port()), "--disable-usage-stats"]  # fmt: skip
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


class Standalone:
    """Spark's own master and two workers with a processor each, started by the script of the images."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        import pyspark

        self.address, self.folder = f"spark://127.0.0.1:{free_port()}", folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ, **environment, "SPARK_HOME": str(Path(pyspark.__file__).parent),
            "JAVA_HOME": str(find_java()), "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        port = self.address.rpartition(":")[2]
        try:
            self._start("master", "--host", "127.0.0.1", "--port", port, "--webui-port", str(free_port()))
            for number in (1, 2):
                work = folder / f"work-{number}"
                work.mkdir()
                self._start(
                    "worker", "--host", "127.0.0.1", "--webui-port", str(free_port()), "--work-dir", str(work),
                    "--cores", "1", "--memory", "1g", self.address,
                )  # fmt: skip
            end = time.monotonic() + 90
            while (folder / "spark-0.log").read_text().count("Registering worker") < 2:
                assert time.monotonic() < end, (folder / "spark-0.log").read_text()
                time.sleep(0.3)
        except BaseException:
            self.stop()
            raise

    def _start(self, *words: str) -> None:
        with (self.folder / f"spark-{len(self.processes)}.log").open("wb") as log:
            command = [str(ROOT / "infra" / "images" / "spark.sh"), *words]
            self.processes.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def executors(self) -> list[psutil.Process]:
        """Those of both workers."""
        return [process for worker in self.processes[1:] for process in executors_below(worker.pid)]

    def stop(self) -> None:
        """End them, executors too."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def executors_below(ancestor: int) -> list[psutil.Process]:
    """The JVMs among a process's descendants that run Spark's tasks and have started Python to do so."""
    found = []
    for process in psutil.Process(ancestor).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # short-lived ones end while they are looked at
            is_executor = any("CoarseGrainedExecutorBackend" in word for word in process.cmdline())
            if is_executor and any("pyspark.worker" in child.cmdline() for child in process.children()):
                found.append(process)
    return found
