"""A step as a job of a real Ray cluster, started and ended as Airflow's tasks do it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.lake import Lake
from tests.airflow.conftest import DAGS
from tests.e2e.clusters import FIGLAKE, ROOT, Nodes, free_port

sys.path.insert(0, str(DAGS))
from figlake_runners import RUN_ID, Process, Runner

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
RUN = "0190d2c5-7b1e-7000-8000-000000000000"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    found = Nodes(tmp_path_factory.mktemp("nodes"), {"PYTHONPATH": str(ROOT)}, dashboard=free_port())
    found.add()
    yield found
    for node in found.groups:
        found.kill(node)


def runner(nodes: Nodes, command: str = str(Path(sys.executable).with_name("figlake"))) -> Runner:
    return Runner("cluster", command, "", "", f"http://127.0.0.1:{nodes.dashboard[-1]}")


def submit(nodes: Nodes, by: Runner, arguments: list[str], job: str, folder: Path) -> tuple[int, list[str]]:
    command = by.start("ray", arguments, job, {RUN_ID: RUN})
    code, lines = Process(nodes.environment).run(command, str(folder), print)
    return by.outcome("ray", code, lines), by.said("ray", lines)


def test_a_step_is_done_as_a_job_and_belongs_to_its_run(nodes: Nodes, tmp_path: Path) -> None:
    lake = ["--lake", str(tmp_path / "lake")]
    for words in (["synth", "--out", str(tmp_path / "week"), "--documents", "2", "--seed", "3"],
                  ["run", "--archives", str(tmp_path / "week"), *lake, "--to", "extract"]):  # fmt: skip
        done = subprocess.run([*FIGLAKE, *words], cwd=ROOT, text=True, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr
    archive = next(file.partition["archive"] for file in Lake.at(tmp_path / "lake").files("sheets"))
    asked = ["step", "ocr", "--archive", archive, *lake, "--set", "ray.address=auto"]
    asked += ["--set", f"observe.logs={tmp_path}/log"]
    code, said = submit(nodes, runner(nodes), asked, "night-ocr-1", tmp_path)
    assert code == 0, "\n".join(said)
    found = Lake.at(tmp_path / "lake")
    assert sum(file.rows for file in found.files("regions")) > 0
    log = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {line["run"] for line in log} == {RUN}
    code, said = submit(nodes, runner(nodes), asked, "night-ocr-2", tmp_path)
    assert (code, said[-1]) == (0, f"nothing to do: ocr of {archive} is up to date")


def test_the_exit_code_of_the_command_arrives(nodes: Nodes, tmp_path: Path) -> None:
    code, said = submit(nodes, runner(nodes), ["step", "ocr", "--lake", str(tmp_path)], "night-ocr-3", tmp_path)
    assert code == 2, "\n".join(said)
    assert said[-1].startswith("error: "), said


def test_a_job_that_is_stopped_is_not_done(nodes: Nodes, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    endless = runner(nodes, f"""{sys.executable} -c "import time; open('{begun}', 'w'); time.sleep(600)" """)

    def stop() -> None:
        end = time.monotonic() + 120
        while not begun.exists() and time.monotonic() < end:
            time.sleep(0.2)
        command = endless.stop("ray", "night-ocr-4")
        assert command is not None
        subprocess.run(command, env=nodes.environment, check=True, capture_output=True, timeout=60)

    thread = threading.Thread(target=stop)
    thread.start()
    code, said = submit(nodes, endless, [], "night-ocr-4", tmp_path)
    thread.join()
    assert begun.exists()
    assert (code, said[-1]) == (1, "Job 'night-ocr-4' was stopped"), said
