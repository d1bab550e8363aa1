"""A step joins a Ray cluster that is there already, and only with the cluster's token."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
RAY = Path(sys.executable).parent / "ray"
#: Joins the cluster as a step does, and has something computed there.
JOIN = """
from pipeline.config import load_settings
from pipeline.engines.ray import session
with session(load_settings()):
    import ray
    print(ray.get(ray.remote(lambda: 6 * 7).remote()), ray.cluster_resources()["CPU"])
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of one node that asks for the token ``right``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = 20000 + probe.getsockname()[1] % 5000  # above the ports that Ray gives its workers
    command = [RAY, "start", "--head", "--block", f"--port={port}", "--num-cpus=3", "--object-store-memory=100000000"]
    command += ["--disable-usage-stats", "--include-dashboard=false", f"--temp-dir={tmp_path_factory.mktemp('r')}"]
    with (tmp_path_factory.mktemp("log") / "ray.log").open("wb") as log:
        head = subprocess.Popen(command, env=told("right"), stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(300):
            if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
                break
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        head.send_signal(signal.SIGTERM)
        head.wait(60)


def told(token: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**kept, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "PYTHONPATH": str(ROOT)}


def join(address: str, token: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**told(token), "FIGLAKE_RAY__ADDRESS": address, **settings}
    del environment["RAY_AUTH_MODE"]  # nobody has to say it: a token is there
    return subprocess.run(
        [sys.executable, "-c", JOIN], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_a_step_with_the_clusters_token_works_there(address: str) -> None:
    done = join(address, "right")
    assert done.stdout.split() == ["42", "3.0"], done.stderr


@pytest.mark.slow
def test_a_step_with_another_token_is_told_what_it_lacks(address: str) -> None:
    done = join(address, "wrong")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f"FiglakeError: cannot join the Ray cluster at '{address}' (ray.address)" in last
    assert last.endswith("that its nodes have in RAY_AUTH_TOKEN")


@pytest.mark.slow
def test_a_step_for_gpus_does_not_run_on_processors_of_a_cluster_that_has_lost_them(address: str) -> None:
    done = join(address, "right", FIGLAKE_RAY__GPUS_PER_ACTOR="1", FIGLAKE_RAY__GPUS_WAIT_S="2")
    assert done.returncode == 1
    assert f"the Ray cluster at '{address}' has had no GPU for 2 s" in done.stderr.strip().splitlines()[-1]
