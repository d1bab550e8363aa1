"""A real Airflow 3 in an environment of its own, with home and database in a temporary folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DAGS = ROOT / "airflow_dags"
PYTHON = ROOT / ".venv-airflow" / "bin" / "python"
FIGLAKE = Path(sys.executable).parent / "figlake"
#: The same of this checkout, wherever the environment was installed from: a task hides Airflow's PYTHONPATH from it.
COMMAND = f"env PYTHONPATH={ROOT} {FIGLAKE}"

#: What `ray job submit` says last.
SUCCEEDED = """printf "2026-11-29 16:28:41,729\\tSUCC cli.py:67 -- Job 'x' succeeded\\n\\n"\n"""

#: A run of two documents took 260 s on two busy cores.
RUN_SECONDS = 1000

Start = Callable[..., subprocess.Popen[str]]
Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    missing = pytest.mark.skipif(
        not PYTHON.exists(), reason="the Airflow environment is not here; `make airflow` makes it"
    )
    for item in items:
        if here in item.path.parents and "airflow" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
            item.add_marker(missing)


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of its processes: no examples, nothing sent anywhere, retries at once."""
    home = tmp_path_factory.mktemp("airflow")
    found = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    found |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_CONN_BDDS": '{"conn_type": "http", "login": "anna", "password": "s3cr3t-of-anna"}',
        # The checkout whose DAGs are tested, wherever the environment was installed from.
        "PYTHONPATH": str(ROOT),
    }
    subprocess.run([PYTHON, "-m", "airflow", "db", "migrate"], env=found, check=True, capture_output=True)
    return found


@pytest.fixture(scope="session")
def facts(airflow: dict[str, str]) -> dict[str, Any]:
    """What tests/airflow/dag_facts.py finds."""
    script = Path(__file__).with_name("dag_facts.py")
    done = subprocess.run([PYTHON, script, DAGS], env=airflow, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="session")
def dags_start(airflow: dict[str, str]) -> Start:
    """Start a DAG, as ``airflow dags test`` does: every task for real, one after the other.

    Takes the DAG's name, a day of March 2026 that no other test uses (None: now), params, where what it prints goes,
    and Variables without their prefix; what has two underscores in its name is a variable of the environment.
    """

    def start(dag: str, day: int | None, params: dict[str, Any] | None, output: Any, **variables: str) -> Any:
        named = {
            name if "__" in name else f"AIRFLOW_VAR_FIGLAKE_{name.upper()}": value for name, value in variables.items()
        }
        date = f"2026-03-{day:02}" if day else "now"
        command = [PYTHON, ROOT / "tests" / "airflow" / "run_dag.py", dag, date, json.dumps(params or {})]
        return subprocess.Popen(command, env=airflow | named, stdout=output, stderr=subprocess.STDOUT, text=True)

    return start


@pytest.fixture(scope="session")
def dags_test(dags_start: Start) -> Run:
    """Run a DAG to its end; takes the same but where what it prints goes."""

    def run(dag: str, day: int | None, params: dict[str, Any] | None = None, **variables: str) -> Any:
        with dags_start(dag, day, params, subprocess.PIPE, **variables) as process:
            try:
                said, _ = process.communicate(timeout=RUN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
                pytest.fail(f"{dag} was not done after {RUN_SECONDS} s: {said[-5000:]}")
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, said)

    return run


@pytest.fixture
def stub(tmp_path: Path) -> Callable[[str], tuple[str, Path]]:
    """A command that stands in for figlake's environment and notes how it was called."""

    def make(cases: str) -> tuple[str, Path]:
        calls, program = tmp_path / "calls", tmp_path / "figlake"
        program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\ncase "$*" in\n{cases}\nesac\n')
        program.chmod(0o755)
        for name in ("spark-submit", "ray"):  # taken from beside figlake
            (tmp_path / name).write_text(
                f'#!/bin/sh\necho "{name} $@" >> {calls}\ncase "$*" in\n{cases}\nesac\n{SUCCEEDED}'
            )
            (tmp_path / name).chmod(0o755)
        return str(program), calls

    return make


@pytest.fixture(scope="session")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One synthetic archive of two documents; copied by those who change it."""
    folder = tmp_path_factory.mktemp("deliveries")
    subprocess.run([FIGLAKE, "synth", "--out", folder, "--documents", "2", "--seed", "5"], check=True)
    return folder


@dataclass(frozen=True)
class Night:
    """A real night: the lake it made, where it fetched from and to, and the process."""

    lake: Path
    deliveries: Path
    lineage: Path
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def night(dags_test: Run, deliveries: Path, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Fetches and takes in one archive; the first try of link is killed, with all it started, after it began."""
    folder = tmp_path_factory.mktemp("night")
    lake, here, program = folder / "lake", folder / "here", folder / "figlake"
    log = lake / "tables" / "runs" / "_delta_log"
    program.write_text(f"""#!/bin/sh
case "$*" in *"step link"*)
    if [ ! -e {folder}/killed ]; then
        touch {folder}/killed
        before=$(ls {log} | wc -l)
        (while [ "$(ls {log} | wc -l)" = "$before" ]; do sleep 0.1; done; sleep 1; kill -9 -$$) &
    fi;;
esac
exec {COMMAND} "$@"
""")
    program.chmod(0o755)
    done = dags_test(
        "figlake_nightly", 7, {"wait_hours": 0},
        command=str(program), lake=str(lake), archives=str(here), source=str(deliveries),
        OPENLINEAGE__TRANSPORT__TYPE="file", OPENLINEAGE__TRANSPORT__APPEND="true",
        OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=str(folder / "lineage"),
    )  # fmt: skip
    return Night(lake, here, folder / "lineage", done)
