"""How a command is started and ended, without Airflow."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.airflow.conftest import DAGS

sys.path.insert(0, str(DAGS))
from figlake_runners import Process, Runner

CLUSTER = Runner("cluster", "/opt/figlake/bin/figlake", "--master spark://m:7077", "/opt/submit.py", "http://ray:8265")


def test_what_needs_no_engine_runs_here_even_with_a_cluster() -> None:
    assert CLUSTER.start("driver", ["step", "publish"], "job", {}) == ["/opt/figlake/bin/figlake", "step", "publish"]


def test_a_job_of_a_ray_cluster_is_stopped_by_the_name_it_was_given() -> None:
    start = CLUSTER.start("ray", ["step", "ocr"], "night-1", {"FIGLAKE_RUN_ID": "manual__1"})
    submit = ["/opt/figlake/bin/ray", "job", "submit", "--address", "http://ray:8265", "--submission-id", "night-1"]
    assert start[:7] == submit
    assert start[7:9] == ["--runtime-env-json", '{"env_vars": {"FIGLAKE_RUN_ID": "manual__1"}}']
    assert start[9:] == ["--", "/opt/figlake/bin/figlake", "step", "ocr"]
    stop = ["/opt/figlake/bin/ray", "job", "stop", "--address", "http://ray:8265", "night-1"]
    assert CLUSTER.stop("ray", "night-1") == stop
    assert CLUSTER.stop("spark", "night-1") is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (["", "Job 'night-1' succeeded", "------"], 0),
        (["Job 'night-1' submitted successfully", "Job 'night-1' was stopped"], 1),
        (["Job 'night-1' submitted successfully", "Status for job 'night-1': RUNNING"], 1),
    ],
)
def test_a_job_of_a_ray_cluster_is_done_only_when_ray_says_so(said: list[str], code: int) -> None:
    assert CLUSTER.outcome("ray", 0, said) == code
    assert CLUSTER.outcome("spark", 0, said) == CLUSTER.outcome("driver", 0, []) == 0
    assert CLUSTER.outcome("ray", 3, said) == 3


def test_of_a_job_that_ray_could_not_run_ray_has_the_last_word() -> None:
    ray = "2026-11-29 16:28:41,729\tERR cli.py:74 -- "
    failed = [f"{ray}Job 'n' failed", f"{ray}-----", f"{ray}\x1b[31mStatus message: no such node\x1b[39m", ""]
    assert CLUSTER.said("ray", failed)[-1] == "Status message: no such node"
    ended = ["error: no such lake", f"{ray}Status message: Job entrypoint command failed with exit code 2, last", ""]
    assert CLUSTER.said("ray", ended)[-1] == "error: no such lake"
    assert CLUSTER.said("spark", ["a", ""]) == ["a", ""]
    assert CLUSTER.said("ray", []) == [""]


def test_spark_is_submitted_with_the_python_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
    for name in ("airflow", "figlake"):  # as in the image: Airflow's environment is first on the path
        (tmp_path / name).mkdir()
        (tmp_path / name / "python3").symlink_to(sys.executable)
    program = tmp_path / "figlake" / "figlake"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/airflow:{tmp_path}/figlake")
    for command in ("figlake", str(program)):
        runner = Runner("cluster", command, "", "/opt/submit.py", "")
        assert runner.variables("spark") == {"PYSPARK_PYTHON": f"{tmp_path}/figlake/python3"}
        assert runner.variables("ray") == {}


def test_a_runner_that_there_is_not_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="figlake_runner is 'kubernetes'; it must be one of: shell, cluster"):
        Runner("kubernetes", "figlake", "", "", "").start("ray", [], "job", {})


def test_ending_a_process_ends_what_it_started(tmp_path: Path) -> None:
    process, said = Process(), []
    threading.Thread(target=lambda: (_until(lambda: bool(said)), process.end()), daemon=True).start()
    code, _ = process.run(["sh", "-c", f"(sleep 3; touch {tmp_path}/late) & echo up; wait"], str(tmp_path), said.append)
    assert code != 0
    time.sleep(3.5)
    assert not (tmp_path / "late").exists()


def test_a_process_ends_when_the_task_that_started_it_is_killed(tmp_path: Path) -> None:
    task = f"""
import sys
sys.path.insert(0, {str(DAGS)!r})
from figlake_runners import Process
Process().run(["sh", "-c", "touch begun; sleep 3; touch late"], {str(tmp_path)!r}, print)
"""
    killed = subprocess.Popen([sys.executable, "-c", task])
    _until((tmp_path / "begun").exists)
    killed.kill()
    killed.wait()
    time.sleep(3.5)
    assert [path.name for path in tmp_path.iterdir()] == ["begun"]


def test_the_exit_code_of_a_ray_job_is_the_one_of_its_command(tmp_path: Path) -> None:
    words = "Job entrypoint command failed with exit code 3, last available logs"
    code, lines = Process().run(["sh", "-c", f"echo '{words}'; exit 1"], str(tmp_path), lambda line: None)
    assert (code, lines[-1]) == (3, words)


def _until(ready: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not ready() and time.monotonic() < deadline:
        time.sleep(0.05)
